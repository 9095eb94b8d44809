"""Block I/O: direct, through a VIOS, emulated; held against what IBM published."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import (
    CAPPED,
    DEDICATED,
    FULL_SYSTEM,
    HOSTED,
    MS,
    NO_REFILL,
    NO_TICKS,
    NOMINAL,
    REFERENCE_HZ,
    UNCAPPED,
    VSCSI_CYCLES,
    VSCSI_SIZES,
    build,
    group,
    keep_busy,
    partition,
    repeat,
    server,
    spec,
    system,
)

from harness.model.config import SystemConfiguration
from harness.model.io.block_path import Operation
from harness.model.machine import Machine
from harness.runs.run_cell import run_cell

ADDED_MS = {
    "physical": (0.032, 0.033, 0.033, 0.040, 0.061),
    "logical-volume": (0.035, 0.036, 0.034, 0.040, 0.063),
}
BANDWIDTH = (24.3, 41.7, 90.6, 114.6, 132.6)
"""MB/s (2**20 bytes) of one thread of sequential reads on the physical device."""


def direct(**keywords: object) -> SystemConfiguration:
    return system(partition("app", 1, virtualization=FULL_SYSTEM, disks=1, **keywords), cores=1)


def through_vios(backing: str = "physical", **keywords: object) -> SystemConfiguration:
    """A client and its VIOS on two chips, as what IBM published is understood."""
    app = partition("app", 1, disks=1, vios="vios1", backing=backing, **keywords)
    return system(app, cores=3, vios=(server(), server("spare")))


def spaced_times(machine: Machine, size: int, times: int = 4) -> list[int]:
    """How long single sequential reads take with nothing else going on (ns)."""
    app, clock = machine.partitions["app"], machine.clock

    def one(done) -> None:
        start = clock.now_ns

        def finished() -> None:
            took.append(clock.now_ns - start)
            clock.call_in(5 * MS, done)

        app.transfer(0, size, None, False, finished)

    took: list[int] = []
    repeat(clock, one, times)
    return took


@pytest.mark.parametrize("backing", ["physical", "logical-volume"])
@pytest.mark.parametrize("index", range(5))
def test_a_dedicated_vios_adds_the_published_time_at_no_load(backing, index):
    size = VSCSI_SIZES[index]
    (local,) = set(spaced_times(build(direct(), NO_TICKS, NO_REFILL), size))
    (virtual,) = set(spaced_times(build(through_vios(backing), NO_TICKS, NO_REFILL), size))
    assert virtual - local == pytest.approx(ADDED_MS[backing][index] * 1e6, abs=3)


@pytest.mark.parametrize("backing", ["physical", "logical-volume"])
@pytest.mark.parametrize("index", range(5))
def test_the_vioss_processors_spend_the_published_cycles_booked_under_its_client(backing, index):
    machine = build(through_vios(backing), NO_TICKS, NO_REFILL)
    app = machine.partitions["app"]
    operations = 400
    repeat(
        machine.clock,
        lambda done: app.transfer(0, VSCSI_SIZES[index], None, False, done),
        operations,
    )
    machine.clock.run_until(machine.clock.now_ns + 5 * MS)
    accounts, _ = machine.balance()
    # The hypervisor's part on them is in the use that IBM published.
    spent = machine.vios["vios1"].partition.dispatched_ns
    deferred_ns = NOMINAL.number("vios.vscsi.deferred_work") * 1e9
    whole = operations * VSCSI_CYCLES[backing][index] / 1.65
    assert whole - deferred_ns - 3 * operations <= spent <= whole + 3 * operations
    assert sum(accounts["vios1"].values()) == 0


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("size", [512, 4096, 8192, 131072, 2**20])
def test_the_client_pays_as_much_as_for_a_local_disk_by_block_and_page(size, write):
    spent = {}
    for name, configuration in (("local", direct()), ("virtual", through_vios())):
        machine = build(configuration, NO_TICKS, NO_REFILL)
        app = machine.partitions["app"]
        repeat(machine.clock, lambda done, app=app: app.transfer(0, size, 0, write, done), 50)
        spent[name] = machine.balance()[0]["app"]["os"]
    assert spent["local"] == spent["virtual"]
    assert spent["local"] / 50 == pytest.approx((30_000 + 2_400 * size / 4096) / 1.65, abs=1)


def test_pages_without_a_cost_leave_the_block_at_its_fixed_part():
    machine = build(direct(), NO_TICKS, NO_REFILL, {"io.page_cost": 0.0})
    app = machine.partitions["app"]
    repeat(machine.clock, lambda done: app.transfer(0, 131072, None, False, done), 50)
    assert machine.balance()[0]["app"]["os"] == 50 * round(30_000 / 1.65)


@pytest.mark.parametrize("index", range(5))
def test_one_thread_of_sequential_reads_reproduces_the_published_bandwidth(index):
    load = group("workloads/disk.py:SequentialTransfers", 1, size=VSCSI_SIZES[index])
    result = run_cell(spec(direct(groups=(load,)), NO_TICKS, NO_REFILL, duration=1, warm_up=0.1))
    rate = result.requests * VSCSI_SIZES[index] / 2**20 / result.measured_seconds
    assert rate == pytest.approx(BANDWIDTH[index], rel=2 / result.requests)


def test_clock_ticks_cost_the_published_bandwidth_next_to_nothing():
    load = group("workloads/disk.py:SequentialTransfers", 1, size=4096)
    result = run_cell(spec(direct(groups=(load,), os="sles-9"), duration=1, warm_up=0.1))
    rate = result.requests * 4096 / 2**20
    assert 0.99 * BANDWIDTH[0] < rate < BANDWIDTH[0]


def mean_time(configuration: SystemConfiguration, hogs: int = 0) -> float:
    """Mean time of 60 random reads one after the other (ns)."""
    machine = build(configuration)
    for index in range(hogs):
        keep_busy(machine.partitions[f"hog{index}"], 0.05)
    app = machine.partitions["app"]
    offsets = iter(range(0, 60 * 65536, 65536))
    took = repeat(machine.clock, lambda done: app.transfer(0, 8192, next(offsets), False, done), 60)
    return sum(took) / len(took)


def test_a_shared_vios_adds_more_and_a_starved_one_more_still():
    app = partition("app", 0.5, 1, UNCAPPED, disks=1, vios="vios1")
    hogs = [partition(f"hog{i}", 0.2, 1, UNCAPPED) for i in range(2)]
    dedicated = mean_time(through_vios())
    alone = mean_time(
        system(app, cores=1, vios=(server("vios1", 0.1, 1, UNCAPPED),)),
    )
    capped = mean_time(
        system(app, *hogs, cores=1, vios=(server("vios1", 0.1, 1, CAPPED),)), len(hogs)
    )
    assert dedicated < alone < capped
    assert mean_time(direct()) < dedicated


@pytest.mark.interpreted
@settings(max_examples=20)
@given(st.sampled_from(["aix-5.3", "sles-9", "rhel-as-3"]), st.sampled_from([None, 1, 7]))
def test_no_more_operations_are_outstanding_than_the_queue_has_places(os, depth):
    machine = build(through_vios(os=os, queue_depth=depth))
    places = depth or round(NOMINAL.number(f"os.{os}.vscsi_queue_depth"))
    app = machine.partitions["app"]
    (path,) = app.paths
    issue, completed = path.issue, path.completed
    outstanding = most = finished = 0

    def more(operation: Operation) -> None:
        nonlocal outstanding, most
        outstanding += 1
        most = max(most, outstanding)
        issue(operation)

    def fewer(operation: Operation) -> None:
        nonlocal outstanding
        outstanding -= 1
        completed(operation)

    path.issue, path.completed = more, fewer

    def done() -> None:
        nonlocal finished
        finished += 1

    # Twice, so that places that have been given back count as well.
    for start_ms in (0, 2_000):
        for block in range(50):
            app.transfer(0, 4096, block * 65536, False, done)
        machine.clock.run_until((start_ms + 2_000) * MS)
    assert finished == 100
    assert most == places
    assert path.operations == 100
    assert path.queue_wait_ns > 0


def test_operations_leave_the_queue_in_the_order_in_which_they_came():
    machine = build(direct(queue_depth=1), NO_TICKS)
    order: list[int] = []
    for index in range(20):
        machine.partitions["app"].transfer(
            0, 4096, index * 65536, False, lambda index=index: order.append(index)
        )
    machine.clock.run_until(1_000 * MS)
    assert order == list(range(20))


def test_a_deeper_queue_never_serves_random_reads_slower():
    ends = []
    for depth in (1, 2, 3, 5, 16):
        machine = build(through_vios(queue_depth=depth), NO_TICKS)
        left = 200

        def done() -> None:
            nonlocal left
            left -= 1

        for index in range(200):
            machine.partitions["app"].transfer(0, 8192, index * 65536, False, done)
        while left:
            machine.clock.run_until(machine.clock.now_ns + MS)
        ends.append(machine.clock.now_ns)
    assert ends == sorted(ends, reverse=True)
    # Five spindles: one outstanding operation uses a fifth of the array.
    assert ends[0] > 3 * ends[-1]


@pytest.mark.parametrize("flavour", ["vmware", "uml", "xen-3", "esx-3"])
@pytest.mark.parametrize("write", [False, True])
def test_an_emulated_disk_costs_what_the_constants_say(flavour, write):
    guest = partition("app", 1, virtualization=HOSTED, disks=1)
    machine = build(system(guest, cores=1, flavour=flavour), NO_TICKS, NO_REFILL)
    app, operations, size = machine.partitions["app"], 50, 65536
    repeat(machine.clock, lambda done: app.transfer(0, size, 0, write, done), operations)
    spent = machine.balance()[0]["app"]
    dispatches = app.partition.dispatches

    def number(name: str) -> float:
        return NOMINAL.number(f"hosted.{flavour}.{name}")

    switches = number("world_switches_per_disk_operation")
    inside = number("io_instructions_per_disk_operation") - switches
    expected = Counter(
        os=NOMINAL.number("io.block_cost") + size / 4096 * NOMINAL.number("io.page_cost"),
        emulation=max(0, inside) * number("io_in_monitor") + number("interrupt_return"),
        world_switch=(switches + dispatches / operations) * number("world_switch"),
        host=number("host_block_cost")
        + dispatches / operations * NOMINAL.number("hosted.host.context_switch"),
        copy=size * number("copy_cycles_per_byte"),
    )
    for cause, cycles in expected.items():
        assert spent[cause] / operations == pytest.approx(cycles / 1.65, abs=4), cause
    assert {cause for cause, ns in spent.items() if ns} == set(expected)


def test_hosted_io_costs_the_processor_more_than_a_vios_does():
    """Not only the path: what everybody spends on one random read."""
    spent = {}
    for name, configuration in (
        ("local", direct()),
        ("vios", through_vios()),
        (
            "vmware",
            system(partition("app", 1, virtualization=HOSTED, disks=1), cores=1, flavour="vmware"),
        ),
    ):
        machine = build(configuration, NO_TICKS, NO_REFILL)
        app = machine.partitions["app"]
        repeat(machine.clock, lambda done, app=app: app.transfer(0, 4096, 0, False, done), 50)
        spent[name] = sum(sum(account.values()) for account in machine.balance()[0].values())
    assert spent["local"] < spent["vios"]
    assert spent["local"] < spent["vmware"]


def test_each_client_pays_for_its_own_operations():
    apps = [partition(name, 1, disks=1, vios="vios1") for name in ("one", "two")]
    machine = build(system(*apps, cores=3, vios=(server(),)), NO_TICKS, NO_REFILL)
    for name, operations in (("one", 30), ("two", 10)):
        app = machine.partitions[name]
        repeat(
            machine.clock, lambda done, app=app: app.transfer(0, 4096, 0, False, done), operations
        )
    accounts, _ = machine.balance()
    assert accounts["one"]["vios"] == pytest.approx(3 * accounts["two"]["vios"], rel=0.01)
    assert accounts["vios1"]["vios"] == 0


def test_virtualization_is_not_paid_twice(  # a VIOS on a machine where everything is dedicated
) -> None:
    machine = build(through_vios(), NO_TICKS, NO_REFILL)
    app = machine.partitions["app"]
    repeat(machine.clock, lambda done: app.transfer(0, 4096, 0, False, done), 50)
    accounts, _ = machine.balance()
    call, interrupt = (
        round(NOMINAL.number("hypervisor.call.queue_element") / 1.65),
        round((NOMINAL.number("hypervisor.interrupt") + NOMINAL.number("hypervisor.wake")) * 1e9),
    )
    # The client's call, the VIOS's interrupt, its call back, the client's interrupt.
    assert accounts["app"]["hypervisor"] == 50 * (2 * call + 2 * interrupt)
    assert accounts["app"]["emulation"] == accounts["app"]["world_switch"] == 0


@pytest.mark.parametrize("virtualization", [DEDICATED, UNCAPPED])
def test_a_disk_that_is_not_there_is_an_error_that_names_the_partition(virtualization):
    machine = build(system(partition("app", 1, 1, virtualization, disks=1), cores=1))
    with pytest.raises(ValueError, match=r"app has 1 disks.*number 1"):
        machine.partitions["app"].transfer(1, 4096, 0, False, lambda: None)


def test_reference_clock_is_the_one_that_the_tables_were_measured_on():
    assert NOMINAL.number("processor.reference_clock") == REFERENCE_HZ
