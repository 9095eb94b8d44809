"""What all users of this package have in common: a partition, a demand, a random stream."""

import functools
import inspect
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, ParamSpec, Self, TypeVar

from locust import TaskSet, User
from locust.exception import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UserError
from workloads.arguments import LEAST_PAUSE_SECONDS
from workloads.partition import EVENTS, Partition
from workloads.sleeping import current_user
from workloads.tasks import check_synchronous, check_user

Events = Annotated[float, Field(ge=0, le=1e9, strict=True, allow_inf_nan=False)]
"""A mean number of events."""

_LEAVING = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser)
"""What a task raises to stop its user, or to go on with another task."""


class Demand(BaseModel):
    """What one transaction asks for. Subclasses declare its parameters with their units."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EventDemand(Demand):
    """A demand with operating-system events: the mean number of each in one transaction.

    Further parameters are events that the catalog of the campaign has.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Events]

    calls: Events = 0.0
    io_calls: Events = 0.0
    stats: Events = 0.0
    opens: Events = 0.0
    selects: Events = 0.0
    signal_installs: Events = 0.0
    signals: Events = 0.0
    forks: Events = 0.0
    execs: Events = 0.0
    context_switches: Events = 0.0
    file_creates: Events = 0.0
    file_deletes: Events = 0.0
    file_pages: Events = 0.0
    flushes: Events = 0.0
    mmaps: Events = 0.0
    protection_faults: Events = 0.0
    page_faults: Events = 0.0

    @functools.cached_property
    def events(self) -> Mapping[str, float]:
        """The events that occur at all, as a read-only view."""
        names = (*EVENTS, *(self.__pydantic_extra__ or ()))
        return MappingProxyType({name: n for name in names if (n := getattr(self, name))})


class PartitionUser(User):
    """A Locust user that drives a partition.

    Tasks call the verbs of ``self.partition`` and mark what counts as a transaction with
    :func:`transaction`. All randomness comes from ``self.random``, which is the user's own: so a
    run on another platform sees the same demands.

    Attributes
    ----------
    demand_model
        The class of the user's demand.
    partition, demand, random
        Set by :meth:`bind` before the user starts.
    labels
        The names of the partition and of the group of users that it belongs to.
    intended_start_seconds
        When the transaction at hand should have begun (open arrivals); None: when it does.
    runs_programs
        Whether it needs a partition that runs programs.
    """

    abstract = True
    runs_programs: ClassVar[bool] = False
    demand_model: ClassVar[type[Demand]] = Demand

    partition: Partition
    demand: Any
    random: Random
    labels: tuple[str, str] = ("", "")
    think_time_seconds: float = 0.0
    intended_start_seconds: float | None = None
    _paused_at: float | None = None
    _counted_start: float | None = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Refuse a class whose tasks would do nothing."""
        super().__init_subclass__(**keywords)
        check_user(cls)

    def bind(
        self,
        partition: Partition,
        demand: Demand,
        stream: Random,
        think_time_seconds: float = 0.0,
    ) -> Self:
        """Give the user what it works with."""
        self.partition = partition
        self.demand = demand
        self.random = stream
        self.think_time_seconds = think_time_seconds
        return self

    def wait_time(self) -> float:
        """Draw an exponential think time in seconds."""
        if not self.think_time_seconds:
            return 0.0
        return self.random.expovariate(1 / self.think_time_seconds)

    def pause(self, seconds: float) -> None:
        """Wait between two transactions; who does not think goes on at once.

        Who neither thinks nor works (a transaction that fails at once) would stop all time: it
        waits a little.
        """
        now = self.partition.now()
        if seconds or now == self._paused_at:
            self.partition.wait(seconds or LEAST_PAUSE_SECONDS)
        self._paused_at = now

    def begin_transaction(self) -> float:
        """Return when a transaction begins, in seconds: at the arrival if it is its first one."""
        start = self.intended_start_seconds
        if start is None or start == self._counted_start:
            return self.partition.now()
        self._counted_start = start
        return start

    def end_transaction(self, name: str, start: float, failure: OSError | None) -> None:
        """Report a transaction that has begun at ``start`` and ends now."""
        self.environment.events.request.fire(
            request_type=type(self).__name__,
            name=name,
            response_time=(self.partition.now() - start) * 1e3,
            response_length=0,
            exception=failure,
            context={"user": self},
        )

    def vary(self, mean: float, variation: float) -> float:
        """Draw from a gamma distribution with a mean and a coefficient of variation.

        A variation of 0 is the mean itself, of 1 an exponential distribution.
        """
        if variation == 0 or mean == 0:
            return mean
        if variation == 1:
            return self.random.expovariate(1 / mean)
        shape = 1 / variation**2
        return self.random.gammavariate(shape, mean / shape)


P = ParamSpec("P")
R = TypeVar("R")


def transaction(body: Callable[P, R]) -> Callable[P, R]:
    """Measure a function as one transaction and report it through Locust's ``request`` event.

    It may be a task of a user or of a task set, or any function that a task calls; arguments and
    the returned value are passed on. The response time counts from the intended start where there
    is one, for the first transaction of an arrival. A partition that fails (any ``OSError``
    that is not about a named file) fails the transaction, not the user. Who stops a user or leaves
    a task set (``StopUser``, ``self.interrupt()``) has ended the transaction.

    Raises
    ------
    UserError
        If it is no function, or asynchronous or a generator: its call would carry nothing out.
    """
    if isinstance(body, classmethod):
        raise UserError(
            f"{body.__func__.__qualname__}: a transaction belongs to a user, not to a class"
        )
    if not callable(body):
        raise UserError(
            f"transaction({body!r}): write @transaction alone; its name is the function's"
        )
    check_synchronous(body)
    name = getattr(body, "__name__", type(body).__name__)

    @functools.wraps(body)
    def measured(*arguments: P.args, **keywords: P.kwargs) -> R:
        user = _user_of(arguments)
        start = user.begin_transaction()
        failure: OSError | None = None
        left: Exception | None = None
        result: Any = None
        try:
            result = body(*arguments, **keywords)
        except OSError as error:
            if error.filename is not None:  # a file of the user's own, and no partition
                raise
            failure = error
        except _LEAVING as error:
            left = error
        if result is not None and inspect.iscoroutine(result):
            result.close()
            raise UserError(f"{name}() returned a coroutine, which nothing carries out")
        user.end_transaction(name, start, failure)
        if left is not None:
            raise left
        return result  # type: ignore[return-value]

    return measured


def _user_of(arguments: tuple[object, ...]) -> PartitionUser:
    """Find the user of a transaction: its first argument, or that one's; else who executes it."""
    if arguments and isinstance(arguments[0], PartitionUser):
        return arguments[0]
    for owner in (*arguments[:1], current_user()):
        user = owner.user if isinstance(owner, TaskSet) else owner
        if isinstance(user, PartitionUser):
            return user
    raise TypeError("a transaction is called outside of a user's tasks")
