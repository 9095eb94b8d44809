"""Arguments of a partition's verbs: the one place where they are checked.

The same for modelled partitions, in simulated and in real time, and for real targets.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from numbers import Real
from reprlib import repr as shortened
from types import MappingProxyType

from harness.errors import UserError, suggest
from workloads.source_line import users_line

MOST_SECONDS = 1e9
"""The longest time that a verb may take: 31 years."""

LEAST_PAUSE_SECONDS = 1e-3
"""The pause of a user that neither thinks nor works, which would stop all time."""

MOST_BYTES = 1 << 50
"""The largest size, and the furthest place on a disk: 1 PiB."""

MOST_EVENTS = 1e9
"""The largest mean number of an operating-system event in one call."""

_SECONDS = "must be a finite number of seconds from 0 to 1e9"
_BYTES = "must be a whole number of bytes from 0 to 2**50"


def shown(value: object) -> str:
    """Write a value for a message: short, whatever it is."""
    try:
        return " ".join(shortened(value).split())[:80]
    except Exception:  # its own __repr__ fails, or it is an integer of thousands of digits
        return f"a value of type {type(value).__name__}"


def number(value: object) -> float | None:
    """Return a real number as a float; None if it is none, is not finite or is too large.

    Integers, fractions, decimals and numpy's numbers are numbers; truth values are not.
    """
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        return None
    try:
        found = float(value)
    except (OverflowError, ValueError, TypeError):  # numpy's times are integers, but no numbers
        return None
    return found if abs(found) <= 1e300 else None


class Arguments:
    """Checks arguments, and returns them as the plain numbers that a model calculates with.

    Parameters
    ----------
    events
        The known operating-system events.
    fail
        Is called with the error if an argument is wrong, and must not return.
    """

    def __init__(self, events: tuple[str, ...], fail: Callable[[Exception], object]) -> None:
        self._known = frozenset(events)
        self._fail = fail
        # Read-only views are checked once: the same users show the same one again and again.
        self._views: dict[int, tuple[object, Mapping[str, float]]] = {}

    def seconds(self, verb: str, name: str, value: object) -> float:
        """Check a time."""
        if type(value) is float and 0.0 <= value <= MOST_SECONDS:
            return value
        found = number(value)
        if found is None or not 0.0 <= found <= MOST_SECONDS:
            raise self._wrong(verb, name, value, _SECONDS)
        return found

    def size(self, verb: str, name: str, value: object) -> int:
        """Check a size in bytes."""
        if type(value) is int and 0 <= value <= MOST_BYTES:
            return value
        found = number(value)
        if found is None or not found.is_integer() or not 0.0 <= found <= MOST_BYTES:
            raise self._wrong(verb, name, value, _BYTES)
        return int(found)

    def offset(self, verb: str, name: str, value: object) -> int | None:
        """Check a place on a disk; None is the next one in sequence."""
        return None if value is None else self.size(verb, name, value)

    def text(self, verb: str, name: str, value: object) -> str:
        """Check a name, such as a peer's."""
        if not isinstance(value, str) or not value:
            raise self._wrong(verb, name, value, "must be a name")
        return value

    def events(self, verb: str, value: object) -> Mapping[str, float] | None:
        """Check mean numbers of operating-system events."""
        if value is None:
            return None
        view = isinstance(value, MappingProxyType)
        if view:
            held = self._views.get(id(value))
            if held is not None:
                return held[1]
        if not isinstance(value, Mapping):
            raise self._wrong(
                verb, "events", value, "must be a mapping of events to their mean numbers"
            )
        found: dict[str, float] = {}
        for event, count in value.items():
            if event not in self._known:
                raise self._wrong(verb, "events", event, suggest(event, self._known, "event"))
            mean = number(count)
            if mean is None or not 0.0 <= mean <= MOST_EVENTS:
                name = f"events[{event!r}]"
                raise self._wrong(verb, name, count, "must be a finite number from 0 to 1e9")
            found[event] = mean
        if not view:
            return found
        self._views[id(value)] = value, MappingProxyType(found)
        return self._views[id(value)][1]

    def service(
        self,
        request_bytes: object,
        response_bytes: object,
        processor_seconds: object,
        events: object,
    ) -> tuple[int, int, float, Mapping[str, float] | None]:
        """Check what answering a client outside takes."""
        return (
            self.size("serve", "request_bytes", request_bytes),
            self.size("serve", "response_bytes", response_bytes),
            self.seconds("serve", "processor_seconds", processor_seconds),
            self.events("serve", events),
        )

    def _wrong(self, verb: str, name: str, value: object, right: str) -> Exception:
        """Report a wrong argument; raise the result where that returns."""
        error = UserError(f"{users_line()}: {verb}({name}={shown(value)}): {right}")
        self._fail(error)
        return error


def check_wait(whose: str, value: object) -> float:
    """Check what ``wait_time`` has returned.

    Parameters
    ----------
    whose
        The class that has it, with its line.

    Raises
    ------
    UserError
        If it is no time.
    """
    found = number(value)
    if found is None or not 0.0 <= found <= MOST_SECONDS:
        hint = "; max(0.0, ...) keeps a draw from below" if found is not None and found < 0 else ""
        raise UserError(f"{whose}: wait_time() returned {shown(value)}: {_SECONDS}{hint}")
    return found
