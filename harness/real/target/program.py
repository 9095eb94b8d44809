"""A real program that targets execute, and what it took there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from harness.real.host.interference import Interference
from harness.real.target.channel import RefusalError
from harness.real.target.reaper import MARK

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where a distribution's own programs are."""

_LONGEST = 65_000

MEMORY = "memory"
DISK = "disk"


@dataclass(frozen=True, slots=True)
class Program:
    """A program: data only, so that every target does the same.

    It is executed in a new directory that holds its inputs below ``input``, and may write there.
    """

    name: str
    meaning: str
    """One sentence for a reader of a report."""
    command: tuple[str, ...]
    needs: Mapping[str, str]
    """The executables that it starts, the shell's included, and the Debian package of each."""
    inputs: Mapping[str, Callable[[], bytes]]
    """Makers of its input files, by name; the same bytes each time."""
    prepare: tuple[str, ...] | None = None
    """A command that is executed before, in the same directory, and does not count."""
    files: tuple[str, ...] = ()
    """Other files of this machine that it reads, as patterns of absolute paths."""
    finders: tuple[tuple[str, ...], ...] = ()
    """Commands that print the paths of more of them, among other words."""
    base: str = MEMORY
    """Where its directory is: on a tmpfs, or on a disk."""
    output: str = "stdout"
    """The file that shows what it did: the same in all targets."""
    limit_seconds: int = 300
    """It is ended after this."""


@dataclass(frozen=True, slots=True)
class ProgramSample:
    """What one execution of a program took, without its directory's making and the channel."""

    seconds: float
    """By this machine's clock."""
    inside_seconds: float
    """By the target's clock."""
    processor_seconds: float
    """Of the target's whole process tree: of a guest, all that QEMU took, read outside it; of a
    process of this machine, what it took and what its kernel booked on the program and all that it
    started, to the microsecond."""
    inside_processor_seconds: float
    """Of the program and all it started, by the target's own account."""
    status: int
    """Exit code, or 128 and the number of the signal that ended it; 0 is success."""
    output_bytes: int
    output_digest: str
    """FNV-1a of 64 bits. The same bytes and digest: the same work."""
    complaint: str
    """The first line of its standard error, if it failed."""
    condition: Interference
    """What the machine was like meanwhile."""


def environment(port: int, mark: str) -> dict[str, str]:
    """Return the variables that programs see, the same in all targets but for two.

    Parameters
    ----------
    port
        A TCP port on the loopback that is free.
    mark
        Names the target.
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
        If the command is longer than an agent reads.
    """
    settings = [f"{name}={value}" for name, value in variables.items()]
    words = [quote(word, safe="/=:.,+-_") or "%" for word in (*settings, "--", *command)]
    line = " ".join(("run", str(seconds), *words))
    if len(line) > _LONGEST:
        raise RefusalError(f"the command of {command[0]} is longer than {_LONGEST} bytes")
    return line
