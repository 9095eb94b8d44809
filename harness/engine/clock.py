"""Simulated time, counted in whole nanoseconds.

A queue of plain calls, which is what nearly all of a run consists of; what takes several steps is
a process of SimPy's among them. Whole nanoseconds make sums exact: the ledger balances to the
nanosecond, and a result does not depend on the order of additions.
"""

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from heapq import heappop, heappush
from typing import NoReturn

import simpy
from greenlet import error as GreenletError  # noqa: N812
from greenlet import getcurrent, greenlet

from harness.engine.processes import Processes

_FIRST = 1 << 62
"""What sets the numbers of those apart that come before all others of their time."""


def to_ns(seconds: float) -> int:
    """Convert seconds to the nearest whole nanosecond."""
    return round(seconds * 1e9)


class Timer:
    """One call at one simulated time, which can be called off."""

    __slots__ = ("_action",)

    def __init__(self, action: Callable[[], object]) -> None:
        self._action: Callable[[], object] | None = action

    def __call__(self) -> None:
        """Go off."""
        if self._action is not None:
            self._action()

    def cancel(self) -> None:
        """Call the alarm off; harmless after it has gone off."""
        self._action = None


class Clock:
    """Simulated time that runs as fast as it can.

    Attributes
    ----------
    now_ns
        The present time in nanoseconds since the start of the run.
    hub
        The greenlet in which time passes: who waits for something switches there.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        self.hub: greenlet = getcurrent()
        # When, in which order among calls of one time, what.
        self._queue: list[tuple[int, int, Callable[[], object]]] = []
        self._number = 0
        self._processes = Processes(self)

    def call_in(self, delay_ns: int, action: Callable[[], object]) -> None:
        """Call ``action`` after ``delay_ns`` nanoseconds; calls at one time keep their order.

        Raises
        ------
        ValueError
            If that is in the past.
        """
        if delay_ns < 0:
            raise ValueError(f"simulated time does not run backwards, by {-delay_ns} ns")
        self._number = number = self._number + 1
        heappush(self._queue, (self.now_ns + delay_ns, number, action))

    def call_first(self, action: Callable[[], object]) -> None:
        """Call ``action`` at this very time, before all else that is due."""
        self._number = number = self._number + 1
        heappush(self._queue, (self.now_ns, number - _FIRST, action))

    def alarm_in(self, delay_ns: int, action: Callable[[], object]) -> Timer:
        """Do the same as :meth:`call_in`, but return something to call it off with."""
        alarm = Timer(action)
        self.call_in(delay_ns, alarm)
        return alarm

    def peek(self) -> float:
        """Tell when something is due next, in nanoseconds; infinity: never."""
        return self._queue[0][0] if self._queue else math.inf

    def step(self) -> None:
        """Carry out what is due next.

        Raises
        ------
        IndexError
            If nothing is due any more.
        """
        self.now_ns, _, action = heappop(self._queue)
        action()

    def run_until(self, time_ns: int) -> None:
        """Let time pass up to ``time_ns``; what is due at that very moment stays undone."""
        queue = self._queue
        while queue and queue[0][0] < time_ns:
            self.now_ns, _, action = heappop(queue)
            action()
        self.now_ns = max(self.now_ns, time_ns)

    @property
    def scheduled(self) -> int:
        """How many calls have been asked for so far."""
        return self._number

    def fail(self, error: Exception) -> NoReturn:
        """End the simulation: raise an error where time passes, whoever calls.

        Code between here and there cannot catch it.
        """
        if getcurrent() is not self.hub:
            with suppress(GreenletError):  # in another thread it is raised where it is
                self.hub.throw(error)
        raise error

    # What takes several steps

    def process(self, steps: simpy.events.ProcessGenerator) -> simpy.Process:
        """Begin a process: a generator that yields the events that it waits for."""
        return self._processes.process(steps)

    def event(self) -> simpy.Event:
        """Make an event that somebody makes happen later."""
        return self._processes.event()

    def timeout(self, delay_ns: int) -> simpy.Timeout:
        """Make an event that happens after ``delay_ns`` nanoseconds."""
        return self._processes.timeout(delay_ns)

    def all_of(self, events: Iterable[simpy.Event]) -> simpy.Event:
        """Make an event that happens when all others have happened."""
        return self._processes.all_of(events)
