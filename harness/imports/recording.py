"""Recording: what one file says about one partition, in the form that all formats share."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

Labels = tuple[tuple[str, str], ...]
"""Labels of a value without the partition's, in the order of their names."""

Key = tuple[str, Labels]
"""Name of a metric and its labels. Names that end in ``_total`` are counters."""

Fact = float | str
"""Setting of a partition, such as its entitlement in cores."""

MOST_MESSAGES = 5
"""Broken lines whose reason is kept; all are counted."""


@dataclass(slots=True)
class Interval:
    """Values over a time.

    A counter's value is its increase in the interval; that of a gauge is its mean.
    """

    values: dict[Key, float]
    seconds: float | None = None
    """Length; None if the file does not state it."""
    ends: datetime | None = None
    """End by the clock of the system; None if the file does not state it."""


@dataclass(frozen=True, slots=True)
class HypervisorCall:
    """Calls of one kind to the hypervisor, as ``lparstat -H`` lists them."""

    count: int
    mean_seconds: float
    longest_seconds: float


@dataclass(slots=True)
class Recording:
    """Measurements of one partition in one file."""

    format: str
    """Name of the file's format, as :mod:`harness.imports.formats` lists it."""
    partition: str = ""
    """Name of the partition; empty if the file does not state it."""
    facts: dict[str, Fact] = field(default_factory=dict)
    """Settings by the names of :data:`FACTS`."""
    intervals: list[Interval] = field(default_factory=list)
    """In order of time."""
    calls: dict[str, HypervisorCall] = field(default_factory=dict)
    """Name of the hypervisor call -> its times, of calls that occurred."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Sections and columns that are not taken in -> number of their lines."""
    broken: list[str] = field(default_factory=list)
    """First lines that could not be read, and why."""
    broken_lines: int = 0
    notes: list[str] = field(default_factory=list)
    """What a reader of the values must know, in sentences."""
    lines: int = 0
    """Lines of the file."""

    def breaks(self, line: int, reason: str) -> None:
        """Count a line that cannot be read."""
        self.broken_lines += 1
        if len(self.broken) < MOST_MESSAGES:
            self.broken.append(f"line {line}: {reason}")

    def note(self, sentence: str) -> None:
        """Add a note, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


FACTS: Mapping[str, str] = {
    "type": "shared or dedicated",
    "mode": "capped or uncapped; of a dedicated partition capped or donating",
    "entitlement_cores": "entitled capacity",
    "virtual_processors": "virtual processors",
    "logical_processors": "logical processors",
    "threads": "threads of a virtual processor",
    "weight": "weight for spare capacity",
    "memory_bytes": "memory",
    "pool_processors": "processors of the shared pool",
    "machine_cores": "processors of the machine",
    "machine": "type and model of the machine",
    "os": "operating system",
    "clock_hertz": "clock of the processors",
}
"""Name of a setting -> its meaning."""


def key(name: str, **labels: str) -> Key:
    """Return the key of a metric with labels."""
    return name, tuple(sorted(labels.items()))
