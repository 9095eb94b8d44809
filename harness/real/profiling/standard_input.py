"""Standard input of a profiled program: every run reads the same bytes."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError
from harness.real.profiling.command_text import printable

_MOST_BYTES = 1 << 30
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StandardInput:
    """Source of the input."""

    described: str
    """Description for readers of the profile."""
    path: Path | None = None
    """File that is opened for each run."""
    descriptor: int | None = None
    """Descriptor of a source that can be read only once and is copied first."""

    def file(self, place: Path) -> Path | None:
        """Return the file that each run reads; None for an empty input.

        Parameters
        ----------
        place
            The directory for a copy.

        Raises
        ------
        UserError
            If the input cannot be read or copied, or is too large.
        """
        if self.descriptor is None:
            return self.path
        copy = place / "input"
        try:
            _copy(self.descriptor, copy)
        except OSError as error:
            raise UserError(
                f"the standard input cannot be kept in {place}: {error.strerror}; name a file with "
                "--input"
            ) from None
        return copy


NO_INPUT = StandardInput("none: it was empty")


def named_input(path: Path) -> StandardInput:
    """Return a file as input; a pipe is copied first.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"--input {path}: {error.strerror}") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        return StandardInput(printable(str(path)), descriptor=descriptor)
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise UserError(f"--input {path}: is a directory; name a file")
    return StandardInput(printable(str(path)), path.absolute())


def own_input() -> StandardInput:
    """Return this process's standard input, unless it is a terminal or empty."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return NO_INPUT
    if stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        return StandardInput("the standard input of vtax profile", descriptor=0)
    return NO_INPUT


def _copy(source: int, target: Path) -> None:
    """Copy the rest of a descriptor; the position of a regular file stays for other readers."""
    position = os.lseek(source, 0, os.SEEK_CUR) if stat.S_ISREG(os.fstat(source).st_mode) else None
    size = 0
    with target.open("wb") as file:
        while data := (
            os.read(source, _READ_BYTES)
            if position is None
            else os.pread(source, _READ_BYTES, position + size)
        ):
            size += len(data)
            if size > _MOST_BYTES:
                raise UserError(
                    f"the standard input is longer than {_MOST_BYTES >> 30} GiB; write it to a "
                    "file and name that with --input"
                )
            file.write(data)
