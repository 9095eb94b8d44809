"""What events cost in the targets of a machine, as ``vtax calibrate`` wrote it down."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.encoding import decode
from harness.errors import UserError
from harness.real.profile import LEVEL
from harness.real.target import NATIVE
from harness.statistics.estimates import Interval


@dataclass(frozen=True, slots=True)
class EventCost:
    """What one event costs in a target."""

    seconds: Interval
    """By the machine's clock."""
    processor_seconds: Interval
    """Of the target's whole process tree."""
    ratio: Interval | None
    """Of the time to native; None for native, and where noise hides it."""
    processor_ratio: Interval | None
    """The same of processor time."""
    faults: float
    """Page faults that it contains; measured natively, 0 elsewhere."""


@dataclass(frozen=True, slots=True)
class MachineCosts:
    """What a calibration found."""

    costs: Mapping[str, Mapping[str, EventCost]]
    """By target and event; events that cannot be told from noise are left out."""
    unavailable: Mapping[str, str]
    """Why a target has none."""
    machine: Mapping[str, Any]
    """Where it was measured."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets besides native, in the file's order."""
        return tuple(name for name in self.costs if name != NATIVE)


def read_costs(path: Path) -> MachineCosts:
    """Read the file of a calibration.

    Raises
    ------
    UserError
        If it cannot be read, is something else, or has no native costs.
    """
    try:
        with path.open("rb") as file:
            table = tomllib.loads(decode(file.read(), str(path)))
        costs = {
            target: {
                event: _cost(table["costs"][target][event], how)
                for event, how in events.items()
                if how.get("above_noise", False)
            }
            for target, events in table["measured"].items()
        }
        unavailable = {
            target: told["reason"]
            for target, told in table["targets"].items()
            if not told["available"]
        }
        machine = table["calibration"]["machine"]
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; vtax calibrate --out writes one") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not a TOML file: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path}: not the file of a calibration ({error!r}); vtax calibrate --out writes one"
        ) from None
    if not costs.get(NATIVE):
        raise UserError(f"{path}: it has no native costs; calibrate again")
    return MachineCosts(costs, unavailable, machine)


def _cost(entry: Mapping[str, Any], how: Mapping[str, Any]) -> EventCost:
    if entry["unit"] != "us":
        raise ValueError(f"a cost in {entry['unit']}")
    samples = int(how["samples"])
    return EventCost(
        seconds=_interval(entry, ("value", "low", "high"), 1e-6, samples),
        processor_seconds=_interval(how, _keys("processor_us", ""), 1e-6, samples),
        ratio=_ratio(how, "time_ratio", samples),
        processor_ratio=_ratio(how, "processor_ratio", samples),
        faults=float(how.get("page_faults", 0.0)),
    )


def _ratio(how: Mapping[str, Any], name: str, samples: int) -> Interval | None:
    keys = _keys(name, "_to_native")
    return _interval(how, keys, 1.0, samples) if keys[0] in how else None


def _keys(name: str, ending: str) -> tuple[str, str, str]:
    return f"{name}{ending}", f"{name}_low", f"{name}_high"


def _interval(
    table: Mapping[str, Any], keys: tuple[str, str, str], scale: float, samples: int
) -> Interval:
    value, low, high = (scale * float(table[key]) for key in keys)
    if not low <= value <= high < float("inf"):
        raise ValueError(f"{low:g} <= {value:g} <= {high:g} does not hold")
    return Interval(value, low, high, LEVEL, samples)
