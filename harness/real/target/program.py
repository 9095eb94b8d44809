"""Real program that targets execute, and the sample of an execution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from harness.real.host.interference import Interference
from harness.real.target.channel import RefusalError
from harness.real.target.reaper import MARK

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Directories of a distribution's own programs."""

_LONGEST = 65_000

MEMORY = "memory"
DISK = "disk"


@dataclass(frozen=True, slots=True)
class Program:
    """Program, as data only, so that every target does the same.

    It is executed in a new directory that holds its inputs below ``input``, and may write there.
    """

    name: str
    meaning: str
    """One sentence for readers of reports."""
    command: tuple[str, ...]
    needs: Mapping[str, str]
    """Debian package of each executable that it starts, the shell included."""
    inputs: Mapping[str, Callable[[], bytes]]
    """Functions that make its input files, by name; the same bytes each time."""
    prepare: tuple[str, ...] | None = None
    """Command that is executed before in the same directory, and is not measured."""
    files: tuple[str, ...] = ()
    """Further files of this machine that it reads, as patterns of absolute paths."""
    finders: tuple[tuple[str, ...], ...] = ()
    """Commands that print paths of further files, among other words."""
    base: str = MEMORY
    """Place of its directory: on a tmpfs, or on a disk."""
    output: str = "stdout"
    """Output that has to be the same in all targets."""
    limit_seconds: int = 300
    """Time after which it is ended."""


@dataclass(frozen=True, slots=True)
class ProgramSample:
    """Cost of one execution of a program, without the making of its directory and the channel."""

    seconds: float
    """Time by this machine's clock."""
    inside_seconds: float
    """Time by the target's clock."""
    processor_seconds: float
    """Processor time of the target's whole process tree. For a guest it is QEMU's, read outside it;
    for a process of this machine its own, and the kernel's account of the program and its
    descendants, in whole microseconds."""
    inside_processor_seconds: float
    """Processor time of the program and its descendants, by the target's own account."""
    status: int
    """Exit code, or 128 and the number of the signal that ended it; 0 is success."""
    output_bytes: int
    output_digest: str
    """FNV-1a of 64 bits. The same bytes and digest mean the same work."""
    complaint: str
    """First line of its standard error, if it failed."""
    condition: Interference
    """State of the machine during the execution."""


def environment(port: int, mark: str) -> dict[str, str]:
    """Return the environment of programs; all but two variables are the same in all targets.

    Parameters
    ----------
    port
        A free TCP port of the loopback.
    mark
        Identifies the target.
    """
    return {
        "PATH": PATH,
        "LC_ALL": "C",
        "HOME": ".",
        "TMPDIR": ".",
        "PORT": str(port),
        MARK: mark,
    }


def request(command: tuple[str, ...], variables: Mapping[str, str], seconds: int) -> str:
    """Return a request to an agent to execute a command.

    Raises
    ------
    RefusalError
        If the command is too long for an agent.
    """
    settings = [f"{name}={value}" for name, value in variables.items()]
    words = [quote(word, safe="/=:.,+-_") or "%" for word in (*settings, "--", *command)]
    line = " ".join(("run", str(seconds), *words))
    if len(line) > _LONGEST:
        raise RefusalError(f"the command of {command[0]} is longer than {_LONGEST} bytes")
    return line
