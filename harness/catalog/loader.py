"""Reads the catalog's TOML files, and a user's own over them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.catalog.catalog import Catalog, items, parse_configuration
from harness.catalog.constant import Constant, Value, numbers
from harness.catalog.schema import Entry
from harness.errors import UserError, nearest
from harness.files import read_toml

COLLECTIONS = ("machines", "os", "disks", "ethernet", "hosted", "events", "profiles")
"""Where a user's file may add items; elsewhere it can only replace constants."""
_PROFILE_KEYS = ("title", "user", "users", "think_time", "demand")


def load_catalog(
    extra: Sequence[Path] = (),
    overrides: Mapping[str, Any] | None = None,
    overrides_from: str = "[catalog]",
) -> Catalog:
    """Load the shipped catalog, then what replaces or extends it.

    Parameters
    ----------
    extra
        Files in the catalog's own format, each over the ones before it.
    overrides
        A nested table in the same format, over all files.
    overrides_from
        What to call the overrides in messages: the campaign's file name.

    Raises
    ------
    UserError
        One line with file, constant and reason: no source or status, an unknown name (with the
        nearest one), a wrong unit, a range that does not hold the value, a new item that lacks
        something.
    """
    constants = dict(_shipped())
    for path in extra:
        _lay_over(constants, _modelled(read_toml(path), path), str(path))
    if overrides:
        _lay_over(constants, overrides, overrides_from)
    return Catalog({name: constants[name] for name in sorted(constants)})


@cache
def _shipped() -> Mapping[str, Constant]:
    constants: dict[str, Constant] = {}
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        for constant in _constants(read_toml(path), (), path.name):
            if constant.name in constants:
                raise UserError(f"{path.name}: {constant.name} is in the catalog twice")
            constants[constant.name] = constant
    return constants


def _modelled(table: dict[str, Any], path: Path) -> Mapping[str, Any]:
    """Remove the record that ``vtax profile`` writes; refuse the result of a calibration."""
    if "calibration" in table and "costs" in table:
        raise UserError(
            f"{path}: holds what single events cost on a machine of today, for vtax predict; a "
            "modelled machine needs what its monitor does for them (world switches, emulation, "
            "copies), which a calibration does not tell apart. What a campaign can take is a "
            "workload that vtax profile wrote"
        )
    return {key: content for key, content in table.items() if key != "profile"}


def _constants(table: Mapping[str, Any], path: tuple[str, ...], origin: str) -> Iterable[Constant]:
    for key, content in table.items():
        here = (*path, key)
        name = ".".join(here)
        if not isinstance(content, Mapping):
            raise UserError(
                f"{origin}: {name}: a constant is a table with value, unit, source and status"
            )
        if any(key in content for key in ("value", "source", "status")):
            yield _constant(content, here, origin)
        else:
            yield from _constants(content, here, origin)


def _constant(content: Mapping[str, Any], path: tuple[str, ...], origin: str) -> Constant:
    try:
        return Entry.model_validate(content).constant(path)
    except ValidationError as error:
        raise UserError(f"{origin}: {'.'.join(path)}: {_first(error)}") from error
    except ValueError as error:
        raise UserError(f"{origin}: {'.'.join(path)}: {error}") from error


def _first(error: ValidationError) -> str:
    details = error.errors(include_url=False)
    missing = [str(detail["loc"][0]) for detail in details if detail["type"] == "missing"]
    if missing:
        return f"it has no {' and no '.join(missing)}"
    detail = details[0]
    key = str(detail["loc"][0]) if detail["loc"] else ""
    if detail["type"] == "extra_forbidden":
        return f"unknown key '{key}'{nearest(key, Entry.model_fields)}"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "enum":
        message = f"'{detail['input']}' is not one of verified, recalled, assumed"
    if detail["type"] == "string_pattern_mismatch":
        message = "is empty"
    return f"{key}: {message}" if key else message


def _lay_over(constants: dict[str, Constant], table: Mapping[str, Any], origin: str) -> None:
    before = dict(constants)
    added = [_with_known_path(c, before) for c in _constants(table, (), origin)]
    for constant in added:
        if constant.path[0] == "profiles":
            _check_profile_key(constant, before, origin)
        else:
            _check_like(constant, _model_for(constant, before, origin), origin)
        constants[constant.name] = constant
    for collection in COLLECTIONS:
        for item in _new_items(collection, added, before):
            _check_complete(collection, item, constants, before, origin)
    _check_events(added, constants, before, origin)


def _with_known_path(constant: Constant, known: Mapping[str, Constant]) -> Constant:
    """Read ``[os.aix-5.3.tick_rate]``, written without quotes, as the known constant it names."""
    if constant.name in known:
        return replace(constant, path=known[constant.name].path)
    return constant


def _model_for(constant: Constant, known: Mapping[str, Constant], origin: str) -> Constant:
    """Find the constant that this one replaces, or one like it of another item."""
    if constant.name in known:
        return known[constant.name]
    collection, rest = constant.path[0], constant.path[2:]
    alike = {
        other.path[2:]: other
        for other in known.values()
        if collection in COLLECTIONS and other.path[0] == collection and other.path[2:]
    }
    if rest in alike:
        return alike[rest]
    if constant.name.startswith("hypervisor.call.measured_"):
        return constant  # of 'vtax import'; the model does not read it
    if collection == "events" and len(constant.path) == 3:
        return known["events.native.calls"]
    if constant.path[1:2] and constant.path[1] in _item_names(collection, known):
        prefix = ".".join(constant.path[:2])
        names = [f"{prefix}.{'.'.join(other)}" for other in alike]
    else:
        names = [*known, *(f"{'.'.join(constant.path[:2])}.{'.'.join(key)}" for key in alike)]
    raise UserError(
        f"{origin}: {constant.name}: the catalog has no such constant"
        f"{nearest(constant.name, names)}"
    )


def _check_events(
    added: Iterable[Constant],
    constants: Mapping[str, Constant],
    before: Mapping[str, Constant],
    origin: str,
) -> None:
    """Refuse a new event that has no cost natively or under one of the hosted monitors."""
    known = {c.path[2] for c in before.values() if c.path[:2] == ("events", "native")}
    levels = ("native", *items(constants, "hosted"))
    for name in sorted({c.path[2] for c in added if c.path[0] == "events"} - known):
        lacking = [each for each in levels if f"events.{each}.{name}" not in constants]
        if lacking:
            names = ", ".join(f"events.{each}.{name}" for each in lacking)
            raise UserError(
                f"{origin}: event {name}: is new and lacks {names}{nearest(name, sorted(known))}"
            )


def _item_names(collection: str, known: Mapping[str, Constant]) -> set[str]:
    if collection == "events":
        return {c.path[1] for c in known.values() if c.path[0] == "events"}
    return set(items(known, collection)) if collection in COLLECTIONS else set()


def _check_like(constant: Constant, model: Constant, origin: str) -> None:
    """Refuse a replacement of another unit or kind, which the model would misread."""
    found, wanted = _kind(constant.value), _kind(model.value)
    if found != wanted:
        raise UserError(f"{origin}: {constant.name}: value: is {found}, but must be {wanted}")
    pure = {"", "count", "ratio"}
    if constant.unit != model.unit and not {constant.unit, model.unit} <= pure:
        raise UserError(
            f"{origin}: {constant.name}: unit: is '{constant.unit}' in SI, "
            f"but must be one for '{model.unit}'"
        )
    _check_magnitude(constant, model, origin)
    if bool(constant.at) != bool(model.at) or constant.at_unit != model.at_unit:
        wanted = (
            f"must be given, in units of '{model.at_unit}'" if model.at else "has no place here"
        )
        raise UserError(f"{origin}: {constant.name}: at: {wanted}")
    if constant.path[-1] == "configurations" and isinstance(constant.value, tuple):
        for text in constant.value:
            try:
                parse_configuration(str(text))
            except ValueError as error:
                raise UserError(f"{origin}: {constant.name}: value: {error}") from error


_SANE = 1e6
"""A replacement is larger than what it replaces by no larger factor than this."""

_PERIODS = {"window", "spare_slice", "timeslice", "tick_rate"}
_SANE_PERIOD = 1e3
"""What recurs again and again is neither longer nor shorter by a larger factor than this."""

_DIVISORS = {"window", "spare_slice", "l2_line", "refill_overlap", "memory_step", "timeslice"}
"""Constants that nothing works without, besides rates and capacities."""

_AT_LEAST_ONE = {
    "spindles",
    "l2_cores",
    "cores",
    "processors",
    "disk_adapters",
    "vscsi_queue_depth",
    "fibre_channel_queue_depth",
    "page",
    "piece",
    "segment",
}
"""Numbers of things, and sizes in bytes, that nothing works without."""


def _check_magnitude(constant: Constant, model: Constant, origin: str) -> None:
    """Refuse numbers that cannot be meant: negative, far too large, zero where it divides."""
    if "number" not in _kind(model.value):
        return
    shipped = numbers(model.low) + numbers(model.value) + numbers(model.high)
    least, most = min(shipped), max(shipped)
    name = constant.path[-1]
    for key, value in (
        ("value", constant.value),
        ("low", constant.low),
        ("high", constant.high),
    ):
        for number in numbers(value):
            needed = constant.unit in ("Hz", "B/s", "cores") or name in _DIVISORS
            factor = _SANE_PERIOD if name in _PERIODS else _SANE
            large = most * factor if most > 0 else factor
            small = 1.0 if name in _AT_LEAST_ONE else least / factor if needed else 0.0
            if not small <= number <= large:
                raise UserError(
                    f"{origin}: {constant.name}: {key}: {number:g} {constant.unit}".rstrip()
                    + f" is out of all proportion; it replaces {model.published}"
                )


def _kind(value: Value) -> str:
    entry = value[0] if isinstance(value, tuple) else value
    kind = {float: "number", str: "text", bool: "truth value"}[type(entry)]
    return f"a list of {kind}s" if isinstance(value, tuple) else f"a {kind}"


def _check_profile_key(constant: Constant, known: Mapping[str, Constant], origin: str) -> None:
    """Profiles are free in their groups and demand parameters, not in the rest."""
    if constant.name in known:
        _check_like(constant, known[constant.name], origin)
        return
    rest = constant.path[2:]
    in_group = rest[1:] if rest and rest[0] not in _PROFILE_KEYS else rest
    if not in_group or in_group[0] not in _PROFILE_KEYS:
        wrong = in_group[0] if in_group else constant.path[-1]
        raise UserError(
            f"{origin}: {constant.name}: a profile has no '{wrong}'; it has "
            f"{', '.join(_PROFILE_KEYS)}{nearest(wrong, _PROFILE_KEYS)}"
        )
    if len(in_group) != (2 if in_group[0] == "demand" else 1):
        raise UserError(f"{origin}: {constant.name}: write demand.<parameter>")


def _new_items(
    collection: str, added: Iterable[Constant], before: Mapping[str, Constant]
) -> list[str]:
    old = {c.path[1] for c in before.values() if c.path[0] == collection and len(c.path) > 1}
    return sorted({c.path[1] for c in added if c.path[0] == collection and len(c.path) > 1} - old)


def _check_complete(
    collection: str,
    item: str,
    constants: Mapping[str, Constant],
    before: Mapping[str, Constant],
    origin: str,
) -> None:
    """Refuse a new item that lacks what every shipped item of its collection has."""
    has = {c.path[2:] for c in constants.values() if c.path[:2] == (collection, item)}
    if collection == "profiles":
        needed: set[tuple[str, ...]] = {("title",)}
        groups = {rest[:1] for rest in has if rest[0] not in _PROFILE_KEYS}
        needed |= {(*group, "user") for group in groups} if groups else {("user",)}
    else:
        others = _item_names(collection, before)
        keys = [
            {c.path[2:] for c in before.values() if c.path[:2] == (collection, other)}
            for other in sorted(others)
        ]
        needed = set.intersection(*keys)
    lacking = sorted(".".join(key) for key in needed - has)
    if lacking:
        suggestion = nearest(item, _item_names(collection, before))
        raise UserError(
            f"{origin}: {collection}.{item}: is new and lacks {', '.join(lacking)}{suggestion}"
        )
    if collection == "hosted" and item not in _item_names("events", constants):
        raise UserError(f"{origin}: hosted.{item}: is new and lacks its events.{item}")
