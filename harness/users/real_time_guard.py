"""Isolation of users' code from real time: no threads, no real waiting, no network.

Simulated time stands still while code waits for something real, and the outcome differs from run to
run. The clocks of the module ``time`` return simulated time. Files may be read and written.
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
from typing import Any, NoReturn, Protocol

import gevent
import gevent.lock
import gevent.thread
from greenlet import getcurrent

from harness.engine.clock import to_ns
from harness.errors import UserError
from harness.users.patched import patched
from harness.users.user_greenlet import WAITS_FOR_REAL, UserGreenlet
from workloads.source_line import raised_at
from workloads.wrong_calls import wrong_call

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
"""Description of real input and output by Python's audit event."""


class UserClock(Protocol):
    """The time that users see."""

    @property
    def now_ns(self) -> int:
        """The present time in nanoseconds."""
        ...

    def fail(self, error: Exception) -> NoReturn:
        """End the run with an error."""
        ...


_clocks: list[UserClock] = []
"""Clocks of the runs that are isolated at present."""

_CLOCKS = ("time", "monotonic", "perf_counter")
"""Functions of the module ``time`` that return simulated time, and those in nanoseconds."""

_REFUSED_CALLS: tuple[tuple[Any, str, str], ...] = (
    (asyncio.events, "new_event_loop", f"makes a loop of asyncio's {_INSTEAD}"),
    *(
        (
            place,
            name,
            "starts a thread, which knows nothing of simulated time: "
            "self.partition.parallel(...) does several things at once",
        )
        for place, name in ((threading.Thread, "start"), (_thread, "start_new_thread"))
    ),
    (
        threading.Condition,
        "wait",
        "waits for a thread, while simulated time stands still: wait with "
        "self.partition.wait(seconds)",
    ),
    *(
        (select, name, WAITS_FOR_REAL)
        for name in ("select", "poll", "epoll", "kqueue")
        if hasattr(select, name)
    ),
    (selectors.DefaultSelector, "select", WAITS_FOR_REAL),
    (selectors.PollSelector, "select", WAITS_FOR_REAL),
    (selectors.SelectSelector, "select", WAITS_FOR_REAL),
    *(
        (signal, name, WAITS_FOR_REAL)
        for name in ("pause", "sigwait", "sigwaitinfo", "sigtimedwait")
    ),
    (gevent.Timeout, "start", "sets a timeout of gevent's, which counts no simulated time"),
    *((signal, name, f"sets a timer {_INSTEAD}") for name in ("alarm", "setitimer")),
)
"""Functions that users may not call: a module or class, the name, and what a user does."""


def _audit(event: str, _: object) -> None:
    """Refuse users' real input and output."""
    if not _clocks or event not in _REFUSED:
        return
    own = getcurrent()
    if type(own) is UserGreenlet:
        own.refuse(f"{_REFUSED[event]} {_INSTEAD}")


@cache
def _listen() -> None:
    """Listen to audit events, which cannot be undone."""
    sys.addaudithook(_audit)


def _unless_user(function: Callable[..., Any], what: str) -> Callable[..., Any]:
    """Return the function, refused to users."""

    def call(*args: Any, **keywords: Any) -> Any:
        own = getcurrent()
        if type(own) is UserGreenlet:
            own.refuse(what)
        return function(*args, **keywords)

    return call


def _simulated(clock: UserClock, starts_ns: int) -> Iterator[tuple[Any, str, object]]:
    """Yield replacements of clocks and locks; in other threads than the run's they are real.

    A library that is first imported in a run keeps these functions: after the run they are real.
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
    # As with Locust's own patches: waiting for one is refused; a real one would stop the process.
    yield threading, "Lock", lock(threading.Lock, gevent.thread.LockType)
    yield threading, "RLock", lock(threading.RLock, gevent.lock.RLock)


def _spawned(_: object) -> None:
    """Refuse users that start a greenlet of gevent's, whose loop does not run."""
    own = getcurrent()
    if type(own) is UserGreenlet:
        own.refuse(
            "starts a greenlet of gevent's (a pool, gevent.spawn), where verbs cannot wait for "
            "simulated time: self.partition.parallel(...) does several things at once"
        )


class _FailingLogger:
    """Replacement of ``logging`` where Locust logs an error and goes on."""

    def __init__(self, clock: UserClock) -> None:
        self._clock = clock

    def error(self, message: str, *_: object) -> NoReturn:
        """End the run with the exception that is being handled."""
        error = sys.exception()
        where = "a listener of Locust's events" if "handler" in message else "on_stop"
        text = wrong_call(error) or f"{type(error).__name__}: {error}"
        trace = None if error is None else error.__traceback__
        self._clock.fail(UserError(f"{raised_at(trace)}: {where} raised {text}"))


@contextmanager
def without_real_time(clock: UserClock, starts_seconds: float = 0.0) -> Iterator[None]:
    """Refuse what has no meaning in simulated time, and errors that Locust only logs; undone.

    Parameters
    ----------
    clock
        The time that users see.
    starts_seconds
        Value of ``time.time()`` at its beginning.
    """
    _listen()
    logger = _FailingLogger(clock)
    quiet = SimpleNamespace(error=lambda *_: None, warning=_users_module.logger.warning)
    replacements = (
        (_event_module, "logging", logger),
        (_task_module, "logging", logger),
        # It logs an error of on_start that is raised all the same.
        (_users_module, "logger", quiet),
        *(
            (place, name, _unless_user(getattr(place, name), what))
            for place, name, what in _REFUSED_CALLS
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
        # The lock of a dismissed user still notifies waiters: here, not in the next run.
        with suppress(UserError):
            gevent.sleep(0)
