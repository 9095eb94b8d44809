"""Independent findings: environments that say the same about the claim, taken together.

Machines and operating systems often hardly differ. Results of one part, measure and workload whose
intervals have a value in common do not differ beyond what is known of them, and are one finding.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.doubts import Doubt, carried
from harness.analysis.environment_result import EnvironmentResult, share_json
from harness.analysis.overhead import Overhead
from harness.results.discrepancy import Ends
from harness.results.environment import Load
from harness.statistics.intervals import finite
from harness.statistics.ratios import Share
from harness.statistics.verdict import Outcome

WAITING = ("slowdown", "response-p50", "response-p95", "response-p99")
"""Measures of what users wait for; those of processors have no waits."""


@dataclass(frozen=True)
class Span:
    """Overheads of several environments: the smallest and the largest, and all their intervals."""

    lowest: float
    """Smallest estimate."""
    highest: float
    """Largest estimate."""
    low: float
    """Lowest end of an interval; minus one or less if nothing is known."""
    high: float
    """Highest end of an interval; infinity if nothing is known."""


@dataclass(frozen=True)
class Finding:
    """Results of one part, measure and workload that do not differ beyond their intervals."""

    part: str
    measure: str
    workload: str
    load: Load
    outcome: Outcome
    results: tuple[EnvironmentResult, ...]
    """In the order of the matrix."""
    firmware: Span | None
    """None if the firmware level was not measured."""
    software: Span | None
    without_misses: Outcome | None = None
    """Outcome without the model's own misses; None where they were not studied."""
    firmware_with_misses: Span | None = None
    software_with_misses: Span | None = None

    @property
    def worst(self) -> EnvironmentResult:
        """The environment with the highest overhead of the firmware level."""
        return max(
            self.results,
            key=lambda each: each.firmware.interval.estimate if each.firmware else -math.inf,
        )

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Doubts about any of the results."""
        found = {doubt for each in self.results for doubt in each.doubts}
        return tuple(each for each in Doubt if each in found)

    @property
    def plausible(self) -> Share | None:
        """Share of plausible machines in the environment where it is smallest.

        Machines include the model's own misses where these were studied.
        """
        shares = [
            each.plausible if each.with_misses is None else each.with_misses.plausible
            for each in self.results
        ]
        known = [each for each in shares if each is not None]
        return min(known, key=lambda each: each.estimate, default=None)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON holds it; what is unknown or without bound is None."""
        return {
            "part": self.part,
            "measure": self.measure,
            "workload": self.workload,
            "load": dict(self.load),
            "outcome": str(self.outcome),
            "machines": list(dict.fromkeys(each.environment.machine for each in self.results)),
            "operating_systems": list(dict.fromkeys(each.environment.os for each in self.results)),
            "environments": len(self.results),
            "firmware": _span_json(self.firmware),
            "software": _span_json(self.software),
            "plausible": share_json(self.plausible),
            "doubts": list(map(str, self.doubts)),
            "without_misses": None if self.without_misses is None else str(self.without_misses),
            "firmware_with_misses": _span_json(self.firmware_with_misses),
            "software_with_misses": _span_json(self.software_with_misses),
        }


def findings(judged: Iterable[EnvironmentResult]) -> tuple[Finding, ...]:
    """Put judged results together: by part, measure, workload and load, then by their intervals.

    As few findings are made as possible: intervals that have a value in common are one.
    """
    groups: dict[tuple[str, str, str, Load], list[EnvironmentResult]] = {}
    for result in judged:
        where = result.environment
        key = (result.part, result.measure, where.workload, where.load)
        groups.setdefault(key, []).append(result)
    return tuple(
        _finding(key, members) for key, results in groups.items() for members in _alike(results)
    )


def _finding(key: tuple[str, str, str, Load], members: tuple[EnvironmentResult, ...]) -> Finding:
    studied = any(each.with_misses is not None for each in members)
    judged = [(each.outcome or Outcome.INCONCLUSIVE, each.doubts) for each in members]
    without = [
        (each.without_misses or each.outcome or Outcome.INCONCLUSIVE, each.doubts)
        for each in members
    ]
    with_misses = [each.with_misses for each in members if each.with_misses is not None]
    return Finding(
        *key,
        outcome=carried(judged),
        results=members,
        firmware=span(each.firmware for each in members),
        software=span(each.software for each in members),
        without_misses=carried(without) if studied else None,
        firmware_with_misses=span(each.firmware for each in with_misses),
        software_with_misses=span(each.software for each in with_misses),
    )


def _alike(results: Sequence[EnvironmentResult]) -> list[tuple[EnvironmentResult, ...]]:
    """Divide results into groups whose firmware intervals have a value in common."""
    known = [each for each in results if each.firmware is not None]
    order = sorted(known, key=_high)
    groups: list[list[EnvironmentResult]] = []
    end = -math.inf
    for result in order:
        if not groups or _low(result) > end:
            groups.append([])
            end = _high(result)
        groups[-1].append(result)
    unknown = [each for each in results if each.firmware is None]
    if unknown:
        groups.append(unknown)
    place = {id(each): number for number, each in enumerate(results)}
    in_order = [tuple(sorted(group, key=lambda each: place[id(each)])) for group in groups]
    return sorted(in_order, key=lambda group: place[id(group[0])])


def _low(result: EnvironmentResult) -> float:
    return -math.inf if result.firmware is None else result.firmware.interval.low


def _high(result: EnvironmentResult) -> float:
    return math.inf if result.firmware is None else result.firmware.interval.high


def span(overheads: Iterable[Overhead | Ends | None]) -> Span | None:
    """Sum up overheads of several environments; None if none was measured."""
    found = [
        each.interval if isinstance(each, Overhead) else each
        for each in overheads
        if each is not None
    ]
    if not found:
        return None
    return Span(
        lowest=min(each.estimate for each in found),
        highest=max(each.estimate for each in found),
        low=min(-math.inf if each.low is None else each.low for each in found),
        high=max(math.inf if each.high is None else each.high for each in found),
    )


def _span_json(span: Span | None) -> dict[str, float | None] | None:
    if span is None:
        return None
    return {
        "lowest": span.lowest,
        "highest": span.highest,
        "low": finite(span.low),
        "high": finite(span.high),
    }
