"""Laws that hold of any campaign: machines, shares, weights, devices and workloads as they come."""

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.campaign.plan import Plan, make_plan
from harness.execution.execute import execute
from harness.model.config import Virtualization
from harness.model.machine import Machine
from harness.results.packed_result import pack
from harness.results.run_result import RunResult
from harness.results.store import Store
from harness.runs.run_cell import run_cell

CORES = {"p5-520": 4, "p5-550": 8}
WINDOW = 0.010
FILE = """
[campaign]
name = "any"
duration = "{duration} ms"
warm_up = "{warm_up} ms"
replications = 2
seed = {seed}

[factors]
machine = ["{machine}"]
os = ["{os}"]
virtualization = ["{virtualization}"]
workload = ["any"]

[[partitions]]
name = "app"
count = {count}
entitlement = {entitlement}
virtual_processors = {processors}
weight = {weight}
virtual_scsi = ["vios1"]
virtual_ethernet = {{ vlan = 10 }}

[[partitions]]
name = "rival"
entitlement = {rival}
virtual_processors = {rival_processors}
capped = {capped}
workload = "rival"

[[vios]]
name = "vios1"
entitlement = 1.0
virtual_processors = 1
backing = {{ disk = "ds4400-raid0-5" }}
shared_ethernet = {{ adapter = "ethernet-1gb", vlans = [10] }}

[workloads]
any = {workload}

[workloads.rival]
user = "workloads/cpu.py:IntegerCompute"
users = {rival_users}
demand = {{ processor = "3 ms" }}

{constants}
"""
WORKLOADS = (
    '{{ user = "workloads/cpu.py:IntegerCompute", {users}, demand = {{ processor = "2 ms" }} }}',
    '{{ user = "workloads/cpu.py:CommercialTransaction", {users}, demand = {{ processor = "1 ms", '
    "calls = 100, page_faults = 20, forks = 0.1 }} }}",
    '{{ user = "workloads/disk.py:RandomTransfers", {users}, demand = {{ size = "8 KiB", '
    'processor = "100 us" }} }}',
    '{{ user = "workloads/network.py:Streaming", {users}, demand = {{ size = "200 KiB" }} }}',
)
CLOSED = tuple(
    f'users = {users}, think_time = "{think} ms"' for users in (1, 5) for think in (0, 4)
)
ARRIVALS = ('arrivals = "150 /s"', 'arrivals = "20 /s per core"')
WAYS = ("full-system", "shared-capped", "shared-uncapped", "hosted-vmware", "hosted-uml")


@st.composite
def campaigns(draw: st.DrawFn, ways=WAYS, workloads=WORKLOADS, loads=CLOSED + ARRIVALS) -> dict:
    """What goes into the file; what it says fits into the machine."""
    machine = draw(st.sampled_from(sorted(CORES)))
    count = draw(st.integers(1, 3))
    # Half a core stays free, for those who want to give a partition more.
    left = (CORES[machine] - 1) * 100 - 50
    entitlement = draw(st.integers(10, min(100, left // (count + 1))))
    rival = draw(st.integers(10, min(100, left - count * entitlement)))
    workload = draw(st.sampled_from(workloads)).format(users=draw(st.sampled_from(loads)))
    return {
        "machine": machine,
        "duration": draw(st.sampled_from([60, 110])),
        "warm_up": draw(st.sampled_from([0, 13])),
        "seed": draw(st.integers(0, 2**31)),
        "os": draw(st.sampled_from(["aix-5.3", "sles-9", "rhel-as-3"])),
        "virtualization": draw(st.sampled_from(ways)),
        "count": count,
        "entitlement": entitlement / 100,
        "processors": draw(st.integers(1, max(1, min(3, entitlement // 10)))),
        "weight": draw(st.integers(0, 255)),
        "rival": rival / 100,
        "rival_processors": draw(st.integers(1, max(1, min(3, rival // 10)))),
        "capped": draw(st.sampled_from(["true", "false"])),
        "rival_users": draw(st.integers(1, 4)),
        "workload": workload,
        "constants": "",
    }


def plan_of(folder: Path, chosen: dict, **changes: object) -> Plan:
    path = folder / "any.toml"
    path.write_text(FILE.format(**{**chosen, **changes}), encoding="utf-8")
    return make_plan(str(path))


def result_of(plan: Plan) -> RunResult:
    (spec,) = plan.runs(0, 1)
    return run_cell(spec)


def summed(result: RunResult, name: str, *by: str) -> dict:
    sums: dict = defaultdict(float)
    for sample, labels, value in result.samples:
        if sample == name:
            sums[tuple(labels[key] for key in by)] += value
    return sums


BOOKED = "vtax_processor_seconds_total"


@pytest.fixture
def falls(monkeypatch):
    """Accounts that fell between two looks; every machine is looked at, several times a window."""
    found: list[str] = []
    build = Machine.__init__

    def watched(machine, clock, *arguments):
        build(machine, clock, *arguments)
        before: dict[tuple[str, str], int] = defaultdict(int)

        def look(number: int) -> None:
            accounts, idle_ns = machine.balance()
            for owner, account in (*accounts.items(), ("", {"idle": idle_ns})):
                for cause, ns in account.items():
                    if ns < before[owner, cause]:
                        found.append(
                            f"{owner} {cause} by {before[owner, cause] - ns} at {clock.now_ns}"
                        )
                    before[owner, cause] = ns
            clock.call_in(400_000 + 7919 * number % 500_000, lambda: look(number + 1))

        look(0)

    monkeypatch.setattr(Machine, "__init__", watched)
    return found


def anything(**choices):
    return lambda test: settings(
        max_examples=choices.pop("examples", 40),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )(given(campaigns(**choices))(test))


@anything(examples=60)
def test_processors_times_time_is_what_is_booked_and_no_account_ever_falls(tmp_path, falls, chosen):
    result = result_of(plan_of(tmp_path, chosen))
    booked = summed(result, BOOKED, "partition", "cause")
    cores = CORES[chosen["machine"]]
    assert sum(booked.values()) == pytest.approx(cores * result.measured_seconds, rel=1e-9)
    assert not falls
    assert all(value >= 0 for _, _, value in result.samples)


@anything()
def test_users_are_never_more_at_once_than_there_are(tmp_path, chosen):
    """Little's law: response times of closed users add up to no more than their time."""
    plan = plan_of(tmp_path, chosen)
    result = result_of(plan)
    responses = summed(result, "vtax_response_seconds_sum", "group")
    lasted = result.measured_seconds + result.warm_up_seconds
    for part in plan.cells[0].nominal_system.partitions:
        for group in part.groups:
            if group.users is not None:
                name = group.name if "/" in group.name else f"{part.name}/{group.name}"
                assert responses[name,] <= group.users * lasted + 1e-9


@anything(ways=("shared-capped", "shared-uncapped"))
def test_no_partition_gets_more_than_entitlement_or_virtual_processors_allow(tmp_path, chosen):
    plan = plan_of(tmp_path, chosen)
    result = result_of(plan)
    used = summed(result, "vtax_partition_dispatched_seconds_total", "partition")
    lasted = result.measured_seconds
    for part in plan.cells[0].nominal_system.partitions:
        assert used[part.name,] <= part.virtual_processors * lasted + 1e-9
        if part.virtualization is Virtualization.SHARED_CAPPED or part.weight == 0:
            # At either end a window is cut in two, and its entitlement may lie on this side.
            assert used[part.name,] <= part.entitlement_cores * (lasted + 2 * WINDOW) + 1e-9


BUSY = ('users = 6, think_time = "0 ms"',)


@anything(ways=("shared-capped",), workloads=WORKLOADS[:1], loads=BUSY, examples=25)
def test_more_entitlement_never_lowers_throughput(tmp_path, chosen):
    done = []
    most = min(chosen["processors"], chosen["entitlement"] + 0.5 / chosen["count"])
    for entitlement in (chosen["entitlement"], int(100 * most) / 100):
        plan = plan_of(tmp_path, chosen, entitlement=entitlement)
        user = summed(result_of(plan), BOOKED, "partition", "cause")
        done.append(
            sum(v for (name, cause), v in user.items() if name != "rival" and cause == "user")
        )
    # Ticks may fall differently.
    assert done[1] >= done[0] - 1e-4


DEARER = """
[catalog.hypervisor.vp_switch]
value = {cycles}
unit = "cycles"
by_definition = true
source = "made up"
status = "assumed"

[catalog.hypervisor.vp_resume]
value = {cycles}
unit = "cycles"
by_definition = true
source = "made up"
status = "assumed"
"""


@anything(ways=("shared-capped", "shared-uncapped"), workloads=WORKLOADS[:2], examples=25)
def test_dearer_switches_never_lower_overhead(tmp_path, chosen):
    spent = []
    for cycles in (3000, 15000):
        result = result_of(plan_of(tmp_path, chosen, constants=DEARER.format(cycles=cycles)))
        booked = summed(result, BOOKED, "cause")
        busy = sum(seconds for (cause,), seconds in booked.items() if cause != "idle")
        spent.append(busy / booked["user",])
    assert spent[1] >= spent[0]


@anything(examples=2)
def test_the_number_of_workers_changes_nothing(tmp_path_factory, chosen):
    stored = []
    folder = tmp_path_factory.mktemp("workers")
    plan = plan_of(folder, chosen)
    for workers in (1, 2):
        with Store.start(folder / str(workers), plan.record()) as store:
            execute(plan.runs(), store, run_cell, workers=workers, drawn=plan.drawn)
        with Store.open(folder / str(workers)) as store:
            stored.append(
                sorted((each.identity, pack(store.result(each.identity))) for each in store.runs())
            )
    assert len(stored[0]) == 2
    assert stored[0] == stored[1]
