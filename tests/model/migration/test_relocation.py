"""Taking a partition to another machine: who has what, and which way its work goes afterwards."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import CAPPED, DEDICATED, MS, NO_OVERHEAD, UNCAPPED, keep_busy, repeat
from moving import (
    GIB,
    MIB,
    POWER6_HZ,
    balanced,
    belongings,
    migrated,
    movable,
    power6,
    seconds,
    site_of,
    two,
)

from harness.operations.live_migration import Move
from harness.operations.operation import carry_out


def test_everything_that_it_has_goes_with_it_and_comes_back() -> None:
    site = site_of(two(movable("app"), movable("dedicated", 1.0, 1, DEDICATED)))
    before = belongings(site)
    disk = site.machines["A"].partitions["app"].paths[0].disk
    for name in ("app", "dedicated"):
        migrated(site, name)
    there = belongings(site)
    for name, cores in (("app", 1.0), ("dedicated", 1.0)):
        assert there.cores["B", name] == cores
        assert there.memory["B", name] == 256 * MIB
        assert there.sharing["B", name] == before.sharing["A", name]
    assert there.free["A"] == (3.0, 15 * GIB)
    assert there.free["B"] == (1.0, 15 * GIB - 512 * MIB)
    assert there.processors == before.processors
    assert there.disks == {"A": [], "B": ["app/hdisk0", "dedicated/hdisk0"]}
    assert site.machines["B"].partitions["app"].paths[0].disk is disk
    for name in ("app", "dedicated"):
        migrated(site, name, "A")
    assert belongings(site) == before
    assert balanced(site)


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(st.sampled_from("pqrs"), st.sampled_from("ABC"), st.floats(0.0, 2.0)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([UNCAPPED, DEDICATED]),
)
def test_nothing_is_ever_owned_twice(steps, virtualization) -> None:
    """Whatever is asked for, and whatever goes on at the same time."""
    parts = [movable(name, 1.0, 1, virtualization, memory_bytes=48 * MIB) for name in "pqrs"]
    systems = {
        "A": power6(parts[0], parts[1], cores=4, memory_bytes=1200 * MIB),
        "B": power6(parts[2], cores=3, memory_bytes=1136 * MIB),
        "C": power6(parts[3], movable("pool", 0.5, 1, memory_bytes=0, disks=0), cores=3),
    }
    site = site_of(systems)
    before = belongings(site)
    processes = []
    for name, target, pause in steps:
        processes.append(carry_out(site, Move(name, target)))
        seconds(site, pause)
        belongings(site)
    while any(process.is_alive for process in processes):
        seconds(site, 0.3)
        now = belongings(site)
        assert now.processors == before.processors
        assert sorted(n for names in now.disks.values() for n in names) == sorted(
            n for names in before.disks.values() for n in names
        )
    after = belongings(site)
    assert sum(after.cores.values()) == pytest.approx(sum(before.cores.values()))
    assert sum(after.memory.values()) == sum(before.memory.values())
    assert balanced(site)
    for machine in site.machines.values():
        assert not machine.capacity.reserved
        assert not machine.capacity.moving


# Afterwards


def test_disks_and_networks_lead_over_the_target() -> None:
    site = site_of(two(movable("app"), movable("peer")), NO_OVERHEAD)
    a, b = site.machines["A"], site.machines["B"]
    app = a.partitions["app"]

    def counters():
        sea = [m.vios["vios1"].bridged_bytes for m in (a, b)]
        return sea, [m.vios["vios1"].operations for m in (a, b)]

    def use() -> None:
        repeat(site.clock, lambda done: app.transfer(0, 4096, 0, False, done), 3)
        repeat(site.clock, lambda done: app.send(1000, "outside", done), 2)

    use()
    assert counters() == ([2000, 0], [3, 0])
    # On one machine the two talk to each other without a VIOS.
    repeat(site.clock, lambda done: a.partitions["peer"].exchange(64, 100, "next", done), 1)
    repeat(site.clock, lambda done: app.send(500, "peer", done), 1)
    assert counters() == ([2000, 0], [3, 0])
    migrated(site)
    use()
    assert counters() == ([2000, 2000], [3, 3])
    # Its peer has stayed: what goes between them passes both VIOS now, in either direction.
    repeat(site.clock, lambda done: app.send(500, "peer", done), 1)
    assert counters()[0] == [2500, 2500]
    repeat(site.clock, lambda done: a.partitions["peer"].exchange(64, 100, "next", done), 1)
    assert counters()[0] == [2664, 2664]
    migrated(site, target="A")
    repeat(site.clock, lambda done: app.send(500, "peer", done), 1)
    assert counters()[0] == [2664, 2664]


def test_its_entitlement_holds_at_the_target() -> None:
    site = site_of(
        two(
            movable("app", 0.5, 1, CAPPED, memory_bytes=32 * MIB),
            there=[movable("hog", 2.5, 3)],
        ),
        NO_OVERHEAD,
    )
    app = site.machines["A"].partitions["app"]
    keep_busy(app, 0.003, 2)
    keep_busy(site.machines["B"].partitions["hog"], 0.003, 5)
    migrated(site)
    before = app.partition.occupied_ns()
    seconds(site, 1.0)
    assert app.partition.occupied_ns() - before == pytest.approx(500 * MS, abs=5 * MS)


def test_the_source_does_what_its_vios_had_put_off() -> None:
    site = site_of(two(movable("app", memory_bytes=32 * MIB)), NO_OVERHEAD)
    app = site.machines["A"].partitions["app"]
    operations = 7
    repeat(site.clock, lambda done: app.transfer(0, 131072, 0, False, done), operations)
    migration = migrated(site)
    accounts, _ = site.machines["A"].balance()
    cycles = site.constants.interpolate("vios.vscsi.cycles.physical", 131072)
    spent = accounts["app"]["vios"] - migration.source_vios_seconds * 1e9
    assert spent == pytest.approx(operations * cycles / POWER6_HZ * 1e9, abs=3 * operations)


def test_who_arrives_competes_for_spare_capacity_as_if_it_had_had_none() -> None:
    busy = [movable(name, 0.5, 4, memory_bytes=32 * MIB) for name in ("app", "rival")]
    site = site_of(two(*busy, there=[movable("other", 0.5, 4)]), NO_OVERHEAD)
    app = site.machines["A"].partitions["app"]
    other = site.machines["B"].partitions["other"]
    for modelled in (app, site.machines["A"].partitions["rival"], other):
        keep_busy(modelled, 0.003, 6)
    seconds(site, 20)
    assert app.partition.spare_pass > other.partition.spare_pass
    migrated(site)
    before = [each.partition.occupied_ns() for each in (app, other)]
    seconds(site, 0.5)
    used = [
        each.partition.occupied_ns() - start
        for each, start in zip((app, other), before, strict=True)
    ]
    assert used[0] == pytest.approx(used[1], rel=0.05)
