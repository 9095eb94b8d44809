"""A simulated partition as Locust users see it: every verb blocks its user until it is done."""

from collections.abc import Callable
from functools import partial
from typing import Final, NoReturn

import gevent
from greenlet import GreenletExit, getcurrent

from harness.engine.clock import Clock, to_ns
from harness.engine.realtime_clock import RealtimeClock
from harness.errors import PartitionDownError, UserError
from harness.model.partition import Done, SimulatedPartition
from harness.users.user_greenlet import UserGreenlet
from workloads.arguments import Arguments
from workloads.source_line import users_line


class Waiter:
    """Interface by which the users of a partition wait for simulated time."""

    def now_ns(self) -> int:
        """Return the simulated time in nanoseconds."""
        raise NotImplementedError

    def wait(self, verb: str, delay_ns: int) -> None:
        """Block the calling user for some simulated time."""
        raise NotImplementedError

    def begin(self, verb: str) -> Done:
        """Return the event that ends the caller's next :meth:`block`."""
        raise NotImplementedError

    def block(self, done: Done) -> None:
        """Block the calling user until ``done``, from :meth:`begin`, happens."""
        raise NotImplementedError

    def parallel(self, calls: tuple[Callable[[], object], ...]) -> None:
        """Make several calls at the same time; raise the error of the first that failed."""
        raise NotImplementedError

    def fail(self, error: Exception) -> NoReturn:
        """End the run with an error."""
        raise NotImplementedError


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
        Blocks its users: on a virtual clock, or in gevent.
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
        self._check = Arguments(modelled.costs.known_events, waiter.fail)

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
        done = self._begin("compute")
        self._modelled.compute(seconds, wanted, done)
        self._waiter.block(done)

    def read(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Read a block."""
        self._transfer("read", size_bytes, offset_bytes, False)

    def write(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Write a block."""
        self._transfer("write", size_bytes, offset_bytes, True)

    def _transfer(self, verb: str, size_bytes: object, offset_bytes: object, write: bool) -> None:
        size = self._check.size(verb, "size_bytes", size_bytes)
        offset = self._check.offset(verb, "offset_bytes", offset_bytes)
        done = self._begin(verb)
        self._modelled.transfer(self._disk, size, offset, write, done)
        self._waiter.block(done)

    def send(self, size_bytes: object, to: object) -> None:
        """Stream bytes to a peer."""
        size = self._check.size("send", "size_bytes", size_bytes)
        peer = self._check.text("send", "to", to)
        done = self._begin("send")
        self._modelled.send(size, peer, done)
        self._waiter.block(done)

    def receive(self, size_bytes: object, source: object) -> None:
        """Stream bytes from a peer."""
        size = self._check.size("receive", "size_bytes", size_bytes)
        peer = self._check.text("receive", "source", source)
        done = self._begin("receive")
        self._modelled.receive(size, peer, done)
        self._waiter.block(done)

    def exchange(self, request_bytes: object, response_bytes: object, to: object) -> None:
        """Send a request and wait for its response."""
        request = self._check.size("exchange", "request_bytes", request_bytes)
        response = self._check.size("exchange", "response_bytes", response_bytes)
        peer = self._check.text("exchange", "to", to)
        done = self._begin("exchange")
        self._modelled.exchange(request, response, peer, done)
        self._waiter.block(done)

    def serve(
        self,
        request_bytes: object,
        response_bytes: object,
        processor_seconds: object = 0.0,
        events: object = None,
    ) -> None:
        """Take a request of a client outside, compute, and answer it."""
        asked = self._check.service(request_bytes, response_bytes, processor_seconds, events)
        done = self._begin("serve")
        self._modelled.serve(*asked, done)
        self._waiter.block(done)

    def _begin(self, verb: str) -> Done:
        if self._modelled.partition.down:
            self._waiter.wait(verb, self._patience_ns)
            raise PartitionDownError(f"partition {self.name} is down")
        return self._waiter.begin(verb)


class ClockWaiter(Waiter):
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
        self._clock.schedule(delay_ns, own.thread)
        self._switch_to_hub()
        own.in_verb = True

    def begin(self, verb: str) -> Done:
        """Return the event that ends the caller's next :meth:`block`."""
        own = getcurrent()
        if type(own) is not UserGreenlet:
            self._refuse_caller(verb)
        done: Done = own.thread
        return done

    def block(self, done: Done) -> None:
        """Block the calling user until ``done`` happens."""
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
            self._clock.schedule(0, self._own.thread)

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
            self._clock.schedule(0, child.thread)
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


class GeventWaiter(Waiter):
    """Waiting on a clock paced by the wall: the user's greenlet is one of gevent's."""

    def __init__(self, clock: RealtimeClock) -> None:
        self._clock = clock

    def now_ns(self) -> int:
        """Return the simulated time in nanoseconds."""
        self._clock.sync()
        return self._clock.now_ns

    def fail(self, error: Exception) -> NoReturn:
        """End the run with an error, raised where time passes."""
        self._clock.fail(error)

    def wait(self, verb: str, delay_ns: int) -> None:
        """Block the calling user for some simulated time."""
        self._clock.wait_for(lambda done: self._clock.call_in(delay_ns, done))

    def begin(self, verb: str) -> Done:
        """Return the event that ends the caller's next :meth:`block`."""
        self._clock.sync()
        return _Completion()

    def block(self, done: Done) -> None:
        """Block the calling user until ``done`` happens."""
        assert isinstance(done, _Completion)
        self._clock.wait_for(done.resume_with)

    def parallel(self, calls: tuple[Callable[[], object], ...]) -> None:
        """Make several calls, each in a greenlet of its own."""
        greenlets = [gevent.spawn(_error_of, call) for call in calls]
        try:
            gevent.joinall(greenlets)
        finally:
            gevent.killall(greenlets)
        for each in greenlets:
            if each.value is not None:
                raise each.value


class _Completion:
    """Call that resumes a waiting greenlet of gevent's."""

    def __init__(self) -> None:
        self._resume: Callable[[], None] | None = None

    def resume_with(self, resume: Callable[[], None]) -> None:
        self._resume = resume

    def __call__(self) -> None:
        if self._resume is not None:
            self._resume()


def _error_of(call: Callable[[], object]) -> Exception | None:
    """Make a call and return its error, which gevent would print."""
    try:
        call()
    except Exception as error:
        return error
    return None
