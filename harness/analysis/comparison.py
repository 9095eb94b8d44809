"""Comparison of two campaigns: what became better or worse, and what shows no change.

Every overhead that both campaigns measured is compared: the same virtualization, environment and
measure. Replications are paired by their number. With equal seeds they share arrivals, demands and
draws, which cancel; with different seeds pairing is still valid, only wider.

A change is relative to what the same work cost in the first campaign, each in units of its own
baseline: (1 + second overhead) / (1 + first overhead) - 1. For small overheads that is their
difference, and comparing the other way round gives the inverse.

"Better" and "worse" are one-sided tests, two for each overhead, and all of them form one family
under Holm's adjustment: if nothing changed, anything at all is called better or worse with at most
the probability alpha, the smaller one of both campaigns, as far as the tests hold it
(:mod:`harness.statistics.intervals`).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.analysis.measured_values import MeasuredChange, MeasuredValue, measured_changes
from harness.analysis.snapshot import CampaignSnapshot, CheckRecord, OverheadRecord, VerdictRecord
from harness.errors import UserError
from harness.results.environment import Environment
from harness.statistics.intervals import Interval
from harness.statistics.ratios import (
    LOG_RESOLUTION,
    expm1,
    holm,
    paired_ratios,
    ratio_bootstrap,
)
from harness.statistics.verdict import Outcome

Array = NDArray[np.float64]
_Key = TypeVar("_Key")
_Record = TypeVar("_Record", OverheadRecord, VerdictRecord, CheckRecord)
_Pairs = list[tuple[_Record, _Record]]


class Direction(StrEnum):
    """How the second campaign stands to the first."""

    WORSE = "worse"
    BETTER = "better"
    UNKNOWN = "unknown"
    """No change is shown."""
    SAME = "same"
    """Equal: an overhead in each common replication, an outcome or a check as such."""


_SUMMARIES = {
    Direction.WORSE: "something got worse",
    Direction.BETTER: "something got better",
    Direction.UNKNOWN: "no change shown",
    Direction.SAME: "unchanged",
}


@dataclass(frozen=True)
class Change:
    """An overhead in both campaigns."""

    first: OverheadRecord
    second: OverheadRecord
    interval: Interval
    """Of the change; 0.05 is 5 % more than in the first campaign."""
    p_better: float
    """Adjusted for all comparisons."""
    p_worse: float
    direction: Direction


@dataclass(frozen=True)
class OutcomeChange:
    """Outcome of the claim in one environment and measure, in both campaigns."""

    environment: Environment
    measure: str
    first: str
    second: str
    direction: Direction
    """Unknown if one of the two is inconclusive and the other is not."""


@dataclass(frozen=True)
class CheckChange:
    """An expectation of a scenario in both campaigns."""

    scenario: str
    name: dict[str, str]
    first: bool
    second: bool
    direction: Direction


@dataclass(frozen=True)
class Difference:
    """A setting or constant that is not the same in both campaigns."""

    name: str
    first: str | None
    """None where a campaign does not have it."""
    second: str | None


@dataclass(frozen=True)
class Comparison:
    """Two campaigns side by side."""

    first: CampaignSnapshot
    second: CampaignSnapshot
    alpha: float
    changes: tuple[Change, ...]
    outcomes: tuple[OutcomeChange, ...]
    checks: tuple[CheckChange, ...]
    settings: tuple[Difference, ...]
    constants: tuple[Difference, ...]
    only_first: tuple[str, ...]
    """What only the first campaign has, in words."""
    only_second: tuple[str, ...]
    measured: tuple[MeasuredChange, ...] = ()
    """Values of real systems in two imports; these are neither better nor worse."""

    def count(self, direction: Direction) -> int:
        """Return how many overheads, outcomes and checks went this way."""
        parts: tuple[Sequence[Change | OutcomeChange | CheckChange], ...]
        parts = (self.changes, self.outcomes, self.checks)
        return sum(each.direction is direction for part in parts for each in part)

    @property
    def direction(self) -> Direction:
        """Worse if anything is; else better if anything is; else unknown if anything is."""
        return next((each for each in Direction if self.count(each)), Direction.UNKNOWN)

    @property
    def summary(self) -> str:
        """The overall direction, in words."""
        if self.measured:
            higher, lower = (
                sum(each.direction == way for each in self.measured) for way in ("higher", "lower")
            )
            return f"{higher} of {len(self.measured)} measured values are higher, {lower} lower"
        return _SUMMARIES[self.direction]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON holds it; what is unknown or without bound is None."""
        return {
            "first": _campaign_json(self.first),
            "second": _campaign_json(self.second),
            "alpha": self.alpha,
            "direction": str(self.direction),
            "summary": self.summary,
            "counts": {str(each): self.count(each) for each in Direction},
            "overheads": [_change_json(each) for each in self.changes],
            "outcomes": [
                {
                    **each.environment.to_json(),
                    "measure": each.measure,
                    "first": each.first,
                    "second": each.second,
                    "direction": each.direction,
                }
                for each in self.outcomes
            ],
            "checks": [vars(each) for each in self.checks],
            "settings": [vars(each) for each in self.settings],
            "constants": [vars(each) for each in self.constants],
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
            **({"measured": [each.to_json() for each in self.measured]} if self.measured else {}),
        }


def compare(
    first: CampaignSnapshot,
    second: CampaignSnapshot,
    values: tuple[tuple[MeasuredValue, ...], tuple[MeasuredValue, ...]] = ((), ()),
) -> Comparison:
    """Compare two campaigns.

    Parameters
    ----------
    first, second
        What was concluded from their runs.
    values
        What real systems measured of themselves, if both are imports.

    Raises
    ------
    UserError
        If nothing was measured, judged or checked in both.
    """
    alpha = min(first.alpha, second.alpha)
    here, there = _measured(first.overheads), _measured(second.overheads)
    checked_here, checked_there = _checked(first.checks), _checked(second.checks)
    changes, unpaired = _changes(_pairs(here, there), alpha)
    outcomes = tuple(
        OutcomeChange(
            one.environment,
            one.measure,
            one.outcome,
            other.outcome,
            _outcome_direction(one.outcome, other.outcome),
        )
        for one, other in _pairs(_judged(first.outcomes), _judged(second.outcomes))
    )
    checks = tuple(
        CheckChange(
            one.scenario,
            one.name,
            one.passed,
            other.passed,
            _check_direction(one.passed, other.passed),
        )
        for one, other in _pairs(checked_here, checked_there)
    )
    measured = measured_changes(*values, alpha)
    if not (changes or outcomes or checks or measured):
        raise UserError(
            f"{first.name!r} and {second.name!r} have nothing in common that could be compared: no "
            "virtualization in the same environment (machine, os, workload, load) and no check"
        )
    return Comparison(
        first=first,
        second=second,
        alpha=alpha,
        changes=changes,
        outcomes=outcomes,
        checks=checks,
        settings=_settings(first, second),
        constants=_differences(first.constants, second.constants),
        only_first=(*_only(here, there), *unpaired, *_only(checked_here, checked_there)),
        only_second=(*_only(there, here), *unpaired, *_only(checked_there, checked_here)),
        measured=measured,
    )


def _pairs(first: Mapping[_Key, _Record], second: Mapping[_Key, _Record]) -> _Pairs[_Record]:
    return [(each, second[key]) for key, each in first.items() if key in second]


def _only(
    first: Mapping[_Key, OverheadRecord | CheckRecord], second: Mapping[_Key, Any]
) -> Iterator[str]:
    """Name what only the first has, each once for all measures."""
    names = (_name(each) for key, each in first.items() if key not in second)
    yield from dict.fromkeys(names)


def _name(each: OverheadRecord | CheckRecord) -> str:
    if isinstance(each, CheckRecord):
        return f"scenario {each.scenario}: {each.name.get('en', '')}"
    return f"{each.environment.title}: {each.virtualization}"


def _changes(
    pairs: _Pairs[OverheadRecord], alpha: float
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Compare pairs of overheads; return also those without a common replication, in words."""
    rows = max((len(each.ratios) for pair in pairs for each in pair), default=0)
    columns = [
        paired_ratios(_column(second, rows), _column(first, rows)) for first, second in pairs
    ]
    usable = [index for index, column in enumerate(columns) if np.isfinite(column).any()]
    unpaired = tuple(
        dict.fromkeys(_name(first) for n, (first, _) in enumerate(pairs) if n not in usable)
    )
    if not usable:
        return (), unpaired
    ratios = np.column_stack([columns[index] for index in usable])
    bootstrap = ratio_bootstrap(ratios)
    adjusted = holm(np.concatenate([bootstrap.p_below(0.0), bootstrap.p_above(0.0)]))
    better, worse = np.split(adjusted, 2)
    changes = []
    for column, (index, interval) in enumerate(
        zip(usable, bootstrap.intervals(1.0 - alpha), strict=True)
    ):
        logs = np.log(columns[index][np.isfinite(columns[index])])
        direction = Direction.UNKNOWN
        if (np.abs(logs) <= LOG_RESOLUTION).all():
            direction = Direction.SAME
        elif worse[column] <= alpha:
            direction = Direction.WORSE
        elif better[column] <= alpha:
            direction = Direction.BETTER
        first, second = pairs[index]
        change = interval.transformed(expm1)
        changes.append(
            Change(first, second, change, float(better[column]), float(worse[column]), direction)
        )
    return tuple(changes), unpaired


def _column(record: OverheadRecord, rows: int) -> Array:
    missing = (None,) * (rows - len(record.ratios))
    return np.array([*record.ratios, *missing], dtype=np.float64)


def _outcome_direction(first: str, second: str) -> Direction:
    if first == second:
        return Direction.SAME
    if Outcome.INCONCLUSIVE in (first, second):
        return Direction.UNKNOWN
    return Direction.WORSE if second == Outcome.REFUTED else Direction.BETTER


def _check_direction(first: bool, second: bool) -> Direction:
    if first == second:
        return Direction.SAME
    return Direction.BETTER if second else Direction.WORSE


def _measured(overheads: Iterable[OverheadRecord]) -> dict[tuple[Any, ...], OverheadRecord]:
    return {(each.environment, each.measure, each.virtualization): each for each in overheads}


def _judged(outcomes: Iterable[VerdictRecord]) -> dict[tuple[Any, ...], VerdictRecord]:
    return {(each.environment, each.part, each.measure): each for each in outcomes}


def _checked(checks: Iterable[CheckRecord]) -> dict[tuple[str, str, int], CheckRecord]:
    """Key checks by scenario, name and, where a scenario repeats a name, its number."""
    records: dict[tuple[str, str, int], CheckRecord] = {}
    for each in checks:
        name, number = each.name.get("en", ""), 0
        while (each.scenario, name, number) in records:
            number += 1
        records[each.scenario, name, number] = each
    return records


def _settings(first: CampaignSnapshot, second: CampaignSnapshot) -> tuple[Difference, ...]:
    def values(each: CampaignSnapshot) -> dict[str, str]:
        return {
            "campaign": each.name,
            "margin": f"{each.margin:.6g}",
            "alpha": f"{each.alpha:.6g}",
            "seed": str(each.seed),
            "replications": str(each.replications),
            "complete runs": str(each.complete),
            "failed runs": str(each.failed),
            "model": each.model[:16],
            **each.versions,
        }

    return _differences(values(first), values(second))


def _differences(first: dict[str, str], second: dict[str, str]) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, first.get(name), second.get(name))
        for name in {**first, **second}
        if first.get(name) != second.get(name)
    )


def _campaign_json(each: CampaignSnapshot) -> dict[str, Any]:
    return {
        "campaign": each.name,
        "identity": each.identity,
        "outcome": each.outcome,
        "margin": each.margin,
        "alpha": each.alpha,
        "seed": each.seed,
    }


def _overhead_json(each: OverheadRecord) -> dict[str, Any]:
    return {
        "overhead": each.estimate,
        "low": each.low,
        "high": each.high,
        "range_low": each.range_low,
        "range_high": each.range_high,
    }


def _change_json(each: Change) -> dict[str, Any]:
    interval = each.interval
    known = math.isfinite(interval.high)
    return {
        **each.first.environment.to_json(),
        "measure": each.first.measure,
        "virtualization": each.first.virtualization,
        "first": _overhead_json(each.first),
        "second": _overhead_json(each.second),
        "change": {
            "estimate": interval.estimate,
            "low": interval.low if known else None,
            "high": interval.high if known else None,
            "level": interval.level,
            "replications": interval.samples,
            "warnings": list(interval.warnings),
        },
        "p_better": each.p_better,
        "p_worse": each.p_worse,
        "direction": str(each.direction),
    }
