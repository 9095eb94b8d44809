"""Mover service partitions: two Virtual I/O Servers that carry a partition's memory across.

IBM's two figures hold together: 80 MiB/s per Gigabit Ethernet and about one core on each VIOS. So
every byte costs a core's time at that speed on either side, and no more is sent than that speed
allows; what else the servers and the wires have to do slows a migration down, and is slowed by it.
"""

from collections.abc import Callable

import simpy

from harness.catalog import Constants
from harness.engine.clock import Clock, to_ns
from harness.model.cpu.burst import CallbackBurst, work
from harness.model.io.vios import Vios
from harness.model.ledger import Account, Cause
from harness.model.net.link import Link

_GIGABIT = 125e6
"""Bytes per second."""


class Endpoint:
    """One of the two machines: its VIOS, the wire that it has, and the account that pays.

    Attributes
    ----------
    work_ns
        Processor time that the VIOS has spent on this migration.
    """

    def __init__(self, vios: Vios, wire: Link, account: Account) -> None:
        self.vios = vios
        self.wire = wire
        self.account = account
        self.work_ns = 0

    @property
    def down(self) -> bool:
        """Whether the VIOS is down."""
        return self.vios.partition.down

    def handle(self, ns: int, done: Callable[[], object], urgent: bool) -> None:
        """Have the VIOS work on some bytes."""

        def worked() -> None:
            self.work_ns += ns
            done()

        self.vios.submit(CallbackBurst(self.account, work((int(Cause.VIOS), ns)), worked), urgent)


class MemoryTransfer:
    """The way that memory takes from one machine to the other.

    Attributes
    ----------
    bytes
        What has arrived so far.
    bytes_per_second
        The most that it carries.
    """

    def __init__(
        self, clock: Clock, source: Endpoint, target: Endpoint, constants: Constants
    ) -> None:
        self.clock = clock
        self.source = source
        self.target = target
        line = 1e9 / max(source.wire.ns_per_byte, target.wire.ns_per_byte)
        self.bytes_per_second = constants.number("operations.mobility.rate") * line / _GIGABIT
        cores = constants.number("operations.mobility.vios_cores")
        self._work_ns_per_byte = cores / self.bytes_per_second * 1e9
        self._fetch_ns = to_ns(constants.number("operations.mobility.page_fetch"))
        self._piece_bytes = round(constants.number("operations.mobility.piece"))
        self._window = round(constants.number("operations.mobility.window"))
        self.bytes = 0
        self._stopped = False
        self._under_way = 0
        self._due_ns = 0
        self._waiting = False
        self._take: Callable[[], int] = lambda: 0
        self._sent: simpy.Event | None = None

    @property
    def down(self) -> bool:
        """Whether one of the two VIOS is down."""
        return self.source.down or self.target.down

    def send(self, size_bytes: int) -> simpy.Event:
        """Send so many bytes; the event is when the last one has arrived."""
        left = size_bytes

        def take() -> int:
            nonlocal left
            piece = min(self._piece_bytes, left)
            left -= piece
            return piece

        return self.send_all(take)

    def send_all(self, take: Callable[[], int]) -> simpy.Event:
        """Send pieces of the sizes that ``take`` says when it is time for another, until 0."""
        self._take = take
        self._sent = sent = self.clock.event()
        self._send_next()
        return sent

    def stop(self) -> None:
        """Send nothing any more; what is under way is not heard of."""
        self._stopped = True

    def _send_next(self) -> None:
        """Send while there is something, no more than a window and no faster than the rate."""
        while not self._stopped and self._under_way < self._window:
            now = self.clock.now_ns
            if now < self._due_ns:
                if not self._waiting:
                    self._waiting = True
                    self.clock.call_in(self._due_ns - now, self._due)
                return
            piece = self._take()
            if not piece:
                if not self._under_way and self._sent is not None:
                    sent, self._sent = self._sent, None
                    sent.succeed()
                return
            self._due_ns = now + round(piece / self.bytes_per_second * 1e9)
            self._under_way += 1
            self._carry(piece, self._arrived, urgent=False)

    def _due(self) -> None:
        self._waiting = False
        self._send_next()

    def _arrived(self) -> None:
        self._under_way -= 1
        self._send_next()

    def _carry(self, size_bytes: int, done: Callable[[], object], *, urgent: bool) -> None:
        ns = round(size_bytes * self._work_ns_per_byte)
        source, target = self.source, self.target

        def out() -> None:
            source.wire.transmit(True, size_bytes, into)

        def into() -> None:
            target.wire.transmit(False, size_bytes, across)

        def across() -> None:
            target.handle(ns, arrived, urgent)

        def arrived() -> None:
            self.bytes += size_bytes
            done()

        source.handle(ns, out, urgent)

    def fetch(self, size_bytes: int, done: Callable[[], object]) -> None:
        """Fetch a page that a thread waits for, before all others."""
        ready_ns = self.clock.now_ns + self._fetch_ns

        def arrived() -> None:
            self.clock.call_in(max(0, ready_ns - self.clock.now_ns), done)

        self._carry(size_bytes, arrived, urgent=True)
