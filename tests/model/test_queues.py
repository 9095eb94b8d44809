"""Degenerate cases are textbook cases: real Locust users, the real platform, no overheads.

Every case is replicated; theory must lie in the simulation's own 99 % interval, and the interval
must be narrow enough to tell the difference.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from modelling import (
    CAPPED,
    DEDICATED,
    FULL_SYSTEM,
    HOSTED,
    NO_OVERHEAD,
    PHYSICAL,
    UNCAPPED,
    group,
    partition,
    spec,
    system,
)
from scipy import stats

from harness.metrics.ddsketch import RELATIVE_ERROR, Digest
from harness.model.config import UserGroup, Virtualization
from harness.results.run_result import RunResult
from harness.runs.run_cell import run_cell

USER = "workloads/cpu.py:IntegerCompute"
SERVICE = 0.001
REPLICATIONS = 10
FIRST_COME = {"os.aix-5.3.timeslice": 1e4}
"""A time slice that nobody uses up makes the run queue first come, first served."""


def queue(
    load: UserGroup,
    cores: int = 1,
    virtualization: Virtualization = FULL_SYSTEM,
    *,
    seconds: float,
    overrides: dict[str, object] | None = None,
) -> list[RunResult]:
    """Replications of one partition that has a whole machine for itself."""
    flavour = "vmware" if virtualization is HOSTED else None
    part = partition("app", cores, cores, virtualization, groups=(load,))
    machine = system(part, cores=cores, flavour=flavour)
    settings = {**NO_OVERHEAD, **FIRST_COME, **(overrides or {})}
    return [
        run_cell(spec(machine, settings, duration=seconds, warm_up=seconds / 10, replication=r))
        for r in range(REPLICATIONS)
    ]


def digest_of(result: RunResult) -> Digest:
    (digest,) = result.digests.values()
    return digest


def check(
    results: list[RunResult],
    read: Callable[[RunResult], float],
    expected: float,
    *,
    within: float,
    error: float = 0.0,
) -> None:
    """Compare a measure's mean over replications with theory.

    ``within`` is the largest half-width of the interval allowed, ``error`` what the measure itself
    is known to be off by, both relative.
    """
    values = np.array([read(result) for result in results])
    half = stats.t.ppf(0.995, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    mean = values.mean()
    assert half <= within * expected, f"half-width {half / expected:.3%} is too wide"
    assert abs(mean - expected) <= half + error * expected, (
        f"{mean} +- {half} does not hold {expected}"
    )


def response(result: RunResult) -> float:
    return digest_of(result).mean_seconds


def throughput(result: RunResult) -> float:
    return digest_of(result).count / result.measured_seconds


def open_load(utilization: float, cores: int = 1, variation: float = 1.0) -> UserGroup:
    rate = utilization * cores / SERVICE
    return group(USER, arrivals=rate, processor=SERVICE, variation=variation)


def erlang_c(offered: float, servers: int) -> float:
    """Probability that an arrival has to wait in M/M/c (Erlang's second formula)."""
    terms = [offered**k / math.factorial(k) for k in range(servers)]
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(terms) + last)


def test_one_processor_with_random_arrivals_and_services_is_m_m_1():
    results = queue(open_load(0.6), seconds=30)
    mean = SERVICE / (1 - 0.6)
    check(results, response, mean, within=0.04)
    # First come, first served: the response time is exponential.
    for q in (0.5, 0.95, 0.99):
        check(
            results,
            lambda r, q=q: digest_of(r).quantile(q),
            -math.log(1 - q) * mean,
            within=0.10,
            error=RELATIVE_ERROR,
        )


def test_several_processors_are_m_m_c():
    results = queue(open_load(0.7, 4), 4, seconds=6)
    expected = SERVICE + erlang_c(2.8, 4) * SERVICE / (4 * (1 - 0.7))
    check(results, response, expected, within=0.04)
    check(results, throughput, 2800, within=0.02)


@pytest.mark.parametrize("virtualization", [PHYSICAL, DEDICATED, UNCAPPED, CAPPED, HOSTED])
@pytest.mark.parametrize("cores", [1, 4])
@pytest.mark.parametrize("closed", [True, False])
def test_without_overheads_every_virtualization_is_the_same_queue(virtualization, cores, closed):
    """Not nearly the same: the same response times, to the nanosecond."""
    load = open_load(0.8, cores)
    if closed:
        load = group(USER, 4 * cores, think=0.002, processor=SERVICE, variation=1.0)
    part = partition("app", cores, cores, groups=(load,))
    flavour = "vmware" if virtualization is HOSTED else None
    digests = []
    for each in (FULL_SYSTEM, virtualization):
        machine = system(
            replace(part, virtualization=each), cores=cores, flavour=flavour, virtualization=each
        )
        result = run_cell(spec(machine, {**NO_OVERHEAD, **FIRST_COME}, duration=0.5))
        digests.append(digest_of(result).to_json())
    assert digests[0] == digests[1]


def test_services_of_one_length_are_m_d_1():
    results = queue(open_load(0.7, variation=0.0), seconds=10)
    check(results, response, SERVICE * (1 + 0.7 / (2 * 0.3)), within=0.04)


@pytest.mark.parametrize(
    ("variation", "seconds"), [(0.5, 10), pytest.param(2.0, 40, marks=pytest.mark.slow)]
)
def test_services_of_any_length_follow_pollaczek_and_khinchine(variation, seconds):
    results = queue(open_load(0.5, variation=variation), seconds=seconds)
    waiting = SERVICE * 0.5 * (1 + variation**2) / (2 * (1 - 0.5))
    check(results, response, SERVICE + waiting, within=0.06)


@pytest.mark.parametrize(
    ("variation", "seconds"),
    [
        (0.0, 4),
        pytest.param(1.0, 12, marks=pytest.mark.slow),
        pytest.param(2.0, 24, marks=pytest.mark.slow),
    ],
)
def test_short_time_slices_are_processor_sharing_which_is_insensitive_to_the_service(
    variation, seconds
):
    results = queue(
        open_load(0.5, variation=variation),
        seconds=seconds,
        overrides={"os.aix-5.3.timeslice": SERVICE / 20},
    )
    # A newcomer waits for a slice of each other thread before its first, and shares end in slices.
    check(results, response, SERVICE / (1 - 0.5), within=0.08, error=1 / 20)


def repairmen(users: int, servers: int, think: float) -> tuple[float, float]:
    """Throughput and response time of the closed queue M/M/c//N (birth and death)."""
    weights = [1.0]
    for k in range(users):
        weights.append(weights[-1] * (users - k) / think / (min(k + 1, servers) / SERVICE))
    total = sum(weights)
    busy = sum(w * min(k, servers) for k, w in enumerate(weights)) / total
    rate = busy / SERVICE
    return rate, users / rate - think


@pytest.mark.parametrize(
    ("users", "cores", "think"),
    [(5, 1, 0.004), pytest.param(20, 4, 0.004, marks=pytest.mark.slow), (30, 2, 0.010)],
)
@pytest.mark.parametrize("virtualization", [FULL_SYSTEM, UNCAPPED])
def test_closed_users_who_think_are_the_machine_repairmans(users, cores, think, virtualization):
    load = group(USER, users, think=think, processor=SERVICE, variation=1.0)
    results = queue(load, cores, virtualization, seconds=4)
    rate, waiting = repairmen(users, cores, think)
    check(results, throughput, rate, within=0.03)
    check(results, response, waiting, within=0.06)


def test_the_number_in_the_system_is_rate_times_time_little():
    """Users = throughput x (response + think), for any service and think times."""
    load = group(USER, 12, think=0.003, processor=SERVICE, variation=2.0)
    results = queue(load, 2, UNCAPPED, seconds=6)
    check(results, lambda r: throughput(r) * (response(r) + 0.003), 12, within=0.03)


def test_utilization_is_rate_times_service():
    results = queue(open_load(0.5, 2), 2, seconds=3)

    def busy(result: RunResult) -> float:
        return sum(
            value
            for name, labels, value in result.samples
            if name == "vtax_processor_seconds_total" and labels["cause"] != "idle"
        )

    check(results, lambda r: busy(r) / r.measured_seconds, 2 * 0.5, within=0.05)
    for result in results:
        idle = sum(v for n, labels, v in result.samples if labels.get("cause") == "idle")
        assert busy(result) + idle == pytest.approx(2 * result.measured_seconds, rel=1e-12)
