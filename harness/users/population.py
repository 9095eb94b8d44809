"""Locust users on the simulated clock.

Every user is a greenlet. When it waits for its work or for its next task, it switches to the *hub*,
the greenlet in which the simulation runs; the clock switches back at the end of the wait.
"""

import importlib
import random as global_random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Protocol

import locust
from greenlet import GreenletExit, getcurrent
from locust.env import Environment
from locust.user.task import TaskSet

from harness.campaign.random_streams import stream_seed
from harness.engine.clock import Clock, to_ns
from harness.engine.event import Timer
from harness.errors import PartitionDownError, UserError
from harness.model.config import UserGroup
from harness.model.partition import SimulatedPartition
from harness.users.arrival_random import ArrivalRandom
from harness.users.partition import BlockingPartition, ClockWaiter
from harness.users.patched import patched
from harness.users.user_greenlet import Fail, UserGreenlet, raise_error
from workloads.arguments import MOST_SECONDS, check_wait
from workloads.loading import load_user
from workloads.source_line import is_workload
from workloads.source_line import place as place_of
from workloads.user import Demand, PartitionUser

_event_module: Any = importlib.import_module("locust.event")
_task_module: Any = importlib.import_module("locust.user.task")
_users_module: Any = importlib.import_module("locust.user.users")
_wait_module: Any = importlib.import_module("locust.user.wait_time")

START_WITHIN_SECONDS = 0.01
"""Time within which closed users without think time begin."""


class SupportsNow(Protocol):
    """Object with the present time, such as a clock."""

    @property
    def now_ns(self) -> int:
        """The present time in nanoseconds."""
        ...


class _Streams:
    """Replacement of the module ``random`` in Locust: every user draws from its own stream."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_own_stream(), name)

    @staticmethod
    def choice(options: Sequence[Any]) -> Any:
        """Choose, without a draw if there is one option."""
        return options[0] if len(options) == 1 else _own_stream().choice(options)


def _own_stream() -> Any:
    current = getcurrent()
    return current.user.random if isinstance(current, UserGreenlet) else global_random


@contextmanager
def locust_on(clock: SupportsNow, fail: Fail = raise_error) -> Iterator[None]:
    """Let Locust's users wait, draw and read the time on another clock; undone at the end.

    Their partition decides how they wait.

    Parameters
    ----------
    clock
        The source of the time.
    fail
        Is called with the error of a user that waits for a time that is none.
    """

    def sleep(task_set: TaskSet, seconds: float) -> None:
        user = task_set.user
        if not isinstance(user, PartitionUser):
            raise TypeError(
                f"{type(user).__name__} drives no partition: derive it from PartitionUser"
            )
        if type(seconds) is not float or not 0.0 <= seconds <= MOST_SECONDS:
            try:
                seconds = check_wait(_waiter(task_set), seconds)
            except UserError as error:
                fail(error)
                raise
        user.pause(seconds)

    def now() -> float:
        return clock.now_ns / 1e9

    streams = _Streams()
    time = SimpleNamespace(time=now, perf_counter=now)
    with patched(
        (_event_module, "time", time),
        (_users_module, "time", time),
        (_task_module, "time", now),
        (_task_module, "perf_counter", now),
        (TaskSet, "_sleep", sleep),
        (_task_module, "random", streams),
        (_wait_module, "random", streams),
        (_wait_module, "perf_counter", now),
    ):
        yield


def forward_requests(environment: Environment) -> None:
    """Forward requests reported through ``locust.events`` to an environment with its own events.

    Isolation of the run undoes it.
    """
    forward = environment.events.request.fire
    locust.events.request.add_listener(forward)  # type: ignore[no-untyped-call]


def _waiter(task_set: TaskSet) -> str:
    """Return the class whose ``wait_time`` a task set uses, and its place."""
    for cls in (type(task_set), type(task_set.user)):
        function: Any = cls.wait_time
        if function is not TaskSet.wait_time:
            break
    code = getattr(function, "__code__", None)
    if code is None or not is_workload(code.co_filename):
        return cls.__name__
    return f"{place_of(code.co_filename, code.co_firstlineno)}: {cls.__name__}"


def load_group(group: UserGroup, base: Path) -> tuple[type[PartitionUser], Demand]:
    """Load a group's user class and make its demand.

    Raises
    ------
    UserError
        If the locustfile is missing or broken, or has no such user.
    """
    loaded = load_user(group.user, base)
    return loaded.cls, loaded.demand_model.model_construct(None, **group.demand)


def group_title(partition: str, group: str) -> str:
    """Return a group's name in results: ``partition/group``.

    A full-system partition's groups already carry the name of the partition that they stand for.
    """
    return group if "/" in group else f"{partition}/{group}"


class UserPopulation:
    """All users of a run.

    Parameters
    ----------
    seed_parts
        Seeds of the users' random streams, besides the group's name and the user's index; they do
        not depend on the virtualization.
    """

    def __init__(self, clock: Clock, environment: Environment, *seed_parts: object) -> None:
        self.clock = clock
        self.environment = environment
        self.seed_parts = seed_parts
        self._greenlets: list[UserGreenlet] = []
        self._leaving: list[UserGreenlet] = []
        self._arrivals: dict[tuple[str, str], _Arrivals] = {}

    def add_group(
        self, group: UserGroup, modelled: SimulatedPartition, base: Path, first: int = 0
    ) -> None:
        """Add the users, or the arrivals, of a group of the campaign.

        Parameters
        ----------
        group
            The group.
        modelled
            The partition on which they work.
        base
            The folder that relative paths to locustfiles start from.
        first
            Index of the first user, for a group that already has users.

        Raises
        ------
        UserError
            If the locustfile is missing or broken, or has no such user.
        """
        self.add(*load_group(group, base), group, modelled, first)

    def add(
        self,
        cls: type[PartitionUser],
        demand: Demand,
        group: UserGroup,
        modelled: SimulatedPartition,
        first: int = 0,
    ) -> None:
        """Add the users, or the arrivals, of a group whose class is loaded.

        Closed users wait for the end of a transaction, think, and begin the next one. Transactions
        of open arrivals come at random (Poisson), independent of earlier ones: each is carried out
        by a user of its own, an idle user serves a later one, and response times begin at the
        arrival.
        """
        title = group_title(modelled.name, group.name)
        rate = group.arrivals_per_second
        think_time_seconds = group.think_time_seconds if rate is None else 0.0
        partition = BlockingPartition(modelled, ClockWaiter(self.clock), group.disk)

        def make(stream: Random) -> UserGreenlet:
            user = cls(self.environment).bind(partition, demand, stream, think_time_seconds)
            user.labels = (partition.name, title)
            own = UserGreenlet(user, self.clock.hub, self.clock.fail)
            self._greenlets.append(own)
            return own

        if rate is not None:
            seed = stream_seed(*self.seed_parts, title, "arrivals")
            arrivals = _Arrivals(self.clock, make, seed, rate)
            self._arrivals[partition.name, title] = arrivals
            arrivals.schedule()
            return
        within = max(think_time_seconds, START_WITHIN_SECONDS)
        for index in range(first, first + (group.users or 0)):
            stream = Random(stream_seed(*self.seed_parts, title, index))
            own = make(stream)
            self.clock.schedule(to_ns(stream.random() * within), own.thread)

    def change_arrivals(self, partition: str, group: str, arrivals_per_second: float) -> None:
        """Change the arrival rate of a group's transactions; 0 for none."""
        self._arrivals[partition, group].change(arrivals_per_second)

    def retire(self, partition: str, group: str, users: int) -> None:
        """End the last so many closed users of a group, after their present transactions."""
        labels = (partition, group)
        theirs = [own for own in self._greenlets if not own.dead and own.user.labels == labels]
        for own in theirs[len(theirs) - users :]:
            self._greenlets.remove(own)
            if own and own.in_verb:
                own.user.pause = _leave  # type: ignore[method-assign,assignment]
                self._leaving.append(own)
            else:
                own.throw(GreenletExit)

    def fail(self, partition: str) -> int:
        """Fail all requests in progress of a partition; return their number."""
        failed = 0
        for own in [*self._greenlets, *self._leaving]:
            if own and own.in_verb and own.user.partition.name == partition:
                failed += 1
                own.throw(PartitionDownError(f"partition {partition} went down"))
        return failed

    def check_present(self) -> None:
        """Check that the run still has users.

        Raises
        ------
        UserError
            If all have stopped by themselves.
        """
        users = self._greenlets
        if users and not self._arrivals and all(own.dead for own in users):
            names = ", ".join(sorted({type(own.user).__name__ for own in users}))
            raise UserError(
                f"no user is left: all {len(users)} of {names} stopped before the end of the run "
                "(StopUser, StopTest); users of a campaign work until its duration is over"
            )

    def dismiss(self) -> None:
        """End all users at once."""
        users = [*self._greenlets, *self._leaving]
        self._greenlets.clear()
        self._leaving.clear()
        errors = []
        for own in users:
            try:
                if own:
                    own.throw(GreenletExit)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]


def _leave(_: float) -> None:
    raise GreenletExit


class _Arrivals:
    """Poisson arrivals of one group."""

    def __init__(
        self, clock: Clock, make: Callable[[Random], UserGreenlet], seed: int, rate: float
    ) -> None:
        self.clock = clock
        self.make = make
        self.seed = seed
        self.rate = rate
        self.stream = Random(seed)
        self.arrived = 0
        self.idle: list[UserGreenlet] = []
        self._next: Timer | None = None

    def schedule(self) -> None:
        delay_ns = to_ns(self.stream.expovariate(self.rate))
        self._next = self.clock.timer_in(delay_ns, self._arrive)

    def change(self, rate: float) -> None:
        """Change the rate; the process has no memory, so that the next arrival is drawn again."""
        if self._next is not None:
            self._next.cancel()
        self.rate = rate
        if rate:
            self.schedule()

    def _arrive(self) -> None:
        self.schedule()
        # A stream for every arrival: demands do not depend on the order of completion.
        self.arrived += 1
        seed = self.seed + self.arrived
        if self.idle:
            own = self.idle.pop()
            own.user.random.seed(seed)
        else:
            own = self.make(ArrivalRandom())
            own.user.random.seed(seed)
            own.user.pause = self._parker(own)  # type: ignore[method-assign,assignment]
        own.user.intended_start_seconds = self.clock.now_ns / 1e9
        own.switch()

    def _parker(self, own: UserGreenlet) -> Callable[[float], None]:
        hub = self.clock.hub

        def park(_: float) -> None:
            self.idle.append(own)
            own.in_verb = False
            hub.switch()
            own.in_verb = True

        return park
