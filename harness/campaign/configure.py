"""From a cell's names to the configuration of its system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import floor

from harness.campaign.cell import DrawnDemand
from harness.campaign.devices import Devices
from harness.campaign.hypervisor_limits import Infeasible, Limits, Member
from harness.campaign.machine import resolve_machine
from harness.campaign.schema.campaign import IDLE, Campaign
from harness.campaign.schema.limits import USERS
from harness.campaign.schema.messages import value_error
from harness.campaign.schema.partitions import Divided, Partition, Vios
from harness.campaign.workload import Group, Workload
from harness.catalog import Catalog, Constants
from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    MachineConfiguration,
    PartitionConfiguration,
    SystemConfiguration,
    UserGroup,
    ViosConfiguration,
    VirtualEthernetConfiguration,
    Virtualization,
)

MIXED = "mixed"
"""What stands for the operating system or workload of a cell that has several."""


@dataclass(frozen=True)
class Context:
    """What all cells of one load share."""

    campaign: Campaign
    catalog: Catalog
    constants: Constants
    """The catalog's stated values."""
    workloads: Mapping[str, Workload]
    """Every workload that a cell can name."""
    file: str
    """What messages call the campaign file."""

    @cached_property
    def devices(self) -> Devices:
        """The disks and adapters of the campaign's partitions."""
        return Devices(self.campaign, round(self.constants.number("io.disk_adapters")))


@dataclass(frozen=True)
class _Site:
    """A partition before it is said how the machine is divided."""

    table: Partition
    member: Member
    os: str
    workload: str
    memory_bytes: int


@dataclass(frozen=True)
class _Server:
    """A VIOS before it is said how the machine is divided."""

    table: Vios
    member: Member
    memory_bytes: int


def configure(
    context: Context, machine: str, os: str | None, virtualization: str, workload: str | None
) -> SystemConfiguration:
    """Resolve everything that a run of a cell needs to know about the platform.

    Parameters
    ----------
    context
        The campaign with its load put in, and the catalog.
    machine, os, virtualization, workload
        The cell's names; ``os`` and ``workload`` are None if every partition names its own.

    Raises
    ------
    Infeasible
        If this combination of factors cannot be, though each value is right in itself: capacities
        that give no whole cores where cores are not shared, partitions that cannot reach each
        other.
    UserError
        If a limit of the machine, the hypervisor or an operating system is exceeded.
    """
    campaign = context.campaign
    hardware = resolve_machine(machine, campaign, context.catalog, context.constants, context.file)
    limits = Limits(context.constants, hardware, context.file, virtualization)
    sites, servers = _sites(context, hardware, os, workload, limits)
    if virtualization == Virtualization.FULL_SYSTEM:
        return _full_system(context, hardware, sites)
    if virtualization == Virtualization.PHYSICAL:
        return _physical(context, hardware, sites, limits)
    if virtualization.startswith("hosted-"):
        return _hosted(context, hardware, sites, limits, virtualization.removeprefix("hosted-"))
    return _logical(context, hardware, sites, servers, limits, Virtualization(virtualization))


def drawn_demands(
    context: Context, system: SystemConfiguration, workload: str | None
) -> tuple[DrawnDemand, ...]:
    """Find the demands of a system that are uncertain constants of the catalog."""
    own = {
        name: table.workload or str(workload)
        for table in context.campaign.partitions
        for name in table.names
    }
    uncertain = frozenset(context.catalog.uncertain)
    found: list[DrawnDemand] = []
    for partition in system.partitions:
        for users in partition.groups:
            site, _, name = users.name.rpartition("/")
            groups = context.workloads[own[site or partition.name]].groups
            drawn = next(group.drawn for group in groups if group.name == name)
            found.extend(
                DrawnDemand(partition.name, users.name, parameter, constant)
                for parameter, constant in sorted(drawn.items())
                if constant in uncertain
            )
    return tuple(found)


def label(own: Sequence[str | None], factor: str | None) -> str:
    """Name a cell's operating system or workload: the factor's, or the partitions' own."""
    names = {factor if name is None else name for name in own}
    return str(names.pop()) if len(names) == 1 else MIXED


def _sites(
    context: Context,
    hardware: MachineConfiguration,
    os: str | None,
    workload: str | None,
    limits: Limits,
) -> tuple[list[_Site], list[_Server]]:
    """Resolve what does not depend on how the machine is divided."""
    tables = [(name, table) for table in context.campaign.partitions for name in table.names]
    members = [_member(name, table, "partitions", hardware, limits) for name, table in tables]
    served = [_member(vios.name, vios, "vios", hardware, limits) for vios in context.campaign.vios]
    memories = _memories(hardware, [*members, *served])
    sites = [
        _Site(table, member, table.os or str(os), table.workload or str(workload), memory)
        for (_, table), member, memory in zip(tables, members, memories, strict=False)
    ]
    for site in sites:
        limits.check_features(site.table, site.os)
        limits.check_folding(site.table, site.os)
    servers = [
        _Server(vios, member, memory)
        for vios, member, memory in zip(
            context.campaign.vios, served, memories[len(members) :], strict=True
        )
    ]
    return sites, servers


def _member(
    name: str, table: Divided, kind: str, hardware: MachineConfiguration, limits: Limits
) -> Member:
    if table.share is not None:
        capacity = floor(table.share * hardware.cores / limits.step + 1e-9) * limits.step
    else:
        capacity = float(table.entitlement or table.cores or 0)
    capacity = round(capacity, 9)
    if table.virtual_processors is None:
        processors = max(1, -floor(-capacity + 1e-9))
    else:
        processors = table.virtual_processors.whole(capacity)
    member = Member(name, table, f"{kind}.{table.name}", capacity, processors)
    limits.check_some_capacity(member)
    return member


def _memories(hardware: MachineConfiguration, members: Sequence[Member]) -> list[int]:
    """Give those without memory of their own a part in proportion to their capacity."""
    step = 16 * 2**20
    rest = hardware.memory_bytes - sum(member.table.memory or 0 for member in members)
    open_capacity = sum(member.capacity for member in members if member.table.memory is None)
    memories = []
    for member in members:
        if member.table.memory is not None:
            memories.append(member.table.memory)
            continue
        in_proportion = hardware.memory_bytes * member.capacity / hardware.cores
        left = rest * member.capacity / open_capacity
        memories.append(max(0, int(min(in_proportion, left) // step) * step))
    return memories


def _full_system(
    context: Context, hardware: MachineConfiguration, sites: Sequence[_Site]
) -> SystemConfiguration:
    systems = {site.os for site in sites}
    if len(systems) > 1:
        raise Infeasible(
            f"one partition runs one operating system, not {' and '.join(sorted(systems))}"
        )
    disks: list[DiskConfiguration] = []
    adapters: list[EthernetConfiguration] = []
    groups: list[UserGroup] = []
    for site in sites:
        own = f"{site.member.name}/"
        groups.extend(_users(context, site, prefix=own, first_disk=len(disks)))
        kind = Virtualization.FULL_SYSTEM
        disks.extend(context.devices.disks(site.member.name, site.table, kind))
        adapters.extend(context.devices.own_adapters(site.table))
    adapters.extend(context.devices.shared_adapters())
    partition = PartitionConfiguration(
        name="system",
        os=systems.pop(),
        virtualization=Virtualization.FULL_SYSTEM,
        entitlement_cores=float(hardware.cores),
        virtual_processors=hardware.cores,
        memory_bytes=hardware.memory_bytes,
        disks=tuple(disks),
        ethernet=tuple(adapters),
        groups=tuple(groups),
    )
    return SystemConfiguration(hardware, Virtualization.FULL_SYSTEM, (partition,))


def _physical(
    context: Context, hardware: MachineConfiguration, sites: Sequence[_Site], limits: Limits
) -> SystemConfiguration:
    limits.check_capacity([site.member for site in sites])
    limits.check_memory([(site.member, site.memory_bytes) for site in sites])
    partitions = []
    for site in sites:
        cores = limits.whole_cores(site.member)
        partition = _partition(context, site, Virtualization.PHYSICAL, float(cores), cores)
        if site.table.virtual_ethernet and not partition.ethernet:
            raise Infeasible(
                f"{site.member.name} has a virtual Ethernet adapter only, and no VIOS bridges its "
                "VLAN: physical partitions have no other way to each other"
            )
        partitions.append(partition)
    return SystemConfiguration(hardware, Virtualization.PHYSICAL, tuple(partitions))


def _hosted(
    context: Context,
    hardware: MachineConfiguration,
    sites: Sequence[_Site],
    limits: Limits,
    flavour: str,
) -> SystemConfiguration:
    limits.check_memory([(site.member, site.memory_bytes) for site in sites])
    partitions = []
    for site in sites:
        limits.check_processors(site.member)
        processors = site.member.processors
        kind = Virtualization.HOSTED
        partitions.append(_partition(context, site, kind, float(processors), processors))
    return SystemConfiguration(hardware, Virtualization.HOSTED, tuple(partitions), flavour=flavour)


def _logical(
    context: Context,
    hardware: MachineConfiguration,
    sites: Sequence[_Site],
    servers: Sequence[_Server],
    limits: Limits,
    virtualization: Virtualization,
) -> SystemConfiguration:
    members: list[_Site | _Server] = [*sites, *servers]
    divided = [
        _capped(Virtualization(site.table.virtualization or virtualization), site.table.capped)
        for site in sites
    ]
    serving = [_vios_kind(server.table, virtualization) for server in servers]
    limits.check_number(sum(kind != Virtualization.DEDICATED for kind in [*divided, *serving]))
    limits.check_capacity([each.member for each in members])
    partitions = []
    for site, kind in zip(sites, divided, strict=True):
        capacity, processors = limits.divide(site.member, kind, site.os)
        partitions.append(_partition(context, site, kind, capacity, processors))
    running = []
    for server, kind in zip(servers, serving, strict=True):
        capacity, processors = limits.divide(server.member, kind, None)
        running.append(
            ViosConfiguration(
                name=server.table.name,
                virtualization=kind,
                entitlement_cores=capacity,
                virtual_processors=processors,
                weight=server.table.weight,
                memory_bytes=server.memory_bytes,
                shared_ethernet=context.devices.shared_ethernet(server.table),
            )
        )
    limits.check_memory([(each.member, each.memory_bytes) for each in members])
    return SystemConfiguration(hardware, virtualization, tuple(partitions), tuple(running))


def _partition(
    context: Context, site: _Site, kind: Virtualization, cores: float, processors: int
) -> PartitionConfiguration:
    """Configure a partition; its devices depend on how the machine is divided."""
    table, name, devices = site.table, site.member.name, context.devices
    logical = kind not in (Virtualization.PHYSICAL, Virtualization.HOSTED)
    ethernet = devices.own_adapters(table)
    if not logical:
        ethernet += devices.bridged_adapters(name, table, kind)
    partition = PartitionConfiguration(
        name=name,
        os=site.os,
        virtualization=kind,
        entitlement_cores=cores,
        virtual_processors=processors,
        memory_bytes=site.memory_bytes,
        disks=devices.disks(name, table, kind),
        ethernet=ethernet,
        groups=_users(context, site),
    )
    if kind == Virtualization.PHYSICAL:
        return partition
    return replace(
        partition,
        weight=table.weight,
        folding=table.folding and logical and kind != Virtualization.DEDICATED,
        virtual_ethernet=tuple(
            VirtualEthernetConfiguration(adapter.vlan, tuple(adapter.tagged_vlans), adapter.mtu)
            for adapter in table.virtual_ethernet
        ),
    )


def _vios_kind(vios: Vios, factor: Virtualization) -> Virtualization:
    own_cores = factor == Virtualization.DEDICATED
    if vios.processors != "as-partitions":
        own_cores = vios.processors == "dedicated"
    if own_cores:
        return Virtualization.DEDICATED
    shared = Virtualization.SHARED_UNCAPPED if factor == Virtualization.DEDICATED else factor
    return _capped(shared, vios.capped)


def _capped(kind: Virtualization, capped: bool | None) -> Virtualization:
    if capped is None or kind == Virtualization.DEDICATED:
        return kind
    return Virtualization.SHARED_CAPPED if capped else Virtualization.SHARED_UNCAPPED


def _users(
    context: Context, site: _Site, prefix: str = "", first_disk: int = 0
) -> tuple[UserGroup, ...]:
    """Resolve the users of a partition; how many depends on its capacity alone."""
    if site.workload == IDLE:
        return ()
    workload = context.workloads[site.workload]
    return tuple(
        _group(context, site, workload.name, group, prefix, first_disk) for group in workload.groups
    )


def _group(
    context: Context, site: _Site, workload: str, group: Group, prefix: str, first_disk: int
) -> UserGroup:
    disks = len(site.table.virtual_scsi) + len(site.table.disks)
    if group.disk and group.disk >= disks:
        key = f"workloads.{workload}.disk"
        allowed = f"partition {site.member.name} has {disks} disks; they count from 0"
        raise value_error(context.file, key, group.disk, allowed)
    capacity = site.member.capacity
    users = None if group.users is None else group.users.whole(capacity)
    if users is not None and users > USERS.most:
        key = f"workloads.{workload}.users"
        allowed = f"users on {site.member.name}; at most {USERS.most:,} are allowed"
        raise value_error(context.file, key, users, allowed)
    return UserGroup(
        name=f"{prefix}{group.name}",
        user=group.user,
        users=users,
        arrivals_per_second=None if group.arrivals is None else group.arrivals.of(capacity),
        think_time_seconds=group.think_time_seconds,
        disk=first_disk + group.disk,
        demand=dict(group.demand),
    )
