"""One run, from specification to result."""

import json
import time
from dataclasses import replace

import pytest
from modelling import (
    FULL_SYSTEM,
    HOSTED,
    NO_OVERHEAD,
    UNCAPPED,
    WIRE,
    build,
    driven,
    group,
    partition,
    sharing,
    spec,
    system,
)

from harness.campaign.cell import RunSpec
from harness.errors import UserError
from harness.metrics.families import FAMILIES
from harness.model.config import SystemConfiguration, UserGroup
from harness.results.run_result import RunResult
from harness.runs.run_cell import SETTLING, run_cell

GROUPS = (
    group("workloads/cpu.py:CommercialTransaction", 4, name="cpu", processor=0.002, forks=0.1),
    group("workloads/disk.py:RandomTransfers", name="disk", arrivals=80.0, size=8192),
    group("workloads/network.py:Streaming", 1, name="net", size=300_000, think=0.003),
)


def hosted(*groups: UserGroup) -> SystemConfiguration:
    parts = [
        partition(
            f"app{index}",
            1,
            virtualization=HOSTED,
            disks=1,
            ethernet=WIRE,
            groups=groups,
        )
        for index in (1, 2)
    ]
    return system(*parts, cores=1, flavour="vmware")


def alone(*groups: UserGroup, cores: int = 1) -> SystemConfiguration:
    return system(
        partition("system", cores, virtualization=FULL_SYSTEM, disks=2, groups=groups), cores=cores
    )


def value(result: RunResult, name: str, **labels: str) -> float:
    found = [v for n, own, v in result.samples if n == name and labels.items() <= own.items()]
    assert found, (name, labels)
    return sum(found)


@pytest.mark.parametrize("machine", [sharing, hosted])
@pytest.mark.parametrize("warm_up", [None, 0.1])
def test_the_same_run_twice_gives_the_same_result_whatever_ran_in_between(machine, warm_up):
    one = spec(machine(*GROUPS), duration=0.4, warm_up=warm_up)
    first = run_cell(one).to_json()
    run_cell(spec(alone(GROUPS[0]), duration=0.1, seed=9))
    assert run_cell(one).to_json() == first
    other = run_cell(replace(one, replication=1)).to_json()
    assert run_cell(replace(one, seed=2)).to_json() != other != first


def test_a_run_that_fails_leaves_nothing_behind(tmp_path):
    (tmp_path / "bad.py").write_text(
        "from locust import task\n"
        "from workloads.user import PartitionUser\n"
        "class Bad(PartitionUser):\n"
        "    @task\n"
        "    def work(self):\n"
        "        self.partition.compute(0.01)\n"
        "        raise KeyError('nonsense')\n"
    )
    good = spec(sharing(*GROUPS), duration=0.2)
    before = run_cell(good).to_json()
    with pytest.raises(KeyError, match="nonsense"):
        run_cell(spec(alone(group("bad.py:Bad", 3)), base=tmp_path))
    assert run_cell(good).to_json() == before


@pytest.mark.parametrize(("duration", "warm_up"), [(0.5, 0.0), (0.5, 0.25), (0.123456789, 1e-9)])
def test_measured_time_and_warm_up_are_what_was_asked_for(duration, warm_up):
    result = run_cell(spec(alone(GROUPS[0]), duration=duration, warm_up=warm_up))
    assert result.measured_seconds == pytest.approx(duration, abs=1e-9)
    assert result.warm_up_seconds == pytest.approx(warm_up, abs=1e-9)
    assert value(result, "vtax_measured_seconds") == result.measured_seconds
    assert value(result, "vtax_warm_up_seconds") == result.warm_up_seconds
    assert value(result, "vtax_simulated_seconds_total") == pytest.approx(duration, abs=1e-9)


def test_a_detected_warm_up_is_within_the_first_half_of_what_was_simulated():
    result = run_cell(spec(sharing(*GROUPS), duration=0.8, warm_up=None))
    total = result.warm_up_seconds + result.measured_seconds
    assert total == pytest.approx(0.8 * (1 + SETTLING))
    assert 0 <= result.warm_up_seconds <= total / 2
    assert value(result, "vtax_warm_up_trustworthy") in (0.0, 1.0)


def test_a_queue_that_starts_empty_has_its_beginning_cut_off(tmp_path):
    """The first tenth of a run is a stall, during which arrivals pile up."""
    (tmp_path / "stalls.py").write_text(
        "from locust import task\n"
        "from workloads.user import PartitionUser, transaction\n"
        "class Stalls(PartitionUser):\n"
        "    @task\n"
        "    @transaction\n"
        "    def work(self):\n"
        "        early = self.partition.now() < 0.2\n"
        "        self.partition.compute(0.02 if early else 0.0005)\n"
    )
    load = group("stalls.py:Stalls", arrivals=500.0)
    whole = spec(alone(load), NO_OVERHEAD, duration=8.0, warm_up=None, base=tmp_path)
    result = run_cell(whole)
    assert 0.2 < result.warm_up_seconds < 5
    (digest,) = result.digests.values()
    assert digest.quantile(0.99) < 0.01


@pytest.mark.parametrize("warm_up", [None, 0.0, 0.15])
def test_conservation_holds_over_the_measured_time(warm_up):
    for machine, processors in ((sharing, 1), (hosted, 1), (alone, 1)):
        groups = GROUPS if machine is not alone else GROUPS[:2]
        result = run_cell(spec(machine(*groups), duration=0.3, warm_up=warm_up))
        spent = value(result, "vtax_processor_seconds_total")
        assert spent == pytest.approx(processors * result.measured_seconds, rel=1e-9)


def test_transactions_digests_and_requests_tell_the_same(tmp_path):
    (tmp_path / "half.py").write_text(
        "from locust import task\n"
        "from workloads.user import PartitionUser, transaction\n"
        "class Half(PartitionUser):\n"
        "    n = 0\n"
        "    @task\n"
        "    @transaction\n"
        "    def work(self):\n"
        "        self.partition.compute(0.001)\n"
        "        self.n += 1\n"
        "        if self.n % 2:\n"
        "            raise TimeoutError\n"
    )
    load = group("half.py:Half", 3)
    result = run_cell(spec(alone(load), duration=0.5, warm_up=0.1, base=tmp_path))
    ok = value(result, "vtax_transactions_total", outcome="ok")
    failed = value(result, "vtax_transactions_total", outcome="failed")
    (digest,) = result.digests.values()
    assert list(result.digests) == ["system/system/load/work"]
    assert digest.count == ok == value(result, "vtax_response_seconds_count")
    assert value(result, "vtax_response_seconds_sum") == digest.sum_ns / 1e9
    assert abs(ok - failed) <= 3
    assert result.requests == ok + failed > 400


def test_what_ended_in_the_warm_up_is_in_no_counter():
    load = (group("workloads/cpu.py:IntegerCompute", 1, processor=0.01),)
    result = run_cell(spec(alone(*load), NO_OVERHEAD, duration=0.3, warm_up=0.205))
    # One at a time: those that end between 0.205 s and 0.505 s.
    assert result.requests == 30
    assert value(result, "vtax_processor_seconds_total", cause="user") == pytest.approx(0.3)


def test_counters_are_increases_and_gauges_are_as_they_stand():
    whole = spec(sharing(*GROUPS), duration=0.3, warm_up=0.2)
    result = run_cell(whole)
    machine = build(whole.system)
    before = {}
    with driven(machine, whole.seed, whole.replication):
        for moment in (200, 500):
            machine.clock.run_until(moment * 1_000_000)
            accounts, idle = machine.balance()
            before[moment] = sum(sum(a.values()) for a in accounts.values()), idle
        operations = machine.vios["vios1"].operations
    busy = (before[500][0] - before[200][0]) / 1e9
    idle = value(result, "vtax_processor_seconds_total", cause="idle")
    assert idle == pytest.approx((before[500][1] - before[200][1]) / 1e9)
    assert value(result, "vtax_processor_seconds_total") - idle == pytest.approx(busy)
    assert 0 < value(result, "vtax_vios_operations_total") < operations
    assert value(result, "vtax_partition_virtual_processors", partition="app1") == 2
    assert value(result, "vtax_processors") == 1


def test_every_family_that_the_machine_can_have_is_in_the_result():
    names = {name for name, _, _ in run_cell(spec(sharing(*GROUPS), duration=0.1)).samples}
    assert {family.sample_name for family in FAMILIES} <= names
    assert not any(name.endswith(("_bucket", "_created")) for name in names)


def test_every_sample_is_there_once():
    result = run_cell(spec(alone(*GROUPS[:2]), duration=0.1))
    keys = [(name, tuple(sorted(labels.items()))) for name, labels, _ in result.samples]
    assert len(set(keys)) == len(keys)
    assert {labels["disk"] for n, labels, _ in result.samples if n == "vtax_disk_bytes_total"} == {
        "system/hdisk0",
        "system/hdisk1",
    }


def test_users_work_on_the_disk_that_their_group_names():
    load = group("workloads/disk.py:SequentialTransfers", 1, disk=1, size=4096)
    result = run_cell(spec(alone(load), duration=0.1))
    assert value(result, "vtax_disk_bytes_total", disk="system/hdisk0") == 0
    assert value(result, "vtax_disk_bytes_total", disk="system/hdisk1") > 10**6


def test_users_of_a_full_system_keep_the_name_of_the_partition_that_they_stand_for():
    load = replace(GROUPS[0], name="app2/cpu")
    result = run_cell(spec(alone(load), duration=0.1))
    assert list(result.digests) == ["system/app2/cpu/commit"]


def test_the_same_demands_reach_every_virtualization():
    """Work of users that do not wait for anything is the same, to the nanosecond."""
    load = group("workloads/cpu.py:IntegerCompute", name="cpu", arrivals=40.0, processor=0.004,
                 variation=1.0)  # fmt: skip
    spent = []
    for machine in (
        system(partition("app1", 4, virtualization=FULL_SYSTEM, groups=(load,)), cores=4),
        system(partition("app1", 1, 4, UNCAPPED, groups=(load,)), cores=4),
        system(partition("app1", 4, virtualization=HOSTED, groups=(load,)), cores=4, flavour="uml"),
    ):
        result = run_cell(spec(machine, duration=2.0))
        spent.append((result.requests, value(result, "vtax_processor_seconds_total", cause="user")))
    # All but what was under way at the end.
    assert max(n for n, _ in spent) - min(n for n, _ in spent) <= 1
    for _, seconds in spent:
        assert seconds == pytest.approx(spent[0][1], abs=0.01)


def test_a_machine_that_does_nothing_has_a_result():
    result = run_cell(spec(alone(), duration=0.5, warm_up=None))
    assert result.requests == 0
    assert result.digests == {}
    assert json.loads(result.to_json())["measured_seconds"] > 0


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("missing.py:User", "no locustfile 'missing.py'"),
        ("workloads/cpu.py:IntegerComputer", "did you mean 'IntegerCompute'"),
    ],
)
def test_a_user_that_cannot_be_found_is_the_users_error(user, message, tmp_path):
    with pytest.raises(UserError, match=message):
        run_cell(spec(alone(group(user, 1)), base=tmp_path))


def test_requests_without_a_user_are_the_users_error(tmp_path):
    (tmp_path / "anonymous.py").write_text(
        "from locust import task\n"
        "from workloads.user import PartitionUser\n"
        "class Anonymous(PartitionUser):\n"
        "    @task\n"
        "    def work(self):\n"
        "        with self.environment.events.request.measure('get', 'page'):\n"
        "            self.partition.compute(0.01)\n"
    )
    with pytest.raises(UserError, match=r"'page' is reported without its user.*transaction"):
        run_cell(spec(alone(group("anonymous.py:Anonymous", 1)), base=tmp_path))


def test_the_time_of_a_run_is_made_of_simulated_time_only(monkeypatch):
    """Real clocks may say what they like."""
    one: RunSpec = spec(sharing(*GROUPS), duration=0.2, warm_up=None)
    first = run_cell(one).to_json()
    for name in ("time", "perf_counter", "monotonic"):
        monkeypatch.setattr(time, name, lambda: -1e9)
    assert run_cell(one).to_json() == first
