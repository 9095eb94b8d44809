"""A physical Ethernet adapter, the bus it is on, and its wire, full duplex."""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from harness.engine.clock import Clock
from harness.engine.event import Event, as_event
from harness.engine.rounding import nearest
from harness.engine.vecs import vec
from harness.model.io.channels import Bus

_NOT_YET: Final = -(10**18)
"""A time long before all others (ns)."""


def packet_count(size_bytes: float, payload_bytes: float, segment: bool) -> float:
    """Count the packets of a message or of a segment of a stream.

    The segments of a stream follow one another, so that their packets are full and a segment can
    be a fraction of one. A message by itself is at least one packet.
    """
    packets = size_bytes / payload_bytes
    return packets if segment else max(1.0, packets)


class _Carriage:
    """What carrying a piece of a size takes: of the wire, of the bus, of the way back."""

    def __init__(self, size_bytes: i64, segment: bool, link: "Link") -> None:
        self.size_bytes = size_bytes
        self.segment = segment
        size = float(size_bytes)
        packets = packet_count(size, link.payload_bytes, segment)
        wire_bytes = size + packets * link.overhead_bytes
        self.busy_ns: i64 = nearest(wire_bytes * link.ns_per_byte)
        self.bus_ns: i64 = nearest(size * link.bus_ns_per_byte + packets * link.bus_ns_per_packet)
        self.back_ns: i64 = nearest(packets * link.acknowledgement_ns)


class Link:
    """Both directions of a link to the network outside.

    Parameters
    ----------
    rate_bytes_per_second
        Line rate of each direction.
    mtu_bytes, header_bytes, frame_bytes
        Largest packet; protocol headers inside it; framing around it (preamble, header, check
        sequence, gap).
    latency_ns
        From the last bit sent to the peer's having it.
    acknowledgement_bytes
        What acknowledgements take of the other direction for each packet of a stream.
    large_send_bytes
        What it can make packets of at once; 0 if that is left to the sender.
    interrupt_packets, interrupt_ns
        The adapter interrupts for so many packets at most, or so long after the first of them.
    host_bus
        The I/O bus that it shares with other adapters; None if that is its own.
    bus_ns_per_byte, bus_ns_per_packet
        What the adapter's way to memory takes, which both directions share; acknowledgements are
        in it.

    Attributes
    ----------
    bytes, busy_ns, transit_ns
        Payload carried, time in use, and time that pieces took from being handed over to being
        there, waiting included (all summed); both directions together.
    broken
        Whether it carries nothing: messages go over the standby, or wait for :meth:`repair`.
    standby
        Another wire to the same network that has taken over.
    """

    def __init__(
        self,
        clock: Clock,
        name: str,
        *,
        rate_bytes_per_second: float,
        mtu_bytes: int,
        header_bytes: int,
        frame_bytes: int,
        latency_ns: int,
        acknowledgement_bytes: float = 0.0,
        bus_ns_per_byte: float = 0.0,
        bus_ns_per_packet: float = 0.0,
        interrupt_packets: int = 1,
        interrupt_ns: int = 0,
        large_send_bytes: int = 0,
        host_bus: Bus | None = None,
    ) -> None:
        self.clock = clock
        self.host_bus = host_bus
        self.name = name
        self.ns_per_byte = 1e9 / rate_bytes_per_second
        self.mtu_bytes: i64 = mtu_bytes
        # Whole numbers, but what they are multiplied with has fractions.
        self.payload_bytes = float(mtu_bytes - header_bytes)
        self.overhead_bytes = float(header_bytes + frame_bytes)
        self.latency_ns: i64 = latency_ns
        self.acknowledgement_ns = acknowledgement_bytes * self.ns_per_byte
        self.bus_ns_per_byte = bus_ns_per_byte
        self.bus_ns_per_packet = bus_ns_per_packet
        self._bus_free_ns: i64 = _NOT_YET
        self.large_send_bytes = large_send_bytes
        self.interrupt_packets: i64 = interrupt_packets
        self.interrupt_ns: i64 = interrupt_ns
        self._first_ns: i64 = _NOT_YET
        self._since_first: i64 = 0
        self.bytes: i64 = 0
        self.busy_ns: i64 = 0
        self.transit_ns: i64 = 0
        self.broken = False
        self.standby: Link | None = None
        self._held: list[tuple[bool, int, Event, bool, bool]] = []
        self._last = self._before = _Carriage(0, False, self)
        # Inbound and outbound.
        self._free_ns = vec[i64]([0, 0])
        self._active_ns = vec[i64]([_NOT_YET, _NOT_YET])

    def transmit(
        self,
        outbound: bool,
        size_bytes: i64,
        done: Event | Callable[[], object],
        segment: bool = False,
        acknowledged: bool = False,
    ) -> None:
        """Carry a message, or a segment of a stream, after those that wait for the direction.

        Acknowledgements of it take the other direction; nothing waits for them.
        """
        if self.broken:
            if self.standby is not None:
                self.standby.transmit(outbound, size_bytes, done, segment, acknowledged)
            else:
                self._held.append((outbound, size_bytes, as_event(done), segment, acknowledged))
            return
        direction: i64 = 1 if outbound else 0
        now = self.clock.now
        takes = self._last
        if takes.size_bytes != size_bytes or takes.segment != segment:
            takes = self._before
            if takes.size_bytes != size_bytes or takes.segment != segment:
                takes = _Carriage(size_bytes, segment, self)
            self._before = self._last
            self._last = takes
        busy_ns = takes.busy_ns
        # The adapter's buffers let the wire and the bus work at the same time.
        self._bus_free_ns = max(now, self._bus_free_ns) + takes.bus_ns
        end = max(max(now, self._free_ns[direction]) + busy_ns, self._bus_free_ns)
        host_bus = self.host_bus
        if host_bus is not None:
            end = max(end, host_bus.carry(now, size_bytes))
        self._free_ns[direction] = end
        self._active_ns[direction] = end
        if acknowledged:
            back_ns = takes.back_ns
            self._free_ns[1 - direction] = max(now, self._free_ns[1 - direction]) + back_ns
            self.busy_ns += back_ns
        self.bytes += size_bytes
        self.busy_ns += busy_ns
        transit_ns = end + self.latency_ns - now
        self.transit_ns += transit_ns
        self.clock.schedule(transit_ns, as_event(done))

    def interrupts(self) -> bool:
        """Whether a packet that has come by itself interrupts, or is handled with those before."""
        now = self.clock.now
        if self._since_first < self.interrupt_packets and now - self._first_ns < self.interrupt_ns:
            self._since_first += 1
            return False
        self._first_ns = now
        self._since_first = 1
        return True

    def packets_per_interrupt(self, wire_packets: float) -> float:
        """Count the packets of a stream at line rate, one in so many on the wire, per interrupt."""
        wire_bytes = self.payload_bytes + self.overhead_bytes
        gap_ns = wire_packets * wire_bytes * self.ns_per_byte
        return min(float(self.interrupt_packets), 1.0 + float(self.interrupt_ns) / gap_ns)

    def give_over(self, standby: "Link") -> None:
        """Have another wire carry what this one cannot; that may be broken, too."""
        self.standby = standby
        self._carry_held()

    def repair(self) -> None:
        """Carry again, first what has waited."""
        self.broken = False
        self.standby = None
        self._carry_held()

    def _carry_held(self) -> None:
        held, self._held = self._held, []
        for outbound, size_bytes, done, segment, acknowledged in held:
            self.transmit(outbound, size_bytes, done, segment, acknowledged)

    def opposite_active(self, outbound: bool, within_ns: i64) -> bool:
        """Whether the other direction has carried anything lately (duplex traffic)."""
        direction: i64 = 0 if outbound else 1
        return self.clock.now - self._active_ns[direction] < within_ns
