"""One run on a real target: a Locust user works on it until its time is up."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Any

from greenlet import GreenletExit, getcurrent
from locust.env import Environment

from harness.campaign.cell import RunSpec
from harness.campaign.isolation import isolation
from harness.campaign.random_streams import stream_seed
from harness.engine.clock import to_ns
from harness.errors import UserError
from harness.metrics.ddsketch import Digest
from harness.metrics.families import RESPONSE
from harness.metrics.observer import owner, problem
from harness.real.campaign.partition import NAME, RealPartition
from harness.real.host.cpu_time import tree_seconds
from harness.real.host.interference import CpuAccounting, Interference
from harness.real.target.target import Target
from harness.results.run_result import RunResult, Sample
from harness.statistics.warm_up import BATCH, MINIMUM_BATCHES, mser5
from harness.users.population import load_group, locust_on
from harness.users.user_greenlet import UserGreenlet, raise_error

_EMPTY_REQUESTS = 3
"""Number of requests of a shape without work, by which their cost is measured."""

Enough = Callable[[int, float], bool]
"""Function of the transactions that ended and the seconds since the start: whether to end."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Transaction that has ended."""

    name: str
    response_seconds: float
    failed: bool
    at: float
    """Its end by this machine's clock, in seconds."""
    processor_seconds: float
    """Processor time that the target's processes had used for work by then."""
    asked: Counter[Any]
    """Number of requests of each shape by then."""


@dataclass(slots=True)
class Course:
    """Course of a user's work."""

    began: float
    """Its begin by this machine's clock, in seconds."""
    partition: RealPartition
    group: str
    """Name of the group of users."""
    ended: list[Ended] = field(default_factory=list)
    refused: str | None = None
    """Reason why a request was not valid, such as one without its user; of the first such one."""


class _WallClock:
    """Clock of this machine, for Locust's functions that read one."""

    @property
    def now_ns(self) -> int:
        return time.monotonic_ns()


def drive(partition: RealPartition, spec: RunSpec, enough: Enough) -> Course:
    """Let the cell's user do whole transactions on a target until they are enough.

    Raises
    ------
    RefusalError, TargetError
        If the target cannot do a request, or fails.
    UserError
        If the locustfile is missing or broken, or reports no transactions.
    """
    with isolation(spec):
        return _drive(partition, spec, enough)


def _drive(partition: RealPartition, spec: RunSpec, enough: Enough) -> Course:
    (group,) = spec.cell.groups
    cls, demand = load_group(group, spec.base)
    environment = Environment(catch_exceptions=False)
    name = f"{NAME}/{group.name}"
    user = cls(environment).bind(
        partition,
        demand,
        Random(stream_seed(spec.seed, spec.replication, name, 0)),
        group.think_time_seconds,
    )
    user.labels = (NAME, name)
    course = Course(time.monotonic(), partition, name)

    def note(
        name: Any = None,
        response_time: Any = None,
        exception: Any = None,
        context: Any = None,
        **_: object,
    ) -> None:
        refused = problem(name, response_time, context)
        if refused or owner(context) is not user:
            course.refused = course.refused or refused or problem(name, response_time, None)
            return
        course.ended.append(
            Ended(
                name,
                float(response_time) / 1e3,
                bool(exception),
                time.monotonic(),
                partition.processor_seconds,
                partition.asked.copy(),
            )
        )

    pause = user.pause

    def pause_or_end(seconds: float) -> None:
        if enough(len(course.ended), time.monotonic() - course.began):
            raise GreenletExit
        pause(seconds)

    environment.events.request.add_listener(note)  # type: ignore[no-untyped-call]
    user.pause = pause_or_end  # type: ignore[method-assign]
    with locust_on(_WallClock()):
        UserGreenlet(user, getcurrent(), raise_error).switch()
    if course.refused is not None:
        raise UserError(course.refused)
    if not course.ended:
        raise UserError(
            f"user = {group.user!r}: no transaction ended: mark the task with "
            "workloads.user.transaction"
        )
    return course


def run_on(
    target: Target,
    spec: RunSpec,
    *,
    rounds_per_second: float,
    clock_ratio: float,
    outputs: dict[str, tuple[int, str]],
    settled: bool,
    machine: Mapping[str, str],
) -> RunResult:
    """Carry out one run.

    MSER-5 finds the warm-up among the response times. If they are too few, nothing is cut off and
    the target has to be warm already.

    Parameters
    ----------
    target
        Running and answering.
    spec
        The run.
    rounds_per_second, clock_ratio, outputs
        As for :class:`harness.real.campaign.partition.RealPartition`.
    settled
        Whether the target is warm for this work.
    machine
        Labels of the machine, for the result.

    Raises
    ------
    RefusalError, TargetError, UserError
        As for :func:`drive`.
    """
    partition = RealPartition(target, rounds_per_second, clock_ratio, outputs)
    duration, warm_up = spec.cell.duration_seconds, spec.cell.warm_up_seconds
    before = CpuAccounting.now(target.pid)
    course = drive(partition, spec, lambda _, seconds: seconds >= duration + (warm_up or 0.0))
    condition = CpuAccounting.now(target.pid).condition_since(before)
    cut, trustworthy = _cut(course, warm_up, settled=settled)
    idle = {shape: _idle_costs(target, shape) for shape in partition.asked}
    return _result(course, cut, trustworthy, idle, condition, machine)


def _cut(course: Course, warm_up: float | None, *, settled: bool) -> tuple[int, bool]:
    """Return the number of transactions in the warm-up, and whether it can be trusted."""
    ended = course.ended
    if warm_up is not None:
        early = sum(each.at - course.began < warm_up for each in ended)
        return min(early, len(ended) - 1), True
    if len(ended) < MINIMUM_BATCHES * BATCH:
        return 0, settled
    found = mser5([each.response_seconds for each in ended])
    return found.cut, found.trustworthy


def _idle_costs(target: Target, shape: Any) -> tuple[float, float]:
    """Return the cost of a request of a shape without work: the channel and the preparation.

    Seconds by this machine's clock, and of the target's processors.
    """
    taken, spent = [], []
    for _ in range(_EMPTY_REQUESTS):
        before = tree_seconds(target.pid)
        taken.append(target.work([(event, 0) for event in shape])[1])
        spent.append(tree_seconds(target.pid) - before)
    return median(taken), median(spent)


def _result(
    course: Course,
    cut: int,
    trustworthy: bool,
    idle: Mapping[Any, tuple[float, float]],
    condition: Interference,
    machine: Mapping[str, str],
) -> RunResult:
    kept = course.ended[cut:]
    first = course.ended[cut - 1] if cut else None
    began = course.began if first is None else first.at
    processor = 0.0 if first is None else first.processor_seconds
    asked = kept[-1].asked - (Counter() if first is None else first.asked)
    preparing = sum(number * idle[shape][1] for shape, number in asked.items())
    spent = max(0.0, kept[-1].processor_seconds - processor - preparing)
    measured = kept[-1].at - began
    partition = course.partition
    channel = sum(number * idle[shape][0] for shape, number in partition.asked.items())
    samples: list[Sample] = [
        ("vtax_processor_seconds_total", {"partition": NAME, "cause": NAME}, spent),
        (
            "vtax_processor_seconds_total",
            {"partition": "", "cause": "idle"},
            max(0.0, measured - spent),
        ),
        ("vtax_target_inside_seconds_total", {}, partition.inside_seconds),
        ("vtax_target_outside_seconds_total", {}, partition.outside_seconds - channel),
        ("vtax_target_channel_seconds_total", {}, channel),
        ("vtax_machine_info", dict(machine), 1.0),
    ]
    for name, value in condition.row().items():
        if value is not None:
            samples.append((f"vtax_condition_{name}", {}, float(value)))
    digests = {}
    for name in dict.fromkeys(each.name for each in kept):
        digest = Digest()
        failed = 0
        for each in kept:
            if each.name == name and each.failed:
                failed += 1
            elif each.name == name:
                digest.add(to_ns(each.response_seconds))
        labels = {"partition": NAME, "group": course.group, "name": name}
        digests[f"{NAME}/{course.group}/{name}"] = digest
        samples += [
            ("vtax_transactions_total", {**labels, "outcome": "ok"}, float(digest.count)),
            ("vtax_transactions_total", {**labels, "outcome": "failed"}, float(failed)),
            (f"{RESPONSE}_sum", labels, digest.sum_ns / 1e9),
            (f"{RESPONSE}_count", labels, float(digest.count)),
        ]
    samples += [
        ("vtax_measured_seconds", {}, measured),
        ("vtax_warm_up_seconds", {}, began - course.began),
        ("vtax_warm_up_trustworthy", {}, float(trustworthy)),
    ]
    return RunResult(
        samples=samples,
        digests=digests,
        warm_up_seconds=began - course.began,
        measured_seconds=measured,
        requests=len(kept),
    )
