"""Capacities of queues whose capacity is known."""

import math

import pytest
from finished import finish
from watching import Watcher

from harness.campaign.plan import make_plan
from harness.errors import UserError
from harness.execution.process_pool import SerialExecutor
from harness.results.capacities import Capacities
from harness.studies.capacity.load import factor
from harness.studies.capacity.slo import limit_of
from harness.studies.capacity.study import finished_campaign, study

CAMPAIGN = """
[campaign]
name = "queue"
duration = "1 s"
warm_up = "200 ms"
replications = 2
seed = 3
margin = "10 %"

[factors]
machine = ["p5-520"]
os = ["aix-5.3"]
virtualization = ["full-system", "shared-uncapped", "hosted-uml"]
workload = ["queue", "calls"]

[[partitions]]
name = "app"
count = 1
share = "100 %"
virtual_processors = 4

[workloads.queue]
user = "workloads/cpu.py:IntegerCompute"
arrivals = "200 /s per core"
demand = { processor = "2 ms", variation = 1.0 }

[workloads.calls]
user = "workloads/cpu.py:CommercialTransaction"
arrivals = "200 /s per core"
demand = { processor = "1 ms", calls = 200 }
"""


ONLY = ["workload=queue", "virtualization=shared-uncapped"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished campaign: open arrivals at servers with exponential service, M/M/c."""
    folder = tmp_path_factory.mktemp("capacity")
    file = folder / "queue.toml"
    file.write_text(CAMPAIGN)
    return finish(file, folder / "out")


@pytest.fixture(scope="module")
def found(finished):
    limit = limit_of("p95 20 ms")
    campaign = finished_campaign(finished, limit, 2, ONLY)
    return study(campaign, finished, limit, workers=SerialExecutor)


def service_seconds() -> float:
    """Service time on the machine's clock of what takes 2 ms at 1.65 GHz."""
    cell = make_plan("smoke").cells[0]
    return 2e-3 * 1.65e9 / cell.nominal_system.machine.clock_hz


def p95(arrivals: float, servers: int) -> float:
    """95th percentile of the response time of M/M/c, by its exact distribution."""
    mu = 1.0 / service_seconds()
    rho = arrivals / (servers * mu)
    if rho >= 1.0:
        return math.inf
    offered = arrivals / mu
    terms = [offered**n / math.factorial(n) for n in range(servers)]
    last = offered**servers / math.factorial(servers) / (1 - rho)
    waits = last / (sum(terms) + last)
    drain = servers * mu - arrivals

    def beyond(t: float) -> float:
        return math.exp(-mu * t) + waits * mu / (mu - drain) * (
            math.exp(-drain * t) - math.exp(-mu * t)
        )

    low, high = 0.0, 100.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > 0.05 else (low, middle)
    return low


def theory(limit: float, servers: int) -> float:
    low, high = 0.0, 0.999 * servers / service_seconds()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if p95(middle, servers) <= limit else (low, middle)
    return low


@pytest.mark.slow
def test_the_capacity_of_a_queue_is_what_theory_says(found):
    (environment,) = found.environments
    baseline = environment.capacities[0]
    assert baseline.virtualization == "full-system"
    assert environment.limit_seconds == 0.02
    assert baseline.per_second is not None
    assert baseline.per_second.low <= theory(0.02, servers=4) <= baseline.per_second.high
    assert baseline.per_second.estimate == pytest.approx(theory(0.02, servers=4), rel=0.1)


def test_the_interval_holds_what_the_grid_leaves_open(found):
    assert found.step == factor(1)
    for one in found.environments[0].capacities:
        assert one.load.high >= one.load.estimate * found.step * (1 - 1e-12)


@pytest.mark.slow
def test_what_costs_processor_time_costs_capacity(finished):
    limit = limit_of("p95 20 ms")
    only = ["workload=calls", "virtualization=shared-uncapped", "virtualization=hosted-uml"]
    campaign = finished_campaign(finished, limit, 2, only)
    found = study(campaign, finished, limit, workers=SerialExecutor)
    _, firmware, software = found.environments[0].capacities
    # A call costs User-Mode Linux microseconds, and the hypervisor nothing.
    assert software.of_baseline.estimate < 0.5
    assert firmware.of_baseline.estimate == pytest.approx(1.0, abs=2 * (found.step - 1.0))


def test_a_search_that_is_repeated_runs_nothing_and_finds_the_same(finished, found, tmp_path):
    nothing = Watcher()
    limit = limit_of("p95 20 ms")
    again = study(
        finished_campaign(finished, limit, 2, ONLY), finished, limit, workers=1, observer=nothing
    )
    assert again == found
    assert not nothing.outstanding
    assert not nothing.ended
    assert Capacities.read(tmp_path) is None
    found.write(tmp_path)
    assert Capacities.read(tmp_path) == found
    (tmp_path / Capacities.FILE_NAME).write_text('{"identity": 3}')
    with pytest.raises(UserError, match="write it again with 'vtax capacity"):
        Capacities.read(tmp_path)


def test_a_limit_that_nothing_keeps_or_breaks_is_told_so(finished):
    for text, at_least in (("p95 1 us", False), ("p95 1000 s", True)):
        limit = limit_of(text)
        start = finished_campaign(finished, limit, 1, ONLY)
        (environment,) = study(start, finished, limit, workers=SerialExecutor).environments
        for one in environment.capacities:
            assert (one.per_second is None) is not at_least
            assert one.at_least is at_least
            assert one.of_baseline is None


def test_a_multiple_of_the_baselines_quantile_is_measured_in_the_campaign(finished):
    once = finished_campaign(finished, limit_of("p95 2 x"), 2, ONLY)
    twice = finished_campaign(finished, limit_of("p95 4 x"), 2, ONLY)
    (one,), (other,) = once.limits_seconds.values(), twice.limits_seconds.values()
    assert other == 2 * one
    assert one / 2 == pytest.approx(p95(800.0, 4), rel=0.15)
