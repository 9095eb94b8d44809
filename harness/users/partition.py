"""A simulated partition as Locust users see it: every verb blocks its user until it is done."""

from collections.abc import Callable
from functools import partial
from typing import Final, NoReturn, Protocol

from greenlet import GreenletExit, getcurrent

from harness.engine.clock import Clock, to_ns
from harness.errors import PartitionDownError, UserError
from harness.model.partition import SimulatedPartition
from harness.users.user_greenlet import UserGreenlet
from workloads.arguments import Arguments
from workloads.partition import EVENTS
from workloads.source_line import users_line

Begin = Callable[[Callable[[], None]], object]
"""Starts something, given the function to call when it is done."""


class Waiter(Protocol):
    """How the users of a partition wait for simulated time."""

    def now_ns(self) -> int:
        """Return the simulated time in nanoseconds."""
        ...

    def wait(self, verb: str, delay_ns: int) -> None:
        """Block the calling user for some simulated time."""
        ...

    def block(self, verb: str, begin: Begin) -> None:
        """Start something and block the calling user until it is done."""
        ...

    def parallel(self, calls: tuple[Callable[[], object], ...]) -> None:
        """Make several calls at the same time; raise the error of the first that failed."""
        ...

    def fail(self, error: Exception) -> NoReturn:
        """End the run with an error."""
        ...


class BlockingPartition:
    """A simulated partition whose verbs block the calling user.

    Implements :class:`workloads.partition.Partition`. While the partition is down every verb waits
    for ``patience_seconds`` and raises :class:`harness.errors.PartitionDownError`. A wrong argument
    ends the run with :class:`harness.errors.UserError`.

    Parameters
    ----------
    modelled
        The partition.
    waiter
        How its users wait: on a virtual clock, or in gevent.
    disk
        The index of the disk that ``read`` and ``write`` use.
    patience_seconds
        Simulated time until a verb fails on a partition that is down.
    """

    takes_sleep: Final = True

    def __init__(
        self,
        modelled: SimulatedPartition,
        waiter: Waiter,
        disk: int = 0,
        patience_seconds: float = 1.0,
    ) -> None:
        self.name = modelled.name
        self._modelled = modelled
        self._waiter = waiter
        self._disk = disk
        self._patience_ns = to_ns(patience_seconds)
        self._check = Arguments(EVENTS, waiter.fail)

    def now(self) -> float:
        """Return the simulated time in seconds."""
        return self._waiter.now_ns() / 1e9

    def wait(self, seconds: object) -> None:
        """Let simulated time pass."""
        self._waiter.wait("wait", to_ns(self._check.seconds("wait", "seconds", seconds)))

    def parallel(self, *calls: Callable[[], object]) -> None:
        """Make several calls at the same time."""
        self._waiter.parallel(calls)

    def compute(self, processor_seconds: object, events: object = None) -> None:
        """Use the processor."""
        seconds = self._check.seconds("compute", "processor_seconds", processor_seconds)
        wanted = self._check.events("compute", events)
        self._work("compute", lambda done: self._modelled.compute(seconds, wanted, done))

    def read(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Read a block."""
        self._transfer("read", size_bytes, offset_bytes, False)

    def write(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Write a block."""
        self._transfer("write", size_bytes, offset_bytes, True)

    def _transfer(self, verb: str, size_bytes: object, offset_bytes: object, write: bool) -> None:
        size = self._check.size(verb, "size_bytes", size_bytes)
        offset = self._check.offset(verb, "offset_bytes", offset_bytes)
        self._work(
            verb, lambda done: self._modelled.transfer(self._disk, size, offset, write, done)
        )

    def send(self, size_bytes: object, to: object) -> None:
        """Stream bytes to a peer."""
        size = self._check.size("send", "size_bytes", size_bytes)
        peer = self._check.text("send", "to", to)
        self._work("send", lambda done: self._modelled.send(size, peer, done))

    def receive(self, size_bytes: object, source: object) -> None:
        """Stream bytes from a peer."""
        size = self._check.size("receive", "size_bytes", size_bytes)
        peer = self._check.text("receive", "source", source)
        self._work("receive", lambda done: self._modelled.receive(size, peer, done))

    def exchange(self, request_bytes: object, response_bytes: object, to: object) -> None:
        """Send a request and wait for its response."""
        request = self._check.size("exchange", "request_bytes", request_bytes)
        response = self._check.size("exchange", "response_bytes", response_bytes)
        peer = self._check.text("exchange", "to", to)
        self._work("exchange", lambda done: self._modelled.exchange(request, response, peer, done))

    def _work(self, verb: str, begin: Begin) -> None:
        if self._modelled.partition.down:
            self._waiter.wait(verb, self._patience_ns)
            raise PartitionDownError(f"partition {self.name} is down")
        self._waiter.block(verb, begin)


class ClockWaiter:
    """Waiting on a virtual clock: the user's greenlet switches to the one in which time passes.

    A caller other than a :class:`UserGreenlet` ends the run with
    :class:`harness.errors.UserError`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._switch_to_hub = clock.hub.switch

    def now_ns(self) -> int:
        """Return the simulated time in nanoseconds."""
        return self._clock.now_ns

    def fail(self, error: Exception) -> NoReturn:
        """End the run with an error, raised where time passes."""
        self._clock.fail(error)

    def wait(self, verb: str, delay_ns: int) -> None:
        """Block the calling user for some simulated time."""
        own = getcurrent()
        if type(own) is not UserGreenlet:
            self._refuse_caller(verb)
        own.in_verb = False
        self._clock.call_in(delay_ns, own.switch)
        self._switch_to_hub()
        own.in_verb = True

    def block(self, verb: str, begin: Begin) -> None:
        """Start something and block the calling user until it is done."""
        own = getcurrent()
        if type(own) is not UserGreenlet:
            self._refuse_caller(verb)
        begin(own.switch)
        self._switch_to_hub()

    def parallel(self, calls: tuple[Callable[[], object], ...]) -> None:
        """Make several calls, each in a greenlet of its own."""
        own = getcurrent()
        if type(own) is not UserGreenlet:
            self._refuse_caller("parallel")
        _ParallelCalls(self._clock, own, calls).wait()

    def _refuse_caller(self, verb: str) -> NoReturn:
        self._clock.fail(
            UserError(
                f"{users_line()}: {verb}() is called outside of its user's own greenlet (from "
                "another greenlet, a pool or a thread), where it cannot wait for simulated "
                "time: call it in the task itself; self.partition.parallel(...) does several "
                "things at once"
            )
        )


class _ParallelCalls:
    """Calls that a user makes at the same time: each in a greenlet, a child of the user's."""

    def __init__(
        self, clock: Clock, own: UserGreenlet, calls: tuple[Callable[[], object], ...]
    ) -> None:
        self._clock = clock
        self._own = own
        self._left = len(calls)
        self._errors: list[Exception | None] = [None] * len(calls)
        self._children = [
            UserGreenlet(own.user, clock.hub, own.fail, partial(self._call, number, call))
            for number, call in enumerate(calls)
        ]

    def _call(self, number: int, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            self._errors[number] = error
        self._left -= 1
        if not self._left:
            self._clock.call_in(0, self._own.switch)

    def wait(self) -> None:
        """Begin all calls in their order, and return when the last one is done.

        Raises
        ------
        Exception
            The error of the first call that failed.
        """
        if not self._children:
            return
        for child in self._children:
            self._clock.call_in(0, child.switch)
        hub = self._clock.hub
        try:
            hub.switch()
        finally:
            for child in self._children:
                if child:
                    child.parent = self._own
                    child.throw(GreenletExit)
                    child.parent = hub
        for error in self._errors:
            if error is not None:
                raise error
