"""The partitions and Virtual I/O Servers of a machine by name."""

from harness.model.config import PartitionConfiguration
from harness.model.cpu.entities import Partition
from harness.model.io.vios import Vios
from harness.model.partition import SimulatedPartition


class Directory:
    """Who is on a machine at present.

    Attributes
    ----------
    partitions
        The partitions that users drive, by name, in the configuration's order.
    configurations
        How these are configured.
    vios
        Virtual I/O Servers by name.
    """

    def __init__(self, configurations: dict[str, PartitionConfiguration]) -> None:
        self.configurations = configurations
        self.partitions: dict[str, SimulatedPartition] = {}
        self.vios: dict[str, Vios] = {}

    def dispatched(self, name: str) -> Partition:
        """Find a partition or a VIOS by name."""
        if name in self.vios:
            return self.vios[name].partition
        return self.partitions[name].partition
