"""Events: whatever happens at a simulated time, or when something else is done."""

from collections.abc import Callable
from typing import Final

from harness.engine.linked_list import Node


class Event(Node):
    """Something that is waited for.

    Code that a run spends its time in has a class of its own for each event, with the state that
    it needs as attributes: calling a method of it takes compiled code a few nanoseconds.
    """

    def fire(self) -> None:
        """Happen."""


NO_EVENT: Final = Event()
"""In place of an event, where nothing waits."""


class Call(Event):
    """An event that calls a function."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__()
        self.action = action

    def fire(self) -> None:
        """Call it."""
        self.action()


class Timer(Event):
    """One call at one simulated time, which can be cancelled."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__()
        self._action: Callable[[], object] | None = action

    def fire(self) -> None:
        """Go off."""
        if self._action is not None:
            self._action()

    def cancel(self) -> None:
        """Cancel the call; harmless after the timer has gone off."""
        self._action = None


def as_event(done: Event | Callable[[], object]) -> Event:
    """Return an event itself, and for a function the event that calls it."""
    return done if isinstance(done, Event) else Call(done)
