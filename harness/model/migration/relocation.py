"""Taking a partition out of one machine and putting it into another, as it stands.

Like all changes of the platform this takes effect at once and is not checked. The partition stays
the same object for its users; its disks stay where they are, on the storage network.
What was under way over the source's Virtual I/O Servers comes back over them.
"""

from collections.abc import Mapping
from dataclasses import replace

from harness.model.config import DiskConfiguration, PartitionConfiguration
from harness.model.cpu.burst import work
from harness.model.machine import Machine
from harness.model.partition import SimulatedPartition


def relocate(name: str, source: Machine, target: Machine, vios: Mapping[str, str]) -> None:
    """Move a suspended partition, with all that it has, from one machine to another.

    Parameters
    ----------
    vios
        By name, for each Virtual I/O Server that its disks lead over, the target's that takes its
        place; a standby that has no successor is dropped.
    """
    modelled = source.partitions[name]
    shared = source.capacity.is_shared(name)
    held = source.capacity.depart(name)
    del source.partitions[name]
    before = source.configurations.pop(name)
    after = replace(before, disks=tuple(_lead_over(disk, vios) for disk in before.disks))
    target.partitions[name] = modelled
    target.configurations[name] = after
    # What the source's VIOS has still to do for the disks is paid for there.
    _take_disks(modelled, before, source, after, target)
    _settle(modelled, after, source, target)
    target.capacity.arrive(modelled.partition, held, shared=shared)
    target.network.following[name] = source.network.following.pop(name)
    modelled.relocate(target.costs, lambda verb, peer: target.network.route(name, verb, peer))
    for network in (source.network, target.network):
        for router in (network, *network.neighbours):
            for peer in router.directory.partitions.values():
                peer.forget_routes()


def _lead_over(disk: DiskConfiguration, vios: Mapping[str, str]) -> DiskConfiguration:
    assert disk.vios is not None
    standby = vios.get(disk.standby) if disk.standby is not None else None
    bus = None if disk.bus is None else vios[disk.vios]
    return replace(disk, vios=vios[disk.vios], standby=standby, bus=bus)


def _settle(
    modelled: SimulatedPartition,
    configuration: PartitionConfiguration,
    source: Machine,
    target: Machine,
) -> None:
    """Let a partition pay, and take the time that things take, on the target."""
    partition, costs = modelled.partition, target.costs
    partition.account = target.ledger.account(partition.name)
    partition.tick = target.tick(configuration.os)
    partition.interrupting_tick = work(*partition.tick.parts, *target.tick_displaced)
    line_bytes = costs.number("processor.l2_line")
    partition.working_set_lines = min(
        target.cache.lines, round(costs.number("processor.working_set") / line_bytes)
    )
    # Its standing among those that compete for spare capacity starts from nothing.
    partition.spare_pass = 0
    for burst in partition.run_queue.items():
        burst.carry(partition.account, source.costs.clock_hz / costs.clock_hz)


def _take_disks(
    modelled: SimulatedPartition,
    before: PartitionConfiguration,
    source: Machine,
    after: PartitionConfiguration,
    target: Machine,
) -> None:
    """Let the disks lead over the target's VIOS."""
    for path, old, new in zip(modelled.paths, before.disks, after.disks, strict=True):
        assert old.vios is not None and new.vios is not None
        source.disks.remove(path.disk)
        target.disks.append(path.disk)
        source.capacity.adapters[old.vios].remove(old.device)
        target.capacity.adapters[new.vios].append(new.device)
        path.disk.adapter = target.devices.host_adapter(new)
        path.relocate(target.block_path(modelled.partition, path.disk, new, path.queue_depth))
