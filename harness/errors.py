"""Errors of campaigns and of operations on a partition."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST_CHARACTERS = 800
"""Length of the longest message."""


class UserError(Exception):
    """An error of the user: one line with the error, its place and a correction.

    The command line prints it and ends with exit code 2. A text longer than
    :data:`MOST_CHARACTERS` is shortened in the middle.
    """

    def __init__(self, message: str) -> None:
        if len(message) > MOST_CHARACTERS:
            half = MOST_CHARACTERS // 2 - 3
            message = f"{message[:half]} ... {message[-half:]}"
        super().__init__(message)


class PartitionDownError(OSError):
    """A partition, or a device that it needs, has crashed."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the known name that is most like a mistyped one, after a semicolon; empty if none."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
