"""One run: a machine, its users, simulated time, and what the exposition says at the end."""

import contextlib
from dataclasses import replace

from locust.env import Environment

from harness.campaign.cell import RunSpec, UserMode
from harness.campaign.isolation import isolated, isolation
from harness.engine.clock import Clock, to_ns
from harness.errors import UserError
from harness.metrics.ddsketch import Digest
from harness.metrics.families import RESPONSE
from harness.metrics.mark import Mark, mark, samples_since
from harness.metrics.observer import Observation
from harness.model.machine import Machine
from harness.printable import one_line
from harness.results.run_result import RunResult, Sample
from harness.statistics.warm_up import BATCH, mser5
from harness.users.population import UserPopulation, forward_requests, locust_on
from harness.users.real_time_guard import without_real_time
from harness.users.recorded_population import RecordedPopulation
from harness.users.recorder import NotRecordableError, RecordingSession
from harness.users.recording import CACHE, RecordingCache
from harness.users.watchdog import Watchdog

SETTLING = 0.25
"""Where the warm-up is to be detected, a run lasts longer by this part of its duration."""

SLICES = 200
"""Where the warm-up is to be detected, the mean response time is taken in this many slices. Fewer
would leave too little beyond the half to see that a run has not settled by then."""


def run_cell(spec: RunSpec) -> RunResult:
    """Carry out one run on the simulated clock.

    Users that cannot be recorded, or whose recording leads to another result, run live; the result
    says why.

    Raises
    ------
    UserError
        If a locustfile is missing or broken, or reports requests without a user.
    Exception
        Whatever a locustfile's user raises in its tasks.
    """
    if spec.users is UserMode.LIVE:
        return run_live(spec)
    try:
        recorded = run_recorded(spec)
    except NotRecordableError as error:
        reason = f"a user {error}"
    except Exception as error:
        # An error of the users' is raised again by the live run.
        reason = one_line(f"{type(error).__name__}: {error}")
    else:
        if spec.users is UserMode.RECORDED:
            return recorded
        live = run_live(spec)
        if live == recorded:
            return recorded
        return replace(live, live_reason="what a user asks for depends on other users or on time")
    return replace(run_live(spec), live_reason=reason)


@isolated
def run_live(spec: RunSpec) -> RunResult:
    """Carry out one run with Locust users.

    Raises
    ------
    UserError
        If a locustfile is missing or broken, or reports requests without a user.
    Exception
        Whatever a locustfile's user raises in its tasks.
    """
    clock = Clock()
    machine = Machine(clock, spec.system, spec.constants)
    environment = Environment(catch_exceptions=False)
    forward_requests(environment)
    observation = Observation(machine, environment)
    population = UserPopulation(clock, environment, spec.seed, spec.streams)
    starts = spec.starts.timestamp()
    with Watchdog(clock), locust_on(clock, clock.fail), without_real_time(clock, starts):
        try:
            for partition in spec.system.partitions:
                for group in partition.groups:
                    population.add_group(group, machine.partitions[partition.name], spec.base)
            start, trustworthy = _simulate(clock, observation, spec)
            population.check_present()
            return result_since(observation, start, trustworthy)
        finally:
            population.dismiss()


def run_recorded(spec: RunSpec, cache: RecordingCache = CACHE) -> RunResult:
    """Carry out one run with recorded users.

    Parameters
    ----------
    cache
        Recordings that it may use, and where it keeps its own.

    Raises
    ------
    NotRecordableError
        If a user depends on more than its random stream and its demand.
    Exception
        What :func:`run_live` raises too.
    """
    clock = Clock()
    machine = Machine(clock, spec.system, spec.constants)
    observation = Observation(machine)
    session = RecordingSession(spec.base, spec.starts.timestamp(), machine.costs.known_events)
    seed_parts = (spec.seed, spec.streams)
    population = RecordedPopulation(clock, observation, session, cache, spec.files, *seed_parts)
    with isolation(spec), contextlib.closing(session), Watchdog(clock):
        for partition in spec.system.partitions:
            for group in partition.groups:
                population.add_group(group, machine.partitions[partition.name])
        start, trustworthy = _simulate(clock, observation, spec)
    return result_since(observation, start, trustworthy)


def _simulate(clock: Clock, observation: Observation, spec: RunSpec) -> tuple[Mark, bool]:
    """Let the time of a run pass; return where its warm-up ends, and whether that is certain."""
    if spec.cell.warm_up_seconds is None:
        return _detect_warm_up(clock, observation, spec)
    clock.run_until(to_ns(spec.cell.warm_up_seconds))
    start = mark(observation)
    clock.run_until(clock.now_ns + to_ns(spec.cell.duration_seconds))
    return start, True


def _detect_warm_up(clock: Clock, observation: Observation, spec: RunSpec) -> tuple[Mark, bool]:
    """Simulate the whole run and find where its warm-up ends (MSER-5 on response times)."""
    total_ns = to_ns(spec.cell.duration_seconds * (1 + SETTLING))
    marks = [mark(observation)]
    means: list[float] = []
    completed = response_ns = 0
    for index in range(1, SLICES + 1):
        clock.run_until(total_ns * index // SLICES)
        count = observation.completed - completed
        # A slice in which nothing ended says nothing: it repeats the one before.
        mean = (observation.response_ns - response_ns) / count if count else None
        means.append(mean if mean is not None else (means[-1] if means else 0.0))
        completed, response_ns = observation.completed, observation.response_ns
        if index % BATCH == 0 and index <= SLICES // 2:
            marks.append(mark(observation))
    warm_up = mser5(means)
    return marks[warm_up.cut // BATCH], warm_up.trustworthy


def result_since(observation: Observation, start: Mark, trustworthy: bool) -> RunResult:
    """Read all metrics; what only ever grows counts from the start of the measured time.

    Raises
    ------
    UserError
        If a request was reported that is none.
    """
    if observation.refused is not None:
        raise UserError(observation.refused)
    digests = {
        key: kind.response.since(start.responses.get(key, Digest()))
        for key, kind in observation.transactions.items()
    }
    samples: list[Sample] = list(samples_since(observation, start))
    measured_ns = observation.now_ns - start.time_ns
    for key, digest in digests.items():
        labels_of = dict(zip(("partition", "group", "name"), key, strict=True))
        samples.append((f"{RESPONSE}_sum", labels_of, digest.sum_ns / 1e9))
        samples.append((f"{RESPONSE}_count", labels_of, float(digest.count)))
    samples.append(("vtax_measured_seconds", {}, measured_ns / 1e9))
    samples.append(("vtax_warm_up_seconds", {}, start.time_ns / 1e9))
    samples.append(("vtax_warm_up_trustworthy", {}, float(trustworthy)))
    requests = sum(digest.count for digest in digests.values()) + round(
        sum(value for name, labels, value in samples if labels.get("outcome") == "failed")
    )
    return RunResult(
        samples=samples,
        digests={"/".join(key): digest for key, digest in digests.items()},
        warm_up_seconds=start.time_ns / 1e9,
        measured_seconds=measured_ns / 1e9,
        requests=requests,
    )
