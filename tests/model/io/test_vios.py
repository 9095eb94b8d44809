"""What a VIOS spends on virtual SCSI: two published tables at once."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import (
    DEDICATED,
    MS,
    NO_REFILL,
    NO_TICKS,
    NOMINAL,
    REFERENCE_HZ,
    UNCAPPED,
    VSCSI_CYCLES,
    VSCSI_SIZES,
    build,
    keep_busy,
    partition,
    repeat,
    server,
    system,
)

from harness.model.costs import Costs
from harness.model.cpu.burst import Work
from harness.model.cpu.topology import OTHER_CHIP, SAME_CHIP, SAME_CORE
from harness.model.io.vios import VirtualScsiCosts, interrupt_cost
from harness.model.ledger import Cause

BACKINGS = ("physical", "logical-volume")
ADDED_US = {"physical": (32, 33, 33, 40, 61), "logical-volume": (35, 36, 34, 40, 63)}


def by_cause(work: Work, cause: Cause) -> int:
    return sum(ns for each, ns in work.parts if each == cause)


@pytest.mark.parametrize("backing", BACKINGS)
@pytest.mark.parametrize("index", range(5))
def test_both_published_figures_hold_at_once(backing, index):
    costs = Costs(NOMINAL, REFERENCE_HZ)
    service = VirtualScsiCosts(costs, backing).for_size(VSCSI_SIZES[index], False)
    before_ns = service.before[OTHER_CHIP].ns
    on_path = before_ns + service.after.ns
    assert on_path + service.off_path_ns == pytest.approx(
        VSCSI_CYCLES[backing][index] / 1.65, abs=2
    )
    # The client's call, interrupt and fetching of the answer are on the path, too.
    client_ns = costs.work("hypervisor.call.queue_element") + interrupt_cost(costs)
    client_ns += service.answer[OTHER_CHIP].ns
    path = before_ns + service.after.ns + service.delay_ns + client_ns
    assert path == pytest.approx(ADDED_US[backing][index] * 1000, abs=2)
    assert service.off_path_ns >= 0
    assert service.delay_ns >= 0


@given(
    st.sampled_from(BACKINGS),
    st.integers(512, 2**20),
    st.sampled_from([1.5e9, REFERENCE_HZ, 4.7e9]),
)
def test_nothing_is_negative_at_any_size_and_larger_never_costs_less(backing, size, clock_hz):
    services = VirtualScsiCosts(Costs(NOMINAL, clock_hz), backing)
    service, larger = services.for_size(size, False), services.for_size(size + 512, False)
    for part in (*service.before[OTHER_CHIP].parts, *service.after.parts):
        assert part[1] >= 0
    assert service.off_path_ns >= 0
    assert service.delay_ns >= 0

    def cycles(each) -> int:
        spent = by_cause(each.before[SAME_CORE], Cause.VIOS) + by_cause(each.after, Cause.VIOS)
        return spent + each.off_path_ns

    assert cycles(larger) >= cycles(service) - 2


def test_a_faster_processor_spends_less_time_but_as_many_cycles():
    slow, fast = (
        VirtualScsiCosts(Costs(NOMINAL, hz), "physical").for_size(131072, False)
        for hz in (REFERENCE_HZ, 2 * REFERENCE_HZ)
    )
    assert by_cause(fast.before[SAME_CORE], Cause.VIOS) == pytest.approx(
        by_cause(slow.before[SAME_CORE], Cause.VIOS) / 2, abs=1
    )
    assert fast.off_path_ns == pytest.approx(slow.off_path_ns / 2, abs=1)


def test_an_interrupt_at_a_core_that_others_have_taken_is_a_phantom_there():
    """The VIOS shares a single core with a hog that is there when its disk answers."""
    app = partition("app", 0.2, 1, UNCAPPED, disks=1, vios="vios1")
    hog = partition("hog", 0.3, 1, UNCAPPED)
    machine = build(
        system(app, hog, cores=1, vios=(server("vios1", 0.5, 1, UNCAPPED),)), NO_TICKS, NO_REFILL
    )
    keep_busy(machine.partitions["hog"], 0.5)
    done: list[int] = []
    machine.partitions["app"].transfer(
        0, 4096, 65536, False, lambda: done.append(machine.clock.now_ns)
    )
    machine.clock.run_until(100 * MS)
    assert done
    assert machine.partitions["hog"].partition.phantom_interrupts == 1
    assert machine.partitions["app"].partition.phantom_interrupts == 0


def test_on_processors_of_its_own_a_vios_disturbs_nobody():
    app = partition("app", 1, disks=1, vios="vios1")
    machine = build(system(app, cores=2, vios=(server(),), virtualization=DEDICATED))
    for _ in range(20):
        machine.partitions["app"].transfer(0, 8192, 4096, False, lambda: None)
    machine.clock.run_until(300 * MS)
    assert machine.partitions["app"].partition.phantom_interrupts == 0
    assert machine.vios["vios1"].operations == 20
    assert machine.vios["vios1"].bytes == 20 * 8192


@pytest.mark.parametrize("size", VSCSI_SIZES)
def test_a_vios_with_nothing_else_to_do_adds_its_path_and_no_more(size):
    app = partition("app", 1, disks=1, vios="vios1")
    configuration = system(app, cores=2, vios=(server(),), virtualization=DEDICATED)
    machine = build(configuration, NO_TICKS, NO_REFILL)
    client, vios = machine.partitions["app"], machine.vios["vios1"]
    client.transfer(0, size, 0, False, lambda: None)
    machine.clock.run_until(300 * MS)
    service = client.paths[0].service.for_size(size, False)
    assert vios.operations == 1
    before_ns = service.before[SAME_CHIP].ns
    assert vios.added_ns == before_ns + service.after.ns + service.delay_ns


def distances(copied: float = 0.0) -> list[dict[str, float]]:
    """What reads and writes of 64 KiB cost client and server, by where the VIOS is.

    On the client's core, on the other core of its chip, on another chip.
    """
    found = []
    for place in range(3):
        if place == SAME_CORE:
            app = partition("app", 0.5, 1, UNCAPPED, disks=1, vios="vios1")
            servers, cores = (server("vios1", 0.5, 1, UNCAPPED),), 1
        else:
            app = partition("app", 1, disks=1, vios="vios1")
            servers = (server(), server("spare"))[:place]
            cores = place + 1
        changes = {"vios.vscsi.copied": copied, "vios.vscsi.deferred_work": 0.0}
        changes |= {"hypervisor.vp_switch": 0.0, "hypervisor.vp_resume": 0.0}
        machine = build(system(app, cores=cores, vios=servers), NO_TICKS, NO_REFILL, changes)
        client, served = machine.partitions["app"], machine.vios["vios1"].partition
        spent: dict[str, float] = {}
        for verb in ("read", "write"):
            one = partial(client.transfer, 0, 65536, None, verb == "write")
            before = client.partition.dispatched_ns, served.dispatched_ns
            repeat(machine.clock, one, 100)
            machine.clock.run_until(machine.clock.now_ns + MS)
            spent[f"client {verb}"] = (client.partition.dispatched_ns - before[0]) / 100
            spent[f"server {verb}"] = (served.dispatched_ns - before[1]) / 100
        accounts, idle_ns = machine.balance()
        booked = sum(sum(account.values()) for account in accounts.values()) + idle_ns
        assert booked == cores * machine.clock.now_ns
        found.append(spent)
    return found


def test_a_vios_costs_most_on_a_chip_of_its_own_and_least_on_its_clients_core():
    core, chip, far = distances()
    for name in core:
        assert core[name] < chip[name] < far[name], name
    # Descriptors of 16 pages and two lines go there, two lines come back.
    overlap = 6
    for latency, there in ((13, chip), (120, far)):
        assert there["server read"] - core["server read"] == pytest.approx(
            4 * latency / overlap / 1.65, abs=1
        )
        assert there["client read"] - core["client read"] == pytest.approx(
            2 * latency / overlap / 1.65, abs=1
        )


def test_the_adapters_own_transfer_makes_reads_and_writes_alike():
    for spent in distances():
        assert spent["client read"] == spent["client write"]
        assert spent["server read"] == spent["server write"]


def test_the_side_that_takes_copied_data_fetches_it_from_the_other_ones_caches():
    core, chip, far = distances(copied=1.0)
    lines = 65536 / 128
    for latency, there in ((13, chip), (120, far)):
        more = lines * latency / 6 / 1.65
        assert there["client read"] - there["client write"] == pytest.approx(more, abs=2)
        assert there["server write"] - there["server read"] == pytest.approx(more, abs=2)
    assert core["client read"] == core["client write"]
    # The copy is done by the server in either direction.
    copy_ns = 65536 * 0.8 / 1.65
    without = distances()[SAME_CORE]
    assert core["server read"] - without["server read"] == pytest.approx(copy_ns, abs=2)
    assert core["server write"] - without["server write"] == pytest.approx(copy_ns, abs=2)


def test_waiting_for_a_processor_is_latency_that_a_vios_adds():
    def added(hog_busy: bool) -> int:
        app = partition("app", 0.2, 1, UNCAPPED, disks=1, vios="vios1")
        hog = partition("hog", 0.3, 1, UNCAPPED)
        vios = server("vios1", 0.1, 1, UNCAPPED)
        machine = build(system(app, hog, cores=1, vios=(vios,)), NO_TICKS, NO_REFILL)
        if hog_busy:
            keep_busy(machine.partitions["hog"], 0.5)
        client = machine.partitions["app"]
        repeat(machine.clock, lambda done: client.transfer(0, 4096, 0, False, done), 5)
        machine.clock.run_until(500 * MS)
        assert machine.vios["vios1"].operations == 5
        return machine.vios["vios1"].added_ns

    assert added(hog_busy=True) > added(hog_busy=False) > 0
