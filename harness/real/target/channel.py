"""The channel to an agent: lines to and from the standard streams of a process.

It is the same for all targets: an agent on this machine is that process, and a guest's QEMU joins
its own standard streams to a serial line of the guest.
"""

import os
import select
import subprocess
import time
from collections.abc import Sequence


class TargetError(Exception):
    """A target ended, or did not answer in time; there is no use in asking it any more."""


class RefusalError(Exception):
    """An agent cannot do what it was asked for, for a reason that it states."""


class Channel:
    """Requests to one agent.

    Parameters
    ----------
    process
        Started with pipes for its standard input and output.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._in = process.stdin.fileno()
        self._out = process.stdout.fileno()
        self._left = b""
        self._failure = ""

    def await_ready(self, seconds: float) -> None:
        """Wait until the agent says that it is there.

        Raises
        ------
        TargetError
            If it does not within so many seconds.
        """
        deadline = time.monotonic() + seconds
        while self._line(deadline, f"it did not boot and answer within {seconds:g} s") != "ready":
            pass

    def ask(self, request: str, seconds: float) -> tuple[str, float]:
        """Send a request and wait for its answer.

        Returns
        -------
        tuple
            What the agent answered after "ok", and the seconds from sending to the answer by the
            clock of this machine.

        Raises
        ------
        RefusalError
            If the agent cannot do it.
        TargetError
            If the target has ended, does not answer in time or answers what nobody understands; or
            did so before, as a late answer would be taken for another request's.
        """
        (answer,), taken = self.ask_all([request], seconds)
        return answer, taken

    def ask_all(self, requests: Sequence[str], seconds: float) -> tuple[list[str], float]:
        """Send several requests at once, or fail as :meth:`ask` does; one is done after the other.

        Returns
        -------
        tuple
            What was answered to each after "ok", and the seconds from sending to the last answer.
        """
        if self._failure:
            raise TargetError(self._failure)
        # Until there is an answer, whatever comes in between.
        self._failure = f"{requests[0][:60]!r} was left unanswered"
        try:
            answers, taken = self._ask(requests, seconds)
        except TargetError as failure:
            self._failure = str(failure)
            raise
        self._failure = ""
        told = []
        for word, _, rest in (answer.partition(" ") for answer in answers):
            if word == "refused":
                raise RefusalError(rest)
            told.append(rest)
        return told, taken

    def _ask(self, requests: Sequence[str], seconds: float) -> tuple[list[str], float]:
        begin = time.monotonic()
        try:
            os.write(self._in, "".join(f"{request}\n" for request in requests).encode())
        except OSError:
            raise TargetError(self._ended()) from None
        answers = []
        for request in requests:
            told = request if len(request) < 60 else f"{request[:60]}..."
            answer = self._line(begin + seconds, f"no answer to {told!r} within {seconds:g} s")
            if answer.partition(" ")[0] not in ("ok", "refused"):
                raise TargetError(f"the agent answered {answer[:60]!r} to {told!r}")
            answers.append(answer)
        return answers, time.monotonic() - begin

    def _line(self, deadline: float, complaint: str) -> str:
        while b"\n" not in self._left:
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([self._out], [], [], wait)[0]:
                raise TargetError(complaint)
            more = os.read(self._out, 4096)
            if not more:
                raise TargetError(self._ended())
            self._left += more
        line, _, self._left = self._left.partition(b"\n")
        return line.decode("ascii", "replace").strip()

    def _ended(self) -> str:
        try:
            code = self._process.wait(2)
        except subprocess.TimeoutExpired:
            return "it closed its channel"
        return f"it was killed by signal {-code}" if code < 0 else f"it ended with exit code {code}"
