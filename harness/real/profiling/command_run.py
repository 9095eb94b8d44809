"""One run of a command by the runner: its input from a file, its output drained through pipes.

Programs do less work with ``/dev/null`` as output (tar does not read, grep stops at the first
match), so that both outputs are pipes, read by a thread of this process. The runner does not count
that thread's processor time.
"""

import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

from harness.errors import UserError
from harness.printable import last_line
from harness.real.profiling import _runner as runner

_PIPE_BYTES = 1 << 20
"""The most that any user may set, so that the program seldom waits for the reader."""
_READ_BYTES = 1 << 16
_LAST_READS = 2 * _PIPE_BYTES // _READ_BYTES
"""Reads after the end of the runner; further data come from a process that could not be ended."""
_LAST_BYTES = 1 << 13
_LINE = 160


class Drain:
    """Reader of two pipes until their writers are gone; a context manager.

    At the end it does not wait for further output of a process that could not be ended.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        """Processor time of the reader."""
        self._last = bytearray()
        pipes = [os.pipe() for _ in range(3)]
        (self._out, self.out), (self._err, self.err), (self._over, self._end) = pipes
        for pipe in (self.out, self.err):
            with contextlib.suppress(OSError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in (self.out, self.err, self._end):
            os.close(descriptor)
        self._thread.join()
        for descriptor in (self._out, self._err, self._over):
            os.close(descriptor)

    @property
    def last_words(self) -> str:
        """The last line of the error output, without unprintable characters."""
        words = last_line(self._last.decode(errors="replace"))
        return "".join(c for c in words if c.isprintable())[:_LINE]

    def _read(self) -> None:
        open_ = {self._out, self._err}
        left = _LAST_READS
        while open_ and left:
            ready = set(select.select([*open_, self._over], [], [])[0])
            if ready == {self._over}:
                break
            left -= self._over in ready
            for pipe in open_ & ready:
                data = os.read(pipe, _READ_BYTES)
                if not data:
                    open_.remove(pipe)
                elif pipe == self._err:
                    self._last = (self._last + data)[-_LAST_BYTES:]
        self.seconds = time.thread_time()


def run_command(
    command: Sequence[str], *, input_file: Path | None = None, counted: bool = False
) -> dict[str, Any]:
    """Run a command once; any end of this call, also by an error, ends the command.

    Parameters
    ----------
    command
        A program and its arguments.
    input_file
        Its standard input; empty by default.
    counted
        Whether the command is a counting program that runs the real one.

    Returns
    -------
    dict
        Result of :func:`harness.real.profiling._runner.run`, ``last_words`` of the error output and
        ``drained``, the processor time of the output's reader.

    Raises
    ------
    UserError
        If the input cannot be opened, or the runner was killed.
    """
    processor = max(os.sched_getaffinity(0))
    here, there = socket.socketpair()
    kind = "counted" if counted else "timed"
    start = [sys.executable, "-S", "-E", runner.__file__, str(there.fileno()), str(processor), kind]
    with contextlib.ExitStack() as stack:
        stack.enter_context(here)
        stack.enter_context(there)
        given = stack.enter_context(_opened(input_file))
        drain = stack.enter_context(Drain())
        try:
            process = subprocess.Popen(
                [*start, *command],
                stdin=given,
                stdout=drain.out,
                stderr=drain.err,
                pass_fds=[there.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            return {"error": error.errno, "last_words": ""}
        there.close()
        try:
            answer = b"".join(iter(lambda: here.recv(_READ_BYTES), b""))
        finally:
            here.close()
            process.wait()
    if not answer.strip():
        raise UserError(f"{command[0]}: its runner was killed; run it again")
    used: dict[str, Any] = json.loads(answer)
    return {**used, "last_words": drain.last_words, "drained": drain.seconds}


def _opened(path: Path | None) -> BinaryIO:
    try:
        return (path or Path(os.devnull)).open("rb")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; --input names a file to be read") from None
