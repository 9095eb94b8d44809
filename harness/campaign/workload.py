"""A workload of the matrix: groups of users, resolved from the file and the catalog's profiles."""

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.campaign.isolation import loading_only
from harness.campaign.schema.campaign import Campaign, UserGroup
from harness.campaign.schema.fields import Scaled
from harness.campaign.schema.messages import schema_error, shown, value_error
from harness.catalog import Catalog, ProfileGroup
from harness.catalog.constants import event_names
from harness.errors import UserError, suggest
from harness.printable import one_line
from workloads.loading import LoadedUser, UserFile, is_shipped, load_user, scan_user
from workloads.user import Demand as UserDemand
from workloads.user import EventDemand

Demand = Mapping[str, float | int | str | bool]


@dataclass(frozen=True)
class Group:
    """Users of one class, for partitions of any capacity."""

    name: str
    user: str
    users: Scaled | None
    """Closed users; None for open arrivals."""
    arrivals: Scaled | None
    think_time_seconds: float
    disk: int
    demand: Demand
    """Every parameter of the class's demand in SI units, the catalog's constants at their stated
    values."""
    drawn: Mapping[str, str]
    """Parameter -> the catalog's constant that it comes from, and varies with."""


@dataclass(frozen=True)
class Workload:
    """What the factor ``workload`` names."""

    name: str
    groups: tuple[Group, ...]
    duration_seconds: float | None
    """None: the campaign's."""
    files: tuple[UserFile, ...]
    """The user's files that decide what its users do, sorted by path."""
    runs_programs: bool = False
    """Whether it needs a partition that can run programs, as real ones can."""


def resolve_workload(
    name: str, campaign: Campaign, catalog: Catalog, file: str, base: Path
) -> Workload:
    """Put together the tables of the file and the profile of that name.

    Parameters
    ----------
    name
        The workload; it has a table in the campaign, or a profile in the catalog, or both.
    campaign, catalog
        Where to look.
    file
        What messages call the campaign file.
    base
        The folder that locustfiles are relative to.

    Raises
    ------
    UserError
        If a user class is missing or broken, or the demand is not what it takes.
    """
    written = campaign.workloads.get(name, [])
    profile = catalog.profile(name).groups if name in catalog.profiles else ()
    pairs = _paired(name, written, profile, file)
    groups: list[Group] = []
    files: dict[str, UserFile] = {}
    runs_programs = False
    for table, model in pairs:
        key = f"workloads.{name}" + (f".{table.name}" if table.name else "")
        user = table.user or (model.user if model else None)
        # Nothing has to be undone after loading what comes with vtax.
        with nullcontext() if user and is_shipped(user, base) else loading_only(base):
            group, loaded, found = _group(name, key, table, model, catalog, file, base)
        if any(group.name == other.name for other in groups):
            raise UserError(
                f"{file}: {key}: two groups are called '{group.name}'; give each a name of its own"
            )
        groups.append(group)
        files.update({each.path: each for each in found})
        runs_programs |= loaded.cls.runs_programs
    durations = {table.duration for table in written if table.duration is not None}
    if len(durations) > 1:
        raise UserError(f"{file}: workloads.{name}: its groups have different durations")
    return Workload(
        name=name,
        groups=tuple(groups),
        duration_seconds=durations.pop() if durations else None,
        files=tuple(files[path] for path in sorted(files)),
        runs_programs=runs_programs,
    )


_NOTHING = UserGroup()


def _paired(
    name: str, written: Sequence[UserGroup], profile: Sequence[ProfileGroup], file: str
) -> list[tuple[UserGroup, ProfileGroup | None]]:
    """Bring each table of the file together with the profile's group that completes it."""
    if not written:
        return [(_NOTHING, group) for group in profile]
    if not profile:
        return [(table, None) for table in written]
    if len(written) == 1 and written[0].name is None:
        table = written[0]
        if len(profile) == 1:
            return [(table, profile[0])]
        if table.demand or table.user is not None:
            names = ", ".join(group.name for group in profile)
            raise UserError(
                f"{file}: workloads.{name}: the profile has several groups ({names}); write "
                f"[[workloads.{name}]] with a name for each that differs"
            )
        return [(table, group) for group in profile]
    known = {group.name: group for group in profile}
    tables = {table.name: table for table in written}
    pairs: list[tuple[UserGroup, ProfileGroup | None]] = [
        (tables.pop(group.name, _NOTHING), group) for group in profile
    ]
    for table in tables.values():
        if table.user is None:
            key = f"workloads.{name}.name"
            raise value_error(file, key, table.name, suggest(table.name, known, "group"))
        pairs.append((table, None))
    return pairs


def _group(
    workload: str,
    key: str,
    table: UserGroup,
    model: ProfileGroup | None,
    catalog: Catalog,
    file: str,
    base: Path,
) -> tuple[Group, LoadedUser, tuple[UserFile, ...]]:
    user = table.user or (model.user if model else None)
    if user is None:
        raise UserError(
            f"{file}: {key}.user: is missing ('{workload}' is no profile of the catalog); "
            "write 'locustfile.py:UserClass'"
        )
    try:
        found = scan_user(user, base)
        loaded = load_user(user, base)
    except UserError as error:
        problem = str(error).removeprefix(f"user = {user!r}: ")
        raise value_error(file, f"{key}.user", user, problem) from None
    completing = model if model is not None and user == model.user else None
    drawn = dict(completing.demand) if completing else {}
    drawn = {name: constant for name, constant in drawn.items() if name not in table.demand}
    written: dict[str, Any] = {name: _text(catalog, constant) for name, constant in drawn.items()}
    written.update(table.demand)
    if written and not loaded.demand_model.model_fields:
        raise UserError(
            f"{file}: {key}.demand: {loaded.cls.__name__} takes none; give it a demand_model, "
            "derived from workloads.user.EventDemand, that declares "
            f"{' and '.join(sorted(written))}"
        )
    _check_events(written, loaded.demand_model, catalog, f"{key}.demand", file)
    try:
        demand = loaded.demand_model.model_validate(written).model_dump()
    except ValidationError as error:
        prefix = f"{key}.demand."
        raise schema_error(file, written, error, loaded.demand_model, prefix) from None
    except Exception as error:  # a validator of the user's may raise anything
        text = one_line(f"{type(error).__name__}: {error}")
        raise value_error(file, f"{key}.demand", written, f"{user} fails on it: {text}") from None
    _check_plain(demand, f"{file}: {key}.demand", user)
    users, arrivals, think_time = table.users, table.arrivals, table.think_time
    if users is None and arrivals is None:
        users = _users(model.users) if model else Scaled(1.0, per_core=True)
    if think_time is None:
        think_time = model.think_time_seconds if model and users is not None else 0.0
    group = Group(
        name=table.name or (model.name if model else workload),
        user=user,
        users=users,
        arrivals=arrivals,
        think_time_seconds=think_time,
        disk=table.disk,
        demand=demand,
        drawn=drawn,
    )
    return group, loaded, found


def _check_events(
    written: Mapping[str, Any], model: type[UserDemand], catalog: Catalog, key: str, file: str
) -> None:
    """Refuse parameters that are neither the user's own nor events of the catalog."""
    if not issubclass(model, EventDemand):
        return
    known = list(dict.fromkeys((*model.model_fields, *event_names(catalog.constants))))
    for name, value in written.items():
        if name not in known:
            raise value_error(file, f"{key}.{name}", value, suggest(name, known, "key"))


def _check_plain(demand: Mapping[str, Any], where: str, user: str) -> None:
    """Refuse what is no plain value: it could not travel to a worker, or has no identity."""
    for name, value in demand.items():
        if type(value) not in (bool, int, float, str, type(None)) or (
            isinstance(value, float) and not math.isfinite(value)
        ):
            raise UserError(
                f"{where}.{name}: is {shown(value)} of type {type(value).__name__} in the demand "
                f"of {user}; a demand has texts, truth values and finite numbers"
            )


def _users(text: str) -> Scaled:
    """Read a profile's number of users, which is written as in a campaign file."""
    group = UserGroup.model_validate({"users": int(text) if text.isdigit() else text})
    assert group.users is not None
    return group.users


def _text(catalog: Catalog, constant: str) -> Any:
    """Write a constant as a campaign file would, for the demand model to read."""
    found = catalog.constants[constant]
    if not isinstance(found.value, float):
        return found.value
    if found.unit in ("", "count", "cores", "ratio"):
        return int(found.value) if found.value.is_integer() else found.value
    return f"{found.value!r} {found.unit}"
