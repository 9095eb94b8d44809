"""Compares a scenario's expectations with its timeline."""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from harness.campaign.schema.metrics import ACTION, METRICS, REQUESTS, dimension_of
from harness.campaign.schema.scenario import Expectation
from harness.catalog import Constants
from harness.engine.clock import to_ns
from harness.model.ledger import CAUSE_LABELS
from harness.results.run_result import Check, beyond_limit
from harness.runs.scenario.timeline import Requests, Timeline, quantile
from harness.units import DIMENSIONS, read_quantity


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

    def read(self, reading: Expectation) -> float | str | None:
        """Return what an expectation is about, in SI units; None if there is nothing to read."""
        of = METRICS[reading.metric].of
        if of == ACTION:
            return self._outcome(reading)
        if of == REQUESTS:
            return self._requests(reading)
        if reading.metric == "bill":
            return math.fsum(self.billed(name, reading.key or "") for name in reading.of or ())
        if reading.metric == "processor-time":
            return self._processor_time(reading)
        return self._sampled(reading)

    def _outcome(self, reading: Expectation) -> float | str | None:
        outcome = self.outcomes.get(reading.step or "")
        if outcome is None:
            return None
        if reading.metric == "status":
            return outcome.status or None
        if reading.metric == "lasted":
            ended = outcome.ended_seconds
            return None if ended is None else ended - outcome.began_seconds
        return outcome.results.get(reading.key or "")

    def _requests(self, reading: Expectation) -> float | None:
        begin_ns, end_ns = map(to_ns, reading.between or ())
        seconds = (end_ns - begin_ns) / 1e9
        groups = self.timeline.groups(reading.of or (), reading.group)
        if reading.metric == "bandwidth":
            return self._bandwidth(reading, begin_ns, end_ns) / seconds
        if reading.metric == "longest-gap":
            return _longest_gap(groups, begin_ns, end_ns)
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
        mean = sum(good) / len(good)
        if reading.metric == "response-mean":
            return mean / 1e9
        if reading.metric == "response-deviation":
            return math.sqrt(math.fsum((each - mean) ** 2 for each in good) / len(good)) / 1e9
        percent = int(reading.metric.removeprefix("response-p"))
        return quantile(good, percent / 100) / 1e9

    def _bandwidth(self, reading: Expectation, begin_ns: int, end_ns: int) -> float:
        total = 0.0
        for (partition, label), requests in self.timeline.requests.items():
            group = label.rpartition("/")[2]
            if partition in (reading.of or ()) and reading.group in (None, group):
                good = sum(requests.took_ns[i] >= 0 for i in requests.between(begin_ns, end_ns))
                total += good * self.sizes.get((partition, group), 0.0)
        return total

    def _sampled(self, reading: Expectation) -> float | None:
        """Return a statistic of the samples that cover the time from beginning to end.

        Several partitions are added up, or averaged, at each moment.
        """
        times = self.timeline.times_ns
        first, last = (bisect_right(times, to_ns(at)) - 1 for at in reading.between or ())
        if last <= first or not reading.of:
            return None
        each = [self._series(reading.metric, name)[first:last] for name in reading.of]
        share = len(each) if METRICS[reading.metric].dimension == "ratio" else 1
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

    def _processor_time(self, reading: Expectation) -> float | None:
        """Return processor seconds between two times by a cause, or by all, of all together."""
        times = self.timeline.times_ns
        first, last = (bisect_right(times, to_ns(at)) - 1 for at in reading.between or ())
        if last <= first:
            return None
        before, after = (self.timeline.spent[index] for index in (first, last))
        causes = CAUSE_LABELS if reading.key in (None, "all") else (reading.key,)
        spent_ns = 0
        for name in reading.of or ():
            for cause in causes:
                spent_ns += after.get(name, {}).get(cause, 0) - before.get(name, {}).get(cause, 0)
        return spent_ns / 1e9

    def _series(self, metric: str, name: str) -> Sequence[float]:
        samples = self.timeline.samples
        if metric != "entc":
            return samples[metric, name]
        used, entitled = samples["physc", name], samples["entitlement", name]
        return [u / e if e else 0.0 for u, e in zip(used, entitled, strict=True)]


def _longest_gap(groups: Sequence[Requests], begin_ns: int, end_ns: int) -> float:
    """Return the longest time without a request that ended well, of all groups together."""
    ends = sorted(
        each.ends_ns[i]
        for each in groups
        for i in each.between(begin_ns, end_ns)
        if each.took_ns[i] >= 0
    )
    marks = [begin_ns, *ends, end_ns]
    return max(later - earlier for earlier, later in pairwise(marks)) / 1e9


def check(expectation: Expectation, reader: Reader, constants: Constants) -> Check:
    """Compare what was expected with what was measured.

    Parameters
    ----------
    constants
        As drawn for the run: an expected constant has the value that the run had.
    """
    if expectation.metric == "status":
        return _check_status(expectation, reader)
    expected = expectation.expected
    if isinstance(expected, str):
        expected = constants.number(expected) * expectation.times
    of = expectation.of or []
    apart = expectation.each and METRICS[expectation.metric].of != ACTION
    subjects = [[name] for name in of] if apart else [of]
    found = [(_measure(expectation, subject, apart, reader), subject) for subject in subjects]
    tolerance = expectation.tolerance
    if isinstance(tolerance, str):
        tolerance = read_quantity(tolerance, "ratio") * abs(expected)
    numbers = [(value, subject) for value, subject in found if isinstance(value, float | int)]
    lacking = [subject for value, subject in found if value is None]

    relation = expectation.relation.replace("_", "-")
    farthest = max(
        numbers,
        key=lambda entry: beyond_limit(relation, expected, tolerance, entry[0]),
        default=None,
    )
    detail = ""
    if lacking:
        detail = f"nothing was measured{_names(lacking[0])}"
    elif farthest is not None and apart and len(found) > 1:
        detail = f"the farthest off{_names(farthest[1])}, of {len(found)}"
    dimension = dimension_of(expectation.metric, expectation.key)
    unit = "" if dimension is None or expectation.to is not None else DIMENSIONS[dimension].si
    found_check = Check(
        name=dict(expectation.name),
        measured=None if farthest is None else float(farthest[0]),
        expected=float(expected),
        relation=relation,
        tolerance=float(tolerance),
        unit="" if unit in ("count", "ratio") else unit,
        passed=False,
        detail=detail,
        source=expectation.source,
        assumed=tuple(expectation.rests_on),
        over_runs=expectation.over_runs or "",
    )
    passed = not lacking and farthest is not None and found_check.holds(farthest[0])
    return replace(found_check, passed=passed)


def _measure(
    expectation: Expectation, of: list[str], apart: bool, reader: Reader
) -> float | str | None:
    reading = expectation.model_copy(update={"of": of})
    value = reader.read(reading)
    reference = expectation.reference
    if reference is None or not isinstance(value, float | int):
        return value
    # Where each has to fulfil it, it is compared with itself unless others are named.
    if apart and of[0] in (reference.of or ()):
        reference = reference.model_copy(update={"of": of})
    other = reader.read(reference)
    if not isinstance(other, float | int):
        return None
    if expectation.difference_from is not None:
        return value - other
    return value / other if other else None


def _check_status(expectation: Expectation, reader: Reader) -> Check:
    measured = reader.read(expectation)
    outcome = reader.outcomes.get(expectation.step or "")
    reason = "" if outcome is None else outcome.reason
    return Check(
        name=dict(expectation.name),
        measured=None if measured is None else str(measured),
        expected=str(expectation.expected),
        relation="equals",
        tolerance=0.0,
        unit="",
        passed=measured == expectation.expected and (expectation.reason or "") in reason,
        detail=reason,
        source=expectation.source,
        assumed=tuple(expectation.rests_on),
    )


def _names(of: Sequence[str]) -> str:
    return f": {', '.join(of)}" if of else ""
