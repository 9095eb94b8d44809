"""Virtual Fibre Channel (NPIV): a partition's own port on an adapter of a Virtual I/O Server.

Available from POWER6 on; on p5, Fibre Channel disks are shared through virtual SCSI (IBM,
recalled). Its cost is not published: a disk behind it is assumed to cost as much as one of virtual
SCSI that is backed by a physical disk.
"""

from dataclasses import dataclass

from harness.model.config import DiskConfiguration
from harness.operations.operation import RefusedError, Site, TimedOperation

_WITHOUT = ("POWER5", "POWER5+")


@dataclass(frozen=True, slots=True)
class AttachFibreChannel(TimedOperation):
    """Give a partition a disk over a virtual Fibre Channel adapter."""

    partition: str
    vios: str
    device: str
    time = "operations.dlpar.adapter_time"
    text = "attach {self.device} to {self.partition} over virtual Fibre Channel"

    def check(self, site: Site) -> None:
        """Refuse a machine that has no such thing, and a server that is not up there."""
        machine = site.machine_of(self.partition)
        generation = machine.configuration.machine.generation
        if generation in _WITHOUT:
            raise RefusedError(
                f"{machine.configuration.machine.name} is a {generation} machine: virtual Fibre "
                "Channel is there from POWER6 on"
            )
        if self.vios not in machine.vios:
            raise RefusedError(f"{self.vios} is no Virtual I/O Server of that machine")
        for name in (self.partition, self.vios):
            if machine.dispatched_partition(name).down:
                raise RefusedError(f"{name} is down")

    def change(self, site: Site) -> None:
        """Attach the disk."""
        machine = site.machine_of(self.partition)
        modelled = machine.partitions[self.partition]
        os = machine.configurations[self.partition].os
        name = f"{self.partition}/hdisk{len(modelled.paths)}"
        depth = round(site.constants.number(f"os.{os}.vscsi_queue_depth"))
        configuration = DiskConfiguration(self.device, self.vios, bus=self.vios)
        disk = machine.new_disk(name, configuration)
        modelled.paths.append(machine.block_path(modelled.partition, disk, configuration, depth))
        machine.capacity.adapters[self.vios].append(self.device)
