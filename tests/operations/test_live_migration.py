"""Live Partition Mobility: theory of its passes, nothing lost, nothing owned twice."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import CAPPED, DEDICATED, NO_OVERHEAD, UNCAPPED, group, keep_busy, repeat
from moving import (
    GIB,
    MIB,
    POWER6_HZ,
    balanced,
    belongings,
    completed,
    driven_by_users,
    failed,
    finish,
    migrated,
    movable,
    mover,
    power6,
    reason,
    seconds,
    site_of,
    two,
)

from harness.model.cpu.reconfiguration import crash, restart
from harness.operations.live_migration import Migration, Move, dirtied_bytes
from harness.operations.operation import Site, Status, carry_out

RATE = 80 * MIB
SUSPENSION = 1.0
EVERYTHING_AT_ONCE = {"operations.mobility.pass_timeout": 0.0}
"""The first pass is the last."""


# What it takes


@pytest.mark.parametrize(
    ("device", "gigabits"), [("ethernet-100mb", 0.1), ("ethernet-1gb", 1), ("ethernet-10gb", 10)]
)
def test_an_idle_partition_takes_its_memory_over_the_published_rate(device, gigabits) -> None:
    memory = 256 * MIB
    site = site_of(two(movable("app", memory_bytes=memory), vios=(mover(device=device),)))
    migration = migrated(site)
    assert len(migration.passes) == 1
    assert migration.passes[0].size_bytes == memory
    assert migration.passes[0].seconds == pytest.approx(memory / (RATE * gigabits), rel=0.01)
    sent = migration.transferred_bytes
    assert memory <= sent < memory * 1.002
    # About one core on each VIOS while it lasts.
    for spent in (migration.source_vios_seconds, migration.target_vios_seconds):
        assert spent == pytest.approx(sent / (RATE * gigabits), rel=1e-4)
    assert migration.duration_seconds == pytest.approx(
        1.0 + migration.passes[0].seconds + migration.downtime_seconds + migration.paging_seconds
    )
    assert balanced(site)


def test_the_moved_partition_pays_for_the_work_of_both_vios() -> None:
    site = site_of(two(movable("app", disks=0)), NO_OVERHEAD)
    migration = migrated(site)
    for name, spent in (
        ("A", migration.source_vios_seconds),
        ("B", migration.target_vios_seconds),
    ):
        accounts, _ = site.machines[name].balance()
        assert accounts["app"]["vios"] == pytest.approx(spent * 1e9, abs=1)
        assert accounts["vios1"]["vios"] == 0


def test_a_starved_vios_slows_a_migration_down() -> None:
    share = 0.25
    vios = (mover(share, 1, CAPPED),)
    site = site_of(two(movable("app", memory_bytes=64 * MIB), vios=vios), NO_OVERHEAD)
    migration = migrated(site)
    assert migration.passes[0].seconds == pytest.approx(64 * MIB / (RATE * share), rel=0.02)


def test_two_migrations_share_what_there_is() -> None:
    one = site_of(two(movable("app"), vios=(mover(1.0, 1, CAPPED),)))
    alone = migrated(one).passes[0].seconds
    parts = [movable("app"), movable("app2")]
    site = site_of(two(*parts, vios=(mover(1.0, 1, CAPPED),)))
    moves = [Move(name, "B") for name in ("app", "app2")]
    processes = [carry_out(site, move) for move in moves]
    while any(process.is_alive for process in processes):
        seconds(site, 0.1)
    for move in moves:
        assert move.migration is not None
        assert move.migration.passes[0].seconds == pytest.approx(2 * alone, rel=0.1)
    assert balanced(site)


# What is written meanwhile


@given(st.floats(1.0, 1e12), st.floats(0.0, 1e12))
def test_no_more_is_dirty_than_was_written_or_is_writable(writable, written) -> None:
    dirty = dirtied_bytes(writable, written)
    assert 0 <= dirty <= min(writable, written) * (1 + 1e-12)
    assert dirty <= dirtied_bytes(writable, written * 2)
    assert dirty == pytest.approx(written, rel=max(1e-9, written / writable))


def test_nothing_is_dirty_where_nothing_is_writable() -> None:
    assert dirtied_bytes(0.0, 1e6) == 0.0


@pytest.mark.parametrize("threads", [1, 2])
def test_a_busy_partition_sends_again_what_it_has_written(threads) -> None:
    memory = 1 * GIB
    overrides = {"operations.mobility.remaining": 4.0 * MIB}
    site = site_of(two(movable("app", 2.0, 2, memory_bytes=memory)), NO_OVERHEAD, overrides)
    keep_busy(site.machines["A"].partitions["app"], 0.005, threads)
    migration = migrated(site)
    for each, following in pairwise(migration.passes):
        assert following.size_bytes == each.dirtied_bytes
        assert following.size_bytes < each.size_bytes
    for each in migration.passes:
        assert each.busy_core_seconds == pytest.approx(threads * each.seconds, rel=0.01)
        written = 10 * MIB * each.busy_core_seconds
        assert each.dirtied_bytes == round(dirtied_bytes(memory / 10, written))
        assert each.seconds == pytest.approx(each.size_bytes / RATE, rel=0.01, abs=0.008)
    assert migration.passes[-1].dirtied_bytes == migration.missing_bytes <= 4 * MIB
    pages = math.ceil(migration.missing_bytes / 4096)
    first = sum(each.size_bytes for each in migration.passes)
    assert migration.transferred_bytes == first + pages * (4096 + 8)


def test_passes_end_after_a_while_even_if_more_is_left() -> None:
    overrides = {
        "operations.mobility.dirty_rate": 1e12,
        "operations.mobility.pass_timeout": 3.0,
        "operations.mobility.remaining": 1.0 * MIB,
    }
    site = site_of(two(movable("app", memory_bytes=256 * MIB)), overrides)
    keep_busy(site.machines["A"].partitions["app"], 0.005)
    migration = migrated(site)
    again = migration.passes[1:]
    set_bytes = 256 * MIB / 10
    assert all(each.size_bytes == pytest.approx(set_bytes, rel=1e-6) for each in again)
    took = sum(each.seconds for each in again)
    assert 3.0 <= took <= 3.0 + again[-1].seconds
    assert migration.missing_bytes == pytest.approx(set_bytes, rel=1e-6)


def test_the_downtime_is_the_suspension_and_grows_with_what_was_written() -> None:
    downtimes, missing = [], []
    for rate in (0.0, 2.0 * MIB, 10.0 * MIB, 60.0 * MIB):
        site = site_of(
            two(movable("app", memory_bytes=512 * MIB)),
            NO_OVERHEAD,
            EVERYTHING_AT_ONCE,
            {"operations.mobility.dirty_rate": rate},
        )
        keep_busy(site.machines["A"].partitions["app"], 0.005)
        migration = migrated(site)
        assert migration.downtime_seconds >= SUSPENSION
        assert migration.suspended_seconds < migration.resumed_seconds <= migration.ended_seconds
        downtimes.append(migration.downtime_seconds)
        missing.append(migration.missing_bytes)
    assert missing[0] == 0
    assert all(one < other for one, other in pairwise(missing))
    assert all(one < other for one, other in pairwise(downtimes))
    # Memory itself does not wait for the partition to stand still.
    assert downtimes[-1] < SUSPENSION + missing[-1] / RATE / 10


# Demand paging


def paging(fetch_seconds: float, threads: int = 2) -> tuple[Site, Migration]:
    site = site_of(
        two(movable("app", 2.0, 2, memory_bytes=1 * GIB)),
        NO_OVERHEAD,
        EVERYTHING_AT_ONCE,
        {"operations.mobility.page_fetch": fetch_seconds},
    )
    keep_busy(site.machines["A"].partitions["app"], 0.005, threads)
    return site, migrated(site)


def expected_faults(missing_bytes: int, threads: int, wait_seconds: float) -> float:
    """Integrate: threads touch pages while they run, and every missing one makes them wait."""
    working_set = GIB / 10 / 4096
    touches = 10 * MIB / 4096
    missing, faults, step = missing_bytes / 4096, 0.0, 1e-4
    while missing > 0:
        misses = touches * missing / working_set
        rate = threads * misses / (1 + misses * wait_seconds)
        faults += rate * step
        missing -= (RATE / 4096 + rate) * step
    return faults


def test_it_resumes_before_all_pages_have_arrived_and_fetches_what_it_needs() -> None:
    site, migration = paging(3e-4)
    assert migration.missing_bytes > 60 * MIB
    wait = migration.fault_wait_seconds / migration.faults
    assert 3e-4 <= wait < 6e-4
    expected = expected_faults(migration.missing_bytes, 2, wait)
    assert migration.faults == pytest.approx(expected, rel=0.1)
    fetched = migration.faults * 4096
    pushed = migration.paging_seconds * RATE
    assert pushed + fetched == pytest.approx(migration.missing_bytes, rel=0.05)
    assert balanced(site)


def test_threads_compute_all_the_time_but_for_what_they_wait() -> None:
    used = []
    for fetch_seconds in (1e-4, 20e-3):
        site, migration = paging(fetch_seconds)
        accounts, _ = site.machines["B"].balance()
        used.append(accounts["app"]["user"] / 1e9)
        busy = 2 * migration.paging_seconds - migration.fault_wait_seconds
        assert used[-1] == pytest.approx(busy, rel=0.1, abs=0.05)
    assert used[1] < used[0] / 5


def test_a_partition_that_needs_nothing_faults_on_nothing() -> None:
    site = site_of(two(movable("app")), NO_OVERHEAD)
    migration = migrated(site)
    assert migration.faults == 0
    assert migration.works_carried == 0


# Nothing is lost

computing = group("workloads/cpu.py:IntegerCompute", 3, name="cpu", processor=0.01, think=0.01)
trading = group(
    "workloads/cpu.py:CommercialTransaction",
    name="commerce",
    arrivals=40.0,
    processor=0.004,
    calls=40.0,
    forks=0.1,
)
seeking = group(
    "workloads/disk.py:RandomTransfers", 3, name="disk", size=8192, reads=0.7, think=0.01
)
asking = group(
    "workloads/network.py:RequestResponse",
    2,
    name="rr",
    request=64,
    response=1024,
    to="outside",
    think=0.01,
)
streaming = group(
    "workloads/network.py:Streaming", 1, name="out", size=262144, to="outside", think=0.02
)
passing = group("workloads/network.py:PartitionToPartition", 2, name="next", size=65536, think=0.02)
LOADS = [computing, trading, seeking, asking, streaming, passing]


@settings(max_examples=15)
@given(
    st.lists(st.sampled_from(LOADS), min_size=1, max_size=4, unique_by=lambda g: g.name),
    st.sampled_from([(UNCAPPED, 1.0, 2), (CAPPED, 0.5, 2), (DEDICATED, 1.0, 1)]),
    st.sampled_from(["aix-5.3", "sles-9", "rhel-as-3"]),
    st.sampled_from([3.5e9, POWER6_HZ]),
    st.integers(0, 1000),
)
def test_no_request_is_lost_whatever_the_load(loads, kind, os, clock_hz, seed) -> None:
    virtualization, cores, vps = kind
    groups = tuple(loads)
    parts = [
        movable(name, cores, vps, virtualization, memory_bytes=32 * MIB, os=os, groups=groups)
        for name in ("app", "peer")
    ]
    systems = {
        "A": power6(*parts),
        "B": power6(movable("other", memory_bytes=32 * MIB), clock_hz=clock_hz),
    }
    site = site_of(systems, {"operations.mobility.validation_time": 0.1})
    with driven_by_users(site, seed) as observation:
        seconds(site, 0.5)
        before = completed(observation)
        migration = migrated(site)
        assert migration.downtime_seconds >= SUSPENSION
        assert not site.machines["A"].partitions.get("app")
        during = completed(observation)
        seconds(site, 1.0)
        after = completed(observation)
        assert failed(observation) == 0
        assert balanced(site)
    # Every kind of user goes on: the moved partition's at the target, its peer's at the source.
    assert set(after) == set(before)
    assert len({name for name, _, _ in after}) == 2
    assert all(after[key] > during[key] for key in after)


def test_every_closed_user_goes_on_at_the_target() -> None:
    users = 8
    load = replace(computing, users=users, think_time_seconds=0.0)
    site = site_of(two(movable("app", 1.0, 2, memory_bytes=32 * MIB, groups=(load,))), NO_OVERHEAD)
    with driven_by_users(site) as observation:
        seconds(site, 0.5)
        migration = migrated(site)
        assert migration.works_carried == users
        seconds(site, 0.1)
        digest = next(iter(observation.transactions.values())).response
        # What was in hand at the suspension took as long as that lasted, and ended well.
        assert digest.quantile(1.0) >= SUSPENSION
        slow = digest.count - digest.cumulative([0.9])[0]
        assert slow == users
        assert failed(observation) == 0


def test_while_it_runs_nowhere_nothing_of_it_is_executed() -> None:
    site = site_of(two(movable("app", memory_bytes=32 * MIB)))
    partition = site.machines["A"].partitions["app"].partition
    keep_busy(site.machines["A"].partitions["app"], 0.005, 3)
    move = Move("app", "B")
    process = carry_out(site, move)
    stood: list[int] = []
    while process.is_alive:
        seconds(site, 0.05)
        if partition.vps == []:
            stood.append(partition.occupied_ns())
    assert len(stood) >= 18
    assert len(set(stood)) == 1
    assert partition.occupied_ns() > stood[0]


def test_work_goes_on_at_the_clock_of_the_target() -> None:
    systems = {
        "A": power6(movable("app", 1.0, 1, memory_bytes=32 * MIB)),
        "B": power6(clock_hz=POWER6_HZ / 2),
    }
    site = site_of(systems, NO_OVERHEAD)
    modelled = site.machines["A"].partitions["app"]
    work = 4.0 * POWER6_HZ / 1.65e9
    done: list[int] = []
    modelled.compute(work, None, lambda: done.append(site.clock.now_ns))
    migration = migrated(site)
    seconds(site, 8)
    left = 4.0 - migration.suspended_seconds
    assert done[0] / 1e9 == pytest.approx(
        migration.resumed_seconds + 2 * left, abs=migration.fault_wait_seconds + 1e-6
    )


# Failed on the way


@pytest.mark.parametrize("machine", ["A", "B"])
@pytest.mark.parametrize("after", [0.5, 2.0, 4.9])
def test_a_vios_that_goes_down_ends_a_migration_and_nothing_else(machine, after) -> None:
    """While validating, while memory moves, and while the partition stands still."""
    load = replace(computing, think_time_seconds=0.0)
    site = site_of(two(movable("app", disks=0, groups=(load,))))
    before = belongings(site)
    partition = site.machines["A"].partitions["app"].partition
    with driven_by_users(site) as observation:
        process = carry_out(site, Move("app", "B"))
        seconds(site, after)
        assert (partition.vps == []) == (after == 4.9)
        vios = site.machines[machine].vios["vios1"]
        vios.hold(crash(vios.partition))
        while process.is_alive:
            seconds(site, 0.1)
        assert process.value is Status.FAILED
        assert reason(site) == "vios1, which carries the memory, went down"
        done = completed(observation)
        seconds(site, 1)
        assert all(count > done[key] for key, count in completed(observation).items())
        assert failed(observation) == 0
    assert belongings(site) == before
    assert not site.machines["B"].capacity.reserved
    restart(vios.partition)
    vios.resume()
    assert balanced(site)
    assert finish(site, Move("app", "B")) is Status.DONE


@pytest.mark.parametrize("after", [0.5, 2.0, 4.9])
def test_a_partition_that_goes_down_stays(after) -> None:
    site = site_of(two(movable("app")))
    before = belongings(site)
    modelled = site.machines["A"].partitions["app"]
    process = carry_out(site, Move("app", "B"))
    seconds(site, after)
    modelled.crash()
    while process.is_alive:
        seconds(site, 0.1)
    assert process.value is Status.FAILED
    assert reason(site) == "app went down while it was migrated"
    assert belongings(site) == before
    took: list[int] = []
    modelled.compute(0.001, None, lambda: took.append(1))
    seconds(site, 0.1)
    assert not took
    restart(modelled.partition)
    assert len(repeat(site.clock, lambda done: modelled.compute(0.001, None, done), 3)) == 3
    assert balanced(site)
