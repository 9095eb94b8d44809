"""Isolation of users' code from real time: no threads, no real waiting, no network.

While simulated time stands still, real waiting only wastes real time, and what comes of it differs
from run to run. The clocks of the module ``time`` tell simulated time. Files may be read and
written.
"""

import _thread
import asyncio
import importlib
import select
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from types import SimpleNamespace
from typing import Any, NoReturn

import gevent
import gevent.lock
import gevent.thread
from greenlet import getcurrent

from harness.engine.clock import Clock, to_ns
from harness.errors import UserError
from harness.users.patched import patched
from harness.users.user_greenlet import WAITS_FOR_REAL, UserGreenlet
from workloads.source_line import raised_at

_event_module: Any = importlib.import_module("locust.event")
_task_module: Any = importlib.import_module("locust.user.task")
_users_module: Any = importlib.import_module("locust.user.users")

_INSTEAD = (
    "in simulated time, where the network and other programs do not exist; the verbs of "
    "self.partition stand for such work"
)

_REFUSED: Mapping[str, str] = {
    "socket.__new__": "opens a socket",
    "socket.connect": "uses a socket",
    "socket.sendto": "uses a socket",
    "socket.getaddrinfo": "looks up an address",
    "subprocess.Popen": "starts a program",
    "os.system": "starts a program",
    "os.posix_spawn": "starts a program",
    "os.fork": "forks",
    "builtins.input": "asks for input",
}
"""Python's audit events that are real input and output -> what a user does then."""

_clocks: list[Clock] = []
"""Of the runs that are isolated at present."""

_CLOCKS = ("time", "monotonic", "perf_counter")
"""Functions of the module ``time`` that tell simulated time; each has one in nanoseconds, too."""

_WAITING: tuple[tuple[Any, str], ...] = (
    *((select, name) for name in ("select", "poll", "epoll", "kqueue") if hasattr(select, name)),
    (selectors.DefaultSelector, "select"),
    (selectors.PollSelector, "select"),
    (selectors.SelectSelector, "select"),
    *((signal, name) for name in ("pause", "sigwait", "sigwaitinfo", "sigtimedwait")),
)
"""Functions that wait for a file, a socket or a signal."""


def _audit(event: str, _: object) -> None:
    """Refuse real input and output of users."""
    if not _clocks or event not in _REFUSED:
        return
    own = getcurrent()
    if type(own) is UserGreenlet:
        own.refuse(f"{_REFUSED[event]} {_INSTEAD}")


@cache
def _listen() -> None:
    """Listen to audit events from now on: there is no way to stop it."""
    sys.addaudithook(_audit)


def _unless_user(function: Callable[..., Any], what: str) -> Callable[..., Any]:
    """Make a function that refuses users."""

    def call(*args: Any, **keywords: Any) -> Any:
        own = getcurrent()
        if type(own) is UserGreenlet:
            own.refuse(what)
        return function(*args, **keywords)

    return call


def _simulated(clock: Clock, starts_ns: int) -> Iterator[tuple[Any, str, object]]:
    """Yield what replaces clocks and locks in the thread of a run; other threads have real ones.

    A library that is first imported in a run keeps these functions: after it they are real.
    """
    thread = threading.get_ident()

    def inside() -> bool:
        return clock in _clocks and threading.get_ident() == thread

    def reader(real: Callable[[], float], since_ns: int) -> Callable[[], float]:
        def read() -> float:
            return (since_ns + clock.now_ns) / 1e9 if inside() else real()

        return read

    def reader_ns(real: Callable[[], int], since_ns: int) -> Callable[[], int]:
        def read() -> int:
            return since_ns + clock.now_ns if inside() else real()

        return read

    def lock(real: Callable[[], Any], cooperative: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: cooperative() if inside() else real()

    for name in _CLOCKS:
        since_ns = starts_ns if name == "time" else 0
        yield time, name, reader(getattr(time, name), since_ns)
        yield time, f"{name}_ns", reader_ns(getattr(time, f"{name}_ns"), since_ns)
    # As with Locust's own patches; to wait for one is refused, where a real one stops the process.
    yield threading, "Lock", lock(threading.Lock, gevent.thread.LockType)
    yield threading, "RLock", lock(threading.RLock, gevent.lock.RLock)


def _spawned(_: object) -> None:
    """Refuse users that start a greenlet of gevent's: nobody would carry it out."""
    own = getcurrent()
    if type(own) is UserGreenlet:
        own.refuse(
            "starts a greenlet of gevent's (a pool, gevent.spawn), where verbs cannot wait for "
            "simulated time: self.partition.parallel(...) does several things at once"
        )


class _Loud:
    """Stands in for ``logging`` where Locust writes an error down and goes on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def error(self, message: str, *_: object) -> NoReturn:
        """End the run with the error that is being handled."""
        error = sys.exception()
        where = "a listener of Locust's events" if "handler" in message else "on_stop"
        text = f"{type(error).__name__}: {error}"
        trace = None if error is None else error.__traceback__
        self._clock.fail(UserError(f"{raised_at(trace)}: {where} raised {text}"))


@contextmanager
def without_real_time(clock: Clock, starts_seconds: float = 0.0) -> Iterator[None]:
    """Refuse what has no meaning in simulated time, and what Locust would pass over; undone.

    Parameters
    ----------
    clock
        The time that users see.
    starts_seconds
        What ``time.time()`` tells at its beginning.
    """
    _listen()
    loud = _Loud(clock)
    quiet = SimpleNamespace(error=lambda *_: None, warning=_users_module.logger.warning)
    replacements: tuple[tuple[Any, str, object], ...] = (
        (_event_module, "logging", loud),
        (_task_module, "logging", loud),
        # It prints an error of on_start that is raised all the same.
        (_users_module, "logger", quiet),
        (
            asyncio.events,
            "new_event_loop",
            _unless_user(asyncio.events.new_event_loop, f"makes a loop of asyncio's {_INSTEAD}"),
        ),
        *(
            (
                place,
                name,
                _unless_user(
                    getattr(place, name),
                    "starts a thread, which knows nothing of simulated time: "
                    "self.partition.parallel(...) does several things at once",
                ),
            )
            for place, name in ((threading.Thread, "start"), (_thread, "start_new_thread"))
        ),
        (
            threading.Condition,
            "wait",
            _unless_user(
                threading.Condition.wait,
                "waits for a thread, while simulated time stands still: wait with "
                "self.partition.wait(seconds)",
            ),
        ),
        *(
            (place, name, _unless_user(getattr(place, name), WAITS_FOR_REAL))
            for place, name in _WAITING
        ),
        (
            gevent.Timeout,
            "start",
            _unless_user(
                gevent.Timeout.start, "sets a timeout of gevent's, which counts no simulated time"
            ),
        ),
        *(
            (signal, name, _unless_user(getattr(signal, name), f"sets a timer {_INSTEAD}"))
            for name in ("alarm", "setitimer")
        ),
        *_simulated(clock, to_ns(starts_seconds)),
    )
    _clocks.append(clock)
    gevent.Greenlet.add_spawn_callback(_spawned)
    try:
        with patched(*replacements):
            yield
    finally:
        gevent.Greenlet.remove_spawn_callback(_spawned)
        _clocks.pop()
        # A lock of a user that was dismissed still notifies who waited: here, not in the next run.
        with suppress(UserError):
            gevent.sleep(0)
