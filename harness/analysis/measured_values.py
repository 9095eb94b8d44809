"""Values that real systems measured of themselves, and how two imports differ in them.

A counter is taken as its rate in each interval, a gauge as it is. Neighbouring intervals of a
system resemble each other, so the intervals of each partition are first combined to at most
:data:`BATCHES` means of consecutive ones. Two imports are compared by Welch's test of these means,
adjusted for all comparisons (Holm). It says whether a value differs, not whether that is better:
the work that the systems did is not known.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from harness.results.run_result import RunResult
from harness.results.store import Store
from harness.statistics.ratios import holm

BATCHES = 20
"""Most means of consecutive intervals."""

_LEVEL = 0.95
_RESOLUTION = 1e-12
"""Standard errors up to this share of a mean are rounding."""


@dataclass(frozen=True)
class MeasuredValue:
    """One value of a partition."""

    partition: str
    name: str
    """Metric with the labels that are not the partition, such as ``disk_bytes/s hdisk0``."""
    batches: tuple[float, ...]
    """Means of consecutive intervals."""

    @property
    def mean(self) -> float:
        """Mean over the batches."""
        return math.fsum(self.batches) / len(self.batches)


@dataclass(frozen=True)
class MeasuredChange:
    """A value in two imports."""

    first: MeasuredValue
    second: MeasuredValue
    low: float | None
    """Interval of the difference of the means; None if it is unknown."""
    high: float | None
    p_value: float
    """Of no difference, adjusted for all comparisons."""
    shown: bool
    """Whether the values differ at the level of the test."""

    @property
    def direction(self) -> str:
        """``higher``, ``lower`` or ``no change shown``."""
        if not self.shown:
            return "no change shown"
        return "higher" if self.second.mean > self.first.mean else "lower"

    def to_json(self) -> dict[str, Any]:
        """Return the change as JSON holds it."""
        return {
            "partition": self.first.partition,
            "value": self.first.name,
            "first": self.first.mean,
            "second": self.second.mean,
            "batches": [len(self.first.batches), len(self.second.batches)],
            "difference_low": self.low,
            "difference_high": self.high,
            "p_value": self.p_value,
            "direction": self.direction,
        }


def measured_values(store: Store) -> tuple[MeasuredValue, ...]:
    """Return the values in the store of an import; none for a campaign that was run."""
    if store.campaign.imported is None:
        return ()
    found: dict[tuple[str, str], list[float]] = {}
    for run, result in store.results(digests=False):
        if result is not None:
            for name, values in interval_values(result).items():
                found.setdefault((run.cell.workload, name), []).extend(values)
    return tuple(
        MeasuredValue(partition, name, _batches(values))
        for (partition, name), values in found.items()
    )


def interval_values(result: RunResult) -> dict[str, list[float]]:
    """Return the values of each interval of a run: rates of counters, gauges as they are.

    Without intervals of known length there is one value: that of the whole run.
    """
    found: dict[str, list[float]] = {}
    last: dict[str, tuple[float, float]] = {}
    for at, name, labels, value in result.timeline:
        text = _name(name, labels)
        if not name.endswith("_total"):
            found.setdefault(text, []).append(float(value))
            continue
        if text in last and at > last[text][0]:
            before_at, before = last[text]
            found.setdefault(text, []).append((value - before) / (at - before_at))
        last[text] = float(at), float(value)
    for name, labels, value in result.samples:
        if not name.endswith("_total") and name != "vtax_measured_seconds":
            found.setdefault(_name(name, labels), [float(value)])
    return found


def _name(name: str, labels: Mapping[str, str]) -> str:
    short = name.removeprefix("vtax_").removeprefix("partition_")
    if short.endswith("_total"):
        short = f"{short.removesuffix('_total')}/s"
    more = [value for key, value in labels.items() if key != "partition"]
    return " ".join([short, *more])


def _batches(values: list[float]) -> tuple[float, ...]:
    parts = np.array_split(np.array(values), min(len(values), BATCHES))
    return tuple(float(part.mean()) for part in parts)


def measured_changes(
    first: tuple[MeasuredValue, ...], second: tuple[MeasuredValue, ...], alpha: float
) -> tuple[MeasuredChange, ...]:
    """Compare the values that both imports have, by partition and name."""
    others = {(each.partition, each.name): each for each in second}
    pairs = [
        (each, others[each.partition, each.name])
        for each in first
        if (each.partition, each.name) in others
    ]
    tests = [_welch(*pair) for pair in pairs]
    adjusted = holm(np.array([p for p, _, _ in tests])) if tests else ()
    return tuple(
        MeasuredChange(one, other, low, high, float(p), bool(p <= alpha))
        for (one, other), (_, low, high), p in zip(pairs, tests, adjusted, strict=True)
    )


def _welch(first: MeasuredValue, second: MeasuredValue) -> tuple[float, float | None, float | None]:
    """Return the probability value of no difference, and the interval of the difference."""
    if min(len(first.batches), len(second.batches)) < 2:
        return 1.0, None, None
    difference = second.mean - first.mean
    parts = [
        (float(np.var(each.batches, ddof=1)) / len(each.batches), len(each.batches))
        for each in (first, second)
    ]
    error = math.sqrt(sum(part for part, _ in parts))
    if error <= _RESOLUTION * max(abs(first.mean), abs(second.mean)):
        # Settings do not vary.
        return (1.0 if not difference else 0.0), difference, difference
    freedom = error**4 / sum(part**2 / (count - 1) for part, count in parts)
    width = float(stats.t.ppf(0.5 + _LEVEL / 2.0, freedom)) * error
    p_value = 2.0 * float(stats.t.sf(abs(difference) / error, freedom))
    return p_value, difference - width, difference + width


def shown_first(changes: tuple[MeasuredChange, ...]) -> Iterator[MeasuredChange]:
    """Yield changes, those that are shown first."""
    yield from (each for each in changes if each.shown)
    yield from (each for each in changes if not each.shown)
