"""What is counted of a partition from the beginning of a run."""

import pytest
from modelling import DEDICATED, HOSTED, MS, UNCAPPED, build, keep_busy, partition, system


@pytest.mark.parametrize("virtualization", [DEDICATED, UNCAPPED, HOSTED])
def test_a_turn_is_counted_once_whoever_looks_how_often(virtualization):
    """Reading all metrics in the midst of a turn must not change what follows."""
    flavour = "vmware" if virtualization is HOSTED else None

    def times(looks: int) -> list[int]:
        parts = [partition(name, 1, 1, virtualization) for name in "ab"]
        machine = build(system(*parts, cores=2, flavour=flavour))
        seen: list[int] = []
        for modelled in machine.partitions.values():

            def again(modelled=modelled) -> None:
                seen.append(machine.clock.now_ns)
                modelled.compute(0.0017, {"forks": 0.5}, again)

            again()
        for look in range(looks):
            machine.clock.call_in(look * 333_333, machine.balance)
        machine.clock.run_until(50 * MS)
        return seen

    assert times(0) == times(140)


def test_dispatched_time_is_all_that_is_not_idle():
    machine = build(
        system(*(partition(n, 0.5, 2, UNCAPPED) for n in "abc"), cores=2, virtualization=UNCAPPED)
    )
    for modelled in machine.partitions.values():
        keep_busy(modelled, 0.002, 2)
    machine.clock.run_until(97 * MS)
    pool = machine.pool
    assert pool is not None
    for processor in pool.processors:
        if processor.vp is not None:
            pool.count(processor.vp, machine.clock.now_ns)
    dispatched = sum(p.dispatched_ns for p in machine.dispatched())
    assert dispatched == 2 * 97 * MS - machine.balance()[1]
