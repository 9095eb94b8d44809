import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import (
    DEDICATED,
    FULL_SYSTEM,
    MS,
    NO_CONTENTION,
    NO_TICKS,
    PHYSICAL,
    build,
    keep_busy,
    partition,
    system,
)


@pytest.mark.parametrize("virtualization", [FULL_SYSTEM, PHYSICAL, DEDICATED])
def test_own_processors_cost_no_switch_and_make_nobody_wait(virtualization):
    machine = build(system(partition("a", 2, virtualization=virtualization), cores=2), NO_TICKS)
    app = machine.partitions["a"]
    for moment in range(1, 40):
        machine.clock.call_in(moment * MS, lambda: app.compute(0.0005, None, lambda: None))
    machine.clock.run_until(50 * MS)
    accounts, _ = machine.balance()
    assert accounts["a"]["hypervisor"] == 0
    assert app.partition.dispatch_wait_ns == 0
    assert app.partition.dispatches == 39


@settings(max_examples=20)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
def test_neighbours_do_not_disturb_each_other(sizes, data):
    """Caches and memory aside, what one gets done does not depend on what the others do."""
    parts = [partition(f"p{i}", size) for i, size in enumerate(sizes)]
    active = data.draw(st.sets(st.integers(0, len(sizes) - 1), min_size=1))
    done = {}
    for others in (False, True):
        machine = build(system(*parts, cores=sum(sizes)), NO_CONTENTION)
        chosen = min(active)
        count = 0

        def again(machine=machine, chosen=chosen) -> None:
            nonlocal count
            count += 1
            machine.partitions[f"p{chosen}"].compute(0.0011, {"calls": 9.0}, again)

        again()
        for index in active - {chosen} if others else ():
            keep_busy(machine.partitions[f"p{index}"], 0.003, 5)
        machine.clock.run_until(60 * MS)
        done[others] = count
    assert done[False] == done[True]


def test_a_partition_uses_each_of_its_cores():
    machine = build(system(partition("a", 3), partition("b", 1), cores=4), NO_TICKS)
    keep_busy(machine.partitions["a"], 0.01, 3)
    machine.clock.run_until(50 * MS)
    accounts, idle_ns = machine.balance()
    assert sum(accounts["a"].values()) == 3 * 50 * MS
    assert idle_ns == 50 * MS
