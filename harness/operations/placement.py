"""Whether a partition can move to another machine while it runs, and by which way.

Preconditions after the Symantec/Veritas SFHA guide quoting IBM: POWER6 on both sides, all I/O
virtual, the same storage network, the same network.
"""

from dataclasses import dataclass

from harness.model.allocation import AllocatedResources
from harness.model.config import PartitionConfiguration
from harness.model.machine import Machine
from harness.model.partition import SimulatedPartition
from harness.operations.operation import RefusedError, Site

_GENERATION = "POWER6"
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Claim:
    """What others are going to bring to a machine, on top of what it has reserved."""

    cores: float = 0.0
    memory_bytes: int = 0

    def plus(self, holding: AllocatedResources) -> "Claim":
        """Add a partition."""
        return Claim(
            self.cores + holding.entitlement_cores, self.memory_bytes + holding.memory_bytes
        )


NOTHING = Claim()


@dataclass(frozen=True, slots=True)
class Place:
    """A partition, where it is, where it can go, and how.

    Attributes
    ----------
    source_mover, target_mover
        The VIOS that carry its memory.
    vios
        For each VIOS that its disks lead over now, the one on the target.
    """

    partition: str
    modelled: SimulatedPartition
    source: Machine
    source_name: str
    target: Machine
    target_name: str
    source_mover: str
    target_mover: str
    vios: dict[str, str]


def find_place(site: Site, partition: str, target_name: str, claim: Claim = NOTHING) -> Place:
    """Find out how a partition can move.

    Raises
    ------
    RefusedError
        With the reason, if it cannot.
    """
    target, source = site.machine_named(target_name), site.machine_of(partition)
    source_name = next(name for name, each in site.machines.items() if each is source)
    if partition not in source.partitions:
        raise RefusedError(f"{partition} is a Virtual I/O Server: it belongs to {source_name}")
    if source is target:
        raise RefusedError(f"{partition} is on {target_name} already")
    for capacity in (source.capacity, target.capacity):
        if partition in capacity.moving:
            raise RefusedError(f"{partition} is being moved already")
    modelled = source.partitions[partition]
    if modelled.partition.down:
        raise RefusedError(f"{partition} is down: there is nothing to move while it runs")
    for name, machine in ((source_name, source), (target_name, target)):
        _check_machine(name, machine)
    configuration = source.configurations[partition]
    _check_io(source, configuration)
    vios = _check_storage(site, configuration, source, target, target_name)
    _check_networks(configuration, source, target, target_name)
    _check_room(partition, source, target, target_name, claim)
    return Place(
        partition,
        modelled,
        source,
        source_name,
        target,
        target_name,
        _mover(source, source_name),
        _mover(target, target_name),
        vios,
    )


def _check_machine(name: str, machine: Machine) -> None:
    generation = machine.configuration.machine.generation
    if generation != _GENERATION:
        raise RefusedError(
            f"{name} is a {generation} machine: running partitions move between {_GENERATION} "
            "machines only"
        )
    if not machine.power.on:
        raise RefusedError(f"{name} is switched off")
    if not _up(machine):
        raise RefusedError(f"{name} has no Virtual I/O Server that is up")


def _up(machine: Machine) -> list[str]:
    return [name for name, vios in machine.vios.items() if not vios.partition.down]


def _mover(machine: Machine, name: str) -> str:
    """Choose the VIOS that carries memory: the first that is up and has an Ethernet adapter."""
    bridging = {vios for vios, _, _ in machine.network.bridges.values()}
    for vios in _up(machine):
        if vios in bridging:
            return vios
    raise RefusedError(f"{name} has no Virtual I/O Server with an Ethernet adapter that is up")


def _check_io(source: Machine, configuration: PartitionConfiguration) -> None:
    name = configuration.name
    owned = source.capacity.adapters[name]
    if owned:
        raise RefusedError(f"{name} owns the adapter {owned[0]}: all of its I/O has to be virtual")


def _check_storage(
    site: Site,
    configuration: PartitionConfiguration,
    source: Machine,
    target: Machine,
    target_name: str,
) -> dict[str, str]:
    """Check the disks, and say which VIOS of the target takes the place of which."""
    name = configuration.name
    vios: dict[str, str] = {}
    for disk in configuration.disks:
        if disk.backing != "physical":
            raise RefusedError(
                f"a disk of {name} is a {disk.backing} of {disk.vios}, which no other machine sees"
            )
        shared = f"disks.{disk.device}.shared"
        if shared in site.constants and not site.constants.flag(shared):
            raise RefusedError(f"{disk.device} of {name} is inside its machine, on no SAN")
        if source.configuration.san != target.configuration.san:
            raise RefusedError(
                f"the disks of {name} are on the SAN {source.configuration.san}, and "
                f"{target_name} is on {target.configuration.san}"
            )
        for old in (disk.vios, disk.standby):
            if old is not None:
                up = _up(target)
                vios[old] = old if old in up else up[0]
    return vios


def _check_networks(
    configuration: PartitionConfiguration, source: Machine, target: Machine, target_name: str
) -> None:
    name = configuration.name
    if source.configuration.lan != target.configuration.lan:
        raise RefusedError(
            f"{name} is on the network {source.configuration.lan}, and {target_name} is on "
            f"{target.configuration.lan}"
        )
    for adapter in configuration.virtual_ethernet:
        for vlan in (adapter.vlan, *adapter.tagged_vlans):
            if not _bridged(target, vlan):
                raise RefusedError(
                    f"{name} is on the virtual LAN {vlan}, which no VIOS of {target_name} bridges"
                )


def _bridged(machine: Machine, vlan: int) -> bool:
    """Return whether a virtual LAN leads outside at present."""
    if vlan not in machine.network.bridges:
        return False
    vios = machine.vios[machine.network.bridges[vlan][0]]
    standing = [vios] if vios.standby is None else [vios, vios.standby]
    return any(not each.partition.down for each in standing)


def _check_room(
    partition: str, source: Machine, target: Machine, target_name: str, claim: Claim
) -> None:
    held = source.capacity.held_by(partition)
    capacity = target.capacity
    if source.capacity.is_shared(partition) and target.pool is None:
        raise RefusedError(
            f"{partition} shares processors, and {target_name} has no shared processor pool"
        )
    cores = capacity.free_cores - claim.cores
    if held.entitlement_cores > cores + _TOLERANCE:
        raise RefusedError(
            f"{partition} is entitled to {held.entitlement_cores:g} cores, and {target_name} has "
            f"{max(0.0, cores):.2f} to spare"
        )
    memory = capacity.free_memory_bytes - claim.memory_bytes
    if held.memory_bytes > memory:
        raise RefusedError(
            f"{partition} has {held.memory_bytes / 2**30:g} GiB of memory, and {target_name} has "
            f"{max(0, memory) / 2**30:g} GiB to spare"
        )
