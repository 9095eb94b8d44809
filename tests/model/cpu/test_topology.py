"""Chips of cores, and how far data is that another partition has just used."""

from hypothesis import given
from hypothesis import strategies as st
from modelling import NO_REFILL, NO_TICKS, UNCAPPED, build, partition, system

from harness.model.cpu.reconfiguration import suspend
from harness.model.cpu.topology import (
    OTHER_CHIP,
    SAME_CHIP,
    SAME_CORE,
    build_processors,
    count_lines,
    distance,
)


@given(st.integers(1, 64), st.integers(1, 8))
def test_cores_fill_one_chip_after_the_other(cores, per_chip):
    processors = build_processors(cores, per_chip)
    assert [processor.index for processor in processors] == list(range(cores))
    chips = list(dict.fromkeys(processor.chip for processor in processors))
    assert len(chips) == -(-cores // per_chip)
    assert [p for chip in chips for p in chip.processors] == processors
    assert all(len(chip.processors) == per_chip for chip in chips[:-1])


def test_cores_of_a_chip_are_nearer_than_those_of_another():
    names = ("one", "two", "three")
    machine = build(system(*(partition(name, 1) for name in names), cores=3), NO_TICKS, NO_REFILL)
    one, two, three = (machine.partitions[name].partition for name in names)
    found = {name: distance(one, each) for name, each in zip(names, (one, two, three), strict=True)}
    assert found == {"one": SAME_CORE, "two": SAME_CHIP, "three": OTHER_CHIP}
    assert distance(three, one) == OTHER_CHIP


def test_partitions_that_take_turns_on_a_core_are_on_the_same_one():
    parts = [partition(name, 0.5, 1, UNCAPPED) for name in ("one", "two")]
    machine = build(system(*parts, cores=1), NO_TICKS, NO_REFILL)
    one, two = (machine.partitions[name].partition for name in ("one", "two"))
    # A virtual processor that has not run yet has left nothing anywhere.
    assert distance(one, two) == SAME_CORE
    for each in machine.partitions.values():
        each.compute(0.001, None, lambda: None)
    machine.clock.run_until(10_000_000)
    assert distance(one, two) == SAME_CORE


def test_a_partition_without_virtual_processors_is_nowhere():
    machine = build(system(partition("one", 1), partition("two", 1), cores=2), NO_TICKS)
    one, two = (machine.partitions[name].partition for name in ("one", "two"))
    suspend(one)
    assert distance(one, two) == SAME_CORE == distance(two, one)


def test_lines_are_counted_by_their_distance():
    machine = build(system(partition("one", 1), cores=1), NO_TICKS)
    one = machine.partitions["one"].partition
    for far in (SAME_CORE, SAME_CHIP, OTHER_CHIP, OTHER_CHIP):
        count_lines(one, far, 10)
    assert (one.chip_lines, one.remote_lines) == (10, 20)
