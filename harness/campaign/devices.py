"""Disks and adapters of partitions and VIOS, as a way of dividing the machine gives them."""

from harness.campaign.schema.campaign import Campaign
from harness.campaign.schema.partitions import Partition, SharedEthernet, Vios
from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    SharedEthernetConfiguration,
    VirtualEthernetConfiguration,
)


def disks_of(
    campaign: Campaign, table: Partition, *, virtual: bool
) -> tuple[DiskConfiguration, ...]:
    """Return a partition's disks: those that a VIOS serves, then those of its own.

    Without virtual I/O the same devices are attached directly, so that every virtualization has
    the same total of disks.
    """
    backings = {vios.name: vios.backing for vios in campaign.vios}
    deputies = {vios.name: vios.standby for vios in campaign.vios}
    depth = table.queue_depth
    disks = []
    for name in table.virtual_scsi:
        backing = backings[name]
        assert backing is not None  # check_names sees to it
        if virtual:
            disks.append(DiskConfiguration(backing.disk, name, backing.kind, depth, deputies[name]))
        else:
            disks.append(DiskConfiguration(backing.disk, queue_depth=depth))
    disks.extend(DiskConfiguration(device, queue_depth=depth) for device in table.disks)
    return tuple(disks)


def virtual_ethernet(table: Partition) -> tuple[VirtualEthernetConfiguration, ...]:
    """Return a partition's virtual Ethernet adapters."""
    return tuple(
        VirtualEthernetConfiguration(adapter.vlan, tuple(adapter.tagged_vlans), adapter.mtu)
        for adapter in table.virtual_ethernet
    )


def own_adapters(table: Partition) -> tuple[EthernetConfiguration, ...]:
    """Return the physical adapters that a partition has to itself."""
    return tuple(EthernetConfiguration(own.device, own.mtu) for own in table.adapters)


def bridged_adapters(campaign: Campaign, table: Partition) -> tuple[EthernetConfiguration, ...]:
    """Return, without virtual I/O, an adapter for each shared one that a partition would reach."""
    reached = {vlan for own in table.virtual_ethernet for vlan in (own.vlan, *own.tagged_vlans)}
    return tuple(
        sea_adapter(vios.shared_ethernet)
        for vios in campaign.vios
        if vios.shared_ethernet is not None and reached.intersection(vios.shared_ethernet.vlans)
    )


def sea_adapter(table: SharedEthernet) -> EthernetConfiguration:
    """Return the physical adapter of a shared one."""
    return EthernetConfiguration(table.adapter, table.mtu)


def shared_ethernet(vios: Vios) -> SharedEthernetConfiguration | None:
    """Return the Shared Ethernet Adapter of a VIOS."""
    table = vios.shared_ethernet
    if table is None:
        return None
    return SharedEthernetConfiguration(sea_adapter(table), tuple(table.vlans), table.threaded)
