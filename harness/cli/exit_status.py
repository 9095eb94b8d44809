"""How the process ends: its exit code and at most one line that says why.

0, 1 and 3 are results of commands. Whatever goes wrong is 2, whoever or whatever it is about; an
interruption is 130; a reader of the output that went away ends the process by SIGPIPE, as it ends
other programs.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from typer import Exit
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError

from harness.cli.options import ERROR, INTERRUPTED
from harness.cli.output import OutputError
from harness.errors import UserError
from harness.printable import one_line

DEBUG = "VTAX_DEBUG"
"""Environment variable; when it is 1, errors are shown with their traceback."""


def exit_status(command: Callable[[], object]) -> int:
    """Carry out a command and return the exit code; say in one line what went wrong, if anything.

    Standard output is flushed. It is closed for good when it cannot be written, so that nothing is
    left for the end of the interpreter to fail at.
    """
    status = _status(command)
    try:
        sys.stdout.flush()
    except OutputError as error:
        status = _failed(error, said=status == ERROR)
    # An interruption while the interpreter ends has nothing to interrupt any more.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return status


def _status(command: Callable[[], object]) -> int:
    try:
        command()
        return 0
    except Exit as error:
        return error.exit_code
    except KeyboardInterrupt:
        print("vtax: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BaseException as error:  # a SystemExit, too: no command of ours raises it
        return _failed(error)


def _failed(error: BaseException, *, said: bool = False) -> int:
    """Say what went wrong, unless a line was said already; return the exit code."""
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(error)
    if isinstance(error, OutputError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.broken_pipe:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGPIPE)
    if said:
        return ERROR
    if isinstance(error, NoArgsIsHelpError):
        print(error.format_message(), file=sys.stderr)
    else:
        print(f"vtax: {one_line(_described(error))}", file=sys.stderr)
    return ERROR


def _described(error: BaseException) -> str:
    """Say what went wrong, and what would be right as far as that can be known here."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, ClickException):
        command = error.ctx.command_path if isinstance(error, UsageError) and error.ctx else "vtax"
        return f"{error.format_message().rstrip('.')}; see '{command} --help'"
    if isinstance(error, OutputError):
        return f"the output cannot be written ({error})"
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, OSError):
        if not error.filename and not _has_directory():
            return "the current directory does not exist any more; change to another one"
        if error.filename:
            return f"{os.fsdecode(error.filename)}: {error.strerror or error}"
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"unexpected error: {text}{_where(error)}; {DEBUG}=1 shows the traceback"


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _has_directory() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True
