"""Standard output and standard error as all commands use them.

All text is made printable here. Output that cannot be written ends the command; messages that
cannot be written are lost and change nothing.
"""

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from harness.printable import printable

NARROWEST, WIDEST = 20, 1000
"""Limits of the width of tables, in columns."""


class OutputError(Exception):
    """Standard output cannot be written.

    Not an ``OSError``: it is no error of a file.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror or str(error))
        self.broken_pipe = isinstance(error, BrokenPipeError)


class Output(io.TextIOWrapper):
    """Standard output, which takes printable text only."""

    def write(self, text: str) -> int:
        """Write a text; characters that are not printable become escapes."""
        self.write_styled(printable(text))
        return len(text)

    def write_styled(self, text: str) -> None:
        """Write a text that is printable already, with a terminal's control characters."""
        try:
            super().write(text)
        except OSError as error:
            self.failed(error)

    def flush(self) -> None:
        """Flush the buffer."""
        try:
            super().flush()
        except OSError as error:
            self.failed(error)

    def failed(self, error: OSError) -> None:
        """Raise :class:`OutputError`."""
        raise OutputError(error) from None


class Messages(Output):
    """Standard error: what cannot be written is lost."""

    def failed(self, error: OSError) -> None:
        """Do nothing."""


class Screen(Console):
    """A console that shows printable text only, on a terminal of any width.

    What is no terminal has no width: lines are not broken there.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)
        wide = not self.is_terminal and "COLUMNS" not in os.environ
        self.width = WIDEST if wide else min(max(self.width, NARROWEST), WIDEST)

    @property
    def file(self) -> IO[str]:
        """The stream that it writes to; its own control characters stay."""
        target = super().file
        return cast("TextIO", _Styled(target)) if isinstance(target, Output) else target

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Render an object as printable segments."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text), style)


class _Styled:
    """A stream as a console sees it."""

    def __init__(self, stream: Output) -> None:
        self._stream = stream
        self.write = stream.write_styled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def print_message(message: str) -> None:
    """Print a message of vtax on standard error."""
    print(f"vtax: {message}", file=sys.stderr)


def print_json(value: object) -> None:
    """Print a value as JSON in ASCII."""
    print(json.dumps(value, indent=2, allow_nan=False))


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that something is being done, and for how long; it vanishes at the end."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    screen = Screen(stderr=True)
    if not screen.is_terminal:
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        progress.add_task(what, total=None)
        yield


def open_streams() -> None:
    """Replace the standard streams of the process, closed ones too.

    A closed one is opened, so that no other file gets its number and writing to it fails. Sizes of
    the terminal in the environment that are no numbers are ignored.
    """
    for name in ("COLUMNS", "LINES"):
        if not re.fullmatch("[0-9]{1,4}", os.environ.get(name, "0")):
            del os.environ[name]
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
    sys.stdout = _wrapped(Output, 1, sys.stdout)
    sys.stderr = _wrapped(Messages, 2, sys.stderr)


def _wrapped(kind: type[Output], number: int, stream: TextIO | None) -> Output:
    if not isinstance(stream, io.TextIOWrapper):
        buffer = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
        return kind(buffer, encoding="utf-8", errors="backslashreplace")
    stream.flush()
    return kind(
        stream.buffer,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
