"""Errors of campaigns and of operations on a partition."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST_CHARACTERS = 800
"""Length of the longest message."""

_MOST_NAMES = 12


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


def suggest(name: object, known: Iterable[str], what: str) -> str:
    """Write that a name is unknown, with the nearest name or the known names.

    Parameters
    ----------
    name
        The unknown name.
    known
        The known names.
    what
        The kind of thing, in the singular.
    """
    names = sorted(known)
    close = nearest(str(name), names)
    text = f"no such {what}{close}"
    if not names:
        return f"{text}; there is none"
    more = "" if len(names) <= _MOST_NAMES else f" and {len(names) - _MOST_NAMES} more"
    if close and len(names) > _MOST_NAMES:
        return text
    return f"{text}{'' if close else ';'} known: {', '.join(names[:_MOST_NAMES])}{more}"
