"""What a dispatch fetches into the caches again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import (
    MS,
    NO_TICKS,
    REFERENCE_HZ,
    UNCAPPED,
    build,
    constants,
    keep_busy,
    partition,
    system,
    total,
)

from harness.model.caches import cache_costs
from harness.model.costs import Costs
from harness.model.machine import Machine

COSTS = constants()


CACHES = cache_costs(Costs(COSTS, REFERENCE_HZ))


LINE_NS = CACHES.l3_ns_per_line


MEMORY_NS = CACHES.memory_ns_per_line


CACHE_LINES = round(COSTS.number("processor.l2_size") / COSTS.number("processor.l2_line"))


def refill_ns(lines: float) -> int:
    return round(lines * LINE_NS)


def memory_ns(lines: float) -> int:
    return round(lines * MEMORY_NS)


def pool_of(names: str, cores: int, *overrides: dict[str, object], share: float = 0.1) -> Machine:
    parts = [partition(name, share, 1, UNCAPPED) for name in names]
    return build(system(*parts, cores=cores), NO_TICKS, *overrides)


def refills(machine: Machine) -> int:
    return sum(account["refill"] for account in machine.balance()[0].values())


@settings(max_examples=60)
@given(
    st.integers(1, 6),
    st.integers(1, 4),
    st.sampled_from([64e3, 512e3, 1.2e6, 1.9e6, 8e6]),
    st.sampled_from([0.5e-3, 1e-3, 5e-3]),
)
def test_a_dispatch_never_fetches_more_than_the_working_set_or_the_cache(
    guests, cores, working_set, spare_slice
):
    machine = pool_of(
        "abcdef"[:guests],
        cores,
        {"processor.working_set": working_set, "hypervisor.spare_slice": spare_slice},
    )
    most = memory_ns(min(CACHE_LINES, round(working_set / 128)))
    for modelled in machine.partitions.values():
        keep_busy(modelled, 0.0013)
    machine.clock.run_until(100 * MS)
    for name, account in machine.balance()[0].items():
        dispatches = machine.partitions[name].partition.dispatches
        assert account["refill"] <= dispatches * most
    assert total(machine) == cores * 100 * MS


def test_a_first_dispatch_finds_nothing_in_the_cache():
    machine = pool_of("a", 1, {"processor.working_set": 512 * 1024.0})
    machine.partitions["a"].compute(0.001, None, lambda: None)
    machine.clock.run_until(5 * MS)
    assert refills(machine) == memory_ns(4096)


def test_who_comes_back_with_nothing_in_between_fetches_nothing():
    machine = pool_of("a", 2, {"processor.working_set": 1.8e6})
    modelled = machine.partitions["a"]
    for moment in range(10):
        machine.clock.call_in(moment * MS, lambda: modelled.compute(0.0005, None, lambda: None))
    machine.clock.run_until(15 * MS)
    assert modelled.partition.dispatches == 10
    assert refills(machine) == memory_ns(round(1.8e6 / 128))


def test_two_whose_working_sets_fit_together_leave_each_other_alone():
    machine = pool_of("ab", 1, {"processor.working_set": 900e3})
    for modelled in machine.partitions.values():
        keep_busy(modelled, 0.01)
    machine.clock.run_until(200 * MS)
    assert sum(p.partition.dispatches for p in machine.partitions.values()) > 30
    assert refills(machine) == 2 * memory_ns(round(900e3 / 128))


def test_what_does_not_fit_is_what_has_to_be_fetched_again():
    """Two working sets of three quarters of the cache: each loses half of a cache each time."""
    lines = CACHE_LINES * 3 // 4
    machine = pool_of("ab", 1, {"processor.working_set": lines * 128.0})
    for modelled in machine.partitions.values():
        keep_busy(modelled, 0.01)
    machine.clock.run_until(100 * MS)
    found = [modelled.partition for modelled in machine.partitions.values()]
    dispatches = sum(each.dispatches for each in found)
    # What a partner fetched again drives out as much, and so on: all that exceeds the cache.
    again = sum(each.refilled_lines for each in found) - 2 * lines
    assert again == pytest.approx((dispatches - 2) * (2 * lines - CACHE_LINES), rel=0.02)
    expected = 2 * memory_ns(lines) + refill_ns(again)
    # The last one may be under way.
    assert refills(machine) == pytest.approx(expected, abs=refill_ns(CACHE_LINES))


@pytest.mark.parametrize("partitions", [3, 10, 23, 24, 40])
def test_what_exceeds_both_levels_comes_from_memory(partitions):
    """Working sets of a whole second level in turn, on one core.

    Each finds what the others have left of its lines, those of the first dispatch not counted.
    """
    whole = {"processor.working_set": CACHE_LINES * 128.0, "hypervisor.window": 1.0}
    names = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"[:partitions]
    machine = build(
        system(*(partition(name, 1 / 40, 1, UNCAPPED) for name in names), cores=1), NO_TICKS, whole
    )
    for modelled in machine.partitions.values():
        keep_busy(modelled, 10.0)
    machine.clock.run_until(4000 * MS)
    found = [modelled.partition for modelled in machine.partitions.values()]
    lines = sum(each.refilled_lines for each in found) - partitions * CACHE_LINES
    from_memory = sum(each.memory_lines for each in found) - partitions * CACHE_LINES
    turns = sum(each.dispatches for each in found) - partitions
    l3_lines = 36 * 2**20 // 128
    assert lines == turns * CACHE_LINES
    lost = max(0, min(CACHE_LINES, (partitions - 1) * CACHE_LINES - l3_lines))
    assert from_memory == turns * lost
    cold = partitions * memory_ns(CACHE_LINES)
    expected = cold + lines * LINE_NS + from_memory * (MEMORY_NS - LINE_NS)
    assert refills(machine) == pytest.approx(expected, abs=memory_ns(CACHE_LINES))
    assert (from_memory > 0) == (partitions > 20)


COSTS_OF_REFILL = (
    "processor.l3_latency",
    "processor.memory_latency",
    "processor.tlb_miss",
    "hypervisor.vp_switch",
    "hypervisor.vp_resume",
)


@settings(max_examples=60)
@given(
    st.sampled_from(COSTS_OF_REFILL),
    st.integers(1, 30),
    st.sampled_from([64e3, 512e3, 1.2e6, 1.9e6]),
    st.lists(st.sampled_from([0.00001, 0.0001, 0.0006, 0.002]), min_size=1, max_size=5),
    st.sampled_from([1.5, 4.0, 8.0]),
)
def test_dearer_refills_and_switches_never_make_overhead_smaller(
    name, guests, working_set, pieces_seconds, factor
):
    """Partitions that run in turn, so that costs do not change who runs when."""

    def overhead(times: float) -> int:
        dearer = {name: COSTS.number(name) * times, "processor.working_set": working_set}
        machine = pool_of("abcdefghijklmnopqrstuvwxyzABCD"[:guests], 1, dearer, share=1 / 30)
        turns = list(machine.partitions.values()) * 3
        for number, modelled in enumerate(turns):
            seconds = pieces_seconds[number % len(pieces_seconds)]
            machine.clock.call_in(
                number * 10 * MS,
                lambda modelled=modelled, s=seconds: modelled.compute(s, None, lambda: None),
            )
        machine.clock.run_until(len(turns) * 10 * MS)
        accounts, _ = machine.balance()
        return sum(sum(each.values()) - each["user"] for each in accounts.values())

    assert overhead(factor) >= overhead(1.0)


def test_another_chip_has_nothing_of_it_in_its_cache():
    machine = pool_of("ab", 4, {"processor.working_set": 128e3})
    pool = machine.pool
    assert pool is not None
    modelled = machine.partitions["a"]
    modelled.compute(0.001, None, lambda: None)
    machine.clock.run_until(5 * MS)
    once = refills(machine)
    vp = modelled.partition.vps[0]
    assert vp.last_processor is not None
    elsewhere = next(p for p in pool.processors if p.chip is not vp.last_processor.chip)
    vp.last_processor = elsewhere
    modelled.compute(0.001, None, lambda: None)
    machine.clock.run_until(10 * MS)
    assert refills(machine) == 2 * once


def spent_by_slice(guests: int, working_set: float) -> list[int]:
    """What switching costs a core within a second (ns), from the shortest turns to the longest."""
    spent = []
    for spare_slice in (0.25e-3, 0.5e-3, 1e-3, 2e-3, 5e-3):
        machine = pool_of(
            "abcde"[:guests],
            1,
            {"processor.working_set": working_set, "hypervisor.spare_slice": spare_slice},
        )
        for modelled in machine.partitions.values():
            keep_busy(modelled, 0.05)
        machine.clock.run_until(1000 * MS)
        accounts, _ = machine.balance()
        spent.append(sum(a["refill"] + a["hypervisor"] for a in accounts.values()))
    return spent


@pytest.mark.parametrize("guests", [2, 3, 4, 5])
@pytest.mark.parametrize("working_set", [1.2e6, 1.9e6])
def test_shorter_turns_never_cost_less_where_no_two_fit_together(guests, working_set):
    spent = spent_by_slice(guests, working_set)
    assert spent == sorted(spent, reverse=True)
    assert spent[0] > 1.5 * spent[-1]


@pytest.mark.parametrize("guests", [2, 3, 4, 5])
def test_turns_of_a_quarter_of_a_millisecond_cost_more_than_those_of_five(guests):
    # In between it may go either way: who comes after whom decides what is still in the cache.
    spent = spent_by_slice(guests, 512e3)
    assert spent[0] > 1.5 * spent[-1]
