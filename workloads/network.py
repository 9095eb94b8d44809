"""Messages: streams and requests to the outside, streams between partitions."""

from locust import task

from harness.units import Bytes, Seconds
from workloads.user import Demand, PartitionUser, transaction


class StreamDemand(Demand):
    """One transfer of a stream."""

    size: Bytes
    """Bytes of a transfer."""
    to: str = "outside"
    """The peer: a partition's name, ``next`` or ``outside``."""
    processor: Seconds = 0.0
    """Processor time of the application for each transfer, at 1.65 GHz."""


class Streaming(PartitionUser):
    """Sends one transfer after the other."""

    demand_model = StreamDemand
    demand: StreamDemand

    @task
    @transaction
    def transfer(self) -> None:
        """Send one transfer."""
        demand = self.demand
        if demand.processor:
            self.partition.compute(demand.processor)
        self.partition.send(demand.size, demand.to)


class Receiving(PartitionUser):
    """Receives one transfer after the other."""

    demand_model = StreamDemand
    demand: StreamDemand

    @task
    @transaction
    def transfer(self) -> None:
        """Receive one transfer."""
        demand = self.demand
        self.partition.receive(demand.size, demand.to)
        if demand.processor:
            self.partition.compute(demand.processor)


class PartitionDemand(StreamDemand):
    """One transfer to another partition."""

    to: str = "next"
    """The peer: a partition's name, ``next`` or ``outside``."""


class PartitionToPartition(Streaming):
    """Streams to the next partition of the same machine."""

    demand_model = PartitionDemand
    demand: PartitionDemand


class ExchangeDemand(Demand):
    """A request and its response."""

    request: Bytes
    """Bytes of the request."""
    response: Bytes
    """Bytes of the response."""
    to: str = "outside"
    """The peer: a partition's name, ``next`` or ``outside``."""
    processor: Seconds = 0.0
    """Processor time of the application for each pair, at 1.65 GHz."""


class RequestResponse(PartitionUser):
    """Asks and waits for the answer, over and over."""

    demand_model = ExchangeDemand
    demand: ExchangeDemand

    @task
    @transaction
    def exchange(self) -> None:
        """Exchange one request for its response."""
        demand = self.demand
        if demand.processor:
            self.partition.compute(demand.processor)
        self.partition.exchange(demand.request, demand.response, demand.to)
