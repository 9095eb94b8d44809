"""Messages between partitions and to the world outside.

A *route* is a row of stages; a stage is whoever works on a piece of the message next: a partition's
protocol stack, a VIOS that bridges, a wire. A message travels in segments, so that the stages work
at the same time, with no more than a window of bytes under way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from harness.model.cpu.burst import Burst, Part, Work, work
from harness.model.cpu.entities import Partition
from harness.model.io.vios import Vios
from harness.model.ledger import Account, Cause
from harness.model.net.link import Link
from harness.model.tally import ADAPTER, DUPLEX, IN, MESSAGE, OUT, SIMPLEX, Tally

Done = Callable[[], object]
Stage = Callable[[int, Done], None]
"""Work on so many bytes, then call."""

_DUPLEX_WITHIN_NS = 10_000_000
"""Traffic counts as duplex when the other direction has carried something within this time."""


@dataclass(frozen=True, slots=True)
class StackCosts:
    """What one side of a connection pays on its own processors.

    Attributes
    ----------
    cause_per_byte, cause_per_packet
        Nanoseconds by cause for each byte and each packet of a stream.
    message_parts
        Further parts for each segment, such as a virtual interrupt.
    exchange_parts
        What half of a small request-and-response pair costs instead.
    payload_bytes
        Bytes in a full packet.
    way
        One of those of :mod:`harness.model.tally`.
    """

    per_byte: tuple[tuple[int, float], ...]
    per_packet: tuple[tuple[int, float], ...]
    message_parts: tuple[Part, ...]
    exchange_parts: tuple[Part, ...]
    payload_bytes: int
    way: str = ADAPTER

    def packets(self, size_bytes: int) -> int:
        """Count the packets of a piece of a stream."""
        return max(1, -(-size_bytes // self.payload_bytes))

    def stream_work(self, size_bytes: int) -> Work:
        """Return the work for one segment of a stream."""
        packets = self.packets(size_bytes)
        return work(
            *self.message_parts,
            *((cause, round(ns * size_bytes)) for cause, ns in self.per_byte),
            *((cause, round(ns * packets)) for cause, ns in self.per_packet),
        )

    def small_work(self, size_bytes: int) -> Work:
        """Return the work for a request or a response: the pair's half plus what bytes add."""
        return work(
            *self.message_parts,
            *self.exchange_parts,
            *((cause, round(ns * size_bytes)) for cause, ns in self.per_byte),
        )


def stack_stage(partition: Partition, costs: StackCosts, *, small: bool, interrupt: bool) -> Stage:
    """Make the stage of a partition's own protocol stack.

    Parameters
    ----------
    small
        Whether it handles requests and responses rather than a stream.
    interrupt
        Whether the work begins with an interrupt (receiving) rather than in a thread (sending).
    """
    known: dict[int, tuple[Work, Tally]] = {}
    derive = costs.small_work if small else costs.stream_work
    direction = IN if interrupt else OUT

    def meet(size_bytes: int) -> tuple[Work, Tally]:
        packets = 0 if small else costs.packets(size_bytes)
        key = (costs.way, direction, size_bytes, packets)
        tally = partition.traffic.setdefault(key, Tally())
        known[size_bytes] = derive(size_bytes), tally
        return known[size_bytes]

    def stage(size_bytes: int, done: Done) -> None:
        needed, tally = known.get(size_bytes) or meet(size_bytes)
        tally.count += 1
        partition.execute(needed, done, interrupt)

    return stage


def wire_stage(wire: Link, *, outbound: bool) -> Stage:
    """Make the stage of a wire in one direction."""

    def stage(size_bytes: int, done: Done) -> None:
        wire.transmit(outbound, size_bytes, done)

    return stage


def far_end(size_bytes: int, done: Done) -> None:
    """Be the stage of the host outside, which sends as fast as the wire takes it."""
    done()


@dataclass(frozen=True, slots=True)
class BridgeCosts:
    """What a VIOS spends on bridging, in nanoseconds, after the published cycles.

    These come from the use of the VIOS's processors, so that the hypervisor's work there (signals,
    copies) is part of them.

    Attributes
    ----------
    simplex_ns_per_byte, duplex_ns_per_byte
        For a stream at the adapter's MTU.
    small_ns
        For half of a request-and-response pair, by size in bytes.
    message_parts
        What of it is signalling, for each segment.
    copy_ns_per_byte
        What of it is the hypervisor's copy towards the client.
    """

    simplex_ns_per_byte: float
    duplex_ns_per_byte: float
    small_ns: Callable[[int], int]
    message_parts: tuple[Part, ...]
    copy_ns_per_byte: float


def _bridged(vios: Vios, began_ns: int, done: Done) -> None:
    """Count how long bridging took, the wait for the VIOS's processors included."""
    vios.bridging_ns += vios.partition.clock.now_ns - began_ns
    done()


def bridge_stage(
    vios: Vios, wire: Link, costs: BridgeCosts, payer: Account, *, small: bool, outbound: bool
) -> Stage:
    """Make the stage of a Shared Ethernet Adapter, in one direction, for one client."""
    clock = vios.partition.clock
    direction = OUT if outbound else IN

    def stage(size_bytes: int, done: Done) -> None:
        bridged = partial(_bridged, vios, clock.now_ns, done)
        vios.bridged_bytes += size_bytes
        if small:
            traffic, spent_ns = MESSAGE, costs.small_ns(size_bytes)
        elif wire.opposite_active(outbound, _DUPLEX_WITHIN_NS):
            traffic, spent_ns = DUPLEX, round(size_bytes * costs.duplex_ns_per_byte)
        else:
            traffic, spent_ns = SIMPLEX, round(size_bytes * costs.simplex_ns_per_byte)
        key = (direction, traffic, size_bytes)
        (vios.bridged.get(key) or vios.bridged.setdefault(key, Tally())).count += 1

        beside: tuple[Part, ...] = costs.message_parts
        if not outbound:
            beside = (*beside, (int(Cause.SWITCH), round(size_bytes * costs.copy_ns_per_byte)))
            vios.interrupt(payer)
        # The published cycles are all that the VIOS's processors spend: its own are the rest.
        own_ns = max(0, spent_ns - sum(ns for _, ns in beside))
        parts = (*beside, (int(Cause.VIOS), own_ns))
        vios.bridge(Burst(payer, work(*parts), bridged), not outbound)

    return stage


class _Piece:
    """A piece on its way through all stages."""

    __slots__ = ("done", "index", "size_bytes", "stages")

    def __init__(self, stages: Sequence[Stage], size_bytes: int, done: Done) -> None:
        self.stages = stages
        self.size_bytes = size_bytes
        self.done = done
        self.index = 0

    def go_on(self) -> None:
        """Enter the next stage."""
        index = self.index
        self.index = index + 1
        stages = self.stages
        stages[index](self.size_bytes, self.done if self.index == len(stages) else self.go_on)


def travel(stages: Sequence[Stage], size_bytes: int, done: Done) -> None:
    """Send one piece through all stages."""
    _Piece(stages, size_bytes, done).go_on()


class _Stream:
    """A message on its way in segments."""

    __slots__ = (
        "done",
        "first",
        "rest",
        "segment_bytes",
        "sending",
        "size_bytes",
        "to_send",
        "under_way",
        "window",
    )

    def __init__(
        self,
        stages: Sequence[Stage],
        size_bytes: int,
        segment_bytes: int,
        window: int,
        done: Done,
    ) -> None:
        self.first, self.rest = stages[0], stages[1:]
        self.segment_bytes = segment_bytes
        self.window = window
        self.done = done
        self.to_send = size_bytes
        self.size_bytes = 0
        self.under_way = 0
        self.sending = False

    def send_next(self) -> None:
        """Let the sender work on one more segment."""
        self.size_bytes = size = min(self.segment_bytes, self.to_send)
        self.to_send -= size
        self.under_way += 1
        self.sending = True
        self.first(size, self.sent)

    def sent(self) -> None:
        """Send a segment on, and the next one if the window allows."""
        self.sending = False
        if self.rest:
            travel(self.rest, self.size_bytes, self.arrived)
        else:
            self.arrived()
        if self.to_send and not self.sending and self.under_way < self.window:
            self.send_next()

    def arrived(self) -> None:
        """Go on with the message, or be done with it."""
        self.under_way -= 1
        if self.to_send:
            if not self.sending:
                self.send_next()
        elif not self.under_way:
            self.done()


def stream(
    stages: Sequence[Stage], size_bytes: int, segment_bytes: int, window_bytes: int, done: Done
) -> None:
    """Send a message in segments through all stages.

    The sender works on one segment at a time and stops while a window's worth is under way.
    """
    if size_bytes <= segment_bytes:
        travel(stages, size_bytes, done)
    else:
        window = max(1, window_bytes // segment_bytes)
        _Stream(stages, size_bytes, segment_bytes, window, done).send_next()
