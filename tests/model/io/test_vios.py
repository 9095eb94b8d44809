"""What a VIOS spends on virtual SCSI: two published tables at once."""

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
    build,
    keep_busy,
    partition,
    repeat,
    server,
    system,
)
from vscsi_figures import CYCLES, SIZES

from harness.model.costs import Costs
from harness.model.cpu.burst import Work
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
    service = VirtualScsiCosts(costs, backing).for_size(SIZES[index])
    on_path = service.before.ns + service.after.ns
    assert on_path + service.off_path_ns == pytest.approx(CYCLES[backing][index] / 1.65, abs=2)
    # The client's call and interrupt are on the path, too.
    client_ns = costs.work("hypervisor.call.queue_element") + interrupt_cost(costs)
    path = service.before.ns + service.after.ns + service.delay_ns + client_ns
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
    service, larger = services.for_size(size), services.for_size(size + 512)
    for part in (*service.before.parts, *service.after.parts):
        assert part[1] >= 0
    assert service.off_path_ns >= 0
    assert service.delay_ns >= 0

    def cycles(each) -> int:
        spent = by_cause(each.before, Cause.VIOS) + by_cause(each.after, Cause.VIOS)
        return spent + each.off_path_ns

    assert cycles(larger) >= cycles(service) - 2


def test_a_faster_processor_spends_less_time_but_as_many_cycles():
    slow, fast = (
        VirtualScsiCosts(Costs(NOMINAL, hz), "physical").for_size(131072)
        for hz in (REFERENCE_HZ, 2 * REFERENCE_HZ)
    )
    assert by_cause(fast.before, Cause.VIOS) == pytest.approx(
        by_cause(slow.before, Cause.VIOS) / 2, abs=1
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


@pytest.mark.parametrize("size", SIZES)
def test_a_vios_with_nothing_else_to_do_adds_its_path_and_no_more(size):
    app = partition("app", 1, disks=1, vios="vios1")
    configuration = system(app, cores=2, vios=(server(),), virtualization=DEDICATED)
    machine = build(configuration, NO_TICKS, NO_REFILL)
    client, vios = machine.partitions["app"], machine.vios["vios1"]
    client.transfer(0, size, 0, False, lambda: None)
    machine.clock.run_until(300 * MS)
    service = client.paths[0].service.for_size(size)
    assert vios.operations == 1
    assert vios.added_ns == service.before.ns + service.after.ns + service.delay_ns


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
