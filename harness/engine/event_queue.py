"""The queue of all events to come: a binary heap ordered by time, then by number.

Two implementations do the same. Compiled, :class:`NativeEventQueue` moves native integers only.
Interpreted, :mod:`heapq` is faster, which is written in C.
"""

from heapq import heappop, heappush
from typing import Final

from mypy_extensions import i64

from harness.engine.event import Event
from harness.engine.vecs import append, vec

NEVER: Final = (1 << 62) - 1
"""A time (ns) later than all others: 146 years."""

_PLACE_BITS: Final = 20
_PLACE_MASK: Final = (1 << 20) - 1
"""An entry's number and its event's place are one integer; a million events fit in."""


class EventQueue:
    """What both implementations have in common.

    Attributes
    ----------
    popped_ns
        The time of the event that was taken out last.
    """

    def __init__(self) -> None:
        self.popped_ns: i64 = 0

    def push(self, time_ns: i64, number: i64, event: Event) -> None:
        """Add an event. Of one time, that with the lesser number comes first; none has two."""
        raise NotImplementedError

    def next_ns(self) -> i64:
        """Return the time of the first event; ``NEVER`` without any."""
        raise NotImplementedError

    def pop_before(self, time_ns: i64) -> Event | None:
        """Take out the first event, if it comes before a time; ``popped_ns`` is its own."""
        raise NotImplementedError


class HeapqEventQueue(EventQueue):
    """The queue as tuples in a heap of :mod:`heapq`."""

    def __init__(self) -> None:
        super().__init__()
        self._heap: list[tuple[int, int, Event]] = []

    def push(self, time_ns: i64, number: i64, event: Event) -> None:
        """Add an event."""
        heappush(self._heap, (time_ns, number, event))

    def next_ns(self) -> i64:
        """Return the time of the first event."""
        heap = self._heap
        return heap[0][0] if heap else NEVER

    def pop_before(self, time_ns: i64) -> Event | None:
        """Take out the first event, if it comes before a time."""
        heap = self._heap
        if not heap or heap[0][0] >= time_ns:
            return None
        self.popped_ns, _, event = heappop(heap)
        return event


class NativeEventQueue(EventQueue):
    """The queue as arrays of native integers, and the events in a table beside them.

    An entry of the heap is a time and an order: its number, and its event's place in the table.
    What is taken out leaves a gap at the top. Mostly an event sets off another one soon after it:
    that one fills the gap, and sinks but a little.
    """

    def __init__(self) -> None:
        super().__init__()
        self._length: i64 = 0
        self._times = vec[i64]()
        self._orders = vec[i64]()
        self._events = vec[Event | None]()
        self._vacant = vec[i64]()
        """Places of the table; those from the ``_length``-th on are vacant."""
        self._gap = False
        """Whether the first entry has been taken out, and none has come in its place yet."""

    def push(self, time_ns: i64, number: i64, event: Event) -> None:
        """Add an event."""
        if self._gap:
            self._gap = False
            place = self._orders[0] & _PLACE_MASK
            self._events[place] = event
            self._sink(time_ns, (number << _PLACE_BITS) | place)
            return
        at = self._length
        if at == len(self._times):
            self._grow()
        self._length = at + 1
        place = self._vacant[at]
        self._events[place] = event
        times, orders = self._times, self._orders
        order = (number << _PLACE_BITS) | place
        while at > 0:
            parent = (at - 1) >> 1
            time = times[parent]
            if time < time_ns or (time == time_ns and orders[parent] < order):
                break
            times[at] = time
            orders[at] = orders[parent]
            at = parent
        times[at] = time_ns
        orders[at] = order

    def next_ns(self) -> i64:
        """Return the time of the first event."""
        if self._gap:
            self._fill_gap()
        if self._length == 0:
            return NEVER
        return self._times[0]

    def pop_before(self, time_ns: i64) -> Event | None:
        """Take out the first event, if it comes before a time."""
        if self._gap:
            self._fill_gap()
        times = self._times
        if self._length == 0 or times[0] >= time_ns:
            return None
        self.popped_ns = times[0]
        self._gap = True
        place = self._orders[0] & _PLACE_MASK
        event = self._events[place]
        self._events[place] = None
        return event

    def _fill_gap(self) -> None:
        """Let the last entry take the place of the first one."""
        self._gap = False
        length = self._length - 1
        self._length = length
        self._vacant[length] = self._orders[0] & _PLACE_MASK
        if length:
            self._sink(self._times[length], self._orders[length])

    def _sink(self, time: i64, order: i64) -> None:
        """Place an entry at the top, or as far below as it belongs."""
        length = self._length
        times, orders = self._times, self._orders
        at: i64 = 0
        child: i64 = 1
        while child < length:
            earliest = times[child]
            right = child + 1
            if right < length:
                other = times[right]
                if other == earliest:
                    if orders[right] < orders[child]:
                        child = right
                else:
                    # No processor predicts which one comes first, so there is no branch.
                    child += i64(other < earliest)
                    earliest = times[child]
            if time < earliest or (time == earliest and order < orders[child]):
                break
            times[at] = earliest
            orders[at] = orders[child]
            at = child
            child = 2 * at + 1
        times[at] = time
        orders[at] = order

    def _grow(self) -> None:
        """Make room for one more entry."""
        length = len(self._times)
        if length > _PLACE_MASK:
            raise MemoryError("more than a million events wait")
        self._times = append(self._times, 0)
        self._orders = append(self._orders, 0)
        self._events = append(self._events, None)
        self._vacant = append(self._vacant, length)
