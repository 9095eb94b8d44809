"""Programs, one execution after the other: as ``vtax profile`` measured them, or themselves."""

from typing import Annotated, ClassVar

from locust import task
from pydantic import Field

from harness.units import Bytes, Ratio, Seconds
from workloads.partition import ProgramPartition
from workloads.user import Demand, EventDemand, PartitionUser, transaction


class ProgramDemand(EventDemand):
    """One execution of a program."""

    processor: Seconds
    """Mean user-mode processor time, at 1.65 GHz; the events' own cost comes on top."""
    variation: Ratio = 0.0
    """Its coefficient of variation."""
    read: Bytes = 0
    """Bytes read of the disk, before it computes."""
    written: Bytes = 0
    """Bytes written to the disk, afterwards."""
    size: Annotated[Bytes, Field(gt=0)] = 65536
    """Bytes of the largest block that is transferred at once."""


class ProgramExecution(PartitionUser):
    """Executes a program: reads, computes, writes."""

    demand_model = ProgramDemand
    demand: ProgramDemand

    @task
    @transaction
    def execute(self) -> None:
        """Carry out one execution."""
        demand = self.demand
        for size in _blocks(demand.read, demand.size):
            self.partition.read(size)
        processor = self.vary(demand.processor, demand.variation)
        self.partition.compute(processor, demand.events)
        for size in _blocks(demand.written, demand.size):
            self.partition.write(size)


class RunDemand(Demand):
    """One run of a program."""

    program: Annotated[str, Field(min_length=1)]
    """Its name; which there are, the partition knows."""


class ProgramRun(PartitionUser):
    """Runs a program itself, on a partition that can."""

    demand_model = RunDemand
    demand: RunDemand
    partition: ProgramPartition
    runs_programs: ClassVar[bool] = True

    @task
    @transaction
    def run_program(self) -> None:
        """Run it once, from its start to its end."""
        self.partition.run(self.demand.program)


def _blocks(size_bytes: int, largest: int) -> list[int]:
    whole, left = divmod(size_bytes, largest)
    return [largest] * whole + [left] * (left > 0)
