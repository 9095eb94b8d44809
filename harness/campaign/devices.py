"""The devices of a campaign's partitions: disks, host adapters, Ethernet adapters."""

from dataclasses import replace

from harness.campaign.schema.campaign import Campaign
from harness.campaign.schema.partitions import Partition, SharedEthernet, Vios
from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    SharedEthernetConfiguration,
    Virtualization,
)

_WITHOUT_VIOS = (Virtualization.FULL_SYSTEM, Virtualization.PHYSICAL, Virtualization.HOSTED)


class Devices:
    """Disks and adapters of the partitions of a campaign, however the machine is divided.

    Without virtual I/O the devices of a VIOS are attached directly, over as many host adapters and
    buses, so that every virtualization has the same total of them. Physical partitions cannot share
    any: each has devices, host adapters and buses of its own.

    Parameters
    ----------
    disk_adapters
        Number of host adapters for disks where a VIOS does not name one.
    """

    def __init__(self, campaign: Campaign, disk_adapters: int) -> None:
        self._vios = {vios.name: vios for vios in campaign.vios}
        self._disk_adapters = disk_adapters
        # Virtual disks that a VIOS has before the first one of a partition.
        self._before: dict[tuple[str, str], int] = {}
        served = dict.fromkeys(self._vios, 0)
        for table in campaign.partitions:
            for name in table.names:
                for vios in table.virtual_scsi:
                    self._before.setdefault((name, vios), served[vios])
                    served[vios] += 1

    def disks(
        self, name: str, table: Partition, kind: Virtualization
    ) -> tuple[DiskConfiguration, ...]:
        """Return a partition's disks: those that a VIOS serves, then those of its own."""
        disks: list[DiskConfiguration] = []
        taken = dict.fromkeys(table.virtual_scsi, 0)
        for vios in table.virtual_scsi:
            disks.append(self._virtual_disk(name, table, kind, self._vios[vios], taken[vios]))
            taken[vios] += 1
        own = (DiskConfiguration(device, queue_depth=table.queue_depth) for device in table.disks)
        return (*disks, *own)

    def _virtual_disk(
        self, name: str, table: Partition, kind: Virtualization, vios: Vios, number: int
    ) -> DiskConfiguration:
        """Place one of a partition's virtual disks on a device and a host adapter."""
        backing = vios.backing
        assert backing is not None  # check_names has checked it
        bus = _bus(vios.name, name, kind)
        if kind != Virtualization.PHYSICAL:
            number += self._before[name, vios.name]
        shared = None
        if backing.devices is not None:
            number %= backing.devices
            shared = f"{bus}/hdisk{number}"
        adapters = vios.disk_adapters or self._disk_adapters
        disk = DiskConfiguration(
            backing.disk,
            queue_depth=table.queue_depth,
            shared=shared,
            bus=bus,
            adapter=number % adapters,
        )
        if kind in _WITHOUT_VIOS:
            return disk
        return replace(disk, vios=vios.name, backing=backing.kind, standby=vios.standby)

    def own_adapters(self, table: Partition) -> tuple[EthernetConfiguration, ...]:
        """Return the physical adapters that a partition has to itself."""
        return tuple(EthernetConfiguration(own.device, own.mtu) for own in table.adapters)

    def shared_adapters(self) -> tuple[EthernetConfiguration, ...]:
        """Return the physical adapters of all shared ones."""
        return tuple(
            _adapter(vios.shared_ethernet, vios.name)
            for vios in self._vios.values()
            if vios.shared_ethernet is not None
        )

    def bridged_adapters(
        self, name: str, table: Partition, kind: Virtualization
    ) -> tuple[EthernetConfiguration, ...]:
        """Return, without virtual I/O, an adapter for each shared one that a partition reaches."""
        reached = {vlan for own in table.virtual_ethernet for vlan in (own.vlan, *own.tagged_vlans)}
        return tuple(
            _adapter(vios.shared_ethernet, _bus(vios.name, name, kind))
            for vios in self._vios.values()
            if vios.shared_ethernet is not None and reached.intersection(vios.shared_ethernet.vlans)
        )

    def shared_ethernet(self, vios: Vios) -> SharedEthernetConfiguration | None:
        """Return the Shared Ethernet Adapter of a VIOS."""
        table = vios.shared_ethernet
        if table is None:
            return None
        adapter = _adapter(table, vios.name)
        return SharedEthernetConfiguration(adapter, tuple(table.vlans), table.threaded)


def _bus(vios: str, partition: str, kind: Virtualization) -> str:
    """Name the I/O bus of a VIOS's devices, or of those that a physical partition has instead."""
    return f"{partition}/{vios}" if kind == Virtualization.PHYSICAL else vios


def _adapter(table: SharedEthernet, bus: str) -> EthernetConfiguration:
    """Return the physical adapter of a shared one."""
    return EthernetConfiguration(table.adapter, table.mtu, bus)
