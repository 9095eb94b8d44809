"""The host's scheduler: equal shares over time, short waits for those who wake."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import (
    HOSTED,
    MS,
    NO_OVERHEAD,
    REFERENCE_HZ,
    build,
    constants,
    keep_busy,
    partition,
    system,
    total,
)

from harness.model.machine import Machine

QUANTUM = round(constants().number("hosted.host.timeslice") * 1e9)


def host(guests: list[int], cores: int, *overrides: dict[str, object]) -> Machine:
    parts = [partition(f"g{i}", vps, virtualization=HOSTED) for i, vps in enumerate(guests)]
    return build(system(*parts, cores=cores, flavour="vmware"), NO_OVERHEAD, *overrides)


def run_times(machine: Machine) -> list[int]:
    """Run time of every thread so far, its present turn counted."""
    dispatcher, _ = machine.dispatchers
    now = machine.clock.now_ns
    return [
        vp.vruntime_ns + (now - vp.run_ns if vp.processor is not None else 0)
        for each in dispatcher.partitions
        for vp in each.vps
    ]


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=6),
    st.integers(1, 4),
    st.sampled_from([0.001, 0.010, 0.050]),
)
def test_busy_threads_get_equal_shares_over_time(guests, cores, quantum):
    machine = host(guests, cores, {"hosted.host.timeslice": quantum})
    for index, vps in enumerate(guests):
        keep_busy(machine.partitions[f"g{index}"], 0.0073, 2 * vps)
    machine.clock.run_until(1000 * MS)
    shares = run_times(machine)
    threads = len(shares)
    expected = 1000 * MS * min(1.0, cores / threads)
    for share in shares:
        assert abs(share - expected) <= 2 * quantum * 1e9
    assert machine.balance()[1] == max(0, cores - threads) * 1000 * MS


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 2), st.booleans()), min_size=1, max_size=6),
    st.integers(1, 3),
    st.integers(0, 99),
    st.booleans(),
)
def test_no_processor_idles_while_a_thread_waits(guests, cores, seed, preemption):
    machine = host(
        [vps for vps, _ in guests],
        cores,
        {"hosted.host.wake_preemption": preemption, "hosted.transfer": 1.0},
    )
    clock = machine.clock
    random = Random(seed)

    def go_on_and_off(modelled) -> None:
        def on() -> None:
            modelled.compute(random.expovariate(500), None, off)

        def off() -> None:
            clock.call_in(round(random.expovariate(300) * 1e9), on)

        on()

    for index, (vps, busy) in enumerate(guests):
        if busy:
            keep_busy(machine.partitions[f"g{index}"], 0.003, vps)
        else:
            go_on_and_off(machine.partitions[f"g{index}"])
    dispatcher, _ = machine.dispatchers
    for _ in range(60):
        clock.run_until(clock.now_ns + random.randrange(1, 10 * MS))
        waiting = [
            vp
            for each in dispatcher.partitions
            for vp in each.vps
            if vp.burst is not None and vp.processor is None
        ]
        idle = [p for p in machine.processors if p.vp is None]
        assert not (waiting and idle)
        assert total(machine) == cores * clock.now_ns


def wake_after(machine: Machine, delay_ns: int) -> int:
    """How long a thread that wakes beside a hog takes for a millisecond of work (ns)."""
    keep_busy(machine.partitions["g0"], 1.0)
    ended: list[int] = []
    machine.clock.call_in(
        delay_ns,
        lambda: machine.partitions["g1"].compute(
            0.001, None, lambda: ended.append(machine.clock.now_ns)
        ),
    )
    machine.clock.run_until(delay_ns + 1000 * MS)
    return ended[0] - delay_ns


def test_who_has_slept_displaces_who_has_run_by_a_quantum_or_more():
    assert wake_after(host([1, 1], 1), 2 * QUANTUM) == MS


def test_who_has_run_less_than_a_quantum_more_is_left_to_end_its_quantum():
    assert wake_after(host([1, 1], 1), QUANTUM // 2) == QUANTUM + MS


def test_without_preemption_at_waking_everybody_ends_a_quantum():
    machine = host([1, 1], 1, {"hosted.host.wake_preemption": False})
    assert wake_after(machine, 2 * QUANTUM) == QUANTUM + MS


@pytest.mark.parametrize("busy", [1, 2])
def test_a_long_sleep_saves_up_no_more_than_one_quantum(busy):
    """Whether or not anybody had to wait for a processor in the meantime."""
    machine = host([1] * (busy + 1), 1)
    names = list(machine.partitions)
    for name in names[:-1]:
        keep_busy(machine.partitions[name], 1.0)
    machine.clock.call_in(2000 * MS, lambda: keep_busy(machine.partitions[names[-1]], 1.0))
    machine.clock.run_until(2000 * MS)
    before = machine.balance()[0]
    machine.clock.run_until(3500 * MS)
    after = machine.balance()[0]
    for name in names:
        gained = after[name]["user"] - before[name]["user"]
        assert gained == pytest.approx(1500 * MS / (busy + 1), abs=2 * QUANTUM), name


def test_each_turn_is_charged_the_hosts_switch_and_the_monitors():
    machine = build(
        system(
            *(partition(name, 1, virtualization=HOSTED) for name in "ab"), cores=1, flavour="vmware"
        ),
        {**NO_OVERHEAD, "hosted.transfer": 1.0, "hosted.host.context_switch": 2544.0},
    )
    for modelled in machine.partitions.values():
        keep_busy(modelled, 0.01)
    machine.clock.run_until(3000 * MS)
    accounts, _ = machine.balance()
    world_ns = round(constants().number("hosted.vmware.world_switch") / REFERENCE_HZ * 1e9)
    for name, modelled in machine.partitions.items():
        dispatches = modelled.partition.dispatches
        assert dispatches >= 20
        assert accounts[name]["host"] == dispatches * round(2544 / 1.65)
        assert accounts[name]["world_switch"] == dispatches * world_ns


@pytest.mark.parametrize("cores", [1, 2])
def test_a_guest_gets_no_more_than_its_virtual_processors(cores):
    machine = host([1], cores)
    keep_busy(machine.partitions["g0"], 0.01, 5)
    machine.clock.run_until(100 * MS)
    assert run_times(machine) == [100 * MS]


@pytest.mark.parametrize("pause", [0, 1, 300])
def test_nobody_pays_for_having_run_while_nobody_else_wanted_to(pause):
    """One guest after the other has the host for itself; then both want it."""
    machine = host([1, 1], 1)
    first, second = machine.partitions.values()
    first.compute(2.0, None, lambda: None)
    machine.clock.call_in((2000 + pause) * MS, lambda: keep_busy(second, 1.0))
    machine.clock.call_in((2010 + pause) * MS, lambda: keep_busy(first, 1.0))
    machine.clock.run_until((3010 + pause) * MS)
    accounts, _ = machine.balance()
    assert accounts["g0"]["user"] - 2000 * MS == pytest.approx(500 * MS, abs=2 * QUANTUM)
