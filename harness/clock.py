"""Simulated time, counted in whole nanoseconds.

The event kernel is SimPy's; what is ours is an event that costs no more than the call it stands
for. Whole nanoseconds make sums exact: the ledger balances to the nanosecond, and a result does
not depend on the order of additions.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, cast

import simpy
from greenlet import getcurrent
from simpy.core import EmptySchedule

NS_PER_SECOND = 1_000_000_000


def to_ns(seconds: float) -> int:
    """Convert seconds to the nearest whole nanosecond."""
    return round(seconds * 1e9)


class Alarm:
    """One call at one simulated time, which can be called off.

    It offers what SimPy's kernel asks of an event and nothing else.
    """

    __slots__ = ("_ok", "callbacks")

    def __init__(self, action: Callable[["Alarm"], object]) -> None:
        self.callbacks: tuple[Callable[[Alarm], object], ...] = (action,)
        self._ok = True

    def cancel(self) -> None:
        """Call the alarm off; harmless after it has gone off."""
        self.callbacks = ()


class Clock(simpy.Environment):
    """Simulated time that runs as fast as it can.

    Attributes
    ----------
    now_ns
        The present time in nanoseconds since the start of the run.
    hub
        The greenlet in which time passes: who waits for something switches there.
    """

    def __init__(self) -> None:
        super().__init__(initial_time=0)
        self.now_ns = 0
        self.hub = getcurrent()

    def call_in(self, delay_ns: int, action: Callable[[Alarm], object]) -> Alarm:
        """Call ``action`` after ``delay_ns`` nanoseconds; calls at one time keep their order."""
        alarm = Alarm(action)
        # What SimPy's schedule() does, without the call: this is the hottest line of all.
        entry = (self.now_ns + delay_ns, 1, next(self._eid), alarm)
        heappush(self._queue, cast("Any", entry))
        return alarm

    def step(self) -> None:
        """Carry out the next call; SimPy's own step without its care for events that fail.

        Raises
        ------
        EmptySchedule
            If nothing is due any more.
        """
        try:
            now, _, _, alarm = heappop(self._queue)
        except IndexError:
            raise EmptySchedule from None
        self._now = self.now_ns = cast("int", now)
        for callback in alarm.callbacks:
            callback(alarm)

    def run_until(self, time_ns: int) -> None:
        """Let time pass up to ``time_ns``; what is due at that very moment stays undone."""
        if time_ns > self.now_ns:
            self.run(until=time_ns)
