"""Messages between partitions and to the world outside.

A *route* is a row of stages; a stage is what works on a piece of the message next: a partition's
protocol stack, a VIOS that bridges, a wire. A message travels in segments, so that the stages work
at the same time, with no more than a window of bytes under way.
"""

import math
from dataclasses import dataclass
from typing import Final

from mypy_extensions import i64

from harness.engine.event import NO_EVENT, Event
from harness.model.cpu.burst import NO_WORK, Burst, Part, Work, work
from harness.model.cpu.entities import Partition
from harness.model.cpu.topology import count_lines, distance
from harness.model.io.vios import Vios
from harness.model.ledger import Account, Cause
from harness.model.net.link import Link, packet_count
from harness.model.tally import ADAPTER, IN, OUT, Tally

_NO_ACCOUNT: Final = Account()
_REFILL: Final = int(Cause.REFILL)


class Stage:
    """What works on a piece of a message."""

    def enter(self, piece: "Piece") -> None:
        """Begin to work on a piece, which fires when that is done."""
        raise NotImplementedError


Route = list[Stage]


class Piece(Burst):
    """A piece of a message on its way through all stages of a route.

    It is the burst, or the event, that the stage it is in waits for.

    Attributes
    ----------
    segment
        Whether it is a segment of a stream rather than a whole message.
    """

    def __init__(self, route: Route, size_bytes: i64, segment: bool = False) -> None:
        super().__init__(_NO_ACCOUNT, NO_WORK)
        self.route = route
        self.size_bytes = size_bytes
        self.segment = segment
        self.bridge: Vios | None = None
        """The VIOS that bridges it at present, and since when."""
        self.bridged_since_ns: i64 = 0
        self.passed: i64 = 0

    def fire(self) -> None:
        """Leave a stage."""
        vios = self.bridge
        if vios is not None:
            # The wait for the VIOS's processors counts as well.
            vios.bridging_ns += vios.partition.clock.now - self.bridged_since_ns
            self.bridge = None
        self.go_on()

    def go_on(self) -> None:
        """Enter the next stage, or arrive."""
        passed = self.passed
        if passed == len(self.route):
            self.arrived()
        else:
            self.passed = passed + 1
            self.route[passed].enter(self)

    def arrived(self) -> None:
        """Be through all stages."""
        raise NotImplementedError


class WholeMessage(Piece):
    """A message of one piece."""

    def __init__(self, route: Route, size_bytes: i64, done: Event) -> None:
        super().__init__(route, size_bytes)
        self._done = done

    def arrived(self) -> None:
        """Be through all stages."""
        self._done.fire()


# Streams


class _Segment(Piece):
    """A segment of a stream."""

    def __init__(self, stream: "Stream") -> None:
        super().__init__(stream.route, 0, True)
        self.stream = stream

    def fire(self) -> None:
        """Leave a stage; after the first one, the sender may begin with the next segment."""
        stream = self.stream
        if self.passed == 1:
            stream.sending = False
            super().fire()
            if stream.to_send and not stream.sending and stream.under_way < stream.window:
                stream.send_next()
        else:
            super().fire()

    def arrived(self) -> None:
        """Be through all stages: go on with the message, or be done with it."""
        stream = self.stream
        stream.under_way -= 1
        stream.arrived.append(self)
        if stream.to_send:
            if not stream.sending:
                stream.send_next()
        elif not stream.under_way:
            stream.end()


class Stream:
    """A message on its way in segments; both are used again afterwards.

    Parameters
    ----------
    ended
        Streams that have ended, which it joins.
    """

    def __init__(self, ended: "list[Stream]") -> None:
        self.route: Route = []
        self.segment_bytes: i64 = 0
        self.window: i64 = 0
        self.done: Event = NO_EVENT
        self.to_send: i64 = 0
        self.under_way: i64 = 0
        self.sending = False
        self.arrived: list[_Segment] = []
        """Segments that are not under way."""
        self._ended = ended

    def send_next(self) -> None:
        """Let the sender work on one more segment."""
        segment = self.arrived.pop() if self.arrived else _Segment(self)
        segment.route = self.route
        segment.size_bytes = min(self.segment_bytes, self.to_send)
        segment.passed = 0
        self.to_send -= segment.size_bytes
        self.under_way += 1
        self.sending = True
        segment.go_on()

    def end(self) -> None:
        """Be through all stages."""
        done = self.done
        self.done = NO_EVENT
        done.fire()
        self._ended.append(self)


def stream(
    route: Route,
    size_bytes: i64,
    segment_bytes: i64,
    window_bytes: i64,
    done: Event,
    ended: list[Stream],
) -> None:
    """Send a message in segments through all stages.

    The sender works on one segment at a time and stops while a window's worth is under way. One of
    the streams that have ended is used again.
    """
    if size_bytes <= segment_bytes:
        WholeMessage(route, size_bytes, done).go_on()
        return
    message = ended.pop() if ended else Stream(ended)
    message.route = route
    message.segment_bytes = segment_bytes
    message.window = max(1, window_bytes // segment_bytes)
    message.done = done
    message.to_send = size_bytes
    message.send_next()


# Protocol stacks


@dataclass(frozen=True, kw_only=True)
class StackCosts:
    """What one side of a connection pays on its own processors.

    Attributes
    ----------
    per_byte, per_packet, per_acknowledgement
        Nanoseconds by cause for each byte, each packet and each acknowledgement of a stream. What
        the protocol stack itself spends on acknowledgements is in the cost of bytes and packets,
        which were measured on TCP.
    interrupt_parts
        For each interrupt.
    interrupts_per_packet
        Interrupts for each packet of a stream: of the packets themselves where they are received,
        of acknowledgements where they are sent. A request or response received is one interrupt.
    exchange_parts
        What half of a small request-and-response pair costs instead.
    payload_bytes
        Bytes in a full packet.
    line_bytes, line_transfers
        Where frames come from another partition's memory: a cache line, and the nanoseconds to
        fetch one from each distance of :mod:`harness.model.cpu.topology`; none elsewhere.
    large_send_bytes
        What the stack hands to the adapter at once, which makes packets of it, and pays for as one
        packet; 0 if the stack makes the packets.
    way
        One of those of :mod:`harness.model.tally`.
    """

    per_byte: tuple[tuple[int, float], ...]
    per_packet: tuple[tuple[int, float], ...]
    exchange_parts: tuple[Part, ...]
    payload_bytes: int
    interrupt_parts: tuple[Part, ...] = ()
    interrupts_per_packet: float = 0.0
    per_acknowledgement: tuple[tuple[int, float], ...] = ()
    packets_per_acknowledgement: float = 2.0
    line_bytes: float = 0.0
    line_transfers: tuple[float, ...] = ()
    large_send_bytes: int = 0
    way: str = ADAPTER

    def packets(self, size_bytes: int, segment: bool) -> float:
        """Count the packets of a message or of a segment of a stream, as the stack sees them."""
        return packet_count(size_bytes, max(self.payload_bytes, self.large_send_bytes), segment)

    def interrupts(self, size_bytes: int, segment: bool) -> float:
        """Count the interrupts for a message or a segment of a stream."""
        if not self.interrupt_parts:
            return 0.0
        packets = packet_count(size_bytes, self.payload_bytes, segment)
        return packets * self.interrupts_per_packet

    def lines(self, size_bytes: int, segment: bool) -> int:
        """Count the cache lines of a piece that are fetched: its data, and one for each packet."""
        if not self.line_transfers:
            return 0
        packets = packet_count(size_bytes, self.payload_bytes, segment)
        return math.ceil(size_bytes / self.line_bytes + packets)

    def stream_work(self, size_bytes: int, segment: bool) -> Work:
        """Return the work for a message, or for a segment of one, that is sent as a stream."""
        packets = self.packets(size_bytes, segment)
        acknowledgements = (
            packet_count(size_bytes, self.payload_bytes, segment) / self.packets_per_acknowledgement
        )
        interrupts = self.interrupts(size_bytes, segment)
        return work(
            *((cause, round(ns * interrupts)) for cause, ns in self.interrupt_parts),
            *((cause, round(ns * size_bytes)) for cause, ns in self.per_byte),
            *((cause, round(ns * packets)) for cause, ns in self.per_packet),
            *((cause, round(ns * acknowledgements)) for cause, ns in self.per_acknowledgement),
        )

    def small_work(self, size_bytes: int, *, interrupt: bool) -> Work:
        """Return the work for a request or a response: the pair's half plus what bytes add."""
        return work(
            *(self.interrupt_parts if interrupt else ()),
            *self.exchange_parts,
            *((cause, round(ns * size_bytes)) for cause, ns in self.per_byte),
        )


class Charge:
    """What a stage does for pieces of one size, and how many there were."""

    def __init__(self, size_bytes: i64, segment: bool, work: Work, tally: Tally) -> None:
        self.size_bytes = size_bytes
        self.segment = segment
        self.work = work
        self.tally = tally
        self.coalesced: Charge | None = None
        """The same without an interrupt, where the adapter can leave it out."""
        self.lines: i64 = 0
        """Cache lines that are fetched of what another partition has written."""
        self.fetched: list[Work] = []
        """The work with that, by distance."""

    def fetch(self, lines: int, transfers: tuple[float, ...]) -> None:
        """Add to the work so many cache lines to be fetched, at nanoseconds by distance."""
        self.lines = lines
        self.fetched = [
            work((_REFILL, round(lines * each_ns)), *self.work.parts) for each_ns in transfers
        ]


NO_CHARGE: Final = Charge(-1, False, NO_WORK, Tally())


class Charges:
    """What a stage does for pieces, by their size; that of the last two sizes is at hand.

    A stream has segments of one size, and a last one of another.
    """

    def __init__(self) -> None:
        self._by_size: dict[tuple[int, bool], Charge] = {}
        self._last = NO_CHARGE
        self._before = NO_CHARGE

    def find(self, size_bytes: i64, segment: bool) -> Charge:
        """Return what it does for pieces of a size; ``NO_CHARGE`` if that is not known yet."""
        last, before = self._last, self._before
        if last.size_bytes == size_bytes and last.segment == segment:
            return last
        if before.size_bytes != size_bytes or before.segment != segment:
            before = self._by_size.get((size_bytes, segment), NO_CHARGE)
        self._before = last
        self._last = before
        return before

    def keep(self, charge: Charge) -> None:
        """Keep what it does for pieces of one more size."""
        self._by_size[charge.size_bytes, charge.segment] = charge


class StackStage(Stage):
    """A partition's own protocol stack.

    Parameters
    ----------
    small
        Whether it handles requests and responses rather than a stream.
    interrupt
        Whether the work begins with an interrupt (receiving) rather than in a thread (sending).
    adapter
        The physical adapter that coalesces interrupts; None where each one is presented.
    source
        The partition that writes what this one fetches; None where it is a device.
    """

    def __init__(
        self,
        partition: Partition,
        costs: StackCosts,
        *,
        small: bool,
        interrupt: bool,
        adapter: Link | None = None,
        source: Partition | None = None,
    ) -> None:
        self.partition = partition
        self.source = source
        self.adapter = adapter
        self.costs = costs
        self.small = small
        self.interrupt = interrupt
        self._charges = Charges()

    def enter(self, piece: Piece) -> None:
        """Work on a piece on the partition's account."""
        charge = self._charges.find(piece.size_bytes, piece.segment)
        if charge is NO_CHARGE:
            charge = self._new_charge(piece.size_bytes, piece.segment)
            self._charges.keep(charge)
        adapter, coalesced = self.adapter, charge.coalesced
        if adapter is not None and coalesced is not None and not adapter.interrupts():
            charge = coalesced
        charge.tally.count += 1
        partition = self.partition
        needed, source = charge.work, self.source
        if source is not None:
            far = distance(source, partition)
            count_lines(partition, far, charge.lines)
            needed = charge.fetched[far]
        piece.ask(partition.account, needed)
        partition.submit(piece, self.interrupt)

    def _new_charge(self, size_bytes: int, segment: bool) -> Charge:
        costs = self.costs
        if self.small:
            charge = self._small_charge(size_bytes, interrupt=self.interrupt)
            if self.interrupt and costs.interrupt_parts:
                charge.coalesced = self._small_charge(size_bytes, interrupt=False)
        else:
            packets = costs.packets(size_bytes, segment)
            interrupts = costs.interrupts(size_bytes, segment)
            tally = self._tally(size_bytes, packets, interrupts)
            charge = Charge(size_bytes, segment, costs.stream_work(size_bytes, segment), tally)
        if self.source is not None:
            charge.fetch(costs.lines(size_bytes, segment), costs.line_transfers)
        return charge

    def _small_charge(self, size_bytes: int, *, interrupt: bool) -> Charge:
        interrupts = 1.0 if interrupt and self.costs.interrupt_parts else 0.0
        needed = self.costs.small_work(size_bytes, interrupt=interrupt)
        return Charge(size_bytes, False, needed, self._tally(size_bytes, 0.0, interrupts))

    def _tally(self, size_bytes: int, packets: float, interrupts: float) -> Tally:
        direction = IN if self.interrupt else OUT
        key = (self.costs.way, direction, size_bytes, packets, interrupts)
        return self.partition.traffic.setdefault(key, Tally())


class WireStage(Stage):
    """A wire in one direction, for streams or for requests and responses."""

    def __init__(self, wire: Link, *, outbound: bool, small: bool) -> None:
        self.wire = wire
        self.outbound = outbound
        self.acknowledged = not small

    def enter(self, piece: Piece) -> None:
        """Carry a piece."""
        self.wire.transmit(self.outbound, piece.size_bytes, piece, piece.segment, self.acknowledged)


class FarEnd(Stage):
    """The host outside, which sends as fast as the wire takes it."""

    def enter(self, piece: Piece) -> None:
        """Send a piece at once."""
        piece.fire()
