"""Target: a place where an agent runs, and the requests to it."""

import contextlib
import subprocess
from collections.abc import Sequence

from harness.real.host.cpu_time import own_seconds, tree_seconds
from harness.real.host.interference import CpuAccounting, Sample
from harness.real.microbenchmarks import NETWORK, Microbenchmark
from harness.real.target.channel import Channel, RefusalError, TargetError
from harness.real.target.connection import Connection, free_port
from harness.real.target.program import Program, ProgramSample, environment, request
from harness.real.target.qemu import ACCELERATORS, NETWORK_PORT
from harness.real.target.reaper import end_marked

NATIVE = "native"
CAPPED = "capped"
TARGETS = (NATIVE, CAPPED, *ACCELERATORS)

ANSWER_SECONDS = 60.0


class Target:
    """Target that is running and answers.

    Parameters
    ----------
    name
        One of TARGETS.
    process
        The agent, or the guest's QEMU.
    channel
        Channel to its agent.
    mark
        Value of the variable MARK in processes that it starts.
    port
        Port of this machine's loopback that leads to its network; None if the agent chooses it.
    """

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        channel: Channel,
        mark: str,
        port: int | None,
    ) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._channel = channel
        self._mark = mark
        self._port = port
        self._connection: Connection | None = None
        answer, _ = channel.ask("about", ANSWER_SECONDS)
        self.kernel, self.machine, self.clock = (answer.split() + ["unknown"] * 3)[:3]

    def measure(self, event: Microbenchmark, count: int) -> Sample:
        """Measure an event that is done so many times.

        The same request for no event, made just before, is subtracted: it costs the channel and the
        event's preparation.

        Raises
        ------
        RefusalError
            If the target cannot do this event.
        TargetError
            If the target has ended or does not answer.
        """
        if event.request == NETWORK:
            return self.exchange(event.size, event.size, count)
        start = CpuAccounting.now(self.pid)
        _, without, without_processor = self._timed(event, 0)
        inside, seconds, processor = self._timed(event, count)
        end = CpuAccounting.now(self.pid)
        return Sample(
            seconds - without,
            inside,
            processor - without_processor,
            end.condition_since(start),
        )

    def work(self, amounts: Sequence[tuple[Microbenchmark, int]]) -> tuple[float, float]:
        """Do several events in one request, with the errors of :meth:`measure`.

        Returns seconds by the target's clock, and by this machine's with preparation and channel.
        """
        requests = [f"{event.request} {count} {event.size}" for event, count in amounts]
        answers, seconds = self._channel.ask_all(requests, ANSWER_SECONDS)
        return 1e-9 * sum(map(_number, answers, requests)), seconds

    def run(self, program: Program) -> ProgramSample:
        """Execute a program once, in a directory of its own that is removed afterwards.

        The sample of a program that fails has its status and its error output.

        Raises
        ------
        RefusalError
            If the program cannot be prepared, or does not end within its limit.
        TargetError
            If the target has ended or does not answer.
        """
        variables = environment(free_port(), self._mark)
        limit = program.limit_seconds
        patience = limit + ANSWER_SECONDS
        self._ask(f"enter {program.base} {program.name}")
        try:
            if program.prepare is not None:
                status = self._ask(request(program.prepare, variables, limit), patience).split()[1]
                if status != "0":
                    raise RefusalError(
                        f"{program.name}: {program.prepare[0]} fails with status {status}: "
                        f"{self._ask('complaint')}"
                    )
            return self._execute(program, request(program.command, variables, limit), patience)
        finally:
            # A target that has ended has raised its own error, and its directory is gone.
            with contextlib.suppress(TargetError, RefusalError):
                self._ask("leave")

    def exchange(self, sent: int, received: int, count: int = 1) -> Sample:
        """Send bytes over its network and wait for others, so many times.

        The connection is made on first use and kept. A stream is an exchange with a large request
        or a large answer.

        Parameters
        ----------
        sent, received
            Bytes of each request and of each answer.
        count
            Number of exchanges, one after the other.

        Raises
        ------
        RefusalError
            If the target has no network.
        TargetError
            If the target has ended or does not answer.
        """
        connection = self._connected()
        start = CpuAccounting.now(self.pid)
        before = tree_seconds(self.pid)
        seconds = sum(connection.exchange(sent, received) for _ in range(count))
        processor = tree_seconds(self.pid) - before
        condition = CpuAccounting.now(self.pid).condition_since(start)
        return Sample(seconds, seconds, processor, condition)

    def channel_seconds(self) -> float:
        """Return the duration of a request without work, in seconds."""
        return self._channel.ask("nothing 0 0", ANSWER_SECONDS)[1]

    def end(self) -> None:
        """End it, so that a failed target takes no processor time from others."""
        self.disconnect()
        self._process.kill()
        end_marked(self._mark)

    def disconnect(self) -> None:
        """Close the connection to its network, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def _execute(self, program: Program, what: str, patience: float) -> ProgramSample:
        start = CpuAccounting.now(self.pid)
        without = self.channel_seconds()
        in_guest = self.name in ACCELERATORS
        clock = tree_seconds if in_guest else own_seconds
        before = clock(self.pid)
        answer, seconds = self._channel.ask(what, patience)
        processor = clock(self.pid) - before
        condition = CpuAccounting.now(self.pid).condition_since(start)
        inside, status, inside_processor = map(int, answer.split())
        if not in_guest:
            processor += inside_processor * 1e-6
        complaint = self._ask("complaint") if status else ""
        size, digest = "0", ""
        try:
            size, digest = self._ask(f"digest {program.output}").split()
        except RefusalError:
            complaint = complaint or f"it wrote no {program.output}"
        return ProgramSample(
            seconds=seconds - without,
            inside_seconds=inside * 1e-9,
            processor_seconds=processor,
            inside_processor_seconds=inside_processor * 1e-6,
            status=status,
            output_bytes=int(size),
            output_digest=digest,
            complaint=complaint,
            condition=condition,
        )

    def _ask(self, what: str, seconds: float | None = None) -> str:
        return self._channel.ask(what, ANSWER_SECONDS if seconds is None else seconds)[0]

    def _connected(self) -> Connection:
        if self._connection is None:
            inside = 0 if self._port is None else NETWORK_PORT
            served = int(self._ask(f"serve {inside}"))
            self._connection = Connection(self._port or served, ANSWER_SECONDS)
        return self._connection

    def _timed(self, event: Microbenchmark, count: int) -> tuple[float, float, float]:
        before = self._processor_seconds()
        request = f"{event.request} {count} {event.size}"
        answer, seconds = self._channel.ask(request, ANSWER_SECONDS)
        return 1e-9 * _number(answer, request), seconds, self._processor_seconds() - before

    def _processor_seconds(self) -> float:
        """Return the processor time of the process tree so far.

        An agent that is a process of this machine reports the time of its children itself, because
        /proc has it in whole ticks only.
        """
        if self.name in ACCELERATORS:
            return tree_seconds(self.pid)
        answer, _ = self._channel.ask("children", ANSWER_SECONDS)
        return tree_seconds(self.pid, reaped=False) + 1e-9 * _number(answer, "children")


def _number(answer: str, request: str) -> int:
    try:
        return int(answer)
    except ValueError:
        raise TargetError(f"the agent answered {answer!r} to {request!r}") from None
