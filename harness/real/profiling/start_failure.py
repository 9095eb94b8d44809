"""Message for a command that could not be started: the reason, and a hint."""

import errno
import os
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path

from harness.real.profiling.command_text import command_line, printable, quoted, shortened

_SYNTAX = frozenset("|&;<>()$`*?{}~")
_SHELL_WORDS = frozenset(
    {".", "alias", "bg", "cd", "command", "eval", "exec", "exit", "export", "fg", "for", "hash"}
    | {"if", "jobs", "read", "set", "source", "times", "trap", "type", "ulimit", "umask", "wait"}
    | {"while"}
)
_OPERATORS = frozenset({"|", "||", "&&", "&", ";", ">", ">>", "<", "2>", "2>&1"})
_SHOWN = 200
_ELF = b"\x7fELF"


def start_failure(command: Sequence[str], number: int) -> str:
    """Return in one line why a command could not be started.

    Parameters
    ----------
    command
        A program and its arguments.
    number
        The error number of the attempt.
    """
    reason = os.strerror(number)
    hint = _hint(command, number)
    return f"{command_line(command[:1])} cannot be started: {reason}{f'; {hint}' if hint else ''}"


def shell_operator(command: Sequence[str]) -> str:
    """Return a hint if an argument is an operator of the shell, else an empty text."""
    found = next((word for word in command[1:] if word in _OPERATORS), None)
    if found is None:
        return ""
    return f"{found!r} reached it as an argument, a shell would act on it: {_in_shell(command)}"


def _hint(command: Sequence[str], number: int) -> str:
    name = command[0]
    path = _path(name)
    if number == errno.E2BIG:
        return "hand the names over in a file or by the standard input (--input)"
    if path is None:
        return _not_found(command) if number == errno.ENOENT else ""
    if path.is_dir():
        return "it is a directory"
    if number == errno.EACCES:
        return f"it is not executable: chmod +x {shlex.quote(printable(str(path)))}"
    with_interpreter = _interpreter(path)
    if number == errno.ENOENT and with_interpreter:
        return f"the interpreter {printable(with_interpreter)} of its first line does not exist"
    if number == errno.ENOENT:
        return "the file exists, but not the loader that it names: is it for this system?"
    if number == errno.ENOEXEC and _begin(path).startswith(_ELF):
        return f"it is no program for {platform.machine()}"
    if number == errno.ENOEXEC:
        return (
            "it has no first line such as #!/bin/sh: vtax profile -- sh "
            f"{quoted([str(path), *command[1:]])}"
        )
    return ""


def _not_found(command: Sequence[str]) -> str:
    name = command[0]
    if "=" in name.split("/")[0]:
        return f"variables are set by env: vtax profile -- env {quoted(command)}"
    if name in _SHELL_WORDS or _SYNTAX & set(name) or any(c.isspace() for c in name):
        return f"what a shell would read needs one: {_in_shell(command)}"
    if name.startswith("-"):
        return "options of vtax come before the two dashes"
    if "/" in name:
        return ""
    if Path(name).is_file():
        return f"PATH does not lead here: vtax profile -- ./{printable(name)}"
    return "no directory of PATH has it"


def _in_shell(command: Sequence[str]) -> str:
    words = [printable(word) for word in command]
    if len(words) > 1:
        words = [word if word in _OPERATORS else shlex.quote(word) for word in words]
    return f"vtax profile -- sh -c {shlex.quote(shortened(' '.join(words), _SHOWN))}"


def _path(name: str) -> Path | None:
    """Find the file of a name as a shell would, executable or not."""
    places = [""] if "/" in name else os.get_exec_path()
    candidates = (Path(place, name) for place in places)
    return next((path for path in candidates if os.access(path, os.F_OK)), None)


def _begin(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(256)
    except OSError:
        return b""


def _interpreter(path: Path) -> str:
    line = _begin(path).partition(b"\n")[0]
    return os.fsdecode(line[2:].split(b" ")[0] or line[2:]) if line.startswith(b"#!") else ""
