"""One run: a machine, its users, simulated time, and what the exposition says at the end."""

from locust.env import Environment

from harness.campaign.cell import RunSpec
from harness.campaign.isolation import isolated
from harness.engine.clock import Clock, to_ns
from harness.errors import UserError
from harness.metrics.ddsketch import Digest
from harness.metrics.families import RESPONSE
from harness.metrics.mark import Mark, mark, samples_since
from harness.metrics.observer import Observation
from harness.model.machine import Machine
from harness.results.run_result import RunResult, Sample
from harness.statistics.warm_up import BATCH, mser5
from harness.users.population import UserPopulation, forward_requests, locust_on
from harness.users.real_time_guard import without_real_time
from harness.users.watchdog import Watchdog

SETTLING = 0.25
"""Where the warm-up is to be detected, a run lasts longer by this part of its duration."""

SLICES = 200
"""Where the warm-up is to be detected, the mean response time is taken in this many slices. Fewer
would leave too little beyond the half to see that a run has not settled by then."""


@isolated
def run_cell(spec: RunSpec) -> RunResult:
    """Carry out one run on the simulated clock.

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
            if spec.cell.warm_up_seconds is None:
                start, trustworthy = _detect_warm_up(clock, observation, spec)
            else:
                clock.run_until(to_ns(spec.cell.warm_up_seconds))
                start, trustworthy = mark(observation), True
                clock.run_until(clock.now_ns + to_ns(spec.cell.duration_seconds))
            population.check_present()
            return result_since(observation, start, trustworthy)
        finally:
            population.dismiss()


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
