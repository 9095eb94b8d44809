"""Costs of events in the targets of a machine, from the file of ``vtax calibrate``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.errors import UserError
from harness.real.profiling.profile import LEVEL
from harness.real.target.target import NATIVE
from harness.real.toml_file import Number, Samples, TomlTable, read_toml
from harness.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class EventCost:
    """Cost of one event in a target."""

    seconds: Interval
    """Time by the machine's clock."""
    processor_seconds: Interval
    """Processor time of the target's whole process tree."""
    ratio: Interval | None
    """Ratio of the time to native; None for native, and if it is within noise."""
    processor_ratio: Interval | None
    """Ratio of the processor time to native, with the same exceptions."""
    faults: float
    """Page faults of the event; measured natively, 0 elsewhere."""


@dataclass(frozen=True, slots=True)
class MachineCosts:
    """Costs found by a calibration."""

    costs: Mapping[str, Mapping[str, EventCost]]
    """Costs by target and event, without events whose cost is within noise."""
    unavailable: Mapping[str, str]
    """Reason why a target has none."""
    machine: Mapping[str, Any]
    """Provenance of the measurement."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets besides native, in the file's order."""
        return tuple(name for name in self.costs if name != NATIVE)


class _Cost(TomlTable):
    value: Number
    low: Number
    high: Number
    unit: Literal["us"]


class _HowMeasured(TomlTable):
    above_noise: bool = False
    samples: Samples = 0
    page_faults: Number = 0.0
    processor_us: Number | None = None
    processor_us_low: Number | None = None
    processor_us_high: Number | None = None
    time_ratio_to_native: Number | None = None
    time_ratio_low: Number | None = None
    time_ratio_high: Number | None = None
    processor_ratio_to_native: Number | None = None
    processor_ratio_low: Number | None = None
    processor_ratio_high: Number | None = None


class _TargetTable(TomlTable):
    available: bool
    reason: str = ""


class _About(TomlTable):
    machine: dict[str, Any]


class _CostFile(TomlTable):
    calibration: _About
    targets: dict[str, _TargetTable]
    costs: dict[str, dict[str, _Cost]] = Field(default_factory=dict)
    measured: dict[str, dict[str, _HowMeasured]]


def read_costs(path: Path) -> MachineCosts:
    """Read the file of a calibration.

    Raises
    ------
    UserError
        If it cannot be read, is not the file of a calibration, or has no native costs.
    """
    what, written_by = "the file of a calibration", "vtax calibrate --out"
    table = read_toml(_CostFile, path, what, written_by)
    costs: dict[str, dict[str, EventCost]] = {}
    for target, events in table.measured.items():
        costs[target] = {}
        for event, how in events.items():
            if how.above_noise:
                try:
                    costs[target][event] = _cost(table.costs[target][event], how)
                except KeyError:
                    reason = "it has none"
                except ValueError as error:
                    reason = str(error)
                else:
                    continue
                raise UserError(
                    f"{path}: not {what} (costs.{target}.{event}: {reason}); {written_by} "
                    "writes one"
                )
    if not costs.get(NATIVE):
        raise UserError(f"{path}: it has no native costs; calibrate again")
    unavailable = {
        name: target.reason for name, target in table.targets.items() if not target.available
    }
    return MachineCosts(costs, unavailable, table.calibration.machine)


def _cost(entry: _Cost, how: _HowMeasured) -> EventCost:
    processor = (how.processor_us, how.processor_us_low, how.processor_us_high)
    seconds = _interval((entry.value, entry.low, entry.high), 1e-6, how.samples)
    processor_seconds = _interval(processor, 1e-6, how.samples)
    if seconds is None or processor_seconds is None:
        raise ValueError("it has no processor_us")
    return EventCost(
        seconds=seconds,
        processor_seconds=processor_seconds,
        ratio=_interval(
            (how.time_ratio_to_native, how.time_ratio_low, how.time_ratio_high), 1.0, how.samples
        ),
        processor_ratio=_interval(
            (how.processor_ratio_to_native, how.processor_ratio_low, how.processor_ratio_high),
            1.0,
            how.samples,
        ),
        faults=how.page_faults,
    )


def _interval(
    numbers: tuple[float | None, float | None, float | None], scale: float, samples: int
) -> Interval | None:
    value, low, high = numbers
    if value is None:
        return None
    if low is None or high is None or not low <= value <= high:
        raise ValueError(f"{low} <= {value} <= {high} does not hold")
    return Interval(scale * value, scale * low, scale * high, LEVEL, samples)
