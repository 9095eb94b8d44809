"""What a search for capacities has found, as a file beside the campaign's runs."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.analysis.environment import Environment, Load
from harness.results.result_file import read_result, write_result

FILE_NAME = "capacity.json"

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(_Record):
    """A number and where it lies with the campaign's confidence."""

    estimate: Finite
    low: Finite | None
    """None where nothing is known, with a single replication."""
    high: Finite | None


class ResourceAllocation(_Record):
    """The highest load that one cell bears within the limit."""

    virtualization: str
    per_second: Bounds | None
    """Transactions per second of the whole machine at that load; None if even the smallest load
    tried was too much in some replication."""
    load: Bounds | None
    """That load, as a multiple of the campaign's."""
    at_least: bool
    """Whether the largest load tried was borne in some replication, so that it may be higher."""
    of_baseline: Bounds | None
    """Ratio to the baseline's capacity, paired by replication; None for the baseline itself, and
    where either of the two is known on one side only."""


class Searched(_Record):
    """One environment."""

    machine: str
    os: str
    workload: str
    load: Load
    limit_seconds: Finite
    """What the quantile of the response time must not exceed."""
    capacities: tuple[ResourceAllocation, ...]
    """The baseline first."""

    @property
    def environment(self) -> Environment:
        """Machine, operating system, workload, load."""
        return (self.machine, self.os, self.workload, self.load)


class Capacities(_Record):
    """The result file."""

    identity: str
    """Of the campaign."""
    model: str
    quantile: str
    """``p50``, ``p95`` or ``p99``: of the response times of all transactions."""
    times_baseline: Finite | None
    """The limit as a multiple of the baseline's quantile at the campaign's load; None if it was
    given as a time."""
    step: Finite
    """The search ends when the load borne and the load that is too much are this ratio apart."""
    smallest: Finite
    """Multiple of the campaign's load below which nothing was tried."""
    largest: Finite
    confidence: Finite
    replications: int
    runs: int
    """How many runs it took."""
    environments: tuple[Searched, ...]
    left_out: tuple[str, ...]
    """What could not be searched, and why."""


def write(found: Capacities, directory: Path) -> Path:
    """Keep the result in a campaign's directory."""
    return write_result(found, directory / FILE_NAME)


def read(directory: Path) -> Capacities | None:
    """Read the result of a campaign's directory; None if there is none.

    Raises
    ------
    UserError
        If the file is not what it should be.
    """
    return read_result(Capacities, directory / FILE_NAME, f"vtax capacity {directory}")
