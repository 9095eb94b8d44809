"""Event profile of a program: resources used, and numbers of requests to the system."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from harness.real.toml_file import Amount, Samples, TomlTable, read_toml
from harness.statistics.intervals import Interval

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Quantity:
    """Quantity to measure."""

    unit: str
    """SI, or ``count``, or ``ratio``."""
    meaning: str


QUANTITIES: Mapping[str, Quantity] = {
    "elapsed": Quantity("s", "From start to end by the clock on the wall."),
    "user": Quantity("s", "Processor time in user mode."),
    "system": Quantity("s", "Processor time in system mode."),
    "waiting": Quantity("s", "Time in which nothing of it ran and its processor was idle."),
    "peak_memory": Quantity("B", "Most memory that one of its processes held at a time."),
    "all_calls": Quantity("count", "System calls of any kind."),
    "calls": Quantity("count", "System calls of none of the kinds below."),
    "io_calls": Quantity("count", "Reads and writes of files, pipes and devices."),
    "io_bytes": Quantity("B", "Bytes that reads and writes moved, those of the cache included."),
    "stats": Quantity("count", "Calls that ask for a file's attributes, by name or descriptor."),
    "opens": Quantity("count", "Files opened; as many closes are not counted apart."),
    "selects": Quantity("count", "Calls that wait for one of several descriptors."),
    "signal_installs": Quantity("count", "Signal handlers set."),
    "signals": Quantity("count", "Signals delivered."),
    "mmaps": Quantity("count", "Memory mapped; as many unmappings are not counted apart."),
    "messages": Quantity("count", "Messages sent and received by calls made for sockets."),
    "syncs": Quantity("count", "Calls that wait until data is on its device."),
    "file_creates": Quantity("count", "Opens that create what is missing, directories, links."),
    "file_deletes": Quantity("count", "Names of files and directories removed."),
    "page_faults": Quantity("count", "Faults that needed no block I/O."),
    "major_faults": Quantity("count", "Faults that waited for block I/O."),
    "voluntary_switches": Quantity("count", "Context switches because there was nothing to do."),
    "involuntary_switches": Quantity("count", "Context switches in favour of others."),
    "forks": Quantity("count", "Processes begun with a memory of their own."),
    "vforks": Quantity("count", "Processes begun in the memory of their parent."),
    "threads": Quantity("count", "Threads begun."),
    "execs": Quantity("count", "Programs executed, the first one included."),
    "block_reads": Quantity("count", "Requests to read a block device."),
    "block_read_bytes": Quantity("B", "Bytes read from block devices."),
    "block_writes": Quantity("count", "Requests to write a block device."),
    "block_write_bytes": Quantity("B", "Bytes to be written to block devices."),
    "packets": Quantity("count", "Packets handed to a network device, the loopback included."),
    "packet_bytes": Quantity("B", "Their bytes."),
    "floating": Quantity("ratio", "Share of the user time at floating-point instructions."),
    "vector": Quantity("ratio", "Share of it at instructions for vectors and for strings."),
    "diffuse": Quantity("ratio", "Share of it outside the hottest 4 KiB of code."),
}
"""All quantities, in the order of tables."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Mean of a quantity over the repetitions, and the method."""

    value: Interval
    method: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Mean quantities of one execution of a program."""

    name: str
    """Short name, valid for a workload."""
    command: tuple[str, ...]
    measured: Mapping[str, Measurement]
    """Measurements by names of :data:`QUANTITIES`."""
    absent: Mapping[str, str]
    """Reasons why quantities were not measured; one in neither table was not sought."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Circumstances of the measurement."""

    def interval(self, name: str) -> Interval | None:
        """Return a quantity; None if it was not measured."""
        found = self.measured.get(name)
        return None if found is None else found.value


class _Measured(TomlTable):
    value: Amount
    low: Amount
    high: Amount
    samples: Samples
    method: str

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.low:g} <= {self.value:g} <= {self.high:g} does not hold")
        return self


class _ProfileTable(TomlTable):
    name: str
    command: list[str] = Field(min_length=1)
    measured: dict[str, _Measured]
    absent: dict[str, str]
    machine: dict[str, Any] = Field(default_factory=dict)

    @field_validator("measured")
    @classmethod
    def _known(cls, measured: dict[str, _Measured]) -> dict[str, _Measured]:
        for name in measured:
            if name not in QUANTITIES:
                raise ValueError(f"measured.{name} is no quantity")
        for name in ("user", "system"):
            if name not in measured:
                raise ValueError(f"it has no {name}")
        return measured


class _ProfileFile(TomlTable):
    profile: _ProfileTable


def read_profile(path: Path) -> Profile:
    """Read a file of ``vtax profile``.

    Raises
    ------
    UserError
        If it cannot be read, or is not a profile.
    """
    table = read_toml(_ProfileFile, path, "a profile", "vtax profile --out").profile
    measured = {
        name: Measurement(
            Interval(found.value, found.low, found.high, LEVEL, found.samples), found.method
        )
        for name, found in table.measured.items()
    }
    about = {"machine": table.machine, **(table.model_extra or {})}
    return Profile(table.name, tuple(table.command), measured, table.absent, about)
