"""How processors slow each other down: on a chip, in an operating system image, on a machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import MS, NO_OVERHEAD, build, keep_busy, partition, system, total

from harness.model.cpu.contention import done_within, stretched
from harness.model.machine import Machine

CHIP, FURTHER = "processor.contention.chip", "processor.contention.further"
LOCKS = "processor.contention.locks"
WORK = st.integers(0, 10**14)
SLOW = st.integers(0, 4 * 10**9)


@given(WORK, SLOW)
def test_work_that_takes_longer_is_done_when_its_time_is_over_and_not_before(work_ns, slow_ns):
    length_ns = stretched(work_ns, slow_ns)
    assert length_ns == work_ns + work_ns * slow_ns // 10**9
    assert work_ns - 1 <= done_within(length_ns, slow_ns) <= work_ns
    assert done_within(length_ns + 2 * (1 + slow_ns // 10**9), slow_ns) >= work_ns


@given(WORK, st.integers(1, 10**9), SLOW)
def test_what_is_done_and_what_it_waits_grow_with_time(elapsed_ns, more_ns, slow_ns):
    first, second = (done_within(at, slow_ns) for at in (elapsed_ns, elapsed_ns + more_ns))
    assert 0 <= second - first <= more_ns


def busy(*names: str, cores: int, machine_cores: int, **overrides: float) -> Machine:
    """Partitions with so many cores of their own, all of them busy for 100 ms."""
    parts = [partition(name, cores) for name in names]
    costs = {CHIP: 0.0, FURTHER: 0.0, **overrides}
    machine = build(system(*parts, cores=machine_cores), NO_OVERHEAD, costs)
    for name in names:
        keep_busy(machine.partitions[name], 0.0001, 2 * cores)
    machine.clock.run_until(100 * MS)
    assert total(machine) == machine_cores * 100 * MS
    return machine


def slowdown(machine: Machine, name: str) -> float:
    account = machine.balance()[0][name]
    return (account["user"] + account["contention"]) / account["user"]


@pytest.mark.parametrize("cores", [1, 2, 4, 8])
def test_locks_slow_the_processors_of_one_image_and_no_other(cores):
    machine = busy("a", "b", cores=cores, machine_cores=16, **{FURTHER: 0.05, LOCKS: 1.0})
    for name in ("a", "b"):
        assert slowdown(machine, name) == pytest.approx(1 + 0.05 * (cores - 1), rel=1e-3)


@pytest.mark.parametrize("cores", [1, 2, 4, 8])
def test_memory_traffic_slows_all_processors_of_the_machine(cores):
    machine = busy("a", "b", cores=cores, machine_cores=16, **{FURTHER: 0.05, LOCKS: 0.0})
    for name in ("a", "b"):
        assert slowdown(machine, name) == pytest.approx(1 + 0.05 * (2 * cores - 1), rel=1e-3)


def test_only_the_other_core_of_the_chip_slows_by_way_of_the_caches():
    machine = busy("a", "b", "c", cores=1, machine_cores=4, **{CHIP: 0.1})
    assert slowdown(machine, "a") == pytest.approx(1.1, rel=1e-3)
    assert slowdown(machine, "b") == pytest.approx(1.1, rel=1e-3)
    assert slowdown(machine, "c") == 1.0


def test_small_images_gain_and_pay_for_their_neighbours():
    """Four partitions of four do more than one of 16, by the published law."""
    costs = {FURTHER: 0.011, LOCKS: 0.5}
    whole = busy("a", cores=16, machine_cores=16, **costs)
    quarters = busy("a", "b", "c", "d", cores=4, machine_cores=16, **costs)
    alone = busy("a", cores=4, machine_cores=16, **costs)
    assert slowdown(whole, "a") == pytest.approx(1 + 0.011 * 15, rel=1e-3)
    assert slowdown(quarters, "a") == pytest.approx(1 + 0.0055 * (3 + 15), rel=1e-3)
    assert slowdown(alone, "a") == pytest.approx(1 + 0.011 * 3, rel=1e-3)
