"""Watchdog: ends a run whose simulated time stands still because of a user's code.

It reads the wall clock, but changes no result: a run ends as without it, or has no result.
"""

import ctypes
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

from greenlet import getcurrent

from harness.engine.clock import Clock
from harness.errors import UserError
from harness.users.user_greenlet import UserGreenlet
from workloads.source_line import is_workload, outwards, users_line
from workloads.user import PartitionUser

STALL_SECONDS = 20.0
"""Longest standstill of simulated time, in seconds of the wall clock."""

AGAIN_SECONDS = 3.0
"""The limit after a run of this process has stood still, as most others will then."""

_LOOKS = 20
"""Number of looks within that time; during the sleep of a computer there is at most one."""

_AIMS = 400
"""Number of attempts to interrupt a user's code; after them any code is interrupted."""

_AIM_SECONDS = 0.002

_set_timer = signal.setitimer  # users may call none

_limit: list[float] = []
"""The present limit, if it is not the first one."""


class _Stalled(BaseException):
    """Raised in a run that is not in the main thread, to end it; user code seldom catches it."""


class Watchdog:
    """Watchdog of one run: a timer for the main thread, a thread of its own for others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limit = _limit[0] if _limit else STALL_SECONDS
        self._run = threading.get_ident()
        self._main = threading.current_thread() is threading.main_thread()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._looks = 0
        self._aims = 0
        self._seen = self._progress()
        self._calls_verbs = False
        self.error: UserError | None = None

    def _progress(self) -> tuple[int, int]:
        return self._clock.now_ns, self._clock.scheduled

    def __enter__(self) -> "Watchdog":
        if self._main:
            # A timer of the system interrupts also while C code, such as a regular expression,
            # lets no other thread run.
            self._before = signal.signal(signal.SIGALRM, self._alarmed)
            look = self._limit / _LOOKS
            _set_timer(signal.ITIMER_REAL, look, look)
        else:
            self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._ended.set()
        if self._main:
            _set_timer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, self._before)
        else:
            self._thread.join()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._run), None)
        if isinstance(error, _Stalled) and self.error is not None:
            raise self.error from None

    def _look(self) -> bool:
        """Return whether simulated time has stood still too long."""
        before, self._seen = self._seen, self._progress()
        self._calls_verbs = self._seen != before
        self._looks = self._looks + 1 if self._seen[0] == before[0] else 0
        return self._looks >= _LOOKS

    # In the watchdog's thread, where the run is not in the main one

    def _watch(self) -> None:
        while not self._ended.wait(self._limit / _LOOKS):
            if self._look():
                self._interrupt()

    def _interrupt(self) -> None:
        """Interrupt the run, preferably while it executes a user's code."""
        for aim in range(_AIMS):
            if self._progress()[0] != self._seen[0]:
                return
            frame = sys._current_frames().get(self._run)
            if _user_in(frame) is not None or aim == _AIMS - 1:
                self.error = self._describe(frame)
                stalled = ctypes.py_object(_Stalled)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._run), stalled)
            if self._ended.wait(_AIM_SECONDS if self.error is None else 0.5):
                return

    # In the run's thread, where it is the main one

    def _alarmed(self, _: int, frame: FrameType | None) -> None:
        if self._ended.is_set():
            return
        if self._aims and self._progress()[0] != self._seen[0]:
            self._aims = self._looks = 0
        if not self._aims and not self._look():
            return
        self._aims += 1
        if type(getcurrent()) is UserGreenlet or self._aims >= _AIMS:
            _set_timer(signal.ITIMER_REAL, 0.5, 0.5)
            self._end(self._describe(frame))
        _set_timer(signal.ITIMER_REAL, _AIM_SECONDS, self._limit / _LOOKS)

    def _end(self, error: UserError) -> NoReturn:
        self.error = error
        self._clock.fail(error)

    def _describe(self, frame: FrameType | None) -> UserError:
        stood = f"simulated time has stood still for {self._limit:g} s"
        _limit[:] = [min(AGAIN_SECONDS, self._limit)]
        user = _user_in(frame)
        if user is None:
            return UserError(f"{stood}: something takes no time, over and over")
        tasks = [
            each.f_code.co_name for each in outwards(frame) if is_workload(each.f_code.co_filename)
        ]
        where = f"{users_line(frame)}: {type(user).__name__}"
        if tasks:
            where += f", {tasks[-1]}"
        if not self._calls_verbs:
            return UserError(
                f"{where}: calls no verb and does not return: {stood}; a task calls verbs of "
                "self.partition, and computes little itself"
            )
        return UserError(
            f"{where}: calls verbs that take no time, over and over: {stood}; let each round of "
            "a loop take some time"
        )


def _user_in(frame: FrameType | None) -> PartitionUser | None:
    """Return the user whose code is being executed."""
    for each in outwards(frame):
        if each.f_code.co_name == "run":
            user = each.f_locals.get("self")
            if isinstance(user, PartitionUser):
                return user
    return None
