"""SimPy's events and processes among the plain calls of a clock."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import simpy
from simpy.events import NORMAL, URGENT


class EventQueue(Protocol):
    """Queue of plain calls at simulated times, such as a clock."""

    @property
    def now_ns(self) -> int:
        """Simulated time in nanoseconds."""
        ...

    def call_first(self, call: Callable[[], object]) -> object:
        """Call before everything else that is due now."""
        ...

    def call_in(self, delay_ns: int, call: Callable[[], object]) -> object:
        """Call after ``delay_ns`` nanoseconds."""
        ...


class Processes(simpy.Environment):
    """An environment whose queue is a clock's: what SimPy schedules becomes a plain call there."""

    def __init__(self, clock: EventQueue) -> None:
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
    """Call back all that wait for an event, as SimPy's own step does."""
    callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
    for callback in callbacks:
        callback(event)
    if not event._ok and not hasattr(event, "_defused"):
        raise event._value
