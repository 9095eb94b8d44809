"""A program's event profile: what it used, and how often it asked the system for what."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.encoding import decode
from harness.errors import UserError
from harness.statistics.estimates import Interval

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity to be measured."""

    unit: str
    """SI, or ``count``, or ``ratio``."""
    meaning: str


QUANTITIES: Mapping[str, Quantity] = {
    "elapsed": Quantity("s", "From start to end by the clock on the wall."),
    "user": Quantity("s", "Processor time in user mode."),
    "system": Quantity("s", "Processor time in system mode."),
    "waiting": Quantity("s", "Time in which nothing of it ran and its processor stood idle."),
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
"""In the order in which they are told of."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A quantity's mean over the repetitions, and by what it was measured."""

    value: Interval
    method: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What a program did in one execution, on average."""

    name: str
    """Short, fit for the name of a workload."""
    command: tuple[str, ...]
    measured: Mapping[str, Measurement]
    """By names of :data:`QUANTITIES`."""
    absent: Mapping[str, str]
    """Why a quantity was not measured; what is in neither table was not looked for."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Where, when and how."""

    def interval(self, name: str) -> Interval | None:
        """Return a quantity; None where it was not measured."""
        found = self.measured.get(name)
        return None if found is None else found.value


def read_profile(path: Path) -> Profile:
    """Read what ``vtax profile`` wrote.

    Raises
    ------
    UserError
        If it cannot be read, or is something else.
    """
    try:
        with path.open("rb") as file:
            table = tomllib.loads(decode(file.read(), str(path)))["profile"]
        measured = {
            name: Measurement(_interval(told), told["method"])
            for name, told in table["measured"].items()
        }
        about = {k: v for k, v in table.items() if k not in _OWN}
        found = Profile(
            table["name"], tuple(table["command"]), measured, dict(table["absent"]), about
        )
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; vtax profile --out writes one") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not a TOML file: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: not a profile ({error!r}); vtax profile --out writes one") from (
            None
        )
    unknown = [name for name in found.measured if name not in QUANTITIES]
    missing = [name for name in ("user", "system") if name not in found.measured]
    if unknown or missing:
        what = f"measured.{unknown[0]} is no quantity" if unknown else f"it has no {missing[0]}"
        raise UserError(f"{path}: {what}; vtax profile --out writes a whole one")
    return found


_OWN = ("name", "command", "measured", "absent")


def _interval(told: Mapping[str, Any]) -> Interval:
    value, low, high = (float(told[key]) for key in ("value", "low", "high"))
    if not 0.0 <= low <= value <= high < float("inf"):
        raise ValueError(f"0 <= {low:g} <= {value:g} <= {high:g} does not hold")
    return Interval(value, low, high, LEVEL, int(told["samples"]))
