"""Users that repeat what was recorded of Locust users, as threads of a modelled partition."""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from harness.engine.clock import Clock
from harness.engine.event import Event
from harness.engine.rounding import nearest
from harness.engine.vecs import append, vec
from harness.metrics.ddsketch import Digest
from harness.model.cpu.burst import Thread
from harness.model.partition import SimulatedPartition
from harness.users.steps import (
    BEGIN,
    BEGIN_AT_ARRIVAL,
    COMPUTE,
    END,
    EXCHANGE,
    FAIL,
    KIND_BITS,
    LEAVE,
    PAUSE,
    READ,
    RECEIVE,
    SEND,
    SERVE,
    WAIT,
    WRITE,
    Steps,
    Tables,
)
from workloads.arguments import LEAST_PAUSE_SECONDS

_KINDS: Final = (1 << KIND_BITS) - 1
_NO_DIGEST: Final = Digest()

Following = Callable[[Steps], Steps]
"""Function that returns the part of a recording after another one."""


class Responses:
    """Response times of one group's transactions by their name.

    Parameters
    ----------
    begin
        Returns the digest of response times for a name; called at the first transaction.
    fail
        Counts a failed transaction by its name.
    """

    def __init__(
        self, tables: Tables, begin: Callable[[str], Digest], fail: Callable[[str], None]
    ) -> None:
        self._tables = tables
        self._begin = begin
        self._fail = fail
        self._digests: list[Digest] = []

    def add(self, name: i64, ns: i64) -> None:
        """Add the response time of a transaction that succeeded."""
        digests = self._digests
        while name >= len(digests):
            digests.append(_NO_DIGEST)
        digest = digests[name]
        if digest is _NO_DIGEST:
            digests[name] = digest = self._begin(self._tables.texts[name])
        digest.add(ns)

    def fail(self, name: i64) -> None:
        """Count a transaction that failed."""
        self._fail(self._tables.texts[name])


class RecordedUser(Thread):
    """A user that repeats recorded steps.

    Parameters
    ----------
    modelled
        The partition that it drives.
    disk
        The index of the disk that it reads and writes.
    responses
        Takes the response times of its transactions.
    following
        Returns further steps.
    steps
        Its first steps; those before them may be none.
    """

    def __init__(
        self,
        clock: Clock,
        modelled: SimulatedPartition,
        disk: i64,
        responses: Responses,
        following: Following,
        steps: Steps,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._modelled = modelled
        self._disk: i64 = disk
        self._responses = responses
        self._following = following
        self._steps = steps
        self._place: i64 = 0
        self._starts = append(vec[i64](), 0)
        self._arrival_ns: i64 = 0
        self._paused_ns: i64 = -1
        self._idle: list[RecordedUser] | None = None

    def arrive(self, steps: Steps, place: i64, idle: "list[RecordedUser]") -> None:
        """Carry out the steps of an arrival, and be idle again."""
        self._steps = steps
        self._place = place
        self._arrival_ns = self._clock.now
        self._idle = idle
        self.fire()

    def fire(self) -> None:
        """Go on to the next step that takes time."""
        steps = self._steps
        place = self._place
        modelled = self._modelled
        while True:
            if place == steps.count:
                self._steps = steps = self._following(steps)
                place = 0
            word = steps.words[place]
            kind = word & _KINDS
            index = word >> KIND_BITS
            first = steps.first[place]
            seconds = steps.seconds[place]
            place += 1
            self._place = place
            if kind == COMPUTE:
                modelled.compute(seconds, steps.tables.events[index], self)
                return
            if kind == BEGIN:
                self._start(index, self._clock.now)
            elif kind == END:
                self._responses.add(index, self._clock.now - self._starts[first])
            elif kind == PAUSE:
                now = self._clock.now
                moved = now != self._paused_ns
                self._paused_ns = now
                # As PartitionUser.pause does.
                if seconds != 0.0 or not moved:
                    self._wait(seconds if seconds != 0.0 else LEAST_PAUSE_SECONDS)
                    return
            elif kind == READ:
                modelled.transfer_at(self._disk, first, steps.second[place - 1], False, self)
                return
            elif kind == WRITE:
                modelled.transfer_at(self._disk, first, steps.second[place - 1], True, self)
                return
            elif kind == EXCHANGE:
                peer = steps.tables.texts[index]
                modelled.exchange(first, steps.second[place - 1], peer, self)
                return
            elif kind == SERVE:
                wanted = steps.tables.events[index]
                modelled.serve(first, steps.second[place - 1], seconds, wanted, self)
                return
            elif kind == SEND:
                modelled.send(first, steps.tables.texts[index], self)
                return
            elif kind == RECEIVE:
                modelled.receive(first, steps.tables.texts[index], self)
                return
            elif kind == WAIT:
                self._wait(seconds)
                return
            elif kind == FAIL:
                self._responses.fail(index)
            elif kind == BEGIN_AT_ARRIVAL:
                self._start(index, self._arrival_ns)
            elif kind == LEAVE:
                idle = self._idle
                assert idle is not None
                idle.append(self)
                return
            else:
                raise AssertionError("a step of no kind")

    def _start(self, index: i64, now_ns: i64) -> None:
        while index >= len(self._starts):
            self._starts = append(self._starts, 0)
        self._starts[index] = now_ns

    def _wait(self, seconds: float) -> None:
        self._clock.schedule(nearest(seconds * 1e9), self)


class RecordedArrivals(Event):
    """Open arrivals that were recorded: each is carried out by an idle user.

    Parameters
    ----------
    make
        Makes a user that carries out arrivals.
    following
        Returns the arrivals after others.
    """

    def __init__(
        self, clock: Clock, make: Callable[[], RecordedUser], following: Following, steps: Steps
    ) -> None:
        super().__init__()
        self._clock = clock
        self._make = make
        self._following = following
        self._steps = steps
        self._next: i64 = 0
        self._idle: list[RecordedUser] = []

    def schedule(self) -> None:
        """Let the next arrival come."""
        if self._next == len(self._steps.gaps):
            self._steps = self._following(self._steps)
            self._next = 0
        self._clock.schedule(self._steps.gaps[self._next], self)

    def fire(self) -> None:
        """Arrive."""
        steps = self._steps
        place = steps.arrivals[self._next]
        self._next += 1
        self.schedule()
        user = self._idle.pop() if self._idle else self._make()
        user.arrive(steps, place, self._idle)
