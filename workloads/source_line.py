"""Lines of users' code, for messages: which one is being executed, or raised an error."""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType

from workloads.user_code import is_users

_SHIPPED = Path(__file__).parent
_SEAM = frozenset(
    str(_SHIPPED / name)
    for name in (
        "arguments.py",
        "loading.py",
        "sleeping.py",
        "source_line.py",
        "tasks.py",
        "user.py",
        "user_code.py",
    )
)
"""Between a user's task and a verb."""


@cache
def is_workload(filename: str) -> bool:
    """Whether a source file holds users: the user's own code, or a shipped workload."""
    if filename.startswith("<") or filename in _SEAM:
        return False
    return is_users(filename) or filename.startswith(f"{_SHIPPED}/")


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """Go from a frame to its caller, and so on."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def users_line(frame: FrameType | None = None) -> str:
    """Return file and line of the innermost call in a user's code, such as ``mine.py:14``.

    Parameters
    ----------
    frame
        Where to begin; by default the caller.
    """
    for each in outwards(frame or sys._getframe(1)):
        if is_workload(each.f_code.co_filename):
            return place(each.f_code.co_filename, each.f_lineno)
    return "a user's code"


def place(filename: str, line: int) -> str:
    """Write a file and a line."""
    return f"{Path(filename).name}:{line}"


def raised_at(trace: TracebackType | None) -> str:
    """Return the line of users' code that an error comes from; else the line that raised it."""
    found = ""
    users = False
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if is_workload(filename) or not users:
            users = is_workload(filename)
            found = place(filename, trace.tb_lineno)
        trace = trace.tb_next
    return found
