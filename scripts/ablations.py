"""Judge a campaign with one mechanism of the model switched off at a time.

Each is a catalog file that sets the constants of the mechanism to zero. Constants that are
uncertain keep a range of no importance, so that all others are drawn as before.
"""

import argparse
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import tomli_w

import harness
from harness.analysis.environment import EnvironmentResult
from harness.catalog import Catalog, Constant
from harness.catalog.constant import numbers
from harness.errors import UserError
from harness.units import percent

MECHANISMS = Path(__file__).with_suffix(".toml")
CAMPAIGNS = Path(harness.__file__).parent / "campaign" / "campaigns"
NEGLIGIBLE = 1e-9
"""Part of a constant's range that is left where it is uncertain."""


def without(constants: list[str], catalog: Catalog) -> dict[str, Any]:
    """Return a catalog file that sets constants to zero, as nested tables."""
    tables: dict[str, Any] = {}
    found = [name for name in catalog.constants if any(fnmatchcase(name, c) for c in constants)]
    for name in found:
        *path, last = catalog.constants[name].path
        table = tables
        for part in path:
            table = table.setdefault(part, {})
        table[last] = _zero(catalog.constants[name])
    return tables


def _zero(constant: Constant) -> dict[str, Any]:
    count = len(numbers(constant.value))
    few = [NEGLIGIBLE * high for high in numbers(constant.high)]
    uncertain = constant.low != constant.high
    entry: dict[str, Any] = {"value": [0.0] * count, "low": [0.0] * count}
    entry["high"] = few if uncertain else entry["low"]
    if not isinstance(constant.value, tuple):
        entry = {key: values[0] for key, values in entry.items()}
    entry |= {"unit": constant.unit, "source": "switched off", "status": "assumed"}
    if constant.at:
        entry |= {"at": list(constant.at), "at_unit": constant.at_unit}
    return entry if uncertain else {**entry, "by_definition": True}


def judged(
    campaign: dict[str, Any], overlay: dict[str, Any], directory: Path, options: dict[str, Any]
) -> dict[tuple[str, str], EnvironmentResult]:
    """Run a campaign with a catalog file beside its own; return its rows of the verdict."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "off.toml").write_text(tomli_w.dumps(overlay), encoding="utf-8")
    head = campaign["campaign"]
    changed = {**head, "catalog": [*head.get("catalog", []), "off.toml"]} if overlay else head
    file = directory / "campaign.toml"
    file.write_text(tomli_w.dumps({**campaign, "campaign": changed}), encoding="utf-8")
    results = harness.run(file, directory / "results", **options)
    return {
        (each.environment.title, each.measure): each
        for each in results.study.environments
        if each.outcome is not None and each.firmware is not None
    }


def _text(row: EnvironmentResult | None) -> str:
    if row is None:
        return "not judged"
    levels = ((name, getattr(row, name)) for name in ("firmware", "software"))
    shown = [
        f"{name} {percent(each.interval.estimate)}" for name, each in levels if each is not None
    ]
    return f"{row.outcome} ({', '.join(shown)})"


def _firmware(row: EnvironmentResult) -> float:
    assert row.firmware is not None
    return row.firmware.interval.estimate


def main() -> None:
    """Print for each mechanism the rows of the verdict that change without it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("campaign", nargs="?", default="carrier", help="a shipped campaign")
    parser.add_argument("--without", action="append", metavar="MECHANISM", help="only this one")
    parser.add_argument("--only", action="append", default=[], metavar="FACTOR=VALUE")
    parser.add_argument("--replications", type=int)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, default=Path("results/ablations"))
    given = parser.parse_args()
    mechanisms = tomllib.loads(MECHANISMS.read_text(encoding="utf-8"))
    unknown = set(given.without or ()) - set(mechanisms)
    if unknown:
        parser.error(f"no such mechanism: {min(unknown)}; there are {', '.join(mechanisms)}")
    campaign = tomllib.loads((CAMPAIGNS / f"{given.campaign}.toml").read_text(encoding="utf-8"))
    options = {key: getattr(given, key) for key in ("only", "replications", "workers")}
    catalog = harness.catalog()
    complete = judged(campaign, {}, given.out / "complete", options)
    for name in given.without or mechanisms:
        overlay = without(mechanisms[name], catalog)
        rows = judged(campaign, overlay, given.out / name, options)
        changed = {key: row for key, row in rows.items() if row.outcome != complete[key].outcome}
        print(f"without {name}: {len(changed)} of {len(rows)} rows change")
        for key, row in changed.items():
            print(f"  {', '.join(key)}: {_text(complete[key])} -> {_text(row)}")
        if rows:
            most = max(rows, key=lambda key: abs(_firmware(rows[key]) - _firmware(complete[key])))
            moved = f"{_text(complete[most])} -> {_text(rows[most])}"
            print(f"  the firmware level moves most in {', '.join(most)}: {moved}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(f"ablations: {error}") from None
