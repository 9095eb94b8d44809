"""A physical Ethernet adapter and its wire, full duplex."""

from collections.abc import Callable

from harness.engine.clock import Clock


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
    ) -> None:
        self.clock = clock
        self.name = name
        self.ns_per_byte = 1e9 / rate_bytes_per_second
        self.mtu_bytes = mtu_bytes
        self.payload_bytes = mtu_bytes - header_bytes
        self.overhead_bytes = header_bytes + frame_bytes
        self.latency_ns = latency_ns
        self.bytes = 0
        self.busy_ns = 0
        self.transit_ns = 0
        self.broken = False
        self.standby: Link | None = None
        self._held: list[tuple[bool, int, Callable[[], object]]] = []
        self._free_ns = [0, 0]
        self._active_ns = [-(10**18), -(10**18)]

    def packets(self, size_bytes: int) -> int:
        """Count the packets of a message."""
        return max(1, -(-size_bytes // self.payload_bytes))

    def transmit(self, outbound: bool, size_bytes: int, done: Callable[[], object]) -> None:
        """Carry a message after those that wait for the same direction."""
        if self.broken:
            if self.standby is not None:
                self.standby.transmit(outbound, size_bytes, done)
            else:
                self._held.append((outbound, size_bytes, done))
            return
        now = self.clock.now_ns
        wire_bytes = size_bytes + self.packets(size_bytes) * self.overhead_bytes
        busy_ns = round(wire_bytes * self.ns_per_byte)
        start = max(now, self._free_ns[outbound])
        self._free_ns[outbound] = end = start + busy_ns
        self._active_ns[outbound] = end
        self.bytes += size_bytes
        self.busy_ns += busy_ns
        self.transit_ns += end + self.latency_ns - now
        self.clock.call_in(end + self.latency_ns - now, done)

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
        for message in held:
            self.transmit(*message)

    def opposite_active(self, outbound: bool, within_ns: int) -> bool:
        """Tell whether the other direction has carried anything lately (duplex traffic)."""
        return self.clock.now_ns - self._active_ns[not outbound] < within_ns
