"""From a campaign's name or path to its checked contents, one for each load."""

import copy
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.campaign.schema.campaign import MATRIX, Campaign
from harness.campaign.schema.limits import CELLS
from harness.campaign.schema.messages import schema_error, shown, value_error
from harness.errors import UserError, suggest
from harness.files import parse_toml, read_text, shortened

SHIPPED = Path(__file__).parent / "campaigns"

THIS_MACHINE = "this"
"""The machine that vtax runs on: a campaign that names it measures real targets."""

_VARIABLE = ("partitions", "vios", "workloads", "machines", "catalog")
_VARIABLE_SETTINGS = ("campaign.duration", "campaign.warm_up")


@dataclass(frozen=True)
class CampaignFile:
    """A campaign file as it was read, not yet checked."""

    source: str
    """What the user called it: a shipped name or a path."""
    path: Path
    text: str
    data: dict[str, Any]
    label: str = ""
    """What messages call it, instead of its own name."""

    @property
    def base(self) -> Path:
        """The folder that locustfiles and catalog files are relative to."""
        return self.path.parent

    @property
    def name(self) -> str:
        """What messages call it."""
        if self.label:
            return self.label
        return self.path.name if self.path.parent == SHIPPED else str(self.path)


@dataclass(frozen=True)
class Load:
    """The campaign with one combination of its further factors put in."""

    values: tuple[tuple[str, str], ...]
    """Factor and its value as text, in the order of the file."""
    campaign: Campaign


def shipped_campaigns() -> list[str]:
    """Return the names of the campaigns that come with vtax, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def read_campaign(source: str) -> CampaignFile:
    """Read a campaign file by its shipped name or its path.

    Raises
    ------
    UserError
        If there is none, or it is not TOML.
    """
    path = Path(source)
    if source in shipped_campaigns() and not path.is_file():
        path = SHIPPED / f"{source}.toml"
    elif not path.suffix and len(path.parts) == 1 and not os.path.exists(path):  # noqa: PTH110
        known = suggest(source, shipped_campaigns(), "campaign")
        raise UserError(f"{shortened(source)}: {known}; or a path")
    text = read_text(path)
    return CampaignFile(source, path, text, parse_toml(text, str(path)))


def read_loads(file: CampaignFile) -> list[Load]:
    """Check a file and put in every combination of the factors beyond the matrix.

    A campaign of scenarios alone has no matrix: it gets placeholders for factors and partitions. So
    does a campaign on real targets for its partitions.

    Returns
    -------
    list[Load]
        At least one; in the order of the product, the last factor varying fastest.

    Raises
    ------
    UserError
        One line about the first thing that is wrong.
    """
    data = copy.deepcopy(file.data)
    if not has_matrix(file):
        if "claim" in data:
            raise UserError(f"{file.name}: claim: needs factors, whose cells it is about")
        data.setdefault("factors", {"machine": ["none"], "virtualization": ["none"]})
        data.setdefault("partitions", [{"name": "none", "cores": 1}])
    if is_real(file):
        data.setdefault("partitions", [{"name": "target", "cores": 1}])
    factors = data.get("factors")
    if isinstance(factors, dict):
        data["factors"] = _flattened(file, factors)
    campaign = _checked(file, data)
    names = list(campaign.factors.loads)
    _check_cells(file, campaign)
    if not names:
        return [Load((), campaign)]
    loads = []
    for values in product(*campaign.factors.loads.values()):
        varied = copy.deepcopy(data)
        for name, value in zip(names, values, strict=True):
            _put(file, varied, name, value)
        written = [shown(value) if isinstance(value, bool) else str(value) for value in values]
        texts = tuple(zip(names, written, strict=True))
        loads.append(Load(texts, _checked(file, varied)))
    return loads


def _check_cells(file: CampaignFile, campaign: Campaign) -> None:
    """Count the cells before any is made."""
    factors = campaign.factors
    lists: list[list[Any]] = [*factors.matrix.values(), *factors.loads.values()]
    cells = prod(len(values) for values in lists)
    if cells > CELLS.most:
        raise UserError(
            f"{file.name}: factors: have {cells:,} combinations; a campaign has at most "
            f"{CELLS.most:,} cells"
        )


def has_matrix(file: CampaignFile) -> bool:
    """Return whether a campaign has cells besides its scenarios, or no scenarios."""
    settings = file.data.get("campaign")
    include = isinstance(settings, dict) and "include" in settings
    return "factors" in file.data or not ("scenario" in file.data or include)


def is_real(file: CampaignFile) -> bool:
    """Return whether a campaign measures real targets of this machine."""
    factors = file.data.get("factors")
    machines = factors.get("machine") if isinstance(factors, dict) else None
    return isinstance(machines, list) and THIS_MACHINE in machines


def included(file: CampaignFile, names: Sequence[str]) -> list[CampaignFile]:
    """Read the campaigns that another one includes.

    Raises
    ------
    UserError
        If one cannot be read, has no scenarios, is named twice or includes others itself.
    """
    files: list[CampaignFile] = []
    for name in names:
        where = name if name in shipped_campaigns() else str(file.base / name)
        key = f"{file.name}: campaign.include = {name!r}"
        if not Path(where).suffix and name not in shipped_campaigns():
            raise UserError(f"{key}: {suggest(name, shipped_campaigns(), 'campaign')}; or a path")
        found = read_campaign(where)
        if found.path in [other.path for other in files]:
            raise UserError(f"{key}: is named twice")
        settings = found.data.get("campaign")
        if isinstance(settings, dict) and settings.get("include"):
            raise UserError(f"{key}: includes others itself; include those")
        if "scenario" not in found.data:
            raise UserError(f"{key}: has no scenarios")
        files.append(found)
    return files


def _checked(file: CampaignFile, data: dict[str, Any]) -> Campaign:
    try:
        return Campaign.model_validate(data)
    except ValidationError as error:
        raise schema_error(file.name, data, error, Campaign) from None


def _flattened(file: CampaignFile, factors: dict[str, Any]) -> dict[str, Any]:
    """Join nested tables to dotted names, because TOML makes tables of dotted keys."""
    flat = dict(_leaves(factors, ""))
    for key, values in flat.items():
        if key in MATRIX:
            continue
        first = key.partition(".")[0]
        if "." not in key:
            allowed = suggest(key, MATRIX, "factor")
            raise value_error(
                file.name, f"factors.{key}", values, f"{allowed}; others are dotted paths"
            )
        if key in _VARIABLE_SETTINGS or first in _VARIABLE:
            continue
        known = (*(f"{name}..." for name in _VARIABLE), *_VARIABLE_SETTINGS)
        allowed = suggest(key, known, "key that can vary")
        raise value_error(file.name, f"factors.{key}", values, allowed)
    return flat


def _leaves(table: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _put(file: CampaignFile, data: dict[str, Any], path: str, value: object) -> None:
    """Set the key at a dotted path; the schema checks it afterwards."""
    node: Any = data
    rest = path.split(".")
    while True:
        if isinstance(node, list):
            node, rest = _element(file, node, path, rest), rest[1:]
        elif not isinstance(node, dict):
            raise UserError(
                f"{file.name}: factors.{path}: {rest[0]!r} cannot be put into {shown(node)}"
            )
        else:
            key, rest = _next_key(node, rest)
            if not rest:
                node[key] = value
                return
            node = node.setdefault(key, {})
        if not rest:
            raise UserError(f"{file.name}: factors.{path}: names a table, not a key of one")


def _next_key(table: dict[str, Any], rest: list[str]) -> tuple[str, list[str]]:
    """Take the longest key of the table that the path goes on with: names may contain dots."""
    for length in range(len(rest), 0, -1):
        key = ".".join(rest[:length])
        if key in table:
            return key, rest[length:]
    return rest[0], rest[1:]


def _element(file: CampaignFile, tables: list[Any], path: str, rest: list[str]) -> Any:
    """Find a table of an array by its name or its number from 0."""
    named = {table.get("name"): table for table in tables if isinstance(table, dict)}
    if rest[0] in named:
        return named[rest[0]]
    if rest[0].isdigit() and int(rest[0]) < len(tables):
        return tables[int(rest[0])]
    known = [name for name in named if isinstance(name, str)]
    raise UserError(
        f"{file.name}: factors.{path}: {suggest(rest[0], known, 'table')}; or a number from 0"
    )
