"""Result of a search for capacities."""

from typing import ClassVar

from harness.results.result_file import EnvironmentRecord, Finite, Record, StudyFile


class Bounds(Record):
    """Estimate with its interval at the campaign's confidence."""

    estimate: Finite
    low: Finite | None
    """None where it is unknown, with a single replication."""
    high: Finite | None


class CellCapacity(Record):
    """Highest load of a cell within the limit."""

    virtualization: str
    per_second: Bounds | None
    """Transactions per second of the whole machine at that load; None if even the smallest load
    tried was too much in some replication."""
    load: Bounds | None
    """That load, as a multiple of the campaign's."""
    at_least: bool
    """Whether some replication sustained the largest load tried, so that it may be higher."""
    of_baseline: Bounds | None
    """Ratio to the baseline's capacity, paired by replication; None for the baseline itself, and
    where either of the two is known on one side only."""
    ratios: tuple[Finite | None, ...] = ()
    """The same for each replication; None where either of the two is known on one side only."""


class Searched(EnvironmentRecord):
    """One environment."""

    limit_seconds: Finite
    """Limit of the quantile of the response time."""
    capacities: tuple[CellCapacity, ...]
    """The baseline first."""


class Capacities(StudyFile):
    """Result file of ``vtax capacity``."""

    FILE_NAME: ClassVar[str] = "capacity.json"
    COMMAND: ClassVar[str] = "vtax capacity"

    model: str
    quantile: str
    """``p50``, ``p95`` or ``p99``: of the response times of all transactions."""
    times_baseline: Finite | None
    """The limit as a multiple of the baseline's quantile at the campaign's load; None if it was
    given as a time."""
    step: Finite
    """Ratio of the lowest load that is too high to the highest one sustained, at the end."""
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
