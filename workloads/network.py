"""Messages: streams and requests to the outside, streams between partitions."""

from locust import task

from harness.units import Bytes, Ratio, Seconds
from workloads.user import Demand, EventDemand, PartitionUser, transaction


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


class ServiceDemand(EventDemand):
    """A request from outside and its response."""

    request: Bytes
    """Bytes of the request."""
    response: Bytes
    """Bytes of the response."""
    processor: Seconds = 0.0
    """Mean processor time for each request, at 1.65 GHz."""
    variation: Ratio = 0.0
    """Coefficient of variation of the processor time."""


class Service(PartitionUser):
    """Clients outside ask; the partition computes and answers."""

    demand_model = ServiceDemand
    demand: ServiceDemand

    @task
    @transaction
    def request(self) -> None:
        """Answer one request."""
        demand = self.demand
        seconds = self.vary(demand.processor, demand.variation)
        self.partition.serve(demand.request, demand.response, seconds, demand.events)
