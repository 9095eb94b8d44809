"""``time.sleep`` and ``gevent.sleep`` in users' code: time that passes on their partition's clock.

Importing this module replaces both. Who is no user, or has no partition, sleeps as ever.
"""

import time
from collections.abc import Callable
from typing import Any

import gevent
from greenlet import getcurrent

_sleep: Callable[[float], None] = time.sleep
_gevent_sleep: Callable[..., None] = gevent.sleep


def current_user() -> Any:
    """Return the user whose code is being executed; None if it is no user's.

    As on Locust's own greenlets, it is the greenlet's first argument.
    """
    arguments = getattr(getcurrent(), "args", None)
    return arguments[0] if arguments else None


def _waits(seconds: object) -> bool:
    """Let a user's partition wait, if it is a user that sleeps."""
    partition: Any = getattr(current_user(), "partition", None)
    if not getattr(partition, "takes_sleep", False):
        return False
    partition.wait(seconds)
    return True


def _time_sleep(seconds: float, /) -> None:
    if not _waits(seconds):
        _sleep(seconds)


def _sleep_in_gevent(seconds: float = 0, ref: bool = True) -> None:
    if not _waits(seconds):
        _gevent_sleep(seconds, ref)


def _replace() -> None:
    hub: Any = gevent.hub
    places: tuple[tuple[Any, Callable[..., None]], ...] = (
        (gevent, _sleep_in_gevent),
        (hub, _sleep_in_gevent),
        (time, _time_sleep),
    )
    for module, function in places:
        module.sleep = function


_replace()
