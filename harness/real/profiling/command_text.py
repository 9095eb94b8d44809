"""Words of a command as text: in files, on the terminal, in messages."""

import os
import shlex
from collections.abc import Sequence

from harness.printable import printable as printable_text

_LINE = 80
_QUOTED = 200


def valid_text(word: str) -> str:
    r"""Return a word in valid Unicode: a byte that is not UTF-8 becomes ``\xNN``."""
    return os.fsencode(word).decode("utf-8", "backslashreplace")


def printable(word: str) -> str:
    """Return a word in one line of printable characters: others become escapes."""
    text = printable_text(valid_text(word))
    return text.replace("\n", "\\n").replace("\t", "\\t")


def command_line(command: Sequence[str], limit: int = _LINE) -> str:
    """Return a command in one line of printable characters, cut where it is longer."""
    # Only the shown part: a command may have megabytes of arguments.
    return shortened(" ".join(printable(word[: limit + 1]) for word in command[: limit + 1]), limit)


def shortened(text: str, limit: int) -> str:
    """Return a text, cut where it is longer."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def quoted(command: Sequence[str]) -> str:
    """Return a command in the syntax of a shell, in printable characters."""
    return shortened(shlex.join(printable(word) for word in command), _QUOTED)
