"""Overhead of a virtualization, relative to the baseline doing the same work.

The baseline is the full-system partition of a modelled machine, or a process of a real one.

An overhead is the geometric mean of the ratios of paired replications, minus one. Replications are
paired because they share their arrivals, their demands and their draw of the uncertain constants;
those of a real machine share their demands and the time of measurement.

Its interval is that of the mean over all draws. More replications make it narrower, although they
add nothing to what is known of the constants. A real machine has one set of constants, fixed and
unknown: its overhead lies in the range, a prediction interval, whose width replications cannot
reduce below what the constants leave open. The range contains the randomness of one run, too, and
is a little too wide because of that.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from harness.metrics.measures import IDLE, Measures, mix_distance, slowdown, unmatched
from harness.statistics.intervals import Interval
from harness.statistics.ratios import (
    Spread,
    by_draw,
    expm1,
    paired_ratios,
    ratio_bootstrap,
    ratio_ranges,
    spread,
)

Array = NDArray[np.float64]
Replications = Mapping[int, Measures]
"""Replication -> what its run measured."""

MEASURES = (
    "slowdown",
    "processor-time",
    "machine-share",
    "response-p50",
    "response-p95",
    "response-p99",
)
"""What overheads are measured in, each relative to the baseline.

``slowdown``: mean time from the start of a transaction to its end, for the baseline's work.
``processor-time``: processor seconds of the whole machine, idle left out, for a transaction.
``machine-share``: what that adds at the baseline's rate of transactions, as a share of the
    processors of the machine: 0.05 are 5 % of its processors.
``response-...``: quantile of the response times of all transactions together.
"""

CAPACITY = "capacity"
"""The further measure, which runs do not have: how much more load the baseline sustains within a
limit of the response time (:mod:`harness.results.capacities`)."""

MIX_TOLERANCE = 0.05
"""Share of responses that may be of another kind than in the baseline without a warning."""

UNMATCHED_TOLERANCE = 0.01
"""Share of the baseline's responses that may be of kinds never completed without a warning."""


class Concern(StrEnum):
    """Why a comparison deserves less trust than its interval says."""

    MIX_DIFFERS = "mix-differs"
    """The transactions completed are of other kinds than the baseline's."""
    WORK_MISSING = "work-missing"
    """Some of the baseline's work was never completed, and is left out of the comparison."""


@dataclass(frozen=True)
class Overhead:
    """Overhead of a virtualization in one environment."""

    virtualization: str
    measure: str
    interval: Interval
    """The overhead: 0.05 is 5 % more than the baseline."""
    range: Interval
    """Prediction interval: the overhead of one machine, whose constants are one further draw."""
    ratios: tuple[float | None, ...]
    """Ratio to the baseline of each replication; None where one of the two has no result."""
    per_draw: int = 1
    """Replications with each draw of the uncertain constants."""
    resolution: float = 0.0
    """Logarithm of the step of the grid on which the ratio is known; 0 for what is measured."""

    @property
    def half_width(self) -> float:
        """Half of the interval's width as a share of the ratio: 0.05 is 5 % to either side."""
        return (self.interval.high - self.interval.low) / 2.0 / (1.0 + self.interval.estimate)

    def column(self) -> Array:
        """Return the mean ratio of each draw of the constants, NaN where one is missing."""
        return by_draw(np.array(self.ratios, dtype=np.float64), self.per_draw)

    @property
    def spread(self) -> Spread | None:
        """What the constants and what chance make of it; None where they are not known apart."""
        return spread(np.array(self.ratios, dtype=np.float64), self.per_draw)


def overheads(
    names: Sequence[str],
    virtualizations: Mapping[str, Replications],
    baseline: Replications,
    *,
    level: float,
    seed: int,
    per_draw: int = 1,
) -> dict[str, dict[str, Overhead]]:
    """Compare the virtualizations of one environment with its baseline.

    Parameters
    ----------
    names
        Some of :data:`MEASURES`.
    virtualizations
        Measures of the runs of each; without the baseline.
    level
        Confidence of the intervals and ranges.
    seed
        Makes the resamples.
    per_draw
        Replications with each draw of the uncertain constants.

    Returns
    -------
    dict
        Measure -> virtualization -> overhead, in the given order; a virtualization without a single
        pair is left out.
    """
    rows = 1 + max((number for each in virtualizations.values() for number in each), default=-1)
    found: dict[str, dict[str, Overhead]] = {name: {} for name in names}
    ratios: dict[tuple[str, str], Array] = {}
    for virtualization, measured in virtualizations.items():
        for name, column in zip(names, _ratios(names, measured, baseline, rows), strict=True):
            if np.isfinite(column).any():
                ratios[name, virtualization] = column
    if not ratios:
        return found
    concerns = {each: _concerns(virtualizations[each], baseline) for _, each in ratios}
    table = by_draw(np.column_stack(list(ratios.values())), per_draw)
    intervals = ratio_bootstrap(table, seed=seed).intervals(level)
    for ((name, virtualization), column), interval, span in zip(
        ratios.items(), intervals, ratio_ranges(table, level), strict=True
    ):
        missing, mix = concerns[virtualization]
        warnings = interval.warnings + (missing if name == "slowdown" else mix)
        found[name][virtualization] = Overhead(
            virtualization=virtualization,
            measure=name,
            interval=replace(interval.transformed(expm1), warnings=warnings),
            range=span.transformed(expm1),
            ratios=tuple(None if math.isnan(each) else each for each in column.tolist()),
            per_draw=per_draw,
        )
    return found


def _ratios(
    names: Sequence[str], measured: Replications, baseline: Replications, rows: int
) -> Iterator[Array]:
    """Yield for each measure the ratio of each replication to the baseline's.

    It is NaN where either has no result, or has done nothing: idle machines are not compared.
    """
    pairs = {
        number: (measured[number], baseline[number])
        for number in measured.keys() & baseline.keys()
        if not (measured[number].nothing_done or baseline[number].nothing_done)
    }
    for name in names:
        here, there = np.full(rows, np.nan), np.full(rows, np.nan)
        for number, (run, reference) in pairs.items():
            here[number], there[number] = _values(name, run, reference)
        yield paired_ratios(here, there)


def compared(name: str, run: Measures, reference: Measures) -> tuple[float, float]:
    """Return the values of a run and of the baseline's in one measure; NaN where they have none.

    They have none where either has done nothing: idle machines are not compared.
    """
    idle = run.nothing_done or reference.nothing_done
    return (math.nan, math.nan) if idle else _values(name, run, reference)


def _values(name: str, run: Measures, reference: Measures) -> tuple[float, float]:
    if name == "slowdown":
        return slowdown(run, reference), 1.0
    if name == "processor-time":
        return run.processor_seconds_per_transaction, reference.processor_seconds_per_transaction
    if name == "machine-share":
        return 1.0 + _machine_share(run, reference), 1.0
    quantile = name.removeprefix("response-")
    return run.quantiles.get(quantile, math.nan), reference.quantiles.get(quantile, math.nan)


def _machine_share(run: Measures, reference: Measures) -> float:
    """Extra processors at the baseline's rate, over the machine's; NaN where these are unknown."""
    if IDLE not in reference.processor_seconds:
        return math.nan
    extra = run.processor_seconds_per_transaction - reference.processor_seconds_per_transaction
    capacity = math.fsum(reference.processor_seconds.values())
    return extra * reference.transactions / capacity


def capacity_overhead(
    virtualization: str,
    ratios: Sequence[float | None],
    step: float,
    *,
    level: float,
    seed: int,
    per_draw: int = 1,
) -> Overhead | None:
    """Express capacities as an overhead: how much more load the baseline sustains.

    Parameters
    ----------
    ratios
        Ratio to the baseline's capacity of each replication; None where it is unknown.
    step
        Ratio of the loads between which a capacity lies.

    Returns
    -------
    Overhead
        Its interval is wider by the step; None if a ratio is unknown.
    """
    if not ratios or None in ratios:
        return None
    column = 1.0 / np.array(ratios, dtype=np.float64)
    table = by_draw(column[:, np.newaxis], per_draw)
    (interval,) = ratio_bootstrap(table, seed=seed).intervals(level)
    (span,) = ratio_ranges(table, level)
    resolution = math.log(step)
    wider = [
        replace(each, low=each.low - resolution, high=each.high + resolution).transformed(expm1)
        for each in (interval, span)
    ]
    return Overhead(
        virtualization, CAPACITY, wider[0], wider[1], tuple(column.tolist()), per_draw, resolution
    )


def _concerns(
    measured: Replications, baseline: Replications
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what makes a comparison of two cells doubtful: in slowdown, and in other measures."""
    pairs = [(measured[each], baseline[each]) for each in sorted(measured.keys() & baseline.keys())]
    missing = np.mean([unmatched(*pair) for pair in pairs]) > UNMATCHED_TOLERANCE
    mix = np.mean([mix_distance(*pair) for pair in pairs]) > MIX_TOLERANCE
    return (Concern.WORK_MISSING,) * bool(missing), (Concern.MIX_DIFFERS,) * bool(mix)
