"""Simulated time, counted in whole nanoseconds.

The event kernel is SimPy's; what is ours is that a plain call may stand in its queue in place of
an event, which is what most of a run consists of. Whole nanoseconds make sums exact: the ledger
balances to the nanosecond, and a result does not depend on the order of additions.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

import simpy
from greenlet import getcurrent

NS_PER_SECOND = 1_000_000_000


def to_ns(seconds: float) -> int:
    """Convert seconds to the nearest whole nanosecond."""
    return round(seconds * 1e9)


class Alarm:
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


class Clock(simpy.Environment):
    """Simulated time that runs as fast as it can.

    Attributes
    ----------
    now_ns
        The present time in nanoseconds since the start of the run.
    hub
        The greenlet in which time passes: who waits for something switches there.
    """

    _queue: Any

    def __init__(self) -> None:
        super().__init__(initial_time=0)
        self.now_ns = 0
        self.hub = getcurrent()

    def call_in(self, delay_ns: int, action: Callable[[], object]) -> None:
        """Call ``action`` after ``delay_ns`` nanoseconds; calls at one time keep their order."""
        # What SimPy's schedule() does, without the call: this is the hottest line of all.
        heappush(self._queue, (self.now_ns + delay_ns, 1, next(self._eid), action))

    def alarm_in(self, delay_ns: int, action: Callable[[], object]) -> Alarm:
        """Do the same, but return something to call it off with."""
        alarm = Alarm(action)
        self.call_in(delay_ns, alarm)
        return alarm

    def step(self) -> None:
        """Carry out what is due next, an event of SimPy's or a plain call.

        Raises
        ------
        EmptySchedule
            If nothing is due any more.
        """
        if self._queue and callable(self._queue[0][3]):
            now_ns, _, _, action = heappop(self._queue)
            self._now = self.now_ns = now_ns
            action()
            return
        if self._queue:
            self.now_ns = self._queue[0][0]
        super().step()

    def run_until(self, time_ns: int) -> None:
        """Let time pass up to ``time_ns``; what is due at that very moment stays undone.

        This is :meth:`step` over and over, written out for speed.
        """
        queue = self._queue
        while queue and queue[0][0] < time_ns:
            now_ns, _, _, event = heappop(queue)
            self._now = self.now_ns = now_ns
            if callable(event):
                event()
                continue
            callbacks, event.callbacks = event.callbacks, None
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
        self._now = self.now_ns = max(self.now_ns, time_ns)
