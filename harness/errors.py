"""Errors that users meet: who wrote a campaign, and Locust's users on a partition."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST_CHARACTERS = 800
"""Length of the longest message."""


class UserError(Exception):
    """One line that says what is wrong, where, and what would be right.

    The command line prints it and ends with exit code 2. What is longer than
    :data:`MOST_CHARACTERS` is shortened in the middle.
    """

    def __init__(self, message: str) -> None:
        if len(message) > MOST_CHARACTERS:
            half = MOST_CHARACTERS // 2 - 3
            message = f"{message[:half]} ... {message[-half:]}"
        super().__init__(message)


class PartitionDownError(OSError):
    """A partition has crashed, or something that it cannot do without."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the known name that is most like a mistyped one, after a semicolon; empty if none."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
