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
from harness.real.programs.shipped import PROGRAMS
from harness.real.target.channel import RefusalError
from harness.real.target.target import Target
from harness.users.user_greenlet import raise_error
from workloads.arguments import Arguments
from workloads.partition import EVENTS as OS_EVENTS
from workloads.source_line import users_line

NAME = "target"
"""What the partition is called, on all targets: so the same work has the same name."""

ROUNDS = 1000
"""Rounds of the generator in one ``compute`` event."""

LARGEST_BYTES = 1 << 20
"""Bytes that an agent transfers at once; what is larger is several transfers."""

_SECTOR_BYTES = 4096
"""Transfers past the cache have whole sectors."""

_KNOWN = {event.name: event for event in EVENTS}

_PROGRAMS = {program.name: program for program in PROGRAMS}

_EVENTS: Mapping[str, tuple[str, float]] = {
    "calls": ("calls", 1.0),
    "io_calls": ("io_calls", 1.0),
    "stats": ("stats", 1.0),
    "opens": ("opens", 1.0),
    "selects": ("selects", 1.0),
    "signal_installs": ("signal_installs", 1.0),
    "signals": ("signals", 1.0),
    "forks": ("forks", 1.0),
    "execs": ("execs", 1.0),
    # A round trip of a byte between two processes is two switches.
    "context_switches": ("switches", 0.5),
    # The agent creates and deletes a file: half of it for either.
    "file_creates": ("files", 0.5),
    "file_deletes": ("files", 0.5),
    "mmaps": ("mappings", 1.0),
    "protection_faults": ("protection_faults", 1.0),
    "page_faults": ("faults", 1.0),
}
"""A transaction's events -> the agent's event, and how often it is done for one."""

Shape = tuple[Microbenchmark, ...]
"""Which events are asked for at once, whatever their numbers."""


class RealPartition:
    """A target as users see it; implements :class:`workloads.partition.ProgramPartition`.

    Time passes by the target's clock while it works, and by this machine's while a user thinks. So
    neither the channel nor this program has a part in it.

    Parameters
    ----------
    target
        Up and answering.
    rounds_per_second
        How many rounds of computing stand for a second of processor time: what a native process of
        this machine does. They are the same number on every target.
    clock_ratio
        Seconds of the target's clock for a second of this machine's.
    outputs
        Size and digest of the output of programs that were run before, by name; further ones are
        put in.

    Attributes
    ----------
    inside_seconds
        Time of all work by the target's clock.
    outside_seconds
        The same by this machine's, with the channel and the preparation of events.
    asked
        How often each shape of work was asked for.
    processor_seconds
        What the target's processes used for it, likewise.
    done
        How many of each event were done; messages count by the mean of request and answer.
    ran
        How often each program was run.
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
        """Do one thing at a time; who sleeps meanwhile is no user."""
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
        """Tell the time in seconds."""
        return self._now

    def wait(self, seconds: object) -> None:
        """Let time pass."""
        delay = self._check.seconds("wait", "seconds", seconds)
        with self._busy("wait"):
            time.sleep(delay)
        self._now += delay

    def parallel(self, *calls: Callable[[], object]) -> None:
        """Do several things, one after the other: there is one target."""
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

        Events are done in whole numbers; what is left of a mean number is done later.
        """
        seconds = self._check.seconds("compute", "processor_seconds", processor_seconds)
        wanted: dict[str, float] = {}
        for name, number in (self._check.events("compute", events) or {}).items():
            event, share = _EVENTS[name]
            wanted[event] = wanted.get(event, 0.0) + number * share
        rounds = seconds * self._rounds_per_second / ROUNDS
        amounts = [("compute", rounds), *sorted(wanted.items())]
        work = [(_KNOWN[name], self._whole(name, number)) for name, number in amounts]
        self._work("compute", work)

    def read(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Read a block; the agent takes it from ever other places, whatever the offset."""
        self._transfer("read", size_bytes, offset_bytes)

    def write(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Write a block; where it goes is as in :meth:`read`."""
        self._transfer("write", size_bytes, offset_bytes)

    def send(self, size_bytes: object, to: object) -> None:
        """Have the target stream bytes to this program."""
        self._check.text("send", "to", to)
        self._exchange("send", 0, self._check.size("send", "size_bytes", size_bytes))

    def receive(self, size_bytes: object, source: object) -> None:
        """Stream bytes to the target."""
        self._check.text("receive", "source", source)
        self._exchange("receive", self._check.size("receive", "size_bytes", size_bytes), 0)

    def exchange(self, request_bytes: object, response_bytes: object, to: object) -> None:
        """Have a request sent to the target over its network, and its answer back.

        This program is the peer, whoever ``to`` is.
        """
        self._check.text("exchange", "to", to)
        request = self._check.size("exchange", "request_bytes", request_bytes)
        response = self._check.size("exchange", "response_bytes", response_bytes)
        self._exchange("exchange", request, response)

    def _exchange(self, verb: str, request_bytes: int, response_bytes: int) -> None:
        with self._busy(verb):
            sample = self._target.exchange(request_bytes, response_bytes)
        self.account(sample.seconds * self._clock_ratio, sample.seconds, sample.processor_seconds)
        size = round((request_bytes + response_bytes) / 2)
        self.done[Microbenchmark(NETWORK, NETWORK, size, "")] += 1

    def run(self, program: object) -> None:
        """Run a program, and check that it does what it did natively."""
        program = self._check.text("run", "program", program)
        if program not in _PROGRAMS:
            raise RefusalError(f"no program {program!r}; known: {', '.join(_PROGRAMS)}")
        with self._busy("run"):
            sample = self._target.run(_PROGRAMS[program])
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
        amounts = [(Microbenchmark(request, request, LARGEST_BYTES, ""), whole)] if whole else []
        if rest:
            sectors = ceil(rest / _SECTOR_BYTES) * _SECTOR_BYTES
            amounts.append((Microbenchmark(request, request, sectors, ""), 1))
        self._work(verb, amounts)

    def _whole(self, name: str, number: float) -> int:
        """Make whole numbers of mean ones, so that they are right in the long run."""
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
        """Let the time of some work pass."""
        self._now += inside_seconds / self._clock_ratio
        self.inside_seconds += inside_seconds
        self.outside_seconds += outside_seconds
        self.processor_seconds += processor_seconds
