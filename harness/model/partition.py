"""A partition's verbs on the modelled machine.

Every verb takes a ``done`` that happens when the work is finished; how a Locust user waits for that
is not the model's concern.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from mypy_extensions import i64

from harness.engine.event import Event, as_event
from harness.engine.rounding import nearest
from harness.model.costs import Costs
from harness.model.cpu.burst import CallbackThread, Thread
from harness.model.cpu.entities import Partition
from harness.model.cpu.reconfiguration import crash
from harness.model.io.block_path import BlockPath
from harness.model.io.disk import NEXT_IN_SEQUENCE
from harness.model.net.stages import Piece, Route, Stream, stream

OUTSIDE: Final = "outside"
"""The peer beyond the adapter: a fast host of which nothing else is modelled."""

Done = Event | Callable[[], object]
Routes = Callable[[str, str], Route]
"""Make the route for a verb (``send``, ``receive``, ``request``, ``response``) and a peer."""


class _EventCalls:
    """What some operating-system events cost, and how often they were asked for."""

    def __init__(self, events: Mapping[str, float] | None, os_ns: int, monitor_ns: int) -> None:
        self.events = events
        self.flushes: float = 0.0 if events is None else events.get("flushes", 0.0)
        self.os_ns: i64 = os_ns
        self.monitor_ns: i64 = monitor_ns
        self.count: i64 = 0


_NO_EVENTS: Final = _EventCalls(None, 0, 0)


class _StreamEnd(Event):
    """The end of a stream, which is heard of only if the partition has not crashed meanwhile."""

    def __init__(self, partition: Partition, done: Event) -> None:
        super().__init__()
        self.partition = partition
        self.crashes = partition.crashes
        self._done = done

    def fire(self) -> None:
        """Be done."""
        if self.crashes == self.partition.crashes:
            self._done.fire()


class _Exchange(Piece):
    """A request on its way to a peer, and its response on the way back."""

    def __init__(
        self,
        modelled: "SimulatedPartition",
        peer: str,
        request_bytes: i64,
        response_bytes: i64,
        done: Event,
    ) -> None:
        super().__init__(modelled.route("request", peer), request_bytes)
        self.modelled = modelled
        self.peer = peer
        self.response_bytes = response_bytes
        self.crashes = modelled.partition.crashes
        self.answered = False
        self._done = done

    def arrived(self) -> None:
        """Be answered at once; at last, end, unless the partition has crashed meanwhile."""
        if not self.answered:
            self.answered = True
            self.route = self.modelled.route("response", self.peer)
            self.size_bytes = self.response_bytes
            self.passed = 0
            self.go_on()
        elif self.crashes == self.modelled.partition.crashes:
            self._done.fire()


class _Flushes(Event):
    """So many pages written to the first disk, one after the other, after some computing."""

    def __init__(self, modelled: "SimulatedPartition", count: i64, done: Event) -> None:
        super().__init__()
        self.modelled = modelled
        self.left: i64 = count
        self._done = done

    def fire(self) -> None:
        """Write the next one, and wait for it."""
        if self.left == 0:
            self._done.fire()
            return
        self.left -= 1
        self.modelled.transfer_at(0, self.modelled.page_bytes, NEXT_IN_SEQUENCE, True, self)


class _Service(Piece):
    """A request of a client outside on its way to a partition, and its response."""

    def __init__(
        self,
        modelled: "SimulatedPartition",
        request_bytes: i64,
        response_bytes: i64,
        processor_seconds: float,
        events: Mapping[str, float] | None,
        done: Event,
    ) -> None:
        # In the direction of a response that comes from there.
        super().__init__(modelled.route("response", OUTSIDE), request_bytes)
        self.modelled = modelled
        self.response_bytes = response_bytes
        self.processor_seconds = processor_seconds
        self.events = events
        self.crashes = modelled.partition.crashes
        self.answered = False
        self._done = done

    def arrived(self) -> None:
        """Let the partition compute, or be answered; at last, end with the client."""
        if self.crashes != self.modelled.partition.crashes:
            return
        if self.answered:
            self._done.fire()
        elif self.processor_seconds or self.events:
            self.modelled.compute(self.processor_seconds, self.events, _Computed(self))
        else:
            self.answer()

    def answer(self) -> None:
        """Send the response to the client."""
        self.answered = True
        self.route = self.modelled.route("request", OUTSIDE)
        self.size_bytes = self.response_bytes
        self.passed = 0
        self.go_on()


class _Computed(Event):
    """The end of a partition's computing for a request."""

    def __init__(self, service: _Service) -> None:
        super().__init__()
        self._service = service

    def fire(self) -> None:
        """Answer the request."""
        self._service.answer()


class SimulatedPartition:
    """A partition, its disks and its ways into the network.

    Parameters
    ----------
    routes
        Makes the route for a verb and a peer; it is asked once for each.
    segment_bytes, window_bytes
        How a stream is cut, and how much of it may be under way.
    """

    def __init__(
        self,
        partition: Partition,
        costs: Costs,
        paths: Sequence[BlockPath],
        routes: Routes,
        *,
        segment_bytes: int,
        window_bytes: int,
    ) -> None:
        self.partition = partition
        self.name = partition.name
        self.paths = list(paths)
        self.segment_bytes: i64 = segment_bytes
        self.window_bytes: i64 = window_bytes
        self._make_route = routes
        self._routes: dict[tuple[str, str], Route] = {}
        self._ended: list[Stream] = []
        self._event_calls: dict[object, _EventCalls] = {}
        self._last_calls = _NO_EVENTS
        self._owed_flushes = 0.0
        self._set_costs(costs)

    def _set_costs(self, costs: Costs) -> None:
        self.costs = costs
        self.page_bytes: i64 = round(costs.number("processor.page"))
        self._user_ns_per_second = costs.user_ns_per_second
        self._monitor_ns_per_second = costs.user_ns_per_second * costs.monitor_per_user

    def compute(
        self, processor_seconds: float, events: Mapping[str, float] | None, done: Done
    ) -> None:
        """Use the processor in user mode, with operating-system events on the way."""
        user_ns = nearest(processor_seconds * self._user_ns_per_second)
        monitor_ns: i64 = 0
        if self._monitor_ns_per_second:
            monitor_ns = nearest(processor_seconds * self._monitor_ns_per_second)
        partition = self.partition
        if events:
            calls = self._last_calls
            if calls.events is not events:
                self._last_calls = calls = self._calls_of(events)
            calls.count += 1
            if calls.flushes:
                done = self._flushed(calls.flushes, as_event(done))
            thread = done if isinstance(done, Thread) else CallbackThread(as_event(done))
            thread.compute(partition.account, user_ns, calls.os_ns, monitor_ns + calls.monitor_ns)
        else:
            thread = done if isinstance(done, Thread) else CallbackThread(as_event(done))
            thread.compute(partition.account, user_ns, 0, monitor_ns)
        partition.submit(thread)

    def _flushed(self, flushes: float, done: Event) -> Event:
        """Put whole flushes before an event; the fraction is added to those of the next call."""
        self._owed_flushes += flushes
        count: i64 = 0
        while self._owed_flushes >= 1.0:
            self._owed_flushes -= 1.0
            count += 1
        return _Flushes(self, count, done) if count else done

    def _calls_of(self, events: Mapping[str, float]) -> _EventCalls:
        """Find out what events cost.

        A read-only view stands for itself: the same users show the same one again and again.
        """
        fixed = isinstance(events, MappingProxyType)
        key = id(events) if fixed else tuple(events.items())
        calls = self._event_calls.get(key)
        if calls is None:
            os_ns, monitor_ns = self.costs.events(events)
            calls = _EventCalls(events if fixed else dict(events), os_ns, monitor_ns)
            self._event_calls[key] = calls
        return calls

    def transfer(
        self, disk: int, size_bytes: i64, offset_bytes: int | None, write: bool, done: Done
    ) -> None:
        """Read or write a block of one of the partition's disks."""
        offset: i64 = NEXT_IN_SEQUENCE
        if offset_bytes is not None:
            offset = offset_bytes
        self.transfer_at(disk, size_bytes, offset, write, as_event(done))

    def transfer_at(
        self, disk: i64, size_bytes: i64, offset_bytes: i64, write: bool, done: Event
    ) -> None:
        """Read or write a block, at an offset or ``NEXT_IN_SEQUENCE``."""
        paths = self.paths
        if disk >= len(paths):
            raise ValueError(
                f"partition {self.name} has {len(paths)} disks, but a user works on number {disk}: "
                "virtual_scsi gives a partition disks"
            )
        paths[disk].transfer(size_bytes, offset_bytes, write, done)

    def send(self, size_bytes: i64, to: str, done: Done) -> None:
        """Stream bytes to a peer."""
        self._stream(self.route("send", to), size_bytes, done)

    def receive(self, size_bytes: i64, source: str, done: Done) -> None:
        """Have a peer stream bytes to this partition."""
        self._stream(self.route("receive", source), size_bytes, done)

    def _stream(self, route: Route, size_bytes: i64, done: Done) -> None:
        end = _StreamEnd(self.partition, as_event(done))
        stream(route, size_bytes, self.segment_bytes, self.window_bytes, end, self._ended)

    def exchange(self, request_bytes: i64, response_bytes: i64, to: str, done: Done) -> None:
        """Send a request and wait for the response; the peer answers at once."""
        _Exchange(self, to, request_bytes, response_bytes, as_event(done)).go_on()

    def serve(
        self,
        request_bytes: i64,
        response_bytes: i64,
        processor_seconds: float,
        events: Mapping[str, float] | None,
        done: Done,
    ) -> None:
        """Take a request of a client outside, compute, and send the response to it."""
        end = as_event(done)
        _Service(self, request_bytes, response_bytes, processor_seconds, events, end).go_on()

    @property
    def events(self) -> dict[str, float]:
        """How many operating-system events of each kind its users have asked for."""
        totals: dict[str, float] = {}
        for calls in self._event_calls.values():
            times: int = calls.count
            assert calls.events is not None
            for name, count in calls.events.items():
                totals[name] = totals.get(name, 0.0) + count * times
        return totals

    def crash(self) -> None:
        """Stop dead; all work is lost."""
        crash(self.partition)
        for path in self.paths:
            path.forget()

    @property
    def peers(self) -> set[str]:
        """With whom it has had to do so far (since :meth:`forget_routes`)."""
        return {peer for _, peer in self._routes}

    def forget_routes(self) -> None:
        """Look all routes up again from now on, after adapters have changed."""
        self._routes.clear()

    def relocate(self, costs: Costs, routes: Routes) -> None:
        """Work on another machine from now on."""
        self._set_costs(costs)
        for calls in self._event_calls.values():
            assert calls.events is not None
            calls.os_ns, calls.monitor_ns = costs.events(calls.events)
        self._make_route = routes
        self.forget_routes()

    def route(self, verb: str, peer: str) -> Route:
        """Return the route for a verb and a peer."""
        route = self._routes.get((verb, peer))
        if route is None:
            route = self._routes[verb, peer] = self._make_route(verb, peer)
        return route
