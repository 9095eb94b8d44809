"""Simulated time, counted in whole nanoseconds.

A queue of events, which is what nearly all of a run consists of; an operation of several steps is a
process of SimPy's among them. Whole nanoseconds make sums exact: the ledger balances to the
nanosecond, and a result does not depend on the order of additions.
"""

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, NoReturn

import simpy
from greenlet import error as GreenletError  # noqa: N812
from greenlet import getcurrent, greenlet
from mypy_extensions import i64

from harness.engine.event import Event, Timer, as_event
from harness.engine.event_queue import NEVER, EventQueue, HeapqEventQueue, NativeEventQueue
from harness.engine.processes import Processes

INTERPRETED: Final = __file__.endswith(".py")

_FIRST: Final = 1 << 41
"""What sets the numbers of those apart that come before all others of their time."""


def to_ns(seconds: float) -> int:
    """Convert seconds to the nearest whole nanosecond."""
    return round(seconds * 1e9)


class Clock:
    """Simulated time that runs as fast as it can.

    Attributes
    ----------
    now
        The present time in nanoseconds since the start of the run, as a native integer.
    hub
        The greenlet in which time passes: who waits for something switches there.
    """

    def __init__(self) -> None:
        self.now: i64 = 0
        self.hub: greenlet = getcurrent()
        self._queue: EventQueue = HeapqEventQueue() if INTERPRETED else NativeEventQueue()
        self._number: i64 = 0
        self._processes = Processes(self)

    @property
    def now_ns(self) -> int:
        """The present time in nanoseconds since the start of the run."""
        return self.now

    def schedule(self, delay_ns: i64, event: Event) -> None:
        """Let an event happen after ``delay_ns`` nanoseconds; those of one time keep their order.

        Raises
        ------
        ValueError
            If that is in the past.
        """
        if delay_ns < 0:
            raise ValueError(f"simulated time does not run backwards, by {-delay_ns} ns")
        self._number = number = self._number + 1
        self._queue.push(self.now + delay_ns, number, event)

    def call_in(self, delay_ns: i64, action: Callable[[], object]) -> None:
        """Call ``action`` after ``delay_ns`` nanoseconds, as :meth:`schedule` does."""
        self.schedule(delay_ns, as_event(action))

    def call_first(self, action: Callable[[], object]) -> None:
        """Call ``action`` at this very time, before all else that is due."""
        self._number = number = self._number + 1
        self._queue.push(self.now, number - _FIRST, as_event(action))

    def timer_in(self, delay_ns: i64, action: Callable[[], object]) -> Timer:
        """Do the same as :meth:`call_in`, but return something to cancel the call with."""
        timer = Timer(action)
        self.schedule(delay_ns, timer)
        return timer

    def peek(self) -> float:
        """Return when something is due next, in nanoseconds; infinity: never."""
        due_ns = self._queue.next_ns()
        return math.inf if due_ns == NEVER else float(due_ns)

    def step(self) -> None:
        """Carry out what is due next.

        Raises
        ------
        IndexError
            If nothing is due any more.
        """
        event = self._queue.pop_before(NEVER)
        if event is None:
            raise IndexError("nothing is due any more")
        self.now = self._queue.popped_ns
        event.fire()

    def run_until(self, time_ns: i64) -> None:
        """Let time pass up to ``time_ns``; what is due at that very moment stays undone."""
        queue = self._queue
        while (event := queue.pop_before(time_ns)) is not None:
            self.now = queue.popped_ns
            event.fire()
        if self.now < time_ns:
            self.now = time_ns

    @property
    def scheduled(self) -> int:
        """How many events have been scheduled so far."""
        return self._number

    def fail(self, error: Exception) -> NoReturn:
        """End the simulation: raise an error where time passes, in any caller.

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
        """Make an event that code triggers later."""
        return self._processes.event()

    def timeout(self, delay_ns: int) -> simpy.Timeout:
        """Make an event that happens after ``delay_ns`` nanoseconds."""
        return self._processes.timeout(delay_ns)

    def all_of(self, events: Iterable[simpy.Event]) -> simpy.Event:
        """Make an event that happens when all others have happened."""
        return self._processes.all_of(events)
