"""A partition's verbs on a real target."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil, floor

from harness.errors import UserError
from harness.real.host.cpu_time import tree_seconds
from harness.real.microbenchmarks import EVENTS, NETWORK, Microbenchmark
from harness.real.programs.shipped import PROGRAM_BY_NAME
from harness.real.target.channel import RefusalError
from harness.real.target.target import Target
from harness.users.user_greenlet import raise_error
from workloads.arguments import Arguments
from workloads.partition import EVENTS as OS_EVENTS
from workloads.source_line import users_line

NAME = "target"
"""Name of the partition on all targets, so that the same work has the same name."""

ROUNDS = 1000
"""Rounds of the generator in one ``compute`` event."""

LARGEST_BYTES = 1 << 20
"""Most bytes that an agent transfers at once; a larger block is several transfers."""

_SECTOR_BYTES = 4096
"""Unit of transfers past the page cache."""

_KNOWN = {event.name: event for event in EVENTS}

_EVENTS: Mapping[str, tuple[str, float]] = {
    **{name: (name, 1.0) for name in OS_EVENTS},
    # A round trip of a byte between two processes is two switches.
    "context_switches": ("switches", 0.5),
    # The agent creates and deletes a file: half of the cost for each.
    "file_creates": ("files", 0.5),
    "file_deletes": ("files", 0.5),
    "file_pages": ("cached_reads_4k", 1.0),
    "flushes": ("synced_writes_4k", 1.0),
    "mmaps": ("mappings", 1.0),
    "page_faults": ("faults", 1.0),
}
"""The agent's event for each event of a transaction, and how often it is done for one."""

Shape = tuple[Microbenchmark, ...]
"""Events of one request, without their numbers."""


class RealPartition:
    """Target as users see it; implements :class:`workloads.partition.ProgramPartition`.

    Time passes by the target's clock while it works, and by this machine's while a user thinks: it
    contains neither the channel nor this program.

    Parameters
    ----------
    target
        Up and answering.
    rounds_per_second
        Rounds of computing for a second of processor time: the rate of a native process of this
        machine, the same on every target.
    clock_ratio
        Seconds of the target's clock for a second of this machine's.
    outputs
        Size and digest of the output of programs that were run before, by name; those of others are
        added.

    Attributes
    ----------
    inside_seconds
        Time of all work by the target's clock.
    outside_seconds
        The same time by this machine's clock, with the channel and the preparation of events.
    asked
        Number of requests of each shape.
    processor_seconds
        Processor time of the target's processes for all work.
    done
        Number of each event; the size of an exchange is the mean of request and answer.
    ran
        Number of runs of each program.
    """

    name = NAME

    def __init__(
        self,
        target: Target,
        rounds_per_second: float,
        clock_ratio: float = 1.0,
        outputs: dict[str, tuple[int, str]] | None = None,
    ) -> None:
        self._target = target
        self._rounds_per_second = rounds_per_second
        self._clock_ratio = clock_ratio
        self._outputs = {} if outputs is None else outputs
        self._now = 0.0
        self._owed: dict[str, float] = {}
        self.inside_seconds = 0.0
        self.outside_seconds = 0.0
        self.processor_seconds = 0.0
        self.asked: Counter[Shape] = Counter()
        self.done: Counter[Microbenchmark] = Counter()
        self.ran: Counter[str] = Counter()
        self._check = Arguments(OS_EVENTS, raise_error)
        self._thread = threading.get_ident()
        self.takes_sleep = True

    @contextmanager
    def _busy(self, verb: str) -> Iterator[None]:
        """Do one thing at a time; refuse a caller in another thread."""
        if not self.takes_sleep or threading.get_ident() != self._thread:
            raise UserError(
                f"{users_line()}: {verb}() is called from another thread, or while another verb is "
                "carried out: a real target does one thing at a time"
            )
        self.takes_sleep = False
        try:
            yield
        finally:
            self.takes_sleep = True

    def now(self) -> float:
        """Return the time in seconds."""
        return self._now

    def wait(self, seconds: object) -> None:
        """Let time pass."""
        delay = self._check.seconds("wait", "seconds", seconds)
        with self._busy("wait"):
            time.sleep(delay)
        self._now += delay

    def parallel(self, *calls: Callable[[], object]) -> None:
        """Make several calls, one after the other: the target does one thing at a time."""
        failed = None
        for call in calls:
            try:
                call()
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def compute(self, processor_seconds: object, events: object = None) -> None:
        """Use the processor.

        Events are done in whole numbers; the fraction is added to the next call.
        """
        seconds = self._check.seconds("compute", "processor_seconds", processor_seconds)
        wanted: dict[str, float] = {}
        for name, number in (self._check.events("compute", events) or {}).items():
            event, share = _EVENTS[name]
            wanted[event] = wanted.get(event, 0.0) + number * share
        # The agent's execs fork first.
        if "forks" in wanted:
            wanted["forks"] = max(0.0, wanted["forks"] - wanted.get("execs", 0.0))
        rounds = seconds * self._rounds_per_second / ROUNDS
        amounts = [("compute", rounds), *sorted(wanted.items())]
        work = [(_KNOWN[name], self._whole(name, number)) for name, number in amounts]
        self._work("compute", work)

    def read(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Read a block; the agent chooses the place, the offset is ignored."""
        self._transfer("read", size_bytes, offset_bytes)

    def write(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Write a block; the agent chooses the place, the offset is ignored."""
        self._transfer("write", size_bytes, offset_bytes)

    def send(self, size_bytes: object, to: object) -> None:
        """Stream bytes from the target to this process."""
        self._check.text("send", "to", to)
        self._exchange("send", 0, self._check.size("send", "size_bytes", size_bytes))

    def receive(self, size_bytes: object, source: object) -> None:
        """Stream bytes to the target."""
        self._check.text("receive", "source", source)
        self._exchange("receive", self._check.size("receive", "size_bytes", size_bytes), 0)

    def exchange(self, request_bytes: object, response_bytes: object, to: object) -> None:
        """Send a request to the target over its network and receive the answer.

        This process is the peer, for any ``to``.
        """
        self._check.text("exchange", "to", to)
        request = self._check.size("exchange", "request_bytes", request_bytes)
        response = self._check.size("exchange", "response_bytes", response_bytes)
        self._exchange("exchange", request, response)

    def serve(
        self,
        request_bytes: object,
        response_bytes: object,
        processor_seconds: object = 0.0,
        events: object = None,
    ) -> None:
        """Send a request to the target over its network, and have it compute and answer.

        The agent answers each request at once, so that it computes after its answer. No time of
        the target is between the two.
        """
        request, response, seconds, wanted = self._check.service(
            request_bytes, response_bytes, processor_seconds, events
        )
        self._exchange("serve", request, response)
        if seconds or wanted:
            self.compute(seconds, wanted)

    def _exchange(self, verb: str, request_bytes: int, response_bytes: int) -> None:
        with self._busy(verb):
            sample = self._target.exchange(request_bytes, response_bytes)
        self.account(sample.seconds * self._clock_ratio, sample.seconds, sample.processor_seconds)
        size = round((request_bytes + response_bytes) / 2)
        self.done[Microbenchmark(NETWORK, NETWORK, size)] += 1

    def run(self, program: object) -> None:
        """Run a program, and check that its output is that of its first run."""
        program = self._check.text("run", "program", program)
        if program not in PROGRAM_BY_NAME:
            raise RefusalError(f"no program {program!r}; known: {', '.join(PROGRAM_BY_NAME)}")
        with self._busy("run"):
            sample = self._target.run(PROGRAM_BY_NAME[program])
        if sample.status:
            why = f": {sample.complaint}" if sample.complaint else ""
            raise RefusalError(f"{program} failed with status {sample.status}{why}")
        output = (sample.output_bytes, sample.output_digest)
        if self._outputs.setdefault(program, output) != output:
            raise RefusalError(f"{program}: its output is not that of its first run")
        self.ran[program] += 1
        self.account(sample.inside_seconds, sample.seconds, sample.processor_seconds)

    def _transfer(self, verb: str, size_bytes: object, offset_bytes: object) -> None:
        size = self._check.size(verb, "size_bytes", size_bytes)
        self._check.offset(verb, "offset_bytes", offset_bytes)
        request = f"direct_{verb}s"
        whole, rest = divmod(size, LARGEST_BYTES)
        amounts = [(Microbenchmark(request, request, LARGEST_BYTES), whole)] if whole else []
        if rest:
            sectors = ceil(rest / _SECTOR_BYTES) * _SECTOR_BYTES
            amounts.append((Microbenchmark(request, request, sectors), 1))
        self._work(verb, amounts)

    def _whole(self, name: str, number: float) -> int:
        """Return a whole number, so that the sum over calls is that of the given numbers."""
        owed = number + self._owed.get(name, 0.0)
        whole = floor(owed + 1e-9)
        self._owed[name] = owed - whole
        return whole

    def _work(self, verb: str, amounts: list[tuple[Microbenchmark, int]]) -> None:
        before = tree_seconds(self._target.pid)
        with self._busy(verb):
            inside, outside = self._target.work(amounts)
        self.account(inside, outside, tree_seconds(self._target.pid) - before)
        self.asked[tuple(event for event, _ in amounts)] += 1
        for event, count in amounts:
            self.done[event] += count

    def account(
        self, inside_seconds: float, outside_seconds: float, processor_seconds: float
    ) -> None:
        """Add the time of some work."""
        self._now += inside_seconds / self._clock_ratio
        self.inside_seconds += inside_seconds
        self.outside_seconds += outside_seconds
        self.processor_seconds += processor_seconds
