"""Simulated time paced by the wall clock."""

import math
import time
from collections.abc import Callable

import gevent
from gevent.event import Event
from greenlet import getcurrent, greenlet
from mypy_extensions import i64

from harness.engine.clock import Clock

_BREATH_SECONDS = 0.02
"""Other greenlets (web pages, Locust's own) get a turn at least this often."""


class RealtimeClock(Clock):
    """Simulated time that passes ``speed`` times as fast as time on the wall.

    One greenlet of gevent's calls :meth:`pace` and carries out what is due; all others may put
    work on the queue at any moment, through :meth:`wait_for` or between :meth:`present` and
    :meth:`wake`. What is due at one simulated time happens at that time, however late it is
    carried out: a slow computer makes the simulation late, it does not change its results. A clock
    that is late runs as fast as it can until it is not.

    Parameters
    ----------
    speed
        Simulated seconds for each second of the wall clock.
    wall
        The wall clock, in seconds.

    Attributes
    ----------
    worst_late_seconds
        The latest that it has been, in seconds of the wall clock.
    """

    def __init__(self, speed: float = 1.0, wall: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        if not 0 < speed < math.inf:
            raise ValueError(f"time can pass at any speed above 0, not at {speed}")
        self.speed = speed
        self.worst_late_seconds = 0.0
        self._wall = wall
        self._began = wall()
        self._nudged = Event()
        self._asleep = False
        self._turn: greenlet | None = None

    def _paced_ns(self) -> float:
        return (self._wall() - self._began) * self.speed * 1e9

    def _ahead_seconds(self) -> float:
        """Return how long it is until something is due (wall clock); negative: it is late."""
        return (self.peek() - self._paced_ns()) / 1e9 / self.speed

    @property
    def late_seconds(self) -> float:
        """How late the clock is at this moment, in seconds of the wall clock."""
        return max(0.0, -self._ahead_seconds())

    def pace(self) -> None:
        """Let time pass at its pace, without end."""
        self.hub = getcurrent()
        self._began = breath = self._wall()
        while True:
            ahead = self._ahead_seconds()
            if ahead > 0:
                self._rest(ahead)
                breath = self._wall()
                continue
            self.worst_late_seconds = max(self.worst_late_seconds, -ahead)
            self.step()
            if self._wall() - breath > _BREATH_SECONDS:
                gevent.sleep(0)
                breath = self._wall()

    def _rest(self, seconds: float) -> None:
        """Sleep until something is due or :meth:`wake` is called."""
        self._nudged.clear()
        self._asleep = True
        try:
            self._nudged.wait(None if seconds == math.inf else seconds)
        finally:
            self._asleep = False

    def sync(self) -> None:
        """Bring simulated time up to the present, for who comes from outside the simulation.

        While something is being carried out, its own time is the present.
        """
        if not self._asleep:
            return
        now_ns: i64 = int(self._paced_ns())
        self.now = max(self.now, min(now_ns, self._queue.next_ns()))

    def wake(self) -> None:
        """Make the clock look again at what is due next."""
        self._nudged.set()

    def wait_for(self, begin: Callable[[Callable[[], None]], object]) -> None:
        """Begin something and block the calling greenlet of gevent's until it is done.

        Parameters
        ----------
        begin
            Is given the call that the simulation makes when it is done.
        """
        own = getcurrent()
        waiting = True

        def done() -> None:
            if waiting:  # it may have been killed meanwhile
                self._give_turn(own)

        self.sync()
        begin(done)
        self._nudged.set()
        try:
            (self.hub if self._turn is own else gevent.get_hub()).switch()
        finally:
            waiting = False

    def _give_turn(self, own: greenlet) -> None:
        """Let a greenlet go on at this very moment, before anything else happens.

        It comes back here when it waits again; if it ends, or waits for something real, gevent
        comes back instead.
        """
        otherwise = gevent.get_hub().loop.run_callback(self.hub.switch)
        self._turn = own
        own.switch()
        self._turn = None
        otherwise.stop()
