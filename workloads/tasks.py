"""Checks of a user's tasks: functions whose call carries nothing out are refused."""

import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from locust import FastHttpUser, HttpUser, TaskSet, User

from harness.errors import UserError

_CALLED = ("on_start", "on_stop", "wait_time")
"""Methods that Locust calls besides the tasks."""


def check_synchronous(function: Callable[..., Any]) -> None:
    """Refuse a function whose call carries nothing out.

    Raises
    ------
    UserError
        If it is a coroutine or a generator function.
    """
    body = inspect.unwrap(getattr(function, "__func__", function))
    while isinstance(body, functools.partial):
        body = body.func
    if inspect.iscoroutinefunction(body) or inspect.isasyncgenfunction(body):
        kind, right = "is asynchronous", "write 'def' in place of 'async def'"
    elif inspect.isgeneratorfunction(body):
        kind, right = "is a generator (it has a 'yield')", "leave 'yield' out"
    else:
        return
    code = body.__code__
    raise UserError(
        f"{Path(code.co_filename).name}:{code.co_firstlineno}: {body.__qualname__} {kind}, so that "
        f"a call carries nothing out: {right}"
    )


def check_user(cls: type[User]) -> None:
    """Refuse a user class whose tasks do nothing, or work on something else than a partition.

    Raises
    ------
    UserError
        If it is one.
    """
    for other in (HttpUser, FastHttpUser):
        if issubclass(cls, other):
            raise UserError(
                f"{cls.__name__} derives from {other.__name__}: there is no network in simulated "
                "time; derive it from workloads.user.PartitionUser alone"
            )
    owners: list[Any] = [cls, *task_sets(cls)]
    for owner in owners:
        if not callable(owner.wait_time):
            raise UserError(
                f"{owner.__name__}.wait_time = {owner.wait_time!r}: must be a function; write "
                "wait_time = constant(seconds), or leave it out for the campaign's think_time"
            )
        for name in _CALLED:
            check_synchronous(getattr(owner, name))
        for task in owner.tasks:
            if not inspect.isclass(task):
                check_synchronous(task)


def task_sets(owner: Any) -> Iterator[type[TaskSet]]:
    """Return the task sets of a user class, and those within them."""
    seen: list[type[TaskSet]] = []
    waiting = [owner]
    while waiting:
        for task in waiting.pop().tasks:
            if inspect.isclass(task) and issubclass(task, TaskSet) and task not in seen:
                seen.append(task)
                waiting.append(task)
                yield task
