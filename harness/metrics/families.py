"""The table of metric families: every metric that vtax exposes of a machine, declared once.

Names follow Prometheus (base units, ``_total`` for counters) and the words of ``lparstat``.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from harness.metrics.family import Family, Kind, Labels, Rows
from harness.metrics.observer import Observation
from harness.model.cpu.entities import Partition
from harness.model.io.disk import Disk
from harness.model.io.vios import Vios
from harness.model.net.link import Link
from harness.model.tally import Tally


def _seconds(ns: int) -> float:
    return ns / 1e9


def _processor_ns(o: Observation) -> Rows:
    accounts, idle_ns = o.machine.balance()
    for owner, account in accounts.items():
        for cause, ns in account.items():
            yield (owner, cause), ns
    yield ("", "idle"), idle_ns


def _transactions(o: Observation) -> Rows:
    for key, kind in o.transactions.items():
        yield (*key, "ok"), int(kind.response.count)
        yield (*key, "failed"), kind.failed


def _entitlement(o: Observation) -> Rows:
    return (((name,), cores) for name, cores in o.machine.capacity.entitlement_cores.items())


def _os_events(o: Observation) -> Rows:
    for name, partition in o.machine.partitions.items():
        for event, count in partition.events.items():
            yield (name, event), count


def _dispatched(o: Observation) -> Rows:
    return (((partition.name,), partition) for partition in o.machine.dispatched())


def _partitions(o: Observation) -> Rows:
    return (((name,), partition) for name, partition in o.machine.partitions.items())


def _disks(o: Observation) -> Rows:
    return (((disk.name,), disk) for disk in o.machine.disks)


def _servers(o: Observation) -> Rows:
    return (((name,), vios) for name, vios in o.machine.vios.items())


def _links(o: Observation) -> Rows:
    return (((link.name,), link) for link in o.machine.network.wires)


def _whole(o: Observation) -> Rows:
    return [((), o)]


class Piece(NamedTuple):
    """Something that passed a protocol stack or a bridge at once."""

    size_bytes: int
    packets: float
    """In a protocol stack 0 for requests and responses."""
    interrupts: float


def _pieces(counted: Iterable[tuple[str, Mapping[tuple[Any, ...], Tally]]]) -> Rows:
    """List pieces, and how often they passed, by owner and the first two parts of their keys."""
    pieces: dict[Labels, list[tuple[Piece, int]]] = {}
    for owner, tallies in counted:
        for (first, second, *piece), tally in tallies.items():
            key = (owner, first, second)
            pieces.setdefault(key, []).append((Piece(*piece), int(tally.count)))
    return pieces.items()


def _traffic(o: Observation) -> Rows:
    """List what passed the protocol stacks, by way and direction."""
    return _pieces((each.name, each.traffic) for each in o.machine.dispatched())


def _bridge_traffic(o: Observation) -> Rows:
    """List what the VIOS bridged, by direction and kind of traffic."""
    return _pieces((name, vios.bridged) for name, vios in o.machine.vios.items())


def _summed(of: Callable[[Piece], float]) -> Callable[[Any], float]:
    """Return the sum of a function of a piece over pieces."""
    return lambda pieces: float(sum([of(piece) * count for piece, count in pieces]))


def _network(name: str, text: str, of: Callable[[Piece], float]) -> Family:
    """Family with sums of a function of a piece over what passed the protocol stacks."""
    return Family(name, text, ("partition", "way", "direction"), _traffic, _summed(of))


def _bridged(name: str, text: str, of: Callable[[Piece], float]) -> Family:
    """Family with sums of a function of a piece over what the VIOS bridged."""
    return Family(name, text, ("vios", "direction", "traffic"), _bridge_traffic, _summed(of))


def _machine(
    name: str, text: str, value: Callable[[Observation], float], *, kind: Kind = "counter"
) -> Family:
    return Family(name, text, (), _whole, value, kind)


def _partition(
    name: str, text: str, value: Callable[[Partition], float], *, kind: Kind = "counter"
) -> Family:
    """Family with a value for each partition, VIOS included."""
    return Family(name, text, ("partition",), _dispatched, value, kind)


def _disk(name: str, text: str, value: Callable[[Disk], float]) -> Family:
    return Family(name, text, ("disk",), _disks, value)


def _vios(name: str, text: str, value: Callable[[Vios], float]) -> Family:
    return Family(name, text, ("vios",), _servers, value)


def _wire(name: str, text: str, value: Callable[[Link], float]) -> Family:
    return Family(name, text, ("adapter",), _links, value)


FAMILIES: tuple[Family, ...] = (
    Family(
        "vtax_processor_seconds",
        "Processor time by the partition on whose behalf it was spent, and by cause.",
        ("partition", "cause"),
        _processor_ns,
        _seconds,
    ),
    _machine(
        "vtax_processors",
        "Processors (cores) of the machine.",
        lambda o: len(o.machine.processors),
        kind="gauge",
    ),
    _machine("vtax_simulated_seconds", "Simulated time.", lambda o: o.now_ns / 1e9),
    Family(
        "vtax_transactions",
        "Transactions that ended, by outcome.",
        ("partition", "group", "name", "outcome"),
        _transactions,
    ),
    Family(
        "vtax_partition_entitlement_cores",
        "Entitled capacity, or own cores of a dedicated partition (ent).",
        ("partition",),
        _entitlement,
        kind="gauge",
    ),
    _partition(
        "vtax_partition_virtual_processors",
        "Virtual processors.",
        lambda p: len(p.vps),
        kind="gauge",
    ),
    _partition(
        "vtax_partition_dispatched_seconds",
        "Processor time while dispatched; its rate is physc, physical processors consumed.",
        lambda p: p.occupied_ns() / 1e9,
    ),
    _partition(
        "vtax_partition_dispatches", "Virtual context switches (vcsw).", lambda p: int(p.dispatches)
    ),
    _partition(
        "vtax_partition_dispatch_wait_seconds",
        "Time that virtual processors were ready without a processor.",
        lambda p: int(p.dispatch_wait_ns) / 1e9,
    ),
    _partition(
        "vtax_partition_phantom_interrupts",
        "Interrupts for others that arrived on a processor of the partition (phint).",
        lambda p: int(p.phantom_interrupts),
    ),
    _partition(
        "vtax_partition_ticks",
        "Clock ticks that a partition's virtual processors took.",
        lambda p: int(p.ticks),
    ),
    _partition(
        "vtax_partition_idle_ticks",
        "Of these, clock ticks that found their virtual processor idle.",
        lambda p: int(p.idle_ticks),
    ),
    _partition(
        "vtax_partition_interrupting_ticks",
        "Of these, clock ticks that interrupted work on their virtual processor.",
        lambda p: int(p.interrupting_ticks),
    ),
    _partition(
        "vtax_partition_refilled_lines",
        "Cache lines fetched again after others had driven them out.",
        lambda p: int(p.refilled_lines),
    ),
    _partition(
        "vtax_partition_memory_lines",
        "Cache lines fetched again from memory.",
        lambda p: int(p.memory_lines),
    ),
    _partition(
        "vtax_partition_chip_lines",
        "Cache lines fetched of another partition's data, from another core of the chip.",
        lambda p: int(p.chip_lines),
    ),
    _partition(
        "vtax_partition_remote_lines",
        "Cache lines fetched of another partition's data, from another chip.",
        lambda p: int(p.remote_lines),
    ),
    _partition(
        "vtax_partition_beside_chip_seconds",
        "Computing times the number of further processors that ran on the same chip.",
        lambda p: int(p.beside_chip_ns) / 1e9,
    ),
    _partition(
        "vtax_partition_beside_image_seconds",
        "Computing times the number of further processors of the same operating system that ran.",
        lambda p: int(p.beside_image_ns) / 1e9,
    ),
    _partition(
        "vtax_partition_beside_machine_seconds",
        "Computing times the number of further processors of the machine that ran.",
        lambda p: int(p.beside_machine_ns) / 1e9,
    ),
    _partition(
        "vtax_partition_resumed_dispatches",
        "Dispatches on a processor that no other virtual processor had used since.",
        lambda p: int(p.resumptions),
    ),
    _partition(
        "vtax_partition_idle_tick_seconds",
        "Processor time of clock ticks that found a virtual processor idle.",
        lambda p: int(p.idle_tick_ns) / 1e9,
    ),
    _partition(
        "vtax_partition_queue_wait_seconds",
        "Time that work waited in the operating system for a virtual processor.",
        lambda p: p.queue_wait_ns() / 1e9,
    ),
    Family(
        "vtax_os_events",
        "Operating-system events that a partition's users asked for.",
        ("partition", "event"),
        _os_events,
    ),
    _machine(
        "vtax_host_ticks",
        "Clock ticks of the host operating system, on all processors.",
        lambda o: o.machine.host_ticks,
    ),
    _machine(
        "vtax_host_interrupting_ticks",
        "Of these, clock ticks that interrupted a guest.",
        lambda o: o.machine.host_interrupting_ticks,
    ),
    _network(
        "vtax_network_segments",
        "Pieces of streams that a partition's protocol stack worked on.",
        lambda piece: int(piece.packets > 0),
    ),
    _network(
        "vtax_network_packets",
        "Packets of those pieces, as the stack sees them (large send); a piece can end within one.",
        lambda piece: piece.packets,
    ),
    _network(
        "vtax_network_messages",
        "Requests and responses that a partition's protocol stack worked on.",
        lambda piece: int(piece.packets == 0),
    ),
    _network(
        "vtax_network_bytes",
        "Bytes of streams, requests and responses in a partition's protocol stack.",
        lambda piece: piece.size_bytes,
    ),
    _network(
        "vtax_network_interrupts",
        "Interrupts of adapters for packets and acknowledgements, coalesced ones counted once.",
        lambda piece: piece.interrupts,
    ),
    _machine(
        "vtax_pool_processors",
        "Processors of the shared pool (psize).",
        lambda o: len(o.machine.pool.processors) if o.machine.pool else 0,
        kind="gauge",
    ),
    Family(
        "vtax_block_operations",
        "Block operations that a partition began.",
        ("partition",),
        _partitions,
        lambda p: sum(int(path.operations) for path in p.paths),
    ),
    Family(
        "vtax_block_queue_wait_seconds",
        "Time that block operations waited for a place in the queue of their disk.",
        ("partition",),
        _partitions,
        lambda p: sum(int(path.queue_wait_ns) for path in p.paths) / 1e9,
    ),
    _disk("vtax_disk_operations", "Operations that a disk completed.", lambda d: int(d.operations)),
    _disk("vtax_disk_bytes", "Bytes read from or written to a disk.", lambda d: int(d.bytes)),
    _disk(
        "vtax_disk_busy_seconds",
        "Time of a disk's spindles in use, all summed.",
        lambda d: int(d.busy_ns) / 1e9,
    ),
    _disk(
        "vtax_disk_response_seconds",
        "Time that completed operations took at the disk, waiting included.",
        lambda d: int(d.response_ns) / 1e9,
    ),
    _disk(
        "vtax_disk_adapter_wait_seconds",
        "Time that blocks waited for a host adapter and its bus.",
        lambda d: int(d.adapter_wait_ns) / 1e9,
    ),
    _vios(
        "vtax_vios_operations",
        "Virtual SCSI operations that a Virtual I/O Server took on.",
        lambda vios: int(vios.operations),
    ),
    _vios("vtax_vios_bytes", "Bytes of those operations.", lambda vios: int(vios.bytes)),
    _vios(
        "vtax_vios_added_seconds",
        "Time that those operations took besides their device's: latency added, waiting included.",
        lambda vios: int(vios.added_ns) / 1e9,
    ),
    _vios(
        "vtax_sea_bytes",
        "Bytes that a Shared Ethernet Adapter bridged.",
        lambda vios: int(vios.bridged_bytes),
    ),
    _bridged(
        "vtax_bridge_segments",
        "Pieces of streams, requests and responses that a Shared Ethernet Adapter bridged.",
        lambda _: 1,
    ),
    _bridged(
        "vtax_bridge_bytes",
        "Bytes of those, by direction and kind of traffic.",
        lambda piece: piece.size_bytes,
    ),
    _bridged(
        "vtax_bridge_packets",
        "Packets of those; a piece of a stream can end within a packet.",
        lambda piece: piece.packets,
    ),
    _bridged(
        "vtax_bridge_interrupts",
        "Interrupts for those and for acknowledgements, coalesced ones counted once.",
        lambda piece: piece.interrupts,
    ),
    _vios(
        "vtax_bridge_seconds",
        "Time that those took in the Shared Ethernet Adapter, waiting included.",
        lambda vios: int(vios.bridging_ns) / 1e9,
    ),
    _wire(
        "vtax_wire_bytes",
        "Payload that an Ethernet adapter carried, both directions together.",
        lambda wire: int(wire.bytes),
    ),
    _wire(
        "vtax_wire_busy_seconds",
        "Time of a wire in use, both directions summed.",
        lambda wire: int(wire.busy_ns) / 1e9,
    ),
    _wire(
        "vtax_wire_transit_seconds",
        "Time that pieces took on a wire, waiting included, both directions together.",
        lambda wire: int(wire.transit_ns) / 1e9,
    ),
)

RESPONSE = "vtax_response_seconds"
RESPONSE_HELP = "Response times of transactions that succeeded, from the (intended) start."
RESPONSE_LABELS = ("partition", "group", "name")
RESPONSE_BOUNDS = tuple(
    mantissa * 10.0**exponent for exponent in range(-6, 3) for mantissa in (1, 1.5, 2, 3, 5, 7)
)
"""Upper bounds of the response time histogram's buckets, in seconds."""

RECORDED: dict[str, str] = {
    # A run
    "vtax_measured_seconds": "Simulated time that the run's samples cover.",
    "vtax_warm_up_seconds": "Simulated time cut off at the run's beginning.",
    "vtax_warm_up_trustworthy": "1 if the end of the warm-up was found, 0 if it was guessed.",
    # A run on a real target
    "vtax_condition_others": "Share of the machine's processors that other programs took.",
    "vtax_condition_stolen": "Share that the machine's own hypervisor withheld.",
    "vtax_condition_load": "Load average of the last minute.",
    "vtax_condition_frequency_hertz": "Frequency of the processor.",
    "vtax_condition_temperature_celsius": "Temperature of the hottest zone.",
    "vtax_condition_disturbed": "1 if others took too much for an undisturbed measurement.",
    "vtax_target_inside_seconds": "Time of all work by the target's clock.",
    "vtax_target_outside_seconds": "The same by the machine's clock, the channel subtracted.",
    "vtax_target_channel_seconds": "What the channel and preparations took.",
    "vtax_machine_info": "Processor, kernels, QEMU and mitigations of the machine.",
    # A scenario's timeline
    "vtax_partition_physc_cores": "Physical processors consumed since the sample before (physc).",
    "vtax_partition_unfolded_virtual_processors": "Virtual processors that are not folded away.",
    "vtax_partition_weight": "Weight by which an uncapped partition gets spare capacity.",
    "vtax_partition_memory_bytes": "Memory of the partition.",
    "vtax_partition_adapters": "Physical adapters of the partition.",
    "vtax_partition_down": "1 while the partition is down.",
    "vtax_pool_size_processors": "Processors of the shared pool at that moment (psize).",
    "vtax_pool_available_processors": "Processors of the shared pool that nobody used (app).",
    "vtax_machine_power_watts": "Power that the machine drew since the sample before.",
    "vtax_requests_per_second": "Requests answered per simulated second since the sample before.",
    "vtax_requests_failed": "Requests that failed since the sample before.",
    "vtax_response_mean_seconds": "Mean response time since the sample before.",
    "vtax_response_p95_seconds": "95th percentile of the response time since the sample before.",
    "vtax_operation_event_timestamp_seconds": "When something became of an operation: Unix time.",
    "vtax_expectation_met": "1 if the scenario met the expectation, 0 if it missed it.",
    # A campaign
    "vtax_campaign_begin_timestamp_seconds": "Where simulated time begins: Unix time.",
    "vtax_campaign_end_timestamp_seconds": "Where its last run ends: Unix time.",
    # The analysis
    "vtax_campaign_runs_planned": "Runs that the campaign needs, and those made beyond them.",
    "vtax_campaign_runs": "Runs by what became of them.",
    "vtax_campaign_margin_ratio": "Overhead that the campaign's claim holds small enough.",
    "vtax_overhead_ratio": "Overhead against the baseline: 0.05 is 5 % more.",
    "vtax_overhead_low_ratio": "Lower bound of the overhead's confidence interval.",
    "vtax_overhead_high_ratio": "Upper bound of the overhead's confidence interval.",
    "vtax_overhead_range_low_ratio": "Lower end of the overhead of one machine of that kind.",
    "vtax_overhead_range_high_ratio": "Upper end of the overhead of one machine of that kind.",
    "vtax_verdict": "1 for the outcome of a part of the claim in an environment, 0 for the others.",
    "vtax_claim_part": "1 for the outcome that a part of the claim has, 0 for the others.",
    "vtax_claim_findings": "Independent findings of a part of the claim, by outcome.",
}
"""Name -> help of what is not read off a machine: nearly all gauges, from a run's result, a
scenario's timeline or the analysis."""
