"""SimPy's events and processes among the plain calls of a clock."""

from functools import partial
from typing import TYPE_CHECKING

import simpy
from simpy.events import NORMAL, URGENT

if TYPE_CHECKING:
    from harness.engine.clock import Clock


class Processes(simpy.Environment):
    """An environment whose queue is a clock's: what SimPy schedules becomes a plain call there."""

    def __init__(self, clock: "Clock") -> None:
        super().__init__()
        self._clock = clock

    @property
    def now(self) -> int:
        """The clock's present time in nanoseconds."""
        return self._clock.now_ns

    def schedule(self, event: simpy.Event, priority: int = NORMAL, delay: float = 0) -> None:
        """Let an event happen after ``delay`` nanoseconds, an urgent one before all others."""
        happen = partial(_happen, event)
        if priority == URGENT:
            self._clock.call_first(happen)
        else:
            self._clock.call_in(int(delay), happen)


def _happen(event: simpy.Event) -> None:
    """Call back whoever waits for an event, as SimPy's own step does."""
    callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
    for callback in callbacks:
        callback(event)
    if not event._ok and not hasattr(event, "_defused"):
        raise event._value
