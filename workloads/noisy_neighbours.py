"""Antisocial neighbours: users that take all they can get of one resource."""

from typing import Annotated

from locust import task
from pydantic import Field, model_validator

from harness.units import Bytes, Ratio, Seconds
from workloads.disk import RandomTransfers, TransferDemand
from workloads.user import Demand, PartitionUser, transaction

PAGE_BYTES = 4096
"""The page of AIX and Linux on POWER unless asked otherwise."""


class ProcessorDemand(Demand):
    """One turn of a loop that never ends."""

    processor: Annotated[Seconds, Field(gt=0)] = 0.1
    """Processor time of a turn, at 1.65 GHz."""


class ProcessorHog(PartitionUser):
    """Computes without end and without ever giving its processor up."""

    demand_model = ProcessorDemand
    demand: ProcessorDemand

    @task
    @transaction
    def spin(self) -> None:
        """Go round once more."""
        self.partition.compute(self.demand.processor)


class MemoryDemand(Demand):
    """One walk over a working set that is larger than memory."""

    working_set: Annotated[Bytes, Field(ge=PAGE_BYTES)]
    """What it uses again and again, in bytes."""
    memory: Annotated[Bytes, Field(gt=0)]
    """What of that memory has room for, in bytes; the rest is on the paging disk."""
    pages: Annotated[int, Field(gt=0)] = 16
    """Pages that one transaction touches."""
    dirty: Annotated[Ratio, Field(le=1)] = 0.5
    """Share of pages that have to be written out before another one takes their place."""
    processor: Seconds = 0.0001
    """Processor time of one transaction apart from its page faults, at 1.65 GHz."""


class MemoryHog(PartitionUser):
    """Touches pages anywhere in its working set: what is not in memory has to be paged in.

    The replacement of pages is that of a random choice: every page is in memory with the same
    probability, which is memory over working set.
    """

    demand_model = MemoryDemand
    demand: MemoryDemand

    @task
    @transaction
    def walk(self) -> None:
        """Touch some pages."""
        demand, random = self.demand, self.random
        missing = 1 - demand.memory / demand.working_set
        faults = sum(random.random() < missing for _ in range(demand.pages))
        self.partition.compute(demand.processor, {"page_faults": float(faults)} if faults else None)
        for _ in range(faults):
            if random.random() < demand.dirty:
                self.partition.write(PAGE_BYTES, self._anywhere())
            self.partition.read(PAGE_BYTES, self._anywhere())

    def _anywhere(self) -> int:
        return self.random.randrange(self.demand.working_set // PAGE_BYTES) * PAGE_BYTES


class DiskHogDemand(TransferDemand):
    """One large block somewhere on the disk."""

    size: Annotated[Bytes, Field(gt=0)] = 131072
    reads: Annotated[Ratio, Field(le=1)] = 0.5


class DiskHog(RandomTransfers):
    """Keeps the disk positioning: large blocks anywhere, one after the other."""

    demand_model = DiskHogDemand
    demand: DiskHogDemand


class FloodDemand(Demand):
    """One volley of messages."""

    size: Annotated[Bytes, Field(gt=0)] = 64
    """Bytes of a message and of its echo; the smaller, the more work for each byte."""
    messages: Annotated[int, Field(gt=0)] = 100
    """Messages in a volley."""
    to: str = "outside"
    """The victim: a partition's name, ``next`` or ``outside``."""


class NetworkFlood(PartitionUser):
    """Sends small messages that are echoed, as fast as they come back (a ping flood)."""

    demand_model = FloodDemand
    demand: FloodDemand

    @task
    @transaction
    def volley(self) -> None:
        """Send some messages."""
        for _ in range(self.demand.messages):
            self.partition.exchange(self.demand.size, self.demand.size, self.demand.to)


class ForkDemand(Demand):
    """One generation of processes."""

    processor: Annotated[Seconds, Field(gt=0)] = 0.001
    """Processor time that each process uses in a generation, at 1.65 GHz."""
    limit: Annotated[int, Field(gt=0)] = 128
    """Processes that the operating system allows one user."""

    @model_validator(mode="after")
    def _allows_a_child(self) -> "ForkDemand":
        if self.limit < 2:
            raise ValueError("limit: needs 2 at least, or nothing can be forked")
        return self


class ForkBomb(PartitionUser):
    """Processes that do nothing but fork: twice as many in each generation, up to the limit.

    At the limit every further attempt costs a system call and fails. The processes of one bomb
    take turns on one virtual processor; it takes as many bombs to fill a partition as it has.
    """

    demand_model = ForkDemand
    demand: ForkDemand
    processes = 1

    @task
    @transaction
    def generation(self) -> None:
        """Let every process fork once."""
        demand = self.demand
        forked = min(self.processes, demand.limit - self.processes)
        events = {"forks": float(forked), "calls": float(self.processes - forked)}
        self.partition.compute(
            demand.processor * self.processes, {name: n for name, n in events.items() if n}
        )
        self.processes += forked
