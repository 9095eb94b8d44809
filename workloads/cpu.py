"""Work for the processor: integer computing, and commercial transactions."""

from typing import Annotated

from locust import task
from pydantic import Field

from harness.units import Ratio, Seconds
from workloads.user import EventDemand, PartitionUser, transaction


class IntegerDemand(EventDemand):
    """Computing, with few operating-system events."""

    processor: Annotated[Seconds, Field(gt=0)]
    """Mean processor time of a unit of work, at 1.65 GHz."""
    variation: Ratio = 0.0
    """Its coefficient of variation."""


class IntegerCompute(PartitionUser):
    """Computes, and enters the operating system for no more than page faults."""

    demand_model = IntegerDemand
    demand: IntegerDemand

    @task
    @transaction
    def unit(self) -> None:
        """Do one unit of work."""
        demand = self.demand
        self.partition.compute(self.vary(demand.processor, demand.variation), demand.events)


class CommercialDemand(EventDemand):
    """A transaction with its operating-system events."""

    processor: Annotated[Seconds, Field(gt=0)]
    """Mean user-mode processor time, at 1.65 GHz; the events' own cost comes on top."""
    variation: Ratio = 1.0
    """Its coefficient of variation."""


class CommercialTransaction(PartitionUser):
    """Computes and calls the operating system on the way, as programs of commerce do."""

    demand_model = CommercialDemand
    demand: CommercialDemand

    @task
    @transaction
    def commit(self) -> None:
        """Carry out one transaction."""
        demand = self.demand
        self.partition.compute(self.vary(demand.processor, demand.variation), demand.events)
