"""Channel to an agent: lines to and from the standard streams of a process.

It is the same for all targets: an agent on this machine is that process, and a guest's QEMU
connects its own standard streams to a serial line of the guest.
"""

import os
import select
import subprocess
import time
from collections.abc import Sequence


class TargetError(Exception):
    """Raised if a target has ended or did not answer in time; further requests fail too."""


class RefusalError(Exception):
    """Raised if an agent cannot do a request; the message is its reason."""


class Channel:
    """Channel for requests to one agent.

    Parameters
    ----------
    process
        The process, started with pipes for its standard input and output.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._in = process.stdin.fileno()
        self._out = process.stdout.fileno()
        self._left = b""
        self._failure = ""

    def await_ready(self, seconds: float) -> None:
        """Wait until the agent reports that it is ready.

        Raises
        ------
        TargetError
            If it is not ready within so many seconds.
        """
        deadline = time.monotonic() + seconds
        while self._line(deadline, f"it did not boot and answer within {seconds:g} s") != "ready":
            pass

    def ask(self, request: str, seconds: float) -> tuple[str, float]:
        """Send a request and wait for its answer.

        Returns
        -------
        tuple
            The agent's answer after "ok", and the seconds from request to answer by this machine's
            clock.

        Raises
        ------
        RefusalError
            If the agent cannot do the request.
        TargetError
            If the target has ended, does not answer in time, or its answer is not valid; also if a
            request before failed so, because its late answer would be taken for this one's.
        """
        (answer,), taken = self.ask_all([request], seconds)
        return answer, taken

    def ask_all(self, requests: Sequence[str], seconds: float) -> tuple[list[str], float]:
        """Send several requests at once, with the errors of :meth:`ask`; they are done in order.

        Returns
        -------
        tuple
            Each answer after "ok", and the seconds from the requests to the last answer.
        """
        if self._failure:
            raise TargetError(self._failure)
        # Kept if an exception, such as an interruption, comes before the answer.
        self._failure = f"{requests[0][:60]!r} was left unanswered"
        try:
            answers, taken = self._ask(requests, seconds)
        except TargetError as failure:
            self._failure = str(failure)
            raise
        self._failure = ""
        texts = []
        for word, _, rest in (answer.partition(" ") for answer in answers):
            if word == "refused":
                raise RefusalError(rest)
            texts.append(rest)
        return texts, taken

    def _ask(self, requests: Sequence[str], seconds: float) -> tuple[list[str], float]:
        begin = time.monotonic()
        try:
            os.write(self._in, "".join(f"{request}\n" for request in requests).encode())
        except OSError:
            raise TargetError(self._ended()) from None
        answers = []
        for request in requests:
            shown = request if len(request) < 60 else f"{request[:60]}..."
            answer = self._line(begin + seconds, f"no answer to {shown!r} within {seconds:g} s")
            if answer.partition(" ")[0] not in ("ok", "refused"):
                raise TargetError(f"the agent answered {answer[:60]!r} to {shown!r}")
            answers.append(answer)
        return answers, time.monotonic() - begin

    def _line(self, deadline: float, failure: str) -> str:
        while b"\n" not in self._left:
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([self._out], [], [], wait)[0]:
                raise TargetError(failure)
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
