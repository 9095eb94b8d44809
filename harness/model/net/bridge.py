"""Shared Ethernet Adapters: what a VIOS does to bridge between a virtual LAN and a wire."""

import math
from collections.abc import Callable
from typing import Final

from harness.model.cpu.burst import Part, Work, work
from harness.model.cpu.entities import Partition
from harness.model.cpu.topology import OTHER_CHIP, count_lines, distance
from harness.model.io.vios import Vios
from harness.model.ledger import Account, Cause
from harness.model.net.link import Link, packet_count
from harness.model.net.stages import NO_CHARGE, Charge, Charges, Piece, Stage
from harness.model.tally import DUPLEX, IN, MESSAGE, OUT, SIMPLEX, Tally

_DUPLEX_WITHIN_NS: Final = 10_000_000
"""Traffic counts as duplex when the other direction has carried something within this time."""


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
    payload_bytes
        Bytes in a full packet.
    interrupt_parts
        What of it is an interrupt.
    received_parts, sent_parts
        What of it is the hypervisor's work for a frame that comes from the client's virtual LAN,
        and for one that goes there, besides copying.
    copy_ns_per_byte
        What of it is the hypervisor's copy towards the client.
    packets_per_acknowledgement
        Packets of a stream for each acknowledgement, which goes the other way.
    line_bytes, line_transfers
        A cache line, and what the VIOS takes to fetch one of what the client has written, by the
        distances of :mod:`harness.model.cpu.topology`. The published cycles contain the last.
    packets_per_interrupt, acknowledgements_per_interrupt
        Of those that come from the wire. Of what comes from the client each one interrupts.
    """

    def __init__(
        self,
        *,
        simplex_ns_per_byte: float,
        duplex_ns_per_byte: float,
        small_ns: Callable[[int], int],
        payload_bytes: int,
        interrupt_parts: tuple[Part, ...],
        received_parts: tuple[Part, ...],
        sent_parts: tuple[Part, ...],
        copy_ns_per_byte: float,
        line_bytes: float,
        line_transfers: tuple[float, float, float],
        packets_per_acknowledgement: float,
        packets_per_interrupt: float,
        acknowledgements_per_interrupt: float,
    ) -> None:
        self.simplex_ns_per_byte = simplex_ns_per_byte
        self.duplex_ns_per_byte = duplex_ns_per_byte
        self.small_ns = small_ns
        self.payload_bytes = payload_bytes
        self.interrupt_parts = interrupt_parts
        self.received_parts = received_parts
        self.sent_parts = sent_parts
        self.copy_ns_per_byte = copy_ns_per_byte
        self.line_bytes = line_bytes
        self.line_transfers = line_transfers
        self.packets_per_acknowledgement = packets_per_acknowledgement
        self.packets_per_interrupt = packets_per_interrupt
        self.acknowledgements_per_interrupt = acknowledgements_per_interrupt

    def frames(self, traffic: str, packets: float, *, outbound: bool) -> tuple[float, float, float]:
        """Count interrupts, frames from the client and frames to it, for so many packets.

        A request or response counts as one packet, and is not acknowledged by itself.
        """
        if traffic == MESSAGE:
            return (1.0, 1.0, 0.0) if outbound else (1.0, 0.0, 1.0)
        acknowledgements = packets / self.packets_per_acknowledgement
        if outbound:
            interrupts = packets + acknowledgements / self.acknowledgements_per_interrupt
            return interrupts, packets, acknowledgements
        interrupts = packets / self.packets_per_interrupt + acknowledgements
        return interrupts, acknowledgements, packets

    def lines(self, size_bytes: int, packets: float, *, outbound: bool) -> int:
        """Count the cache lines that the VIOS fetches: a piece's data, and one for each packet."""
        return math.ceil(size_bytes / self.line_bytes + packets) if outbound else 0

    def work(self, traffic: str, size_bytes: int, packets: float, *, outbound: bool) -> Work:
        """Return the work for a piece of so many packets, without fetching its lines."""
        if traffic == MESSAGE:
            spent_ns = self.small_ns(size_bytes)
        elif traffic == DUPLEX:
            spent_ns = round(size_bytes * self.duplex_ns_per_byte)
        else:
            spent_ns = round(size_bytes * self.simplex_ns_per_byte)
        interrupts, received, sent = self.frames(traffic, packets, outbound=outbound)
        beside = [
            *((cause, round(ns * interrupts)) for cause, ns in self.interrupt_parts),
            *((cause, round(ns * received)) for cause, ns in self.received_parts),
            *((cause, round(ns * sent)) for cause, ns in self.sent_parts),
        ]
        if not outbound:
            beside.append((int(Cause.SWITCH), round(size_bytes * self.copy_ns_per_byte)))
        # The published cycles are all that the VIOS's processors spend: its own are the rest.
        lines = self.lines(size_bytes, packets, outbound=outbound)
        fetched_ns = round(lines * self.line_transfers[OTHER_CHIP])
        own_ns = max(0, spent_ns - fetched_ns - sum(ns for _, ns in beside))
        return work(*beside, (int(Cause.VIOS), own_ns))


class _Traffic:
    """One kind of traffic over a bridge: what it costs by size."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.charges = Charges()


class BridgeStage(Stage):
    """A Shared Ethernet Adapter, in one direction, for one client."""

    def __init__(
        self,
        vios: Vios,
        wire: Link,
        costs: BridgeCosts,
        client: Partition,
        payer: Account,
        *,
        small: bool,
        outbound: bool,
    ) -> None:
        self.vios = vios
        self.wire = wire
        self.costs = costs
        self.client = client
        self.payer = payer
        self.small = small
        self.outbound = outbound
        self._messages = _Traffic(MESSAGE)
        self._simplex = _Traffic(SIMPLEX)
        self._duplex = _Traffic(DUPLEX)

    def enter(self, piece: Piece) -> None:
        """Have the VIOS work on a piece."""
        vios, outbound = self.vios, self.outbound
        piece.bridge = vios
        piece.bridged_since_ns = vios.partition.clock.now
        vios.bridged_bytes += piece.size_bytes
        traffic = self._simplex
        if self.small:
            traffic = self._messages
        elif self.wire.opposite_active(outbound, _DUPLEX_WITHIN_NS):
            traffic = self._duplex
        charge = traffic.charges.find(piece.size_bytes, piece.segment)
        if charge is NO_CHARGE:
            charge = self._new_charge(traffic.name, piece.size_bytes, piece.segment)
            traffic.charges.keep(charge)
        charge.tally.count += 1
        if not outbound:
            vios.interrupt(self.payer)
        needed = charge.work
        if outbound:
            far = distance(self.client, vios.partition)
            count_lines(vios.partition, far, charge.lines)
            needed = charge.fetched[far]
        piece.ask(self.payer, needed)
        vios.bridge(piece, not outbound)

    def _new_charge(self, traffic: str, size_bytes: int, segment: bool) -> Charge:
        packets = packet_count(size_bytes, self.costs.payload_bytes, segment)
        outbound = self.outbound
        interrupts, _, _ = self.costs.frames(traffic, packets, outbound=outbound)
        key = (OUT if outbound else IN, traffic, size_bytes, packets, interrupts)
        tally = self.vios.bridged.setdefault(key, Tally())
        needed = self.costs.work(traffic, size_bytes, packets, outbound=outbound)
        charge = Charge(size_bytes, segment, needed, tally)
        if outbound:
            lines = self.costs.lines(size_bytes, packets, outbound=outbound)
            charge.fetch(lines, self.costs.line_transfers)
        return charge
