"""What of a locustfile a campaign makes no use of, in a line for each.

A campaign decides by itself how many users there are, when they begin and how long they work; so
some of what Locust offers has no effect, and vtax prints a note.
"""

import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from locust import LoadTestShape, TaskSet, User, events
from locust.event import EventHook

from harness.campaign.plan import Plan
from harness.campaign.run_time import systems_of
from harness.model.config import UserGroup
from workloads.loading import load_user
from workloads.tasks import task_sets
from workloads.user import PartitionUser

_OLD_WAITS = ("min_wait", "max_wait", "wait_function")


def locust_notes(plan: Plan) -> list[str]:
    """Say what of a campaign's locustfiles has no effect; nothing about those that come with it."""
    notes: list[str] = []
    for base, group in _groups(plan):
        if group.user.startswith("workloads/"):
            continue
        cls = load_user(group.user, base).cls
        file = group.user.rpartition(":")[0]
        notes += [f"{file}:{cls.__name__}: {note}" for note in _about_class(cls, group)]
        notes += [f"{file}: {note}" for note in _about_file(cls)]
    return list(dict.fromkeys(notes))


def _groups(plan: Plan) -> Iterator[tuple[Path, UserGroup]]:
    for entry in plan.matrix:
        cell = entry.cell
        if cell is None or entry.position not in plan.selected:
            continue
        partitions = [each for system in systems_of(cell) for each in system.partitions]
        for groups in (cell.groups, *(each.groups for each in partitions)):
            for group in groups:
                yield entry.base, group


def _about_class(cls: type[PartitionUser], group: UserGroup) -> Iterator[str]:
    tags = sorted({tag for task in _tasks(cls) for tag in getattr(task, "locust_tag_set", ())})
    if tags:
        yield f"tags ({', '.join(tags)}) choose nothing: all tasks are carried out"
    for name in ("weight", "fixed_count"):
        if getattr(cls, name) != getattr(User, name):
            yield f"{name} has no effect: the campaign says how many users there are"
    used = [name for name in _OLD_WAITS if any(getattr(each, name, None) for each in _owners(cls))]
    if used:
        yield f"{', '.join(used)} have no effect: write wait_time"
    if cls.host:
        yield "host has no effect: users work on their partition"
    own_wait: Any = cls.wait_time
    if own_wait is PartitionUser.wait_time:
        return
    if group.arrivals_per_second is not None:
        yield "wait_time has no effect where transactions arrive"
    elif group.think_time_seconds and not _reads(own_wait, "think_time_seconds"):
        yield "has a wait_time of its own: the campaign's think_time has no effect"


def _about_file(cls: type[PartitionUser]) -> Iterator[str]:
    names = _namespace(cls)
    own = names.get("__file__")
    for name, value in names.items():
        if (
            inspect.isclass(value)
            and issubclass(value, LoadTestShape)
            and value.__module__ == names.get("__name__")
        ):
            yield f"the load shape {name} has no effect: the campaign says how many users"
    listened = sorted(
        name
        for name, hook in vars(events).items()
        if isinstance(hook, EventHook) and any(_file(one) == own for one in hook._handlers)
    )
    if listened:
        yield (
            f"listeners of Locust's events ({', '.join(listened)}) are not called: a campaign has "
            "no runner of Locust's; 'locust -f' calls them"
        )


def _owners(cls: type[PartitionUser]) -> list[Any]:
    return [cls, *task_sets(cls)]


def _tasks(cls: type[PartitionUser]) -> list[Any]:
    return [task for owner in _owners(cls) for task in owner.tasks]


def _reads(function: Any, attribute: str) -> bool:
    return attribute in getattr(getattr(function, "__code__", None), "co_names", ())


def _namespace(cls: type[PartitionUser]) -> Mapping[str, Any]:
    """Return the names of the module that a class is defined in."""
    module = sys.modules.get(cls.__module__)
    if module is not None:
        return vars(module)
    for task in _tasks(cls):
        if not (inspect.isclass(task) and issubclass(task, TaskSet)):
            return dict(inspect.unwrap(task).__globals__)
    return {}


def _file(function: Any) -> str | None:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else str(Path(code.co_filename))
