"""Block I/O: small random transfers, and long sequential ones."""

from typing import Annotated

from locust import task
from pydantic import Field

from harness.units import Bytes, Ratio, Seconds
from workloads.user import Demand, PartitionUser, transaction

DISK_BYTES = 36 * 10**9
"""Where random blocks may lie: the capacity of a common disk of the time."""


class TransferDemand(Demand):
    """One block."""

    size: Annotated[Bytes, Field(gt=0, le=DISK_BYTES)]
    """Bytes of a block."""
    reads: Annotated[Ratio, Field(le=1)] = 1.0
    """Share of reads; the rest are writes."""
    processor: Seconds = 0.0
    """Processor time of the application for each block, at 1.65 GHz."""


class _Transfers(PartitionUser):
    abstract = True
    demand_model = TransferDemand
    demand: TransferDemand

    def transfer(self, offset_bytes: int | None) -> None:
        """Read or write one block, then compute with it."""
        demand = self.demand
        if self.random.random() < demand.reads:
            self.partition.read(demand.size, offset_bytes)
        else:
            self.partition.write(demand.size, offset_bytes)
        if demand.processor:
            self.partition.compute(demand.processor)


class RandomTransfers(_Transfers):
    """Reads and writes blocks anywhere on the disk."""

    @task
    @transaction
    def block(self) -> None:
        """Transfer one block at a random place."""
        size = self.demand.size
        self.transfer(self.random.randrange(DISK_BYTES // size) * size)


class SequentialTransfers(_Transfers):
    """Reads or writes one block after the other."""

    @task
    @transaction
    def block(self) -> None:
        """Transfer the next block."""
        self.transfer(None)
