"""A telecommunications carrier's mix: subscribers, call records, messages."""

from typing import Annotated

from locust import task
from pydantic import Field

from harness.units import Bytes, Ratio, Seconds
from workloads.disk import DISK_BYTES
from workloads.network import RequestResponse
from workloads.user import EventDemand, PartitionUser, transaction


class SubscriberDemand(EventDemand):
    """A subscriber's transaction: look something up, compute, answer over the network."""

    processor: Seconds
    """Mean user-mode processor time, at 1.65 GHz."""
    variation: Ratio = 1.0
    """Its coefficient of variation."""
    size: Annotated[Bytes, Field(gt=0, le=DISK_BYTES)] = 8192
    """Bytes of the block that is read."""
    request: Bytes = 256
    """Bytes that come in over the network."""
    response: Bytes = 1024
    """Bytes that go out."""
    to: str = "outside"
    """Where the subscribers are."""


class SubscriberTransaction(PartitionUser):
    """A subscriber asks; the partition reads a record, computes and answers."""

    demand_model = SubscriberDemand
    demand: SubscriberDemand

    @task
    @transaction
    def subscribe(self) -> None:
        """Carry out one subscriber's transaction."""
        demand = self.demand
        offset = self.random.randrange(DISK_BYTES // demand.size) * demand.size
        processor = self.vary(demand.processor, demand.variation)
        self.partition.exchange(demand.request, demand.response, demand.to)
        self.partition.read(demand.size, offset)
        self.partition.compute(processor, demand.events)


class RecordDemand(EventDemand):
    """A batch of call records: compute charges, append them to a file."""

    processor: Seconds
    """Mean user-mode processor time for one block of records, at 1.65 GHz."""
    variation: Ratio = 0.25
    """Its coefficient of variation."""
    size: Annotated[Bytes, Field(gt=0, le=DISK_BYTES)] = 131072
    """Bytes of a block of records."""


class RecordBatch(PartitionUser):
    """Works off call records, block after block."""

    demand_model = RecordDemand
    demand: RecordDemand

    @task
    @transaction
    def charge(self) -> None:
        """Charge and write one block of records."""
        demand = self.demand
        self.partition.compute(self.vary(demand.processor, demand.variation), demand.events)
        self.partition.write(demand.size)


class MessageRelay(RequestResponse):
    """Relays messages to the next partition and waits for each acknowledgement."""
