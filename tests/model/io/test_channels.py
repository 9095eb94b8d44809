"""Host adapters and buses: several devices share what they carry, one alone notices nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import (
    DISK,
    ETHERNET,
    FULL_SYSTEM,
    MS,
    NO_REFILL,
    NO_TICKS,
    NOMINAL,
    OUTSIDE,
    build,
    partition,
    repeat,
    server,
    system,
)

from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    SharedEthernetConfiguration,
    SystemConfiguration,
    VirtualEthernetConfiguration,
)
from harness.model.io.channels import Bus, HostAdapter
from harness.model.machine import Machine
from harness.model.partition import SimulatedPartition

LINK = NOMINAL.number(f"disks.{DISK}.link_bandwidth")
"""Bytes per second."""

TRANSFERS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 5000)), max_size=30)


@given(TRANSFERS)
def test_a_bus_carries_each_byte_once_at_its_rate_and_in_order(transfers):
    bus = Bus(5e8)
    begin = last = 0
    for gap, size in transfers:
        begin += gap
        end = bus.carry(begin, size)
        assert end == max(begin, last) + 2 * size
        last = end
    assert bus.bytes == sum(size for _, size in transfers)
    assert bus.busy_ns == 2 * bus.bytes <= max(last, 0)


@given(TRANSFERS, st.floats(1e8, 1e12))
def test_blocks_follow_one_another_on_an_adapter_and_a_bus_never_helps(transfers, rate):
    adapter, alone = HostAdapter(Bus(rate)), HostAdapter(Bus(1e15))
    begin = 0
    for gap, size in transfers:
        begin += gap
        end, ideal = adapter.carry(begin, 4 * size, size), alone.carry(begin, 4 * size, size)
        assert end >= ideal >= begin + 4 * size
    assert adapter.busy_ns == 4 * sum(size for _, size in transfers) == 4 * adapter.bus.bytes


def clients(
    count: int, adapters: int, *, vios: bool = True, bus: str | None = "bus"
) -> SystemConfiguration:
    """Clients with a disk each, over so many host adapters of one VIOS, or of their own."""
    parts = []
    for number in range(count):
        disk = DiskConfiguration(DISK, "vios1" if vios else None, bus=bus)
        disk = replace(disk, adapter=number % adapters)
        app = partition(f"app{number}", 1, virtualization=FULL_SYSTEM) if not vios else None
        app = app or partition(f"app{number}", 1)
        parts.append(replace(app, disks=(disk,)))
    servers = (server(cores=2),) if vios else ()
    return system(*parts, cores=count + 2, vios=servers)


def keep_reading(
    client: SimulatedPartition, threads: int, size: int, offsets: Iterator[int] | None
) -> None:
    """Read block after block for ever."""

    def again() -> None:
        client.transfer(0, size, None if offsets is None else next(offsets), False, again)

    for _ in range(threads):
        again()


def rate(configuration: SystemConfiguration, size: int = 131072, **changes: float) -> float:
    """Bytes per second that all clients read, two blocks each after the other."""
    machine = build(configuration, NO_TICKS, NO_REFILL, changes)
    for client in machine.partitions.values():
        keep_reading(client, 2, size, None)
    machine.clock.run_until(100 * MS)
    before = read(machine)
    machine.clock.run_until(600 * MS)
    return (read(machine) - before) / 0.5


def read(machine: Machine) -> int:
    return sum(int(disk.bytes) for disk in machine.disks)


def test_clients_of_one_host_adapter_share_what_it_carries():
    alone = rate(clients(1, 1))
    assert alone == pytest.approx(LINK, rel=0.01)
    assert rate(clients(4, 4)) == pytest.approx(4 * alone, rel=0.01)
    assert rate(clients(4, 2)) == pytest.approx(2 * LINK, rel=0.01)
    assert rate(clients(4, 1)) == pytest.approx(LINK, rel=0.01)


def test_without_a_vios_as_many_adapters_carry_as_much():
    for adapters in (1, 2):
        assert rate(clients(4, adapters, vios=False)) == pytest.approx(adapters * LINK, rel=0.01)


def test_all_adapters_of_a_bus_carry_no_more_than_the_bus():
    assert rate(clients(4, 4), **{"io.bus_rate": 3e8}) == pytest.approx(3e8, rel=0.01)


@pytest.mark.parametrize("size", [4096, 131072])
def test_one_disk_on_a_bus_of_its_own_takes_as_long_as_without_one(size):
    took = []
    for bus in ("bus", None):
        machine = build(clients(1, 1, bus=bus), NO_TICKS, NO_REFILL)
        app = machine.partitions["app0"]
        repeat(machine.clock, lambda done, app=app: app.transfer(0, size, None, False, done), 50)
        took.append(machine.clock.now_ns)
        assert machine.disks[0].adapter_wait_ns == 0
    assert took[0] == took[1]


def test_waits_for_adapters_are_not_those_for_disks():
    machine = build(clients(4, 1), NO_TICKS, NO_REFILL)
    ended: list[int] = []
    for client in machine.partitions.values():
        client.transfer(0, 131072, None, False, lambda: ended.append(machine.clock.now_ns))
    machine.clock.run_until(100 * MS)
    link_ns = round(131072 / LINK * 1e9)
    # All four disks are ready at about the same time, and their blocks go one after the other.
    waits = sorted(int(disk.adapter_wait_ns) for disk in machine.disks)
    assert waits == pytest.approx([0, link_ns, 2 * link_ns, 3 * link_ns], rel=0.03)
    assert len({int(disk.response_ns) for disk in machine.disks}) == 1
    assert max(ended) - min(ended) == pytest.approx(3 * link_ns, rel=0.02)


def test_a_shared_ethernet_adapter_is_on_the_bus_of_its_vios():
    size = 4 * 2**20
    for bus, expected in (("bus", 5e7), (None, 1.18e8)):
        shared = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET, bus=bus), (10,))
        app = partition("app", 4, virtual_ethernet=(VirtualEthernetConfiguration(10),))
        configuration = system(app, cores=6, vios=(server(cores=2, shared_ethernet=shared),))
        machine = build(configuration, NO_TICKS, NO_REFILL, {"io.bus_rate": 5e7})
        client = machine.partitions["app"]
        repeat(machine.clock, lambda done, c=client: c.send(size, OUTSIDE, done), 1)
        assert size / machine.clock.now_ns * 1e9 == pytest.approx(expected, rel=0.02)


def test_virtual_disks_on_one_device_queue_together():
    """Two clients on one disk are served no faster than one client that asks for as much."""

    def operations(count: int, each: int, shared: str | None) -> int:
        disk = DiskConfiguration("internal-scsi", "vios1", "logical-volume", 16, shared=shared)
        parts = [replace(partition(f"app{n}", 1), disks=(disk,)) for n in range(count)]
        configuration = system(*parts, cores=count + 2, vios=(server(cores=2),))
        machine = build(configuration, NO_TICKS, NO_REFILL)
        offsets = iter(range(0, 10**12, 65536 * 7))
        for client in machine.partitions.values():
            keep_reading(client, each, 4096, offsets)
        machine.clock.run_until(2000 * MS)
        assert len(machine.disks) == (count if shared is None else 1)
        return sum(int(disk.operations) for disk in machine.disks)

    one = operations(1, 4, None)
    assert operations(2, 2, "vios1/hdisk0") == pytest.approx(one, rel=0.05)
    assert operations(2, 2, None) == pytest.approx(2 * one, rel=0.05)
