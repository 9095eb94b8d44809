"""Which way messages take between partitions and to the world outside."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from harness.errors import suggest
from harness.model.config import (
    SharedEthernetConfiguration,
    SystemConfiguration,
    VirtualEthernetConfiguration,
    Virtualization,
)
from harness.model.costs import Costs, fixed_and_per_unit
from harness.model.cpu.burst import Part
from harness.model.cpu.entities import Partition
from harness.model.devices import DeviceFactory
from harness.model.directory import Directory
from harness.model.io.vios import Vios, interrupt_cost
from harness.model.ledger import Cause, Ledger
from harness.model.net.bridge import BridgeCosts, BridgeStage
from harness.model.net.link import Link
from harness.model.net.stages import (
    FarEnd,
    Route,
    StackCosts,
    StackStage,
    Stage,
    WireStage,
)
from harness.model.partition import OUTSIDE
from harness.model.tally import ADAPTER, LOOPBACK, VIRTUAL

NEXT = "next"
"""The peer that is the partition after this one."""

_OS, _SWITCH, _HYPERVISOR = int(Cause.OS), int(Cause.SWITCH), int(Cause.HYPERVISOR)
_WORLD_SWITCH, _EMULATION = int(Cause.WORLD_SWITCH), int(Cause.EMULATION)
_HOST, _COPY = int(Cause.HOST), int(Cause.COPY)


class UnreachableError(ValueError):
    """Two partitions, or a partition and the outside, have no network in common."""


class Router:
    """All adapters of a machine and the routes over them."""

    def __init__(
        self,
        configuration: SystemConfiguration,
        costs: Costs,
        ledger: Ledger,
        directory: Directory,
        devices: DeviceFactory,
    ) -> None:
        self.configuration = configuration
        self.costs = costs
        self.ledger = ledger
        self.directory = directory
        self.devices = devices
        self.own_wires: dict[str, Link] = {}
        """Wires of adapters that a partition (or the host) owns."""
        self.bridges: dict[int, tuple[str, SharedEthernetConfiguration, Link]] = {}
        """By virtual LAN: the first VIOS that bridges it, how, and the wire."""
        self.trunks: dict[str, Link] = {}
        """By VIOS: the wire of its Shared Ethernet Adapter, in use or standing by."""
        self.neighbours: list[Router] = []
        """Those of other machines on the same network outside; see :func:`connect`."""
        names = [partition.name for partition in configuration.partitions]
        self.following = dict(zip(names, [*names[1:], *names[:1]], strict=True))
        """The partition after each one, wherever the two are at present."""
        for vios in configuration.vios:
            shared = vios.shared_ethernet
            if shared is not None:
                wire = devices.wire(vios.name, shared.adapter)
                self.trunks[vios.name] = wire
                for vlan in shared.vlans:
                    self.bridges.setdefault(vlan, (vios.name, shared, wire))
        host_wire: Link | None = None
        for partition in configuration.partitions:
            for adapter in partition.ethernet[:1]:
                if configuration.hosted:
                    # All guests share the host's adapter.
                    if host_wire is None:
                        host_wire = devices.wire("host", adapter)
                    self.own_wires[partition.name] = host_wire
                else:
                    self.own_wires[partition.name] = devices.wire(partition.name, adapter)

    @property
    def wires(self) -> list[Link]:
        """Every wire of the machine once, in a fixed order."""
        found = [*self.own_wires.values(), *self.trunks.values()]
        return list({id(wire): wire for wire in found}.values())

    def route(self, name: str, verb: str, peer: str) -> Route:
        """Find the way for a verb of a partition.

        Parameters
        ----------
        verb
            ``send``, ``receive``, ``request`` or ``response``.
        peer
            A partition's name, ``next`` or ``outside``.

        Raises
        ------
        UnreachableError
            When the two have no network in common.
        """
        small = verb in ("request", "response")
        inward = verb in ("receive", "response")
        if peer == OUTSIDE:
            return self._outside(name, small=small, inward=inward)
        if peer == NEXT:
            peer = self.following[name]
        if peer in self.directory.configurations:
            sender, receiver = (peer, name) if inward else (name, peer)
            return self._between(sender, receiver, small=small)
        for neighbour in self.neighbours:
            if peer in neighbour.directory.configurations:
                if inward:
                    return neighbour._across(peer, self, name, small=small)
                return self._across(name, neighbour, peer, small=small)
        known = [*self.directory.configurations, NEXT, OUTSIDE]
        known += [each for one in self.neighbours for each in one.directory.configurations]
        raise UnreachableError(
            f"partition {name} cannot reach {peer!r}: {suggest(peer, known, 'partition')}"
        )

    # To the outside

    def _outside(self, name: str, *, small: bool, inward: bool) -> Route:
        wire = self.own_wires.get(name)
        if wire is not None:
            own = self._adapter_stage(name, wire, small=small, interrupt=inward)
            way: Route = [own, WireStage(wire, outbound=not inward, small=small)]
            return [FarEnd(), *way[::-1]] if inward else way
        for adapter in self.directory.configurations[name].virtual_ethernet:
            bridge = self._bridge(adapter)
            if bridge is not None:
                return self._bridged(name, adapter, *bridge, small=small, inward=inward)
        raise UnreachableError(
            f"partition {name} has no Ethernet adapter and no virtual LAN that a VIOS bridges"
        )

    def _bridge(
        self, adapter: VirtualEthernetConfiguration
    ) -> tuple[Vios, SharedEthernetConfiguration, Link] | None:
        for vlan in (adapter.vlan, *adapter.tagged_vlans):
            if vlan in self.bridges:
                vios, shared, wire = self.bridges[vlan]
                return self.directory.vios[vios], shared, wire
        return None

    def _bridged(
        self,
        name: str,
        adapter: VirtualEthernetConfiguration,
        vios: Vios,
        shared: SharedEthernetConfiguration,
        wire: Link,
        *,
        small: bool,
        inward: bool,
    ) -> Route:
        mtu = min(adapter.mtu_bytes, shared.adapter.mtu_bytes)
        costs = self._virtual_receiver(mtu) if inward else self._virtual_sender(mtu)
        source = vios.partition if inward else None
        own = self._stage(name, costs, small=small, interrupt=inward, source=source)
        bridging = BridgeStage(
            vios,
            wire,
            self._bridge_costs(shared, wire),
            self.directory.partitions[name].partition,
            self.ledger.accounts[name],
            small=small,
            outbound=not inward,
        )
        way = [own, bridging, WireStage(wire, outbound=not inward, small=small)]
        return [FarEnd(), *way[::-1]] if inward else way

    def _bridge_costs(self, shared: SharedEthernetConfiguration, wire: Link) -> BridgeCosts:
        costs, constants = self.costs, self.costs.constants
        ratio = costs.number("network.tcp.packets_per_acknowledgement")
        mode = "threaded" if shared.threaded else "non-threaded"

        def per_byte(direction: str) -> float:
            at, cycles = constants.table(f"vios.sea.cycles_per_byte.{mode}.{direction}")
            header = costs.number("network.tcp.header_bytes")
            each, packet = fixed_and_per_unit([mtu - header for mtu in at], cycles)
            payload = shared.adapter.mtu_bytes - header
            return costs.cycles((each + packet / payload) * 1e6) / 1e6

        @cache
        def small_ns(size_bytes: int) -> int:
            pair = constants.interpolate(f"vios.sea.transaction_cycles.{mode}", size_bytes)
            return costs.cycles(pair / 2)

        return BridgeCosts(
            simplex_ns_per_byte=per_byte("simplex"),
            duplex_ns_per_byte=per_byte("duplex"),
            small_ns=small_ns,
            payload_bytes=int(wire.payload_bytes),
            interrupt_parts=((_HYPERVISOR, interrupt_cost(costs)),),
            received_parts=(self._frame_received(),),
            sent_parts=self._frame_sent(),
            copy_ns_per_byte=self._copy_ns_per_byte(),
            line_bytes=costs.number("processor.l2_line"),
            line_transfers=costs.line_transfers(),
            packets_per_acknowledgement=ratio,
            packets_per_interrupt=wire.packets_per_interrupt(1.0),
            acknowledgements_per_interrupt=wire.packets_per_interrupt(ratio),
        )

    # Between partitions

    def _between(self, sender: str, receiver: str, *, small: bool) -> Route:
        if sender == receiver:
            costs = self._stack_at(round(self.costs.number("network.loopback.mtu")), LOOPBACK)
            return [
                self._stage(sender, costs, small=small, interrupt=False),
                self._stage(receiver, costs, small=small, interrupt=True),
            ]
        if self.configuration.hosted:
            wire = self._own_wire(sender, receiver)
            return [
                self._adapter_stage(sender, wire, small=small, interrupt=False),
                self._adapter_stage(receiver, wire, small=small, interrupt=True),
            ]
        mtu = self._vlan_mtu(sender, receiver)
        if mtu is not None:
            source = self.directory.partitions[sender].partition
            into_stack = self._virtual_receiver(mtu)
            return [
                self._stage(sender, self._virtual_sender(mtu), small=small, interrupt=False),
                self._stage(receiver, into_stack, small=small, interrupt=True, source=source),
            ]
        if self.configuration.virtualization is not Virtualization.PHYSICAL:
            raise UnreachableError(f"partitions {sender} and {receiver} share no virtual LAN")
        out, into = self._own_wire(sender, receiver), self._own_wire(receiver, sender)
        return [
            self._adapter_stage(sender, out, small=small, interrupt=False),
            WireStage(out, outbound=True, small=small),
            WireStage(into, outbound=False, small=small),
            self._adapter_stage(receiver, into, small=small, interrupt=True),
        ]

    def _across(self, sender: str, there: "Router", receiver: str, *, small: bool) -> Route:
        """Find the way to a partition of another machine: through a VIOS of either."""
        for one in self.directory.configurations[sender].virtual_ethernet:
            for other in there.directory.configurations[receiver].virtual_ethernet:
                for vlan in (one.vlan, *one.tagged_vlans):
                    bridged = vlan in self.bridges and vlan in there.bridges
                    if not bridged or vlan not in (other.vlan, *other.tagged_vlans):
                        continue
                    mtu = min(one.mtu_bytes, other.mtu_bytes)
                    adapter = VirtualEthernetConfiguration(vlan, (), mtu)
                    out, into = self._bridge(adapter), there._bridge(adapter)
                    assert out is not None and into is not None
                    return [
                        *self._bridged(sender, adapter, *out, small=small, inward=False),
                        *there._bridged(receiver, adapter, *into, small=small, inward=True)[1:],
                    ]
        raise UnreachableError(
            f"partitions {sender} and {receiver} are on different machines and have no virtual LAN "
            "in common that a VIOS bridges on both"
        )

    def _own_wire(self, name: str, peer: str) -> Link:
        wire = self.own_wires.get(name)
        if wire is None:
            raise UnreachableError(f"partition {name} has no adapter to reach {peer}")
        return wire

    def _vlan_mtu(self, sender: str, receiver: str) -> int | None:
        """Return the largest MTU that two partitions have in common on some virtual LAN."""
        configurations = self.directory.configurations
        found = [
            min(one.mtu_bytes, other.mtu_bytes)
            for one in configurations[sender].virtual_ethernet
            for other in configurations[receiver].virtual_ethernet
            if {one.vlan, *one.tagged_vlans} & {other.vlan, *other.tagged_vlans}
        ]
        return max(found, default=None)

    # What the stages cost

    def _stage(
        self,
        name: str,
        costs: StackCosts,
        *,
        small: bool,
        interrupt: bool,
        source: Partition | None = None,
    ) -> Stage:
        partition = self.directory.partitions[name].partition
        return StackStage(partition, costs, small=small, interrupt=interrupt, source=source)

    def _adapter_stage(self, name: str, wire: Link, *, small: bool, interrupt: bool) -> Stage:
        """Make the stack over an adapter of one's own, which a guest has emulated."""
        if self.configuration.hosted:
            costs = self._hosted_stack(wire, interrupt)
            return self._stage(name, costs, small=small, interrupt=interrupt)
        return StackStage(
            self.directory.partitions[name].partition,
            self._adapter_stack(name, wire, interrupt),
            small=small,
            interrupt=interrupt,
            adapter=wire,
        )

    def _adapter_stack(self, name: str, wire: Link, inward: bool) -> StackCosts:
        """Add to the stack a physical adapter: it coalesces interrupts, and makes packets."""
        stack = self._stack_at(wire.mtu_bytes)
        flag = f"os.{self.directory.configurations[name].os}.large_send"
        constants = self.costs.constants
        large = not inward and flag in constants and constants.flag(flag)
        ratio = stack.packets_per_acknowledgement
        return replace(
            stack,
            interrupt_parts=((_HYPERVISOR, self.costs.time("hypervisor.interrupt")),),
            interrupts_per_packet=1 / wire.packets_per_interrupt(1.0)
            if inward
            else 1 / wire.packets_per_interrupt(ratio) / ratio,
            large_send_bytes=wire.large_send_bytes if large else 0,
        )

    def _stack_at(self, mtu_bytes: int, way: str = ADAPTER) -> StackCosts:
        """Charge what the protocol stack itself costs at an MTU."""
        costs = self.costs
        at, cycles = costs.constants.table("network.tcp.cycles_per_byte")
        header = costs.number("network.tcp.header_bytes")
        each, packet = fixed_and_per_unit([mtu - header for mtu in at], cycles)
        pair = costs.number("network.tcp.transaction_cycles")
        return StackCosts(
            per_byte=((_OS, costs.cycles(each * 1e6) / 1e6),),
            per_packet=((_OS, costs.cycles(packet * 1e3) / 1e3),),
            exchange_parts=((_OS, costs.cycles(pair / 2)),),
            payload_bytes=max(1, mtu_bytes - round(header)),
            packets_per_acknowledgement=costs.number("network.tcp.packets_per_acknowledgement"),
            way=way,
        )

    def _copy_ns_per_byte(self) -> float:
        cycles = self.costs.number("network.virtual.copy_cycles_per_byte")
        return self.costs.cycles(cycles * 1e6) / 1e6

    def _frame_sent(self) -> tuple[Part, ...]:
        """Charge a call that sends a frame, and what the switch does with it besides copying."""
        costs = self.costs
        return (
            (_HYPERVISOR, costs.work("hypervisor.call.null")),
            (_SWITCH, costs.work("network.virtual.packet_cost")),
        )

    def _frame_received(self) -> Part:
        """Charge a call that gives the adapter a new buffer."""
        return _HYPERVISOR, self.costs.work("hypervisor.call.lan_buffer")

    def _virtual_sender(self, mtu_bytes: int) -> StackCosts:
        """Add to the stack the hypervisor's switch, which copies each packet at once.

        Acknowledgements come back as interrupts.
        """
        stack = self._stack_at(mtu_bytes, VIRTUAL)
        sent = self._frame_sent()
        return replace(
            stack,
            per_byte=(*stack.per_byte, (_SWITCH, self._copy_ns_per_byte())),
            per_packet=(*stack.per_packet, *sent),
            exchange_parts=(*stack.exchange_parts, *sent),
            interrupt_parts=((_HYPERVISOR, interrupt_cost(self.costs)),),
            interrupts_per_packet=1 / stack.packets_per_acknowledgement,
            per_acknowledgement=(self._frame_received(),),
        )

    def _virtual_receiver(self, mtu_bytes: int) -> StackCosts:
        """Add to the stack an interrupt, and the switch for acknowledgements that it sends."""
        stack = self._stack_at(mtu_bytes, VIRTUAL)
        return replace(
            stack,
            per_packet=(*stack.per_packet, self._frame_received()),
            exchange_parts=(*stack.exchange_parts, self._frame_received()),
            interrupt_parts=((_HYPERVISOR, interrupt_cost(self.costs)),),
            interrupts_per_packet=1.0,
            per_acknowledgement=self._frame_sent(),
            line_bytes=self.costs.number("processor.l2_line"),
            line_transfers=self.costs.line_transfers(),
        )

    def _hosted_stack(self, wire: Link, inward: bool) -> StackCosts:
        """Add to the guest's stack the emulated adapter and the host's network."""
        costs = self.costs
        stack = self._stack_at(wire.mtu_bytes)
        prefix = f"hosted.{costs.flavour}"
        if inward:
            switches = costs.number(f"{prefix}.packet.receive_world_switches")
            parts = (
                (_WORLD_SWITCH, costs.hosted("world_switch", switches)),
                (_EMULATION, costs.hosted("packet.receive_monitor")),
                (_HOST, costs.hosted("receive") + costs.hosted("packet.host_interrupts")),
            )
        else:
            switches = costs.number(f"{prefix}.packet.world_switches")
            accesses = costs.number(f"{prefix}.packet.status_accesses")
            parts = (
                (_WORLD_SWITCH, costs.hosted("world_switch", switches)),
                (
                    _EMULATION,
                    costs.hosted("packet.monitor")
                    + costs.hosted("emulate_transmit")
                    + costs.hosted("status_register", accesses),
                ),
                (_HOST, costs.hosted("transmit") + costs.hosted("packet.host_interrupts")),
            )
        copy = (_COPY, costs.hosted("copy_cycles_per_byte", 1e6) / 1e6)
        return replace(
            stack,
            per_byte=(*stack.per_byte, copy),
            per_packet=(*stack.per_packet, *parts),
            exchange_parts=(*stack.exchange_parts, *parts),
        )


def connect(routers: Iterable[Router]) -> None:
    """Let partitions reach those of other machines that are on the same network outside."""
    everyone = list(routers)
    for router in everyone:
        router.neighbours = [
            other
            for other in everyone
            if other is not router and other.configuration.lan == router.configuration.lan
        ]
