"""Recorder: runs a Locust user once and notes what it asks of its partition.

A recording holds seconds, bytes and events, and nothing of one machine, so that it serves every run
in which the same user would ask for the same. That needs users that depend on their own random
stream and demand alone. One that reads the time, draws from random numbers that all users share,
reports or listens to requests by itself, does several things at once or stops by itself cannot be
recorded; :class:`NotRecordableError` says so.
"""

import importlib
import random
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Final, NoReturn, cast

import locust
import numpy as np
from greenlet import GreenletExit, getcurrent
from locust.env import Environment

from harness.engine.clock import to_ns
from harness.model.config import UserGroup
from harness.model.io.disk import NEXT_IN_SEQUENCE
from harness.users import steps as kinds
from harness.users.arrival_random import ArrivalRandom
from harness.users.patched import patched
from harness.users.population import (
    forward_requests,
    load_group,
    locust_on,
)
from harness.users.real_time_guard import without_real_time
from harness.users.steps import Steps, Tables
from harness.users.user_greenlet import UserGreenlet
from workloads.arguments import Arguments
from workloads.partition import EVENTS, Partition
from workloads.user import PartitionUser

_task_module: Any = importlib.import_module("locust.user.task")
_users_module: Any = importlib.import_module("locust.user.users")

_FIRST_PART = 64
_LARGEST_PART = 2048
"""Steps of a recording's first part, and of later ones; each is twice as long as the last."""

_LONGEST_ARRIVAL = 100_000
"""Steps of an arrival that ends."""


class NotRecordableError(Exception):
    """Raised where users cannot be recorded; its text says why."""


class RecordingClock:
    """Clock that no user may read while it is recorded."""

    def __init__(self) -> None:
        self._hub = getcurrent()

    @property
    def now_ns(self) -> int:
        """Refuse to be read."""
        self.refuse("reads the time")

    def fail(self, error: Exception) -> NoReturn:
        """End the recording because of an error of the user's."""
        self.refuse(str(error))

    def refuse(self, reason: str) -> NoReturn:
        """End the recording; user code cannot catch it."""
        error = NotRecordableError(reason)
        if getcurrent() is not self._hub:
            self._hub.throw(error)
        raise error


class RecordingPartition:
    """Partition on which nothing takes time: its verbs note what they are asked for.

    Implements :class:`workloads.partition.Partition`.
    """

    takes_sleep: Final = True

    def __init__(self, part: "Recorder", clock: RecordingClock) -> None:
        self._recorder = part
        self._clock = clock
        self._check = Arguments(part.session.events, clock.fail)

    @property
    def name(self) -> str:
        """Refuse to be read: the partition's name depends on the virtualization."""
        self._clock.refuse("reads the name of its partition")

    def now(self) -> float:
        """Refuse to be read."""
        self._clock.refuse("reads the time")

    def parallel(self, *_: Callable[[], object]) -> None:
        """Refuse: the order of what is asked for depends on how long it takes."""
        self._clock.refuse("does several things at once")

    def wait(self, seconds: object) -> None:
        """Let simulated time pass."""
        self._recorder.note(kinds.WAIT, seconds=self._check.seconds("wait", "seconds", seconds))

    def compute(self, processor_seconds: object, events: object = None) -> None:
        """Use the processor."""
        seconds = self._check.seconds("compute", "processor_seconds", processor_seconds)
        wanted = self._check.events("compute", events)
        index = self._recorder.tables.event(wanted)
        self._recorder.note(kinds.COMPUTE, index, seconds=seconds)

    def read(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Read a block."""
        self._transfer(kinds.READ, "read", size_bytes, offset_bytes)

    def write(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Write a block."""
        self._transfer(kinds.WRITE, "write", size_bytes, offset_bytes)

    def _transfer(self, kind: int, verb: str, size_bytes: object, offset_bytes: object) -> None:
        size = self._check.size(verb, "size_bytes", size_bytes)
        offset = self._check.offset(verb, "offset_bytes", offset_bytes)
        place = NEXT_IN_SEQUENCE if offset is None else offset
        self._recorder.note(kind, first=size, second=place)

    def send(self, size_bytes: object, to: object) -> None:
        """Stream bytes to a peer."""
        size = self._check.size("send", "size_bytes", size_bytes)
        peer = self._check.text("send", "to", to)
        self._recorder.note(kinds.SEND, self._recorder.tables.text(peer), size)

    def receive(self, size_bytes: object, source: object) -> None:
        """Stream bytes from a peer."""
        size = self._check.size("receive", "size_bytes", size_bytes)
        peer = self._check.text("receive", "source", source)
        self._recorder.note(kinds.RECEIVE, self._recorder.tables.text(peer), size)

    def exchange(self, request_bytes: object, response_bytes: object, to: object) -> None:
        """Send a request and wait for its response."""
        request = self._check.size("exchange", "request_bytes", request_bytes)
        response = self._check.size("exchange", "response_bytes", response_bytes)
        peer = self._check.text("exchange", "to", to)
        index = self._recorder.tables.text(peer)
        self._recorder.note(kinds.EXCHANGE, index, request, response)

    def serve(
        self,
        request_bytes: object,
        response_bytes: object,
        processor_seconds: object = 0.0,
        events: object = None,
    ) -> None:
        """Take a request of a client outside, compute, and answer it."""
        request, response, seconds, wanted = self._check.service(
            request_bytes, response_bytes, processor_seconds, events
        )
        index = self._recorder.tables.event(wanted)
        self._recorder.note(kinds.SERVE, index, request, response, seconds)


class RecordingSession:
    """Recording in one run: Locust and the guards around users are set up when first needed.

    Parameters
    ----------
    base
        The folder that relative paths to locustfiles start from.
    starts_seconds
        Value of ``time.time()`` at the beginning.
    events
        The operating-system events that have a cost.
    """

    def __init__(self, base: Path, starts_seconds: float, events: tuple[str, ...] = EVENTS) -> None:
        self.base = base
        self.events = events
        self.clock = RecordingClock()
        self._starts_seconds = starts_seconds
        self._stack = ExitStack()
        self._environment: Environment | None = None
        self._own_listeners = 0
        self._recorders: list[Recorder] = []

    @property
    def environment(self) -> Environment:
        """The environment of recorded users."""
        if self._environment is None:
            self._environment = environment = Environment(catch_exceptions=False)
            enter = self._stack.enter_context
            enter(locust_on(self.clock, self.clock.fail))
            enter(without_real_time(self.clock, self._starts_seconds))
            # Locust reads when a user is made; what its user does with that, it reads again.
            time = SimpleNamespace(time=_never, perf_counter=_never)
            enter(
                patched(
                    (_users_module, "time", time),
                    (_task_module, "time", _never),
                    (_task_module, "perf_counter", _never),
                )
            )
            forward_requests(environment)
            environment.events.request.add_listener(self._requested)  # type: ignore[no-untyped-call]
            self._own_listeners = self._listeners()
        return self._environment

    def _requested(self, **_: object) -> None:
        self.clock.refuse("reports requests by itself")

    def record(self, recorder: "Recorder") -> Steps:
        """Record the next part of a user's steps.

        Raises
        ------
        NotRecordableError
            If the user depends on more than its random stream and its demand.
        """
        if recorder not in self._recorders:
            self._recorders.append(recorder)
        before = _shared_random_state()
        part = recorder.record()
        if _shared_random_state() != before:
            raise NotRecordableError("draws from random numbers that all users share")
        if self._listeners() != self._own_listeners:
            raise NotRecordableError("listens to requests")
        return part

    def _listeners(self) -> int:
        hooks: list[Any] = [locust.events.request, self.environment.events.request]
        return sum(len(hook._handlers) for hook in hooks)

    def close(self) -> None:
        """End all users that are being recorded."""
        with self._stack:
            for recorder in self._recorders:
                recorder.end()


def _never() -> float:
    return 0.0


def _shared_random_state() -> tuple[object, ...]:
    numpy_state: Any = np.random.get_state()
    return random.getstate(), numpy_state[1].tobytes(), *numpy_state[2:]


class Recorder:
    """One user of Locust's that is being recorded."""

    def __init__(
        self, session: RecordingSession, group: UserGroup, tables: Tables, stream: Random
    ) -> None:
        environment = session.environment
        cls, demand = load_group(group, session.base)
        think_time_seconds = group.think_time_seconds if group.arrivals_per_second is None else 0.0
        self.tables = tables
        self.steps = Steps(tables, -1)
        self.session = session
        self._hub = getcurrent()
        self._limit = 0
        self._open: set[int] = set()
        clock = session.clock
        partition = RecordingPartition(self, clock)
        user = cls(environment).bind(
            cast("Partition", partition), demand, stream, think_time_seconds
        )
        if cls.pause is PartitionUser.pause:
            user.pause = self.pause  # type: ignore[method-assign]
        user.begin_transaction = self.begin_transaction  # type: ignore[method-assign]
        user.end_transaction = self.end_transaction  # type: ignore[method-assign]
        self.user = user
        self.own = UserGreenlet(user, self._hub, clock.fail)

    def record(self) -> Steps:
        """Record the next part."""
        self.steps = Steps(self.tables, self.steps.number + 1)
        self.fill(min(_FIRST_PART << min(self.steps.number, 8), _LARGEST_PART))
        return self.steps

    def fill(self, limit: int) -> None:
        """Record so many steps at least."""
        self._limit = limit
        self.go_on()

    def go_on(self) -> None:
        """Let the user go on until it has asked for enough."""
        self.own.switch()
        if self.own.dead:
            raise NotRecordableError("stops by itself")

    def note(
        self, kind: int, index: int = 0, first: int = 0, second: int = 0, seconds: float = 0.0
    ) -> None:
        """Note a step that takes time."""
        if getcurrent() is not self.own:
            self.session.clock.refuse("calls a verb outside of its own greenlet")
        if self.steps.add(kind, index, first, second, seconds) >= self._limit:
            self._hub.switch()

    def pause(self, seconds: float) -> None:
        """Note a pause between two tasks."""
        self.note(kinds.PAUSE, seconds=seconds)

    def begin_transaction(self) -> float:
        """Note the beginning of a transaction; return the index of its start time."""
        index = 0
        while index in self._open:
            index += 1
        self._open.add(index)
        self.steps.add(self.kind_of_beginning(), index, 0, 0, 0.0)
        return float(index)

    def kind_of_beginning(self) -> int:
        """Return the kind of step that a transaction begins with."""
        return kinds.BEGIN

    def end_transaction(self, name: str, start: float, failure: OSError | None) -> None:
        """Note the end of a transaction."""
        index = int(start)
        self._open.discard(index)
        kind = kinds.END if failure is None else kinds.FAIL
        self.steps.add(kind, self.tables.text(name), index, 0, 0.0)

    def end(self) -> None:
        """End the user."""
        if self.own:
            self._limit = 1 << 62
            self.own.throw(GreenletExit)


class ArrivalsRecorder(Recorder):
    """The arrivals of a group, one after the other."""

    def __init__(
        self, session: RecordingSession, group: UserGroup, tables: Tables, seed: int
    ) -> None:
        super().__init__(session, group, tables, ArrivalRandom())
        assert group.arrivals_per_second is not None
        self._rate = group.arrivals_per_second
        self._seed = seed
        self._gaps = Random(seed)
        self._arrived = 0
        self._uncounted = False
        self._parked = True
        self.user.pause = self._park  # type: ignore[method-assign]

    def fill(self, limit: int) -> None:
        """Record arrivals until they have so many steps at least."""
        self._limit = _LONGEST_ARRIVAL + limit
        while self.steps.count < limit:
            self.steps.arrive(to_ns(self._gaps.expovariate(self._rate)))
            self._arrived += 1
            self.user.random.seed(self._seed + self._arrived)
            self._uncounted = True
            self._parked = False
            self.go_on()
            if not self._parked:
                raise NotRecordableError("does not end what an arrival begins")

    def kind_of_beginning(self) -> int:
        """Return the kind of step that a transaction begins with."""
        first, self._uncounted = self._uncounted, False
        return kinds.BEGIN_AT_ARRIVAL if first else kinds.BEGIN

    def _park(self, seconds: float) -> None:
        self.steps.add(kinds.LEAVE, 0, 0, 0, 0.0)
        self._parked = True
        self._hub.switch()
