"""The exit code of the process, and one line on standard error that states its cause.

0, 1 and 3 are results of commands, 2 is any error, 130 an interruption. A broken pipe of standard
output ends the process by SIGPIPE, as it ends other programs.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from typer import Exit
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError

from harness.cli.options import ERROR, INTERRUPTED
from harness.cli.output import OutputError, print_message
from harness.errors import UserError
from harness.printable import one_line

DEBUG = "VTAX_DEBUG"
"""Environment variable; when it is 1, errors are shown with their traceback."""


def exit_status(command: Callable[[], object]) -> int:
    """Run a command and return the exit code; report an error in one line.

    An error after SIGINT is the interruption: what was interrupted may raise anything.
    Standard output is flushed. It is closed for good when it cannot be written, so that the
    interpreter does not fail at it when it ends.
    """
    _interruptions.clear()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored
        signal.signal(signal.SIGINT, _interrupt)
    status = _status(command)
    try:
        sys.stdout.flush()
    except OutputError as error:
        status = report_error(error, reported=status == ERROR)
    # An interruption while the interpreter ends has nothing to interrupt any more.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return status


_interruptions: list[int] = []
"""A number for each SIGINT that came."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    _interruptions.append(number)
    raise KeyboardInterrupt


def _status(command: Callable[[], object]) -> int:
    try:
        command()
        return 0
    except Exit as error:
        return error.exit_code
    except BaseException as error:  # a SystemExit, too: no command of ours raises it
        return report_error(error)


def report_error(error: BaseException, *, reported: bool = False) -> int:
    """Print a line about an error, unless one was printed already; return the exit code."""
    if isinstance(error, KeyboardInterrupt) or (_interruptions and not reported):
        print_message("interrupted")
        return INTERRUPTED
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(error)
    if isinstance(error, OutputError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.broken_pipe:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGPIPE)
    if reported:
        return ERROR
    if isinstance(error, NoArgsIsHelpError):
        print(error.format_message(), file=sys.stderr)
    else:
        print_message(one_line(_message(error)))
    return ERROR


def _message(error: BaseException) -> str:
    """State what is wrong and, where that is known, what would be right."""
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
