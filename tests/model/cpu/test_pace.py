"""When contention is applied to work, and what is booked for it."""

import pytest
from modelling import (
    DEDICATED,
    FULL_SYSTEM,
    MS,
    NO_OVERHEAD,
    UNCAPPED,
    build,
    keep_busy,
    partition,
    system,
)

CHIP, FURTHER = "processor.contention.chip", "processor.contention.further"


def test_a_long_piece_of_work_is_looked_at_again_after_each_slice():
    """Its neighbour runs for the first half only."""
    machine = build(
        system(partition("a", 1), partition("b", 1), cores=2),
        NO_OVERHEAD,
        {CHIP: 0.5, FURTHER: 0.0},
    )
    ended = []
    machine.partitions["b"].compute(0.1, None, lambda: None)
    machine.partitions["a"].compute(0.2, None, lambda: ended.append(machine.clock.now_ns))
    machine.clock.run_until(500 * MS)
    account = machine.balance()[0]["a"]
    # 0.1 s of work take 0.15 s beside b, give or take a slice of 10 ms.
    assert ended == [account["user"] + account["contention"]]
    assert account["user"] == 200 * MS
    assert account["contention"] == pytest.approx(50 * MS, abs=5 * MS)


def test_an_interrupted_piece_of_work_is_neither_lost_nor_done_twice():
    app = partition("a", 1.0, 2, UNCAPPED)
    other = partition("b", 1.0, 2, UNCAPPED)
    machine = build(system(app, other, cores=2), {CHIP: 0.2, FURTHER: 0.1})
    done = 0

    def count() -> None:
        nonlocal done
        done += 1

    for _ in range(6):
        for name in ("a", "b"):
            machine.partitions[name].compute(0.0137, None, count)
    machine.clock.run_until(1000 * MS)
    assert done == 12
    for name in ("a", "b"):
        account = machine.balance()[0][name]
        assert account["user"] == 6 * round(13.7 * MS)
        assert 0.1 * account["user"] < account["contention"] < 0.3 * account["user"]


@pytest.mark.parametrize("way", [FULL_SYSTEM, DEDICATED, UNCAPPED])
def test_one_processor_alone_waits_for_none(way):
    machine = build(system(partition("a", 1.0, 1, way), cores=1), {CHIP: 0.5, FURTHER: 0.5})
    keep_busy(machine.partitions["a"], 0.003, 3)
    machine.clock.run_until(50 * MS)
    assert machine.balance()[0]["a"]["contention"] == 0
