"""Costs of protocol stacks, virtual switches and Shared Ethernet Adapters in a run."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.analysis.breakdown.disks import copied
from harness.analysis.breakdown.run import SIGNAL, CostItem, Run
from harness.model.costs import fixed_and_per_unit
from harness.model.cpu.topology import OTHER_CHIP
from harness.model.tally import ADAPTER, DUPLEX, IN, MESSAGE, OUT, SIMPLEX, VIRTUAL

_COALESCING = ("interrupt_packets", "interrupt_delay")
_STREAM = ("network.tcp.cycles_per_byte", "network.tcp.header_bytes")


def protocol_stacks(run: Run) -> Iterator[CostItem]:
    """Count bytes, packets and messages of all protocol stacks, and what carries them on."""
    costs, counts = run.costs, run.counts
    at, cycles = costs.constants.table("network.tcp.cycles_per_byte")
    header = costs.number("network.tcp.header_bytes")
    byte_cycles, packet_cycles = fixed_and_per_unit([mtu - header for mtu in at], cycles)
    half_pair_ns = costs.cycles(costs.number("network.tcp.transaction_cycles") / 2)
    per_cycle = 1e9 / costs.clock_hz
    sent = counts.of("network_bytes")
    yield run.item("os", "byte in a protocol stack", sent, byte_cycles * per_cycle, *_STREAM)
    packets = counts.of("network_packets")
    names = (*_STREAM, *_properties(run, "large_send"))
    yield run.item("os", "packet in a protocol stack", packets, packet_cycles * per_cycle, *names)
    messages = counts.of("network_messages")
    name = "network.tcp.transaction_cycles"
    yield run.item("os", "request or response in a stack", messages, half_pair_ns, name)
    if run.flavour is not None:
        yield from _emulated_network(run)
        return
    yield from _frames(run)
    passed = counts.of("network_bytes", way=VIRTUAL, direction=OUT)
    yield _switched(run, passed)
    ratio = "network.tcp.packets_per_acknowledgement"
    interrupts = counts.of("network_interrupts", way=VIRTUAL)
    event = "interrupt of a virtual Ethernet adapter"
    yield run.item("hypervisor", event, interrupts, run.signal_ns, *SIGNAL, ratio)
    interrupts = counts.of("network_interrupts", way=ADAPTER)
    event, name = "interrupt of an Ethernet adapter", "hypervisor.interrupt"
    properties = _properties(run, *_COALESCING)
    each_ns = costs.time(name)
    yield run.item("hypervisor", event, interrupts, each_ns, name, ratio, *properties)


def _frames(run: Run) -> Iterator[CostItem]:
    """Count frames over the virtual switch at both ends: packets and acknowledgements."""
    ratio = "network.tcp.packets_per_acknowledgement"
    packets, messages = (
        {way: run.counts.of(name, way=VIRTUAL, direction=way) for way in (OUT, IN)}
        for name in ("network_packets", "network_messages")
    )
    # Acknowledgements go the way against the stream's.
    each = run.costs.number(ratio)
    sent = packets[OUT] + messages[OUT] + packets[IN] / each
    received = packets[IN] + messages[IN] + packets[OUT] / each
    yield from _calls(run, sent, received, ratio)


def _calls(run: Run, sent: float, received: float, ratio: str) -> Iterator[CostItem]:
    """Divide what frames over the virtual switch cost those that send and receive them."""
    switch, call = "network.virtual.packet_cost", "hypervisor.call.null"
    buffer = "hypervisor.call.lan_buffer"
    event = "packet or acknowledgement over the virtual switch"
    yield run.item("switch", event, sent, run.costs.work(switch), switch, ratio)
    event = "call that sends a frame"
    yield run.item("hypervisor", event, sent, run.costs.work(call), call, ratio)
    event = "call that gives a buffer for a frame received"
    yield run.item("hypervisor", event, received, run.costs.work(buffer), buffer, ratio)


def _properties(run: Run, *names: str) -> tuple[str, ...]:
    """Name properties of the adapters that partitions own, as far as the catalog has them."""
    if run.flavour is not None:
        return ()
    adapters = [
        adapter["device"]
        for partition in run.system["partitions"]
        for adapter in partition["ethernet"]
    ]
    return _of_adapters(run, adapters, *names)


def _of_adapters(run: Run, devices: Iterable[str], *names: str) -> tuple[str, ...]:
    paths = [f"ethernet.{device}.{name}" for device in sorted(set(devices)) for name in names]
    return tuple(path for path in paths if path in run.costs.constants)


def _switched(run: Run, copied_bytes: float) -> CostItem:
    """Count bytes that the hypervisor's switch copies from partition to partition."""
    name = "network.virtual.copy_cycles_per_byte"
    event = "byte copied by the virtual switch"
    return run.item("switch", event, copied_bytes, _switch_copy_ns(run), name)


def _switch_copy_ns(run: Run) -> float:
    """Return what the hypervisor's switch takes to copy a byte."""
    cycles = run.costs.number("network.virtual.copy_cycles_per_byte")
    return run.costs.cycles(cycles * 1e6) / 1e6


def _emulated_network(run: Run) -> Iterator[CostItem]:
    counts, number = run.counts, run.costs.number
    prefix = f"hosted.{run.flavour}.packet"
    for direction, event in ((OUT, "packet sent by a guest"), (IN, "packet for a guest")):
        passed = sum(
            counts.of(name, way=ADAPTER, direction=direction)
            for name in ("network_packets", "network_messages")
        )
        monitor: tuple[str, ...]
        if direction == OUT:
            switches, host = "packet.world_switches", "transmit"
            monitor = ("packet.monitor", "emulate_transmit")
            accesses = number(f"{prefix}.status_accesses")
            monitor_ns = run.hosted("status_register", accesses) + sum(map(run.hosted, monitor))
            monitor = (*monitor, "status_register", "packet.status_accesses")
        else:
            switches, host = "packet.receive_world_switches", "receive"
            monitor = ("packet.receive_monitor",)
            monitor_ns = run.hosted("packet.receive_monitor")
        switch_ns = run.hosted("world_switch", number(f"hosted.{run.flavour}.{switches}"))
        names = run.names("world_switch", switches)
        yield run.item("world_switch", event, passed, switch_ns, *names)
        yield run.item("emulation", event, passed, monitor_ns, *run.names(*monitor))
        host_ns = run.hosted(host) + run.hosted("packet.host_interrupts")
        names = run.names(host, "packet.host_interrupts")
        yield run.item("host", event, passed, host_ns, *names)
    yield copied(run, "byte copied for a network", counts.of("network_bytes", way=ADAPTER))


def bridges(run: Run) -> Iterator[CostItem]:
    """Count what each Shared Ethernet Adapter bridged."""
    for vios in run.system["vios"]:
        for direction in (OUT, IN):
            for traffic in (SIMPLEX, DUPLEX, MESSAGE):
                where = {"vios": vios["name"], "direction": direction, "traffic": traffic}
                passed = run.counts.of("bridge_segments", **where)
                if passed:
                    size = run.counts.of("bridge_bytes", **where) / passed
                    yield from _bridged(run, vios, direction, traffic, passed, size)


def _bridged(
    run: Run, vios: Mapping[str, Any], direction: str, traffic: str, passed: float, size: float
) -> Iterator[CostItem]:
    """Divide what bridging costs a VIOS's processors: signals, frames, copies, and the rest."""
    costs, ratio = run.costs, "network.tcp.packets_per_acknowledgement"
    where = {"vios": vios["name"], "direction": direction, "traffic": traffic}
    forth, back = passed, 0.0
    if traffic != MESSAGE:
        forth = run.counts.of("bridge_packets", **where)
        back = forth / costs.number(ratio)
    received, sent = (forth, back) if direction == OUT else (back, forth)
    device = vios["shared_ethernet"]["adapter"]["device"]
    beside = [
        run.item(
            "hypervisor",
            "interrupt for what is bridged",
            run.counts.of("bridge_interrupts", **where),
            run.signal_ns,
            *SIGNAL,
            *_of_adapters(run, [device], *_COALESCING),
            ratio,
        ),
        *_calls(run, sent, received, ratio),
    ]
    if direction == IN:
        beside.append(_switched(run, passed * size))
    yield from beside
    spent_ns, constants = _bridge_ns(run, vios, traffic, size)
    # Lines fetched are counted where they are fetched; the published cycles contain the dearest.
    lines = size / costs.number("processor.l2_line") + forth / passed if direction == OUT else 0.0
    spent_ns -= lines * costs.line_transfers()[OTHER_CHIP]
    own_ns = max(0.0, spent_ns - math.fsum(each.seconds for each in beside) * 1e9 / passed)
    noun = "request or response" if traffic == MESSAGE else f"piece of a stream, {traffic},"
    yield run.item("vios", f"{noun} bridged", passed, own_ns, *constants, *SIGNAL)


def _bridge_ns(
    run: Run, vios: Mapping[str, Any], traffic: str, size: float
) -> tuple[float, tuple[str, ...]]:
    costs, shared = run.costs, vios["shared_ethernet"]
    mode = "threaded" if shared["threaded"] else "non-threaded"
    if traffic == MESSAGE:
        name = f"vios.sea.transaction_cycles.{mode}"
        return float(costs.cycles(costs.constants.interpolate(name, size) / 2)), (name,)
    name = f"vios.sea.cycles_per_byte.{mode}.{traffic}"
    at, cycles = costs.constants.table(name)
    header = costs.number("network.tcp.header_bytes")
    each, packet = fixed_and_per_unit([mtu - header for mtu in at], cycles)
    payload = shared["adapter"]["mtu_bytes"] - header
    return size * (each + packet / payload) / costs.clock_hz * 1e9, (name,)


def bridging_seconds(run: Run) -> float:
    """Processor time of all bridging, signals and copies included."""
    spent_ns = 0.0
    for vios in run.system["vios"]:
        for traffic in (SIMPLEX, DUPLEX, MESSAGE):
            where = {"vios": vios["name"], "traffic": traffic}
            passed = run.counts.of("bridge_segments", **where)
            if passed:
                size = run.counts.of("bridge_bytes", **where) / passed
                spent_ns += passed * _bridge_ns(run, vios, traffic, size)[0]
    return spent_ns / 1e9
