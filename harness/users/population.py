"""Locust users on the simulated clock.

Every user is a greenlet. When it waits, for its work or for its next turn, it switches to the
*hub*, the greenlet in which the simulation runs; the clock switches back when the time has come.
"""

import importlib
import random as global_random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from harness.model.partition import SimulatedPartition
from harness.users.arrival_random import ArrivalRandom
from harness.users.partition import BlockingPartition
from harness.users.user_greenlet import Fail, UserGreenlet, raise_error
from workloads.arguments import MOST_SECONDS, check_wait
from workloads.source_line import is_workload
from workloads.source_line import place as place_of
from workloads.user import Demand, PartitionUser

_event_module: Any = importlib.import_module("locust.event")
_task_module: Any = importlib.import_module("locust.user.task")
_users_module: Any = importlib.import_module("locust.user.users")
_wait_module: Any = importlib.import_module("locust.user.wait_time")

START_WITHIN_SECONDS = 0.01
"""Closed users without think time begin within this time of each other."""


class SupportsNow(Protocol):
    """Something that tells the time, such as a clock."""

    @property
    def now_ns(self) -> int:
        """The present time in nanoseconds."""
        ...


class _Streams:
    """Stands in for the module ``random`` in Locust: every user draws from its own stream."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_own_stream(), name)

    @staticmethod
    def choice(options: Sequence[Any]) -> Any:
        """Choose, without a draw where there is no choice."""
        return options[0] if len(options) == 1 else _own_stream().choice(options)


def _own_stream() -> Any:
    current = getcurrent()
    return current.user.random if isinstance(current, UserGreenlet) else global_random


@contextmanager
def locust_on(clock: SupportsNow, fail: Fail = raise_error) -> Iterator[None]:
    """Let Locust's users wait, draw and read the time on another clock; undone at the end.

    They wait as their partition has them wait.

    Parameters
    ----------
    clock
        Whose time it is.
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
    replacements: Sequence[tuple[Any, str, object]] = (
        (_event_module, "time", time),
        (_users_module, "time", time),
        (_task_module, "time", now),
        (_task_module, "perf_counter", now),
        (TaskSet, "_sleep", sleep),
        (_task_module, "random", streams),
        (_wait_module, "random", streams),
        (_wait_module, "perf_counter", now),
    )
    before = [(place, name, getattr(place, name)) for place, name, _ in replacements]
    for place, name, value in replacements:
        setattr(place, name, value)
    try:
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


def forward_requests(environment: Environment) -> None:
    """Let what is reported through ``locust.events`` reach an environment with events of its own.

    Isolation of the run undoes it.
    """
    forward = environment.events.request.fire
    locust.events.request.add_listener(forward)  # type: ignore[no-untyped-call]


def _waiter(task_set: TaskSet) -> str:
    """Say which class has the ``wait_time`` that a task set uses, and where."""
    for cls in (type(task_set), type(task_set.user)):
        function: Any = cls.wait_time
        if function is not TaskSet.wait_time:
            break
    code = getattr(function, "__code__", None)
    if code is None or not is_workload(code.co_filename):
        return cls.__name__
    return f"{place_of(code.co_filename, code.co_firstlineno)}: {cls.__name__}"


class UserPopulation:
    """All users of a run.

    Parameters
    ----------
    seed_parts
        What the users' random streams are made of, besides the group's name and the user's index;
        nothing that depends on the virtualization.
    """

    def __init__(self, clock: Clock, environment: Environment, *seed_parts: object) -> None:
        self.clock = clock
        self.environment = environment
        self.seed_parts = seed_parts
        self._greenlets: list[UserGreenlet] = []
        self._leaving: list[UserGreenlet] = []
        self._arrivals: dict[tuple[str, str], _Arrivals] = {}

    def _make(
        self,
        cls: type[PartitionUser],
        partition: BlockingPartition,
        demand: Demand,
        group: str,
        stream: Random,
        think_time_seconds: float,
    ) -> UserGreenlet:
        user = cls(self.environment).bind(partition, demand, stream, think_time_seconds)
        user.labels = (partition.name, group)
        own = UserGreenlet(user, self.clock.hub, self.clock.fail)
        self._greenlets.append(own)
        return own

    def add_closed(
        self,
        cls: type[PartitionUser],
        modelled: SimulatedPartition,
        demand: Demand,
        *,
        group: str,
        users: int,
        think_time_seconds: float,
        disk: int = 0,
        first: int = 0,
    ) -> None:
        """Add users that wait for one transaction to end, think, and begin the next.

        ``first`` is the index of the first of them in their group, where it has some already.
        """
        partition = BlockingPartition(self.clock, modelled, disk)
        within = max(think_time_seconds, START_WITHIN_SECONDS)
        for index in range(first, first + users):
            stream = Random(stream_seed(*self.seed_parts, group, index))
            own = self._make(cls, partition, demand, group, stream, think_time_seconds)
            self.clock.schedule(to_ns(stream.random() * within), own.thread)

    def add_open(
        self,
        cls: type[PartitionUser],
        modelled: SimulatedPartition,
        demand: Demand,
        *,
        group: str,
        arrivals_per_second: float,
        disk: int = 0,
    ) -> None:
        """Add transactions that arrive at random (Poisson), whatever becomes of earlier ones.

        A transaction is carried out by a user of its own; users that are done serve later
        arrivals. Response times count from the arrival.
        """
        partition = BlockingPartition(self.clock, modelled, disk)
        arrivals = _Arrivals(self, cls, partition, demand, group, arrivals_per_second)
        self._arrivals[partition.name, group] = arrivals
        arrivals.schedule()

    def change_arrivals(self, partition: str, group: str, arrivals_per_second: float) -> None:
        """Let a group's transactions arrive at another rate from now on; 0 for none."""
        self._arrivals[partition, group].change(arrivals_per_second)

    def retire(self, partition: str, group: str, users: int) -> None:
        """Let the last so many closed users of a group end, after the transaction at hand."""
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
        """Let all requests that a partition has in hand fail; return how many."""
        failed = 0
        for own in [*self._greenlets, *self._leaving]:
            if own and own.in_verb and own.user.partition.name == partition:
                failed += 1
                own.throw(PartitionDownError(f"partition {partition} went down"))
        return failed

    def check_present(self) -> None:
        """Make sure that the run still has users.

        Raises
        ------
        UserError
            If all of them have stopped by themselves.
        """
        users = self._greenlets
        if users and not self._arrivals and all(own.dead for own in users):
            names = ", ".join(sorted({type(own.user).__name__ for own in users}))
            raise UserError(
                f"no user is left: all {len(users)} of {names} stopped before the end of the run "
                "(StopUser, StopTest); users of a campaign work until its duration is over"
            )

    def dismiss(self) -> None:
        """End all users where they stand."""
        everybody = [*self._greenlets, *self._leaving]
        self._greenlets.clear()
        self._leaving.clear()
        errors = []
        for own in everybody:
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
        self,
        crowd: UserPopulation,
        cls: type[PartitionUser],
        partition: BlockingPartition,
        demand: Demand,
        group: str,
        rate: float,
    ) -> None:
        self.crowd = crowd
        self.cls = cls
        self.partition = partition
        self.demand = demand
        self.group = group
        self.rate = rate
        self.seed = stream_seed(*crowd.seed_parts, group, "arrivals")
        self.stream = Random(self.seed)
        self.arrived = 0
        self.idle: list[UserGreenlet] = []
        self._next: Timer | None = None

    def schedule(self) -> None:
        delay_ns = to_ns(self.stream.expovariate(self.rate))
        self._next = self.crowd.clock.timer_in(delay_ns, self._arrive)

    def change(self, rate: float) -> None:
        """Go on at another rate; without memory, the next arrival is drawn anew."""
        if self._next is not None:
            self._next.cancel()
        self.rate = rate
        if rate:
            self.schedule()

    def _arrive(self) -> None:
        self.schedule()
        # A stream for every arrival: demands do not depend on what overtakes what.
        self.arrived += 1
        seed = self.seed + self.arrived
        if self.idle:
            own = self.idle.pop()
            own.user.random.seed(seed)
        else:
            own = self.crowd._make(
                self.cls, self.partition, self.demand, self.group, ArrivalRandom(), 0.0
            )
            own.user.random.seed(seed)
            own.user.pause = self._parker(own)  # type: ignore[method-assign,assignment]
        own.user.intended_start_seconds = self.partition.now()
        own.switch()

    def _parker(self, own: UserGreenlet) -> Callable[[float], None]:
        hub = self.crowd.clock.hub

        def park(_: float) -> None:
            self.idle.append(own)
            own.in_verb = False
            hub.switch()
            own.in_verb = True

        return park
