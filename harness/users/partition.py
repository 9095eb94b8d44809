"""A modelled partition as Locust users see it: every verb blocks on the simulated clock."""

from collections.abc import Callable
from functools import partial
from typing import Final, NoReturn

from greenlet import GreenletExit, getcurrent

from harness.engine.clock import Clock
from harness.engine.rounding import nearest
from harness.errors import PartitionDownError, UserError
from harness.model.partition import SimulatedPartition
from harness.users.user_greenlet import UserGreenlet
from harness.users.user_thread import UserThread
from workloads.arguments import Arguments
from workloads.partition import EVENTS
from workloads.source_line import users_line


class BlockingPartition:
    """A modelled partition whose verbs block the calling user on the simulated clock.

    Implements :class:`workloads.partition.Partition`. While the partition is down every verb waits
    in vain for ``patience_seconds`` and raises :class:`PartitionDownError`. A wrong argument, or a
    caller that is no user, ends the run with :class:`harness.errors.UserError`.
    """

    takes_sleep: Final = True

    def __init__(
        self,
        clock: Clock,
        modelled: SimulatedPartition,
        disk: int = 0,
        patience_seconds: float = 1.0,
    ) -> None:
        self.name = modelled.name
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._modelled = modelled
        self._disk = disk
        self._switch_to_hub = clock.hub.switch
        self._check = Arguments(EVENTS, clock.fail)

    def now(self) -> float:
        """Return the simulated time in seconds."""
        return float(self._clock.now) / 1e9

    def wait(self, seconds: object) -> None:
        """Let simulated time pass."""
        delay = self._check.seconds("wait", "seconds", seconds)
        own = getcurrent()
        if type(own) is not UserGreenlet:
            self._refuse_stranger("wait")
        own.in_verb = False
        self._clock.schedule(nearest(delay * 1e9), own.thread)
        self._switch_to_hub()
        own.in_verb = True

    def _enter(self, verb: str) -> UserThread:
        """Return the calling user's thread, if the partition is up."""
        own = getcurrent()
        if type(own) is not UserGreenlet:
            self._refuse_stranger(verb)
        if self._modelled.partition.down:
            self.wait(self._patience_seconds)
            raise PartitionDownError(f"partition {self.name} is down")
        return own.thread

    def _refuse_stranger(self, verb: str) -> NoReturn:
        self._clock.fail(
            UserError(
                f"{users_line()}: {verb}() is called outside of its user's own greenlet (from "
                "another greenlet, a pool or a thread), where it cannot wait for simulated "
                "time: call it in the task itself; self.partition.parallel(...) does several "
                "things at once"
            )
        )

    def parallel(self, *calls: Callable[[], object]) -> None:
        """Do several things at once."""
        own = getcurrent()
        if type(own) is not UserGreenlet:
            self._refuse_stranger("parallel")
        _Together(self._clock, own, calls).wait()

    def compute(self, processor_seconds: object, events: object = None) -> None:
        """Use the processor."""
        seconds = self._check.seconds("compute", "processor_seconds", processor_seconds)
        wanted = self._check.events("compute", events)
        self._modelled.compute(seconds, wanted, self._enter("compute"))
        self._switch_to_hub()

    def read(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Read a block."""
        size = self._check.size("read", "size_bytes", size_bytes)
        offset = self._check.offset("read", "offset_bytes", offset_bytes)
        done = self._enter("read")
        self._modelled.transfer(self._disk, size, offset, False, done)
        self._switch_to_hub()

    def write(self, size_bytes: object, offset_bytes: object = None) -> None:
        """Write a block."""
        size = self._check.size("write", "size_bytes", size_bytes)
        offset = self._check.offset("write", "offset_bytes", offset_bytes)
        done = self._enter("write")
        self._modelled.transfer(self._disk, size, offset, True, done)
        self._switch_to_hub()

    def send(self, size_bytes: object, to: object) -> None:
        """Stream bytes to a peer."""
        size = self._check.size("send", "size_bytes", size_bytes)
        peer = self._check.text("send", "to", to)
        self._modelled.send(size, peer, self._enter("send"))
        self._switch_to_hub()

    def receive(self, size_bytes: object, source: object) -> None:
        """Stream bytes from a peer."""
        size = self._check.size("receive", "size_bytes", size_bytes)
        peer = self._check.text("receive", "source", source)
        self._modelled.receive(size, peer, self._enter("receive"))
        self._switch_to_hub()

    def exchange(self, request_bytes: object, response_bytes: object, to: object) -> None:
        """Send a request and wait for its response."""
        request = self._check.size("exchange", "request_bytes", request_bytes)
        response = self._check.size("exchange", "response_bytes", response_bytes)
        peer = self._check.text("exchange", "to", to)
        self._modelled.exchange(request, response, peer, self._enter("exchange"))
        self._switch_to_hub()


class _Together:
    """Calls that a user makes at once: each has a greenlet of its own, a child of the user's."""

    def __init__(
        self, clock: Clock, own: UserGreenlet, calls: tuple[Callable[[], object], ...]
    ) -> None:
        self._clock = clock
        self._own = own
        self._left = len(calls)
        self._errors: list[Exception | None] = [None] * len(calls)
        self._children = [
            UserGreenlet(own.user, clock.hub, own.fail, partial(self._carry_out, number, call))
            for number, call in enumerate(calls)
        ]

    def _carry_out(self, number: int, call: Callable[[], object]) -> None:
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
            What the first of the calls that failed has raised.
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
