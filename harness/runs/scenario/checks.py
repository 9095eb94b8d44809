"""What a scenario's timeline says about its expectations."""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from harness.campaign.scenario_script import (
    OUTCOMES,
    REQUESTS,
    Expectation,
    Reading,
    dimension_of,
)
from harness.catalog import Constants
from harness.engine.clock import to_ns
from harness.results.run_result import Check
from harness.runs.scenario.timeline import QUANTILE, Timeline, quantile

_UNITS = {
    "count": "",
    "rate": "/s",
    "bandwidth": "B/s",
    "time": "s",
    "cores": "cores",
    "ratio": "",
    "size": "B",
    "power": "W",
}
_AVERAGED = ("entc",)
_ROUNDING = 1e-9


@dataclass(slots=True)
class Outcome:
    """How an action of a scenario ended."""

    began_seconds: float
    ended_seconds: float | None = None
    status: str = ""
    reason: str = ""
    results: Mapping[str, float] = field(default_factory=dict)
    """What else the operation measured of itself."""


class Reader:
    """Reads metrics off a scenario that has been carried out.

    Parameters
    ----------
    sizes
        Bytes of one transfer by partition and group, where it has a size.
    outcomes
        By the action's name.
    billed
        Says what a machine has been charged for a kind of Capacity on Demand.
    """

    def __init__(
        self,
        timeline: Timeline,
        outcomes: Mapping[str, Outcome],
        sizes: Mapping[tuple[str, str], float],
        billed: Callable[[str, str], float],
    ) -> None:
        self.timeline = timeline
        self.outcomes = outcomes
        self.sizes = sizes
        self.billed = billed

    def read(self, reading: Reading) -> float | str | None:
        """Return the value in SI units; None if there is nothing to read."""
        if reading.metric in OUTCOMES:
            return self._outcome(reading)
        if reading.metric in REQUESTS:
            return self._requests(reading)
        if reading.metric == "bill":
            return math.fsum(self.billed(name, reading.key or "") for name in reading.of)
        return self._sampled(reading)

    def _outcome(self, reading: Reading) -> float | str | None:
        outcome = self.outcomes.get(reading.step or "")
        if outcome is None:
            return None
        if reading.metric == "status":
            return outcome.status or None
        if reading.metric == "lasted":
            ended = outcome.ended_seconds
            return None if ended is None else ended - outcome.began_seconds
        return outcome.results.get(reading.key or "")

    def _requests(self, reading: Reading) -> float | None:
        begin_ns, end_ns = to_ns(reading.begin_seconds), to_ns(reading.end_seconds)
        seconds = (end_ns - begin_ns) / 1e9
        groups = self.timeline.groups(reading.of, reading.group)
        if reading.metric == "bandwidth":
            return self._bandwidth(reading, begin_ns, end_ns) / seconds
        if reading.metric == "longest-gap":
            return self._longest_gap(reading, begin_ns, end_ns)
        took = sorted(each.took_ns[i] for each in groups for i in each.between(begin_ns, end_ns))
        failed = bisect_right(took, -1)
        good = took[failed:]
        match reading.metric:
            case "requests":
                return float(len(good))
            case "failed":
                return float(failed)
            case "throughput":
                return len(good) / seconds
        if not good:
            return None
        if reading.metric == "response-mean":
            return sum(good) / len(good) / 1e9
        return quantile(good, QUANTILE) / 1e9

    def _bandwidth(self, reading: Reading, begin_ns: int, end_ns: int) -> float:
        total = 0.0
        for (partition, label), requests in self.timeline.requests.items():
            group = label.rpartition("/")[2]
            if partition in reading.of and reading.group in (None, group):
                good = sum(requests.took_ns[i] >= 0 for i in requests.between(begin_ns, end_ns))
                total += good * self.sizes.get((partition, group), 0.0)
        return total

    def _longest_gap(self, reading: Reading, begin_ns: int, end_ns: int) -> float:
        """Return the longest time without a request that ended well, of all of them together."""
        ends = sorted(
            each.ends_ns[i]
            for each in self.timeline.groups(reading.of, reading.group)
            for i in each.between(begin_ns, end_ns)
            if each.took_ns[i] >= 0
        )
        marks = [begin_ns, *ends, end_ns]
        return max(later - earlier for earlier, later in pairwise(marks)) / 1e9

    def _sampled(self, reading: Reading) -> float | None:
        """Return a statistic of the samples that cover the time from beginning to end.

        Several partitions are added up, or averaged, at each moment.
        """
        times = self.timeline.times_ns
        first = bisect_right(times, to_ns(reading.begin_seconds)) - 1
        last = bisect_right(times, to_ns(reading.end_seconds)) - 1
        if last <= first or not reading.of:
            return None
        each = [self._series(reading.metric, name)[first:last] for name in reading.of]
        share = len(each) if reading.metric in _AVERAGED else 1
        values = [math.fsum(moment) / share for moment in zip(*each, strict=True)]
        match reading.statistic:
            case "minimum":
                return min(values)
            case "maximum":
                return max(values)
            case "last":
                return values[-1]
        spans = [times[i + 1] - times[i] for i in range(first, last)]
        weighted = (value * span for value, span in zip(values, spans, strict=True))
        return math.fsum(weighted) / sum(spans)

    def _series(self, metric: str, name: str) -> Sequence[float]:
        samples = self.timeline.samples
        if metric != "entc":
            return samples[metric, name]
        used, entitled = samples["physc", name], samples["entitlement", name]
        return [u / e if e else 0.0 for u, e in zip(used, entitled, strict=True)]


def check(expectation: Expectation, reader: Reader, constants: Constants) -> Check:
    """Compare what was expected with what was measured.

    Parameters
    ----------
    constants
        As drawn for the run: an expected constant has the value that the run had.
    """
    reading = expectation.reading
    expected = expectation.expected
    if expectation.constant is not None:
        expected = constants.number(expectation.constant) * expectation.times
    assert expected is not None
    apart = expectation.each and reading.metric not in OUTCOMES
    subjects = [(name,) for name in reading.of] if apart else [reading.of]
    found = [(_measure(replace(reading, of=of), expectation, apart, reader), of) for of in subjects]
    if isinstance(expected, str):
        return _status(expectation, expected, found[0][0], reader)
    tolerance = expectation.tolerance
    if expectation.relative_tolerance:
        tolerance *= abs(expected)
    numbers = [(value, of) for value, of in found if isinstance(value, float | int)]
    lacking = [of for value, of in found if value is None]

    def off(entry: tuple[float, tuple[str, ...]]) -> float:
        assert isinstance(expected, float | int)
        value = entry[0]
        if expectation.relation == "equals":
            return abs(value - expected) - tolerance
        return value - expected if expectation.relation == "at-most" else expected - value

    measured, of = max(numbers, key=off, default=(None, ()))
    passed = not lacking and measured is not None
    slack = _ROUNDING * max(1.0, abs(expected))
    if passed and measured is not None:
        passed = off((measured, of)) <= slack
    detail = ""
    if lacking:
        detail = f"nothing was measured{_whose(lacking[0])}"
    elif apart and len(found) > 1:
        detail = f"the farthest off{_whose(of)}, of {len(found)}"
    related = expectation.relative_to is not None and not expectation.difference
    dimension = "ratio" if related else dimension_of(reading.metric, reading.key)
    return Check(
        name=dict(expectation.name),
        measured=None if measured is None else float(measured),
        expected=float(expected),
        relation=expectation.relation,
        tolerance=tolerance,
        unit="" if dimension is None else _UNITS[dimension],
        passed=passed,
        detail=detail,
        source=expectation.source,
        assumed=expectation.assumed,
    )


def _measure(
    reading: Reading, expectation: Expectation, apart: bool, reader: Reader
) -> float | str | None:
    value = reader.read(reading)
    reference = expectation.relative_to
    if reference is None or not isinstance(value, float | int):
        return value
    # Where each has to fulfil it, it is compared with itself unless others are named.
    own = apart and reading.of[0] in reference.of
    other = reader.read(replace(reference, of=reading.of) if own else reference)
    if not isinstance(other, float | int):
        return None
    if expectation.difference:
        return value - other
    return value / other if other else None


def _status(
    expectation: Expectation, expected: str, measured: float | str | None, reader: Reader
) -> Check:
    outcome = reader.outcomes.get(expectation.reading.step or "")
    reason = "" if outcome is None else outcome.reason
    passed = measured == expected
    if expectation.reason is not None:
        passed = passed and expectation.reason in reason
    return Check(
        name=dict(expectation.name),
        measured=None if measured is None else str(measured),
        expected=expected,
        relation="equals",
        tolerance=0.0,
        unit="",
        passed=passed,
        detail=reason,
        source=expectation.source,
        assumed=expectation.assumed,
    )


def _whose(of: Sequence[str]) -> str:
    return f": {', '.join(of)}" if of else ""
