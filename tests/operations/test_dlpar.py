"""What may move between running partitions, what it takes, and what is refused."""

import re
from dataclasses import replace

import pytest
from modelling import (
    BRIDGE,
    CAPPED,
    DEDICATED,
    DISK,
    ETHERNET,
    FULL_SYSTEM,
    HOSTED,
    LAN,
    NO_OVERHEAD,
    OUTSIDE,
    PHYSICAL,
    UNCAPPED,
    WIRE,
    keep_busy,
    partition,
    server,
    system,
    total,
)
from operating import QUICK, SECOND, carried_out, holdings, site_with

from harness.model.config import SystemConfiguration
from harness.model.machine import Machine
from harness.operations.dlpar import (
    ChangeSharing,
    MoveAdapter,
    MoveCores,
    MoveMemory,
    MoveUnits,
    memory_block_bytes,
)
from harness.operations.operation import Limits, Operation, Site, Status

MIB, GIB = 2**20, 2**30
LIMITS = {
    "app1": Limits(0.2, 1.5, 1, 4, 1 * GIB, 6 * GIB),
    "big1": Limits(1, 3),
}


def mixed() -> SystemConfiguration:
    """Eight cores, 64 GiB: three that share, two with cores of their own, a VIOS."""
    apps = [
        replace(
            partition(
                name,
                1.0,
                2,
                UNCAPPED,
                os=os,
                virtual_ethernet=LAN,
                ethernet=WIRE if name == "app2" else (),
                disks=1,
                vios="vios1",
            ),
            memory_bytes=4 * GIB,
        )
        for name, os in (("app1", "aix-5.3"), ("app2", "aix-5.3"), ("app3", "aix-5.3"))
    ]
    linux = [
        replace(partition(name, 0.5, 1, CAPPED, os=os), memory_bytes=2 * GIB)
        for name, os in (("sles", "sles-9"), ("rhel", "rhel-as-3"))
    ]
    big = [
        replace(
            partition(name, 1.0, 1, DEDICATED, disks=1),
            memory_bytes=8 * GIB,
        )
        for name in ("big1", "big2")
    ]
    vios = server("vios1", 0.5, 1, UNCAPPED, shared_ethernet=BRIDGE)
    return system(*apps, *linux, *big, cores=8, vios=(vios,), virtualization=UNCAPPED)


def mixed_site(*overrides: dict[str, object]) -> tuple[Site, Machine]:
    return site_with(mixed(), *overrides, limits=LIMITS)


# What is done


def test_processing_units_and_virtual_processors_move_in_a_moment_at_the_end():
    site, machine = mixed_site()
    assert machine.capacity.free_cores == pytest.approx(8 - 3 - 1 - 2 - 0.5)
    before = holdings(machine)
    move = MoveUnits(0.4, "app2", "app1", virtual_processors=1)
    site.clock.call_in(2 * SECOND - 1, lambda: before == holdings(machine) or pytest.fail("early"))
    assert carried_out(site, move) == (Status.DONE, "")
    assert [entry.seconds for entry in site.timeline] == [0.0, 2.0]
    assert move.describe() == (
        "move 0.4 processing units and 1 virtual processors from app2 to app1"
    )
    app1, app2 = (machine.partitions[name].partition for name in ("app1", "app2"))
    assert [vp.entitlement_ns for vp in app1.vps] == [4_666_667, 4_666_667, 4_666_666]
    assert [vp.entitlement_ns for vp in app2.vps] == [6_000_000]
    assert machine.capacity.free_cores == pytest.approx(1.5)


def test_units_come_from_the_free_pool_and_go_back():
    site, machine = mixed_site()
    assert carried_out(site, MoveUnits(0.5, None, "app1"))[0] is Status.DONE
    assert machine.capacity.free_cores == pytest.approx(1.0)
    assert carried_out(site, MoveUnits(0.37, "app1", None))[0] is Status.DONE
    assert machine.capacity.entitlement_cores["app1"] == 1.13
    assert carried_out(site, MoveUnits(0, None, "app1", 2))[0] is Status.DONE
    assert len(machine.partitions["app1"].partition.vps) == 4


def test_weight_and_capping_change_what_a_partition_gets_of_the_spare():
    site, machine = mixed_site(NO_OVERHEAD)
    assert carried_out(site, ChangeSharing("app1", weight=255))[0] is Status.DONE
    app1 = machine.partitions["app1"].partition
    assert app1.weight == 255
    assert carried_out(site, ChangeSharing("app1", capped=True))[0] is Status.DONE
    assert app1.weight == 0
    keep_busy(machine.partitions["app1"], 0.01, 2)
    start = site.clock.now_ns
    site.clock.run_until(start + SECOND)
    pool = machine.pool
    assert pool is not None
    pool.reconsider()
    assert app1.dispatched_ns <= SECOND + 10_000_000
    assert carried_out(site, ChangeSharing("app1", capped=False))[0] is Status.DONE
    # The weight is kept while a partition is capped.
    assert app1.weight == 255
    assert carried_out(site, ChangeSharing("app1", weight=1, capped=True))[0] is Status.DONE
    assert [entry.operation for entry in site.timeline[-2:]] == ["app1: weight 1, capped"] * 2


def test_cores_move_between_those_that_own_them_and_the_pool():
    site, machine = mixed_site()
    pool = machine.pool
    assert pool is not None
    assert len(pool.processors) == 6
    assert carried_out(site, MoveCores(1, None, "big1"))[0] is Status.DONE
    assert len(pool.processors) == 5
    assert carried_out(site, MoveCores(1, "big1", "big2"))[0] is Status.DONE
    assert [len(machine.partitions[n].partition.vps) for n in ("big1", "big2")] == [1, 2]
    assert carried_out(site, MoveCores(1, "big2", None))[0] is Status.DONE
    assert len(pool.processors) == 6
    assert machine.capacity.entitlement_cores["big2"] == 1


def test_a_virtual_processor_does_not_come_home_to_a_core_that_has_left_the_pool():
    """A core that somebody else has been given is not idle for the pool, whatever it looks like."""
    site, machine = site_with(
        system(
            partition("app", 1.0, 4, UNCAPPED),
            partition("big", 1, 1, DEDICATED),
            cores=4,
            virtualization=UNCAPPED,
        ),
        QUICK,
    )
    app = machine.partitions["app"]
    keep_busy(app, 0.001, 3)
    site.clock.run_until(SECOND // 10)
    assert carried_out(site, MoveCores(2, None, "big"))[0] is Status.DONE
    for _ in range(4):
        app.compute(0.002, None, lambda: None)
    site.clock.run_until(SECOND)
    assert total(machine) == 4 * site.clock.now_ns
    owned = {vp.last_processor for vp in machine.partitions["big"].partition.vps}
    assert not owned & {vp.last_processor for vp in app.partition.vps}


def test_memory_moves_in_blocks_at_its_speed():
    site, machine = mixed_site()
    assert carried_out(site, MoveMemory(2 * GIB, "app2", "app1")) == (Status.DONE, "")
    memory = machine.capacity.memory_bytes
    assert (memory["app1"], memory["app2"]) == (6 * GIB, 2 * GIB)
    # Removal, then addition.
    seconds = 1 + 2 * GIB / (50 * 2**20) + 2 * GIB / 350e6
    assert site.timeline[-1].seconds == pytest.approx(seconds, abs=1e-6)
    assert carried_out(site, MoveMemory(256 * MIB, None, "app2"))[0] is Status.DONE
    assert machine.capacity.free_memory_bytes == 64 * GIB - 32 * GIB - 256 * MIB


@pytest.mark.parametrize(
    ("memory_gib", "block_mib"),
    [(2, 16), (3.9, 16), (4, 32), (8, 64), (15, 64), (16, 128), (32, 256), (512, 256)],
)
def test_the_memory_block_goes_by_the_machines_memory(memory_gib, block_mib):
    _, machine = mixed_site()
    constants = machine.costs.constants
    assert memory_block_bytes(constants, int(memory_gib * GIB)) == block_mib * MIB


def test_an_adapter_that_moves_takes_its_network_along():
    site, machine = mixed_site(QUICK)
    done: list[str] = []
    app1, app2 = machine.partitions["app1"], machine.partitions["app2"]
    app1.send(10_000, OUTSIDE, lambda: done.append("bridged"))
    site.clock.run_until(SECOND // 2)
    assert machine.vios["vios1"].bridged_bytes == 10_000
    assert carried_out(site, MoveAdapter(ETHERNET, "app2", "app1"))[0] is Status.DONE
    assert sorted(machine.network.own_wires) == ["app1"]
    assert machine.capacity.adapters["app1"] == [ETHERNET]
    assert machine.capacity.adapters["app2"] == []
    for app in (app1, app2):
        app.send(10_000, OUTSIDE, lambda: done.append("again"))
    site.clock.run_until(site.clock.now_ns + SECOND)
    assert len(done) == 3
    assert machine.network.own_wires["app1"].bytes == 10_000
    assert machine.vios["vios1"].bridged_bytes == 20_000


def test_an_adapter_without_an_owner_is_not_lost():
    site, machine = mixed_site(QUICK)
    assert carried_out(site, MoveAdapter(ETHERNET, "app2", None))[0] is Status.DONE
    assert machine.capacity.free_adapters == [ETHERNET]
    assert carried_out(site, MoveAdapter(ETHERNET, None, "vios1"))[0] is Status.DONE
    assert machine.capacity.adapters["vios1"].count(ETHERNET) == 2
    # Of two such adapters the VIOS needs one for its bridge.
    assert carried_out(site, MoveAdapter(ETHERNET, "vios1", "app3"))[0] is Status.DONE
    assert carried_out(site, MoveAdapter(ETHERNET, "vios1", "app3"))[0] is Status.REFUSED


# What is refused

REFUSED: list[tuple[Operation, str]] = [
    (MoveUnits(0.1, "nobody", "app1"), "there is no partition nobody"),
    (MoveUnits(0.1), "neither a source nor a target is named"),
    (MoveUnits(0.1, "app1", "app1"), "app1 is both source and target"),
    (
        MoveUnits(0.1, "big1", "app1"),
        "big1 has dedicated processors: it changes to shared ones only by a restart",
    ),
    (
        MoveUnits(0.1, "app1", "big1"),
        "big1 has dedicated processors: it changes to shared ones only by a restart",
    ),
    (
        MoveCores(1, "big1", "app1"),
        "app1 shares processors: it changes to dedicated ones only by a restart",
    ),
    (
        MoveUnits(0.1, "app2", "rhel"),
        "rhel-as-3 on rhel does not support moving processors while it runs",
    ),
    (
        ChangeSharing("rhel", capped=False),
        "rhel-as-3 on rhel does not support moving processors while it runs",
    ),
    (
        MoveMemory(256 * MIB, "sles", "app1"),
        "sles-9 on sles does not support moving memory while it runs",
    ),
    (
        MoveAdapter(ETHERNET, "app2", "rhel"),
        "rhel-as-3 on rhel does not support moving I/O adapters while it runs",
    ),
    (
        MoveUnits(0.6, None, "app1"),
        "app1 would have 1.6 processing units, more than its maximum of 1.5",
    ),
    (
        MoveUnits(0.85, "app1", None),
        "app1 would have 0.15 processing units, less than its minimum of 0.2",
    ),
    (
        MoveUnits(0, None, "app1", 3),
        "app1 would have 5 virtual processors, more than its maximum of 4",
    ),
    (
        MoveUnits(0, "app1", None, 2),
        "app1 would have 0 virtual processors, less than its minimum of 1",
    ),
    (
        MoveUnits(0, None, "app2", 63),
        "app2 would have 65 virtual processors, more than its maximum of 64",
    ),
    (
        MoveUnits(0, None, "app2", 9),
        "app2 would have 0.0909 processing units for each virtual processor, and 0.10 is the least",
    ),
    (
        MoveUnits(1.2, None, "app2"),
        "app2 would have 2.2 processing units for 2 virtual processors, and 1.00 is the most for "
        "each",
    ),
    (MoveUnits(1.51, None, "app2", 1), "only 1.50 processing units are free"),
    (MoveUnits(0.105, "app2", "app1"), "0.105 processing units are not in steps of 0.01"),
    (
        MoveUnits(-0.1, "app2", "app1"),
        "what moves must not be negative; exchange source and target",
    ),
    (MoveUnits(0, "app2", "app1"), "nothing moves"),
    (
        ChangeSharing("app1", weight=256),
        "app1 would have weight 256, more than its maximum of 255",
    ),
    (ChangeSharing("app1", weight=-1), "app1 would have weight -1, less than its minimum of 0"),
    (ChangeSharing("app1"), "nothing changes"),
    (ChangeSharing("big1", weight=5), "big1 has dedicated processors: there is no weight"),
    (MoveCores(0, "big1", "big2"), "0 cores cannot move; one is the least"),
    (MoveCores(1, "big2", "big1"), "big2 would have 0 cores, less than its minimum of 1"),
    (MoveCores(3, None, "big1"), "big1 would have 4 cores, more than its maximum of 3"),
    (MoveCores(2, None, "big2"), "only 1.5 cores are free"),
    (
        MoveMemory(100 * MIB, "app2", "app1"),
        "100 MiB is not a multiple of the logical memory block of a machine with 64 GiB, 256 MiB",
    ),
    (
        MoveMemory(0, "app2", "app1"),
        "0 MiB is not a multiple of the logical memory block of a machine with 64 GiB, 256 MiB",
    ),
    (
        MoveMemory(4 * GIB, "app2", None),
        "app2 would have 0 MiB of memory, less than its minimum of 128 MiB",
    ),
    (
        MoveMemory(13 * 256 * MIB, "app1", "app2"),
        "app1 would have 768 MiB of memory, less than its minimum of 1024 MiB",
    ),
    (
        MoveMemory(3 * GIB, "app2", "app1"),
        "app1 would have 7168 MiB of memory, more than its maximum of 6144 MiB",
    ),
    (MoveMemory(33 * GIB, None, "app2"), "only 32768 MiB of memory are free"),
    (
        MoveAdapter("graphics", "app1", "app2"),
        "graphics is a graphics adapter: it moves only by a restart",
    ),
    (MoveAdapter(ETHERNET, "app1", "app2"), f"app1 does not own an adapter {ETHERNET}"),
    (MoveAdapter(ETHERNET, None, "app2"), f"no adapter {ETHERNET} is free"),
    (MoveAdapter(DISK, "big1", "app1"), f"{DISK} of big1 is in use: a disk is behind it"),
    (MoveAdapter(DISK, "vios1", "app1"), f"{DISK} of vios1 is in use: a disk is behind it"),
    (
        MoveAdapter(ETHERNET, "vios1", "app1"),
        f"{ETHERNET} of vios1 is in use: a shared Ethernet adapter of vios1 bridges through it",
    ),
]


@pytest.mark.parametrize(("operation", "reason"), REFUSED, ids=lambda value: str(value)[:60])
def test_what_the_rules_forbid_is_refused_with_the_reason_and_changes_nothing(operation, reason):
    site, machine = mixed_site()
    before = holdings(machine)
    assert carried_out(site, operation) == (Status.REFUSED, reason)
    assert holdings(machine) == before
    assert site.clock.now_ns <= 1


def test_an_adapter_that_carries_traffic_stays():
    site, machine = mixed_site(QUICK)
    machine.partitions["app2"].send(1000, OUTSIDE, lambda: None)
    status, reason = carried_out(site, MoveAdapter(ETHERNET, "app2", "app1"))
    assert status is Status.REFUSED
    assert reason == f"{ETHERNET} of app2 is in use: it carries the partition's traffic"


@pytest.mark.parametrize(
    "operation",
    [MoveUnits(0.1, "app1", "app2"), MoveMemory(256 * MIB, None, "app1")],
    ids=["units", "memory"],
)
def test_an_operating_system_that_is_down_cannot_take_part(operation):
    site, machine = mixed_site()
    machine.partitions["app1"].crash()
    reason = "app1 is down: its operating system cannot take part"
    assert carried_out(site, operation) == (Status.REFUSED, reason)


def test_two_operations_that_want_the_same_thing_do_not_both_get_it():
    site, machine = mixed_site()
    site.clock.process(_both(site))
    site.clock.run_until(10 * SECOND)
    ends = [(e.operation, e.status, e.reason) for e in site.timeline[2:]]
    assert ends == [
        ("add 1 processing units to app2", Status.DONE, ""),
        ("add 1 processing units to app3", Status.FAILED, "only 0.50 processing units are free"),
    ]
    assert machine.capacity.free_cores == pytest.approx(0.5)


def _both(site: Site):
    from harness.operations.operation import carry_out

    yield carry_out(site, MoveUnits(1.0, None, "app2")) & carry_out(
        site, MoveUnits(1.0, None, "app3")
    )


@pytest.mark.parametrize(
    ("virtualization", "flavour", "reason"),
    [
        (HOSTED, "vmware", "guests of a monitor on a host have no dynamic logical partitioning"),
        (PHYSICAL, None, "physical partitions are divided by hardware, not while they run"),
    ],
)
def test_only_the_firmware_moves_resources(virtualization, flavour, reason):
    configuration = system(
        partition("a", 1, 1, virtualization),
        partition("b", 1, 1, virtualization),
        cores=2,
        virtualization=virtualization,
        flavour=flavour,
    )
    site, _ = site_with(configuration)
    assert carried_out(site, MoveCores(1, "a", "b")) == (Status.REFUSED, reason)


def test_a_full_system_partition_has_nothing_to_give_to_and_nothing_to_get():
    site, _ = site_with(system(partition("system", 4, 4, FULL_SYSTEM), cores=4))
    assert carried_out(site, MoveCores(1, None, "system")) == (
        Status.REFUSED,
        "only 0 cores are free",
    )


def test_the_reason_is_one_sentence():
    for _, reason in REFUSED:
        assert re.fullmatch(r"[^\n]+[^.\n]", reason)
