"""Steps of recorded users: what they ask of a partition, one thing after the other."""

from collections.abc import Mapping
from typing import Final

from mypy_extensions import i64

from harness.engine.vecs import append, vec

# Kinds of steps, and what belongs to each: an index, two whole numbers and seconds.
COMPUTE: Final = 0
"""Use the processor: index of the events (0: none), seconds."""
READ: Final = 1
"""Read a block: size, offset."""
WRITE: Final = 2
"""Write a block: size, offset."""
SEND: Final = 3
"""Stream to a peer: index of its name, size."""
RECEIVE: Final = 4
"""Have a peer stream: index of its name, size."""
EXCHANGE: Final = 5
"""Exchange messages with a peer: index of its name, sizes of request and response."""
WAIT: Final = 6
"""Wait within a task: seconds."""
PAUSE: Final = 7
"""Wait between two tasks: seconds."""
BEGIN: Final = 8
"""Begin a transaction: index of the start time."""
BEGIN_AT_ARRIVAL: Final = 9
"""Begin a transaction whose start is the user's arrival: index of the start time."""
END: Final = 10
"""End a transaction: index of its name, index of the start time."""
FAIL: Final = 11
"""End a transaction that failed: index of its name, index of the start time."""
LEAVE: Final = 12
"""End the work of one arrival."""
SERVE: Final = 13
"""Answer a client outside: index of the events, sizes of request and response, seconds."""

KIND_BITS: Final = 4
"""A step's index stands above so many bits of its kind."""


class Tables:
    """Texts and events that the steps of one group of users refer to by their index.

    Attributes
    ----------
    texts
        Names of peers and transactions.
    events
        Mean numbers of operating-system events; no events come first.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.events: list[Mapping[str, float] | None] = [None]
        self._places: dict[str, int] = {}
        self._event_places: dict[tuple[tuple[str, float], ...], int] = {(): 0}

    def text(self, text: str) -> int:
        """Return the index of a text."""
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = len(self.texts)
            self.texts.append(text)
        return place

    def event(self, events: Mapping[str, float] | None) -> int:
        """Return the index of some events."""
        if not events:
            return 0
        key = tuple(events.items())
        place = self._event_places.get(key)
        if place is None:
            place = self._event_places[key] = len(self.events)
            self.events.append(events)
        return place


class Steps:
    """Part of a recording: steps of one user, or of one arrival after the other.

    Attributes
    ----------
    tables
        What the steps refer to.
    number
        Number of the parts before it.
    count
        Number of steps.
    words, first, second, seconds
        By step: kind and index, whole numbers and seconds.
    arrivals
        By arrival: the place of its first step.
    gaps
        By arrival: the nanoseconds since the arrival before.
    following
        The next part, if it is kept.
    """

    def __init__(self, tables: Tables, number: i64) -> None:
        self.tables = tables
        self.number: i64 = number
        self.count: i64 = 0
        self.words = vec[i64]()
        self.first = vec[i64]()
        self.second = vec[i64]()
        self.seconds = vec[float]()
        self.arrivals = vec[i64]()
        self.gaps = vec[i64]()
        self.following: Steps | None = None

    def add(self, kind: i64, index: i64, first: i64, second: i64, seconds: float) -> i64:
        """Add a step; return how many there are."""
        self.words = append(self.words, index << KIND_BITS | kind)
        self.first = append(self.first, first)
        self.second = append(self.second, second)
        self.seconds = append(self.seconds, seconds)
        self.count += 1
        return self.count

    def arrive(self, gap_ns: i64) -> None:
        """Begin the steps of an arrival."""
        self.arrivals = append(self.arrivals, self.count)
        self.gaps = append(self.gaps, gap_ns)

    def equals(self, other: "Steps") -> bool:
        """Whether both hold the same steps, by the same tables."""
        if self.count != other.count or len(self.gaps) != len(other.gaps):
            return False
        place: i64 = 0
        while place < self.count:
            if (
                self.words[place] != other.words[place]
                or self.first[place] != other.first[place]
                or self.second[place] != other.second[place]
                or self.seconds[place] != other.seconds[place]
            ):
                return False
            place += 1
        place = 0
        while place < len(self.gaps):
            if (
                self.gaps[place] != other.gaps[place]
                or self.arrivals[place] != other.arrivals[place]
            ):
                return False
            place += 1
        return True
