"""What ticks and world switches drive out of caches, against the arithmetic of the rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import (
    FULL_SYSTEM,
    HOSTED,
    MS,
    REFERENCE_HZ,
    build,
    constants,
    partition,
    system,
)

from harness.analysis.breakdown.processors import displaced
from harness.analysis.breakdown.run import Run
from harness.model.caches import tick_displacement, world_switch_displacement, world_switches
from harness.model.costs import Costs
from harness.validation.minimal_model import keep_busy

KIB = 1024.0
LINES, L3_LINES = 15_360, 294_912
ALONE = {"processor.l2_cores": 1.0}
WHOLE = {**ALONE, "processor.working_set": 1920 * KIB}
"""Work that fills the second-level cache, on a core that has it to itself."""


def costs(*overrides, flavour=None):
    return Costs(constants(*overrides), REFERENCE_HZ, flavour)


def cycles(ns):
    return ns * REFERENCE_HZ / 1e9


@pytest.mark.parametrize(
    ("working_set", "footprint", "cores", "lines"),
    [
        (512, 16, 2.0, 0),  # all of it fits
        (1900, 16, 1.0, 0),
        (1910, 16, 1.0, 48),  # 1910 + 16 - 1920 KiB
        (1920, 16, 1.0, 128),  # no more than the tick uses
        (955, 16, 2.0, 48),  # the other core's work counts
        (4, 64, 1.0, 0),
    ],
)
def test_a_tick_displaces_what_exceeds_the_cache(working_set, footprint, cores, lines):
    found = tick_displacement(
        costs(
            {
                "processor.working_set": working_set * KIB,
                "processor.tick_footprint": footprint * KIB,
                "processor.l2_cores": cores,
            }
        )
    )
    assert (found.lines, found.memory_lines, found.tlb_entries) == (lines, 0, 0.0)
    # Latencies overlap six times; a line has 1/32 of the entry of its page.
    assert cycles(found.ns) == pytest.approx(lines * (87 / 6 + 60 / 32), abs=1)


def test_without_a_third_level_lines_come_from_memory():
    found = tick_displacement(costs(WHOLE, {"processor.l3_size": 0.0}))
    assert found.lines == found.memory_lines == 128
    assert cycles(found.ns) == pytest.approx(128 * (220 / 6 + 60 / 32), abs=1)


def test_a_world_switch_loses_entries_of_pages_that_the_work_has():
    nominal = world_switch_displacement(costs(flavour="vmware"))
    assert (nominal.lines, nominal.tlb_entries) == (0, 128.0)
    assert cycles(nominal.ns) == pytest.approx(128 * 60, abs=1)
    small = world_switch_displacement(costs({"processor.working_set": 64 * KIB}, flavour="vmware"))
    assert small.tlb_entries == 16
    (_, world_ns), (_, refill_ns) = world_switches(costs(flavour="vmware"), 3.0)
    assert cycles(world_ns) == pytest.approx(3 * 7.45 * 733, abs=1)
    assert refill_ns == 3 * nominal.ns


RAISED = (
    "hosted.vmware.footprint",
    "hosted.vmware.tlb_entries",
    "processor.tick_footprint",
    "processor.working_set",
    "processor.l3_latency",
    "processor.memory_latency",
    "processor.tlb_miss",
)


@given(
    st.fixed_dictionaries({name: st.floats(0.1, 20.0) for name in RAISED}),
    st.sampled_from(RAISED),
    st.floats(1.0, 10.0),
)
def test_no_cost_lowers_what_is_fetched_again(factors, raised, more):
    nominal = constants()
    values = {name: nominal.number(name) * factor for name, factor in factors.items()}
    dearer = {**values, raised: values[raised] * more}
    for found in (tick_displacement, world_switch_displacement):
        before, after = (found(costs(each, flavour="vmware")) for each in (values, dearer))
        assert before.ns <= after.ns


@pytest.mark.parametrize("flavour", [None, "vmware", "uml"])
def test_interrupted_work_fetches_again_what_was_displaced(flavour):
    virtualization = FULL_SYSTEM if flavour is None else HOSTED
    configuration = system(
        partition("app", 1, virtualization=virtualization), cores=1, flavour=flavour
    )
    machine = build(configuration, WHOLE)
    keep_busy(machine.partitions["app"], 0.05)
    machine.clock.run_until(995 * MS)
    accounts, idle_ns = machine.balance()
    first_ns = LINES * (220 / 6 + 60 / 32) / REFERENCE_HZ * 1e9  # cold caches at the beginning
    tick, world = tick_displacement(machine.costs), 0.0
    if flavour is not None:
        world = world_switch_displacement(machine.costs).ns
        # A tick of User-Mode Linux's host interrupts a process as any other.
        switches = {"vmware": 99, "uml": 0}[flavour]
        assert accounts["host"]["refill"] == 99 * tick.ns + switches * world
        expected = switches * machine.costs.hosted("world_switch")
        assert accounts["host"]["world_switch"] == expected
    assert tick.lines == 128
    assert accounts["app"]["refill"] == pytest.approx(first_ns + 99 * (tick.ns + world), rel=1e-3)
    assert idle_ns + sum(map(sum, (each.values() for each in accounts.values()))) == 995 * MS


def test_ticks_of_idle_processors_displace_nothing():
    configuration = system(partition("app", 1, virtualization=HOSTED), cores=1, flavour="vmware")
    machine = build(configuration, WHOLE)
    machine.clock.run_until(995 * MS)
    accounts, _ = machine.balance()
    assert accounts["app"]["refill"] == accounts["host"]["refill"] == 0
    assert accounts["host"]["world_switch"] == 0
    assert accounts["app"]["tick"] > 0


def test_the_breakdown_counts_both():
    samples = [
        ("vtax_partition_interrupting_ticks_total", {"partition": "app"}, 90.0),
        ("vtax_host_interrupting_ticks_total", {}, 80.0),
    ]
    shape = {"flavour": "vmware", "machine": {"clock_hz": REFERENCE_HZ}}
    run = Run(samples, shape, constants(WHOLE))
    tick, world = displaced(run)
    assert (tick.cause, tick.count) == (world.cause, world.count) == ("refill", 170.0)
    assert tick.seconds == pytest.approx(170 * tick_displacement(run.costs).ns / 1e9)
    assert world.seconds == pytest.approx(170 * world_switch_displacement(run.costs).ns / 1e9)
    assert "processor.tick_footprint" in tick.constants
    assert {"hosted.vmware.footprint", "hosted.vmware.tlb_entries"} <= set(world.constants)
