"""Runs of Locust's users on a target that is not there."""

import os
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import pytest
from imitation import ImitationTarget

from harness.campaign.plan import make_plan
from harness.errors import UserError
from harness.metrics.measures import measure, slowdown
from harness.real.campaign.partition import RealPartition
from harness.real.campaign.run import drive, run_on
from harness.real.target.channel import RefusalError, TargetError

CAMPAIGN = """
[campaign]
name = "imitated"
duration = "20 ms"
replications = 2

[factors]
machine = ["this"]
virtualization = ["native", "qemu-tcg"]
workload = ["commercial", "thinking", "net", "gzip"]

[workloads.commercial]
user = "workloads/cpu.py:CommercialTransaction"
users = 1
demand = { processor = "1 ms", variation = 1, calls = 7.5, forks = 0.3 }

[workloads.thinking]
user = "workloads/cpu.py:IntegerCompute"
users = 1
think_time = "5 ms"
demand = { processor = "1 ms" }

[workloads.net]
user = "workloads/network.py:RequestResponse"
users = 1
demand = { request = "256 B", response = "1 KiB", processor = "1 ms" }

[workloads.gzip]
user = "workloads/program.py:ProgramRun"
users = 1
demand = { program = "gzip" }
"""
MACHINE = {"processor": "an imitation", "kernel": "1.2.3"}


@pytest.fixture
def specs(tmp_path):
    (tmp_path / "imitated.toml").write_text(CAMPAIGN)
    runs = make_plan(str(tmp_path / "imitated.toml")).runs()
    return {(spec.cell.virtualization, spec.cell.workload, spec.replication): spec for spec in runs}


@pytest.fixture(autouse=True)
def steady_clock(monkeypatch):
    """A clock that goes on whenever it is read: how much a run does depends on no machine."""
    readings = count(step=100_000)  # ns
    clock = SimpleNamespace(
        monotonic_ns=lambda: next(readings), monotonic=lambda: next(readings) / 1e9
    )
    monkeypatch.setattr("harness.real.campaign.run.time", clock)


def carried_out(target, spec, **more):
    settings = {"clock_ratio": 1.0, "outputs": {}, "settled": True, **more}
    return run_on(target, spec, rounds_per_second=1e8, machine=MACHINE, **settings)


def measured(result):
    return measure(
        result.samples,
        result.digests.values(),
        measured_seconds=result.measured_seconds,
        warm_up_seconds=result.warm_up_seconds,
    )


def test_the_same_user_does_the_same_work_on_every_target(specs):
    done = []
    for name, factor in (("native", 1.0), ("qemu-tcg", 30.0)):
        target = ImitationTarget(name, factor)
        partition = RealPartition(target, 1e8)
        drive(partition, specs[name, "commercial", 0], lambda count, _: count >= 40)
        done.append(target.done)
    assert done[0] == done[1]
    assert len(done[0]) == 3


def test_another_replication_is_another_work(specs):
    done = []
    for replication in (0, 1):
        target = ImitationTarget()
        spec = specs["native", "commercial", replication]
        drive(RealPartition(target, 1e8), spec, lambda count, _: count >= 5)
        done.append(target.done)
    assert done[0] != done[1]


def test_a_run_is_whole_transactions_and_its_measures_are_those_of_a_modelled_one(specs):
    found = {}
    for name, factor in (("native", 1.0), ("qemu-tcg", 3.0)):
        spec = specs[name, "thinking", 0]
        result = carried_out(ImitationTarget(name, factor), spec)
        found[name] = measured(result)
        assert result.requests == found[name].transactions > 0
        # It is over when a reading of the clock, after the last transaction, says so.
        whole = result.warm_up_seconds + result.measured_seconds
        assert whole >= spec.cell.duration_seconds - 200e-6
        assert found[name].mean_response_seconds == pytest.approx(100e-6 * factor, rel=1e-3)
        assert found[name].processor_seconds.keys() == {"target", "idle"}
    assert slowdown(found["qemu-tcg"], found["native"]) == pytest.approx(3.0, rel=1e-3)


def test_a_target_whose_clock_is_fast_is_not_slower_for_it(specs):
    target = ImitationTarget(clock=1.5)
    result = carried_out(target, specs["native", "net", 0], clock_ratio=1.5)
    assert measured(result).mean_response_seconds == pytest.approx(101e-6, rel=1e-3)


def test_every_row_says_what_it_was_measured_on_and_how_quiet_it_was(specs):
    result = carried_out(ImitationTarget(), specs["native", "net", 0])
    assert ("vtax_machine_info", MACHINE, 1.0) in result.samples
    condition = measured(result).condition
    assert condition["condition_disturbed"] in (0.0, 1.0)
    assert condition["target_inside_seconds"] > 0
    assert measured(result).flat().keys() >= condition.keys()


def test_a_warm_up_is_cut_off_where_there_are_transactions_enough(specs):
    target = ImitationTarget()
    target.extra = lambda request: 0.01 if request <= 20 else 0.0
    result = carried_out(target, specs["native", "net", 0])
    assert result.requests > 40
    assert result.warm_up_seconds > 0
    # A request is one thousand microseconds' worth of rounds, and then a message.
    assert measured(result).quantiles["p99"] < 0.01


@pytest.mark.parametrize("settled", [True, False])
def test_with_few_transactions_the_target_has_to_be_warm_already(specs, settled):
    target = ImitationTarget()
    spec = specs["native", "gzip", 0]
    few = replace(spec, cell=replace(spec.cell, duration_seconds=1e-6))
    result = carried_out(target, few, settled=settled)
    assert result.requests == 1
    assert measured(result).warm_up_trustworthy == settled
    assert measured(result).processor_seconds["target"] == pytest.approx(0.01)


def test_a_target_that_dies_in_the_middle_ends_the_run(specs):
    with pytest.raises(TargetError, match="killed by signal 9"):
        carried_out(ImitationTarget(dies_after=5), specs["native", "commercial", 0])


def test_a_disk_that_is_full_ends_the_run(specs):
    with pytest.raises(RefusalError, match="No space left"):
        carried_out(ImitationTarget(refuses="forks"), specs["native", "commercial", 0])


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (
            "self.environment.events.request.fire(request_type='x', name='lost',\n"
            "            response_time=1, response_length=0, exception=None, context={})\n",
            "request 'lost' is reported without its user",
        ),
        ("self.partition.compute(1e-3)\n", "no transaction ended"),
    ],
)
def test_a_user_that_reports_no_transaction_of_its_own_is_refused(specs, tmp_path, work, message):
    (tmp_path / "mine.py").write_text(
        "from locust import task\n"
        "from workloads.cpu import IntegerDemand\n"
        "from workloads.user import PartitionUser\n\n\n"
        "class Mine(PartitionUser):\n"
        "    demand_model = IntegerDemand\n"
        "    @task\n"
        "    def work(self):\n"
        f"        {work}"
    )
    spec = specs["native", "thinking", 0]
    (group,) = spec.cell.groups
    groups = (replace(group, user="mine.py:Mine"),)
    with pytest.raises(UserError, match=message):
        carried_out(ImitationTarget(), replace(spec, cell=replace(spec.cell, groups=groups)))


def test_an_imitation_uses_none_of_this_process(specs):
    """Its process is nobody's, so that nothing of this one is counted as the target's."""
    assert ImitationTarget.pid != os.getpid()
