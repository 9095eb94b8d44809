"""A partition's verbs on the modelled platform, in the style of callbacks.

Every verb takes a ``done`` that is called when the work is finished; how a Locust user waits for
that is not the platform's concern.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from harness.model.costs import Costs
from harness.model.cpu.burst import Part
from harness.model.cpu.entities import Partition
from harness.model.io.block_path import BlockPath
from harness.model.ledger import Cause
from harness.model.net.stages import Stage, stream, travel
from harness.model.tally import Tally

Done = Callable[[], object]
Routes = Callable[[str, str], Sequence[Stage]]
"""Make the route for a verb (``send``, ``receive``, ``request``, ``response``) and a peer."""

_USER, _OS, _EMULATION = int(Cause.USER), int(Cause.OS), int(Cause.EMULATION)


class _End:
    """The end of something that is heard of only if the partition has not crashed meanwhile."""

    __slots__ = ("crashes", "done", "partition")

    def __init__(self, partition: Partition, done: Done) -> None:
        self.partition = partition
        self.crashes = partition.crashes
        self.done = done

    def __call__(self) -> None:
        if self.crashes == self.partition.crashes:
            self.done()


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
        self.costs = costs
        self.paths = list(paths)
        self.segment_bytes = segment_bytes
        self.window_bytes = window_bytes
        self._make_route = routes
        self._routes: dict[tuple[str, str], Sequence[Stage]] = {}
        self._event_calls: dict[object, tuple[Mapping[str, float], Tally]] = {}

    def compute(
        self, processor_seconds: float, events: Mapping[str, float] | None, done: Done
    ) -> None:
        """Use the processor in user mode, with operating-system events on the way."""
        costs = self.costs
        user_ns = costs.user(processor_seconds)
        if not events:
            self.partition.execute((((_USER, user_ns),), user_ns), done)
            return
        # A read-only view stands for itself: the same users show the same one again and again.
        fixed = isinstance(events, MappingProxyType)
        key = id(events) if fixed else tuple(events.items())
        held = self._event_calls.get(key)
        if held is None:
            held = self._event_calls[key] = events if fixed else dict(events), Tally()
        held[1].count += 1
        os_ns, monitor_ns = costs.events(events)
        parts: tuple[Part, ...] = ((_USER, user_ns), (_OS, os_ns))
        if monitor_ns:
            parts = (*parts, (_EMULATION, monitor_ns))
        self.partition.execute((parts, user_ns + os_ns + monitor_ns), done)

    def transfer(
        self, disk: int, size_bytes: int, offset_bytes: int | None, write: bool, done: Done
    ) -> None:
        """Read or write a block of one of the partition's disks."""
        if disk >= len(self.paths):
            raise ValueError(
                f"partition {self.name} has {len(self.paths)} disks, but a user works on number "
                f"{disk}"
            )
        self.paths[disk].transfer(size_bytes, offset_bytes, write, done)

    def send(self, size_bytes: int, to: str, done: Done) -> None:
        """Stream bytes to a peer."""
        route = self._route("send", to)
        stream(route, size_bytes, self.segment_bytes, self.window_bytes, _End(self.partition, done))

    def receive(self, size_bytes: int, source: str, done: Done) -> None:
        """Have a peer stream bytes to this partition."""
        route = self._route("receive", source)
        stream(route, size_bytes, self.segment_bytes, self.window_bytes, _End(self.partition, done))

    def exchange(self, request_bytes: int, response_bytes: int, to: str, done: Done) -> None:
        """Send a request and wait for the response; the peer answers at once."""
        heard = _End(self.partition, done)
        answered = partial(self._respond, to, response_bytes, heard)
        travel(self._route("request", to), request_bytes, answered)

    @property
    def events(self) -> dict[str, float]:
        """How many operating-system events of each kind its users have asked for."""
        totals: dict[str, float] = {}
        for events, tally in self._event_calls.values():
            for name, count in events.items():
                totals[name] = totals.get(name, 0.0) + count * tally.count
        return totals

    def _respond(self, to: str, response_bytes: int, heard: Done) -> None:
        travel(self._route("response", to), response_bytes, heard)

    def crash(self) -> None:
        """Stop dead; all work is lost."""
        self.partition.crash()
        for path in self.paths:
            path.forget()

    @property
    def peers(self) -> set[str]:
        """With whom it has had to do so far (since :meth:`forget_routes`)."""
        return {peer for _, peer in self._routes}

    def forget_routes(self) -> None:
        """Find all ways into the network anew, after adapters have changed."""
        self._routes.clear()

    def relocate(self, costs: Costs, routes: Routes) -> None:
        """Work on another machine from now on."""
        self.costs = costs
        self._make_route = routes
        self.forget_routes()

    def _route(self, verb: str, peer: str) -> Sequence[Stage]:
        route = self._routes.get((verb, peer))
        if route is None:
            route = self._routes[verb, peer] = self._make_route(verb, peer)
        return route
