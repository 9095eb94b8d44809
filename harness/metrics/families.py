"""The table of metric families: every metric that vtax exposes of a machine, declared once.

Names follow Prometheus (base units, ``_total`` for counters) and the words of ``lparstat``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from harness.metrics.observer import Observation
from harness.model.ledger import CAUSE_LABELS

Reading = Iterable[tuple[tuple[str, ...], float]]
"""Label values and a value."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family and how it is read off a machine.

    A counter's name is given without its ``_total``.
    """

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...]
    read: Callable[[Observation], Reading]

    @property
    def sample_name(self) -> str:
        """The name that a sample of the family has in an exposition."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


def _processor_seconds(o: Observation) -> Iterator[tuple[tuple[str, ...], float]]:
    accounts, idle_ns = o.machine.balance()
    for owner, account in accounts.items():
        for cause in CAUSE_LABELS:
            yield (owner, cause), account[cause] / 1e9
    yield ("", "idle"), idle_ns / 1e9


def _transactions(o: Observation) -> Iterator[tuple[tuple[str, ...], float]]:
    for key, kind in o.transactions.items():
        yield (*key, "ok"), kind.response.count
        yield (*key, "failed"), kind.failed


def _entitlement(o: Observation) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, cores in o.machine.capacity.entitlement_cores.items():
        yield (name,), cores


def _dispatched(o: Observation) -> Iterator[tuple[tuple[str, ...], float]]:
    for dispatcher in o.machine.dispatchers:
        for partition in dispatcher.partitions:
            yield (partition.name,), partition.occupied_ns() / 1e9


def _os_events(o: Observation) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, partition in o.machine.partitions.items():
        for event, count in partition.events.items():
            yield (name, event), count


def _network(of: Callable[[int, int], int]) -> Callable[[Observation], Reading]:
    """Sum something of size and packets over what passed the protocol stacks."""

    def read(o: Observation) -> Reading:
        totals: dict[tuple[str, ...], float] = {}
        for partition in o.machine.dispatched():
            for (way, direction, size, packets), tally in partition.traffic.items():
                key = (partition.name, way, direction)
                totals[key] = totals.get(key, 0.0) + of(size, packets) * int(tally.count)
        return totals.items()

    return read


def _bridged(of: Callable[[int], int]) -> Callable[[Observation], Reading]:
    """Sum something of size over what the VIOS bridged."""

    def read(o: Observation) -> Reading:
        totals: dict[tuple[str, ...], float] = {}
        for name, vios in o.machine.vios.items():
            for (direction, traffic, size), tally in vios.bridged.items():
                key = (name, direction, traffic)
                totals[key] = totals.get(key, 0.0) + of(size) * int(tally.count)
        return totals.items()

    return read


FAMILIES: tuple[Family, ...] = (
    Family(
        "vtax_processor_seconds",
        "counter",
        "Processor time by the partition on whose behalf it was spent, and by cause.",
        ("partition", "cause"),
        _processor_seconds,
    ),
    Family(
        "vtax_processors",
        "gauge",
        "Processors (cores) of the machine.",
        (),
        lambda o: [((), len(o.machine.processors))],
    ),
    Family(
        "vtax_simulated_seconds",
        "counter",
        "Simulated time.",
        (),
        lambda o: [((), o.now_ns / 1e9)],
    ),
    Family(
        "vtax_transactions",
        "counter",
        "Transactions that ended, by outcome.",
        ("partition", "group", "name", "outcome"),
        _transactions,
    ),
    Family(
        "vtax_partition_entitlement_cores",
        "gauge",
        "Entitled capacity, or own cores of a dedicated partition (ent).",
        ("partition",),
        _entitlement,
    ),
    Family(
        "vtax_partition_virtual_processors",
        "gauge",
        "Virtual processors.",
        ("partition",),
        lambda o: (((p.name,), len(p.vps)) for p in o.machine.dispatched()),
    ),
    Family(
        "vtax_partition_dispatched_seconds",
        "counter",
        "Processor time while dispatched; its rate is physc, physical processors consumed.",
        ("partition",),
        _dispatched,
    ),
    Family(
        "vtax_partition_dispatches",
        "counter",
        "Virtual context switches (vcsw).",
        ("partition",),
        lambda o: (((p.name,), int(p.dispatches)) for p in o.machine.dispatched()),
    ),
    Family(
        "vtax_partition_dispatch_wait_seconds",
        "counter",
        "Time that virtual processors were ready without a processor.",
        ("partition",),
        lambda o: (((p.name,), int(p.dispatch_wait_ns) / 1e9) for p in o.machine.dispatched()),
    ),
    Family(
        "vtax_partition_phantom_interrupts",
        "counter",
        "Interrupts for others that arrived on a processor of the partition (phint).",
        ("partition",),
        lambda o: (((p.name,), int(p.phantom_interrupts)) for p in o.machine.dispatched()),
    ),
    Family(
        "vtax_partition_ticks",
        "counter",
        "Clock ticks that a partition's virtual processors took.",
        ("partition",),
        lambda o: (((p.name,), int(p.ticks)) for p in o.machine.dispatched()),
    ),
    Family(
        "vtax_partition_idle_ticks",
        "counter",
        "Of these, clock ticks that found their virtual processor idle.",
        ("partition",),
        lambda o: (((p.name,), int(p.idle_ticks)) for p in o.machine.dispatched()),
    ),
    Family(
        "vtax_partition_refilled_lines",
        "counter",
        "Cache lines fetched again after others had driven them out.",
        ("partition",),
        lambda o: (((p.name,), int(p.refilled_lines)) for p in o.machine.dispatched()),
    ),
    Family(
        "vtax_partition_queue_wait_seconds",
        "counter",
        "Time that work waited in the operating system for a virtual processor.",
        ("partition",),
        lambda o: (((p.name,), p.queue_wait_ns() / 1e9) for p in o.machine.dispatched()),
    ),
    Family(
        "vtax_os_events",
        "counter",
        "Operating-system events that a partition's users asked for.",
        ("partition", "event"),
        _os_events,
    ),
    Family(
        "vtax_host_ticks",
        "counter",
        "Clock ticks of the host operating system, on all processors.",
        (),
        lambda o: [((), o.machine.host_ticks)],
    ),
    Family(
        "vtax_network_segments",
        "counter",
        "Pieces of streams that a partition's protocol stack worked on.",
        ("partition", "way", "direction"),
        _network(lambda _, packets: int(packets > 0)),
    ),
    Family(
        "vtax_network_packets",
        "counter",
        "Packets of those pieces.",
        ("partition", "way", "direction"),
        _network(lambda _, packets: packets),
    ),
    Family(
        "vtax_network_messages",
        "counter",
        "Requests and responses that a partition's protocol stack worked on.",
        ("partition", "way", "direction"),
        _network(lambda _, packets: int(packets == 0)),
    ),
    Family(
        "vtax_network_bytes",
        "counter",
        "Bytes of streams, requests and responses in a partition's protocol stack.",
        ("partition", "way", "direction"),
        _network(lambda size, _: size),
    ),
    Family(
        "vtax_pool_processors",
        "gauge",
        "Processors of the shared pool (psize).",
        (),
        lambda o: [((), len(o.machine.pool.processors) if o.machine.pool else 0)],
    ),
    Family(
        "vtax_block_operations",
        "counter",
        "Block operations that a partition began.",
        ("partition",),
        lambda o: (
            ((name,), sum(int(path.operations) for path in p.paths))
            for name, p in o.machine.partitions.items()
        ),
    ),
    Family(
        "vtax_block_queue_wait_seconds",
        "counter",
        "Time that block operations waited for a place in the queue of their disk.",
        ("partition",),
        lambda o: (
            ((name,), sum(int(path.queue_wait_ns) for path in p.paths) / 1e9)
            for name, p in o.machine.partitions.items()
        ),
    ),
    Family(
        "vtax_disk_operations",
        "counter",
        "Operations that a disk completed.",
        ("disk",),
        lambda o: (((d.name,), int(d.operations)) for d in o.machine.disks),
    ),
    Family(
        "vtax_disk_bytes",
        "counter",
        "Bytes read from or written to a disk.",
        ("disk",),
        lambda o: (((d.name,), int(d.bytes)) for d in o.machine.disks),
    ),
    Family(
        "vtax_disk_busy_seconds",
        "counter",
        "Time of a disk's spindles in use, all summed.",
        ("disk",),
        lambda o: (((d.name,), int(d.busy_ns) / 1e9) for d in o.machine.disks),
    ),
    Family(
        "vtax_disk_response_seconds",
        "counter",
        "Time that completed operations took at the disk, waiting included.",
        ("disk",),
        lambda o: (((d.name,), int(d.response_ns) / 1e9) for d in o.machine.disks),
    ),
    Family(
        "vtax_vios_operations",
        "counter",
        "Virtual SCSI operations that a Virtual I/O Server took on.",
        ("vios",),
        lambda o: (((name,), int(vios.operations)) for name, vios in o.machine.vios.items()),
    ),
    Family(
        "vtax_vios_bytes",
        "counter",
        "Bytes of those operations.",
        ("vios",),
        lambda o: (((name,), int(vios.bytes)) for name, vios in o.machine.vios.items()),
    ),
    Family(
        "vtax_vios_added_seconds",
        "counter",
        "Time that those operations took besides their device's: latency added, waiting included.",
        ("vios",),
        lambda o: (((name,), int(vios.added_ns) / 1e9) for name, vios in o.machine.vios.items()),
    ),
    Family(
        "vtax_sea_bytes",
        "counter",
        "Bytes that a Shared Ethernet Adapter bridged.",
        ("vios",),
        lambda o: (((name,), int(vios.bridged_bytes)) for name, vios in o.machine.vios.items()),
    ),
    Family(
        "vtax_bridge_segments",
        "counter",
        "Pieces of streams, requests and responses that a Shared Ethernet Adapter bridged.",
        ("vios", "direction", "traffic"),
        _bridged(lambda _: 1),
    ),
    Family(
        "vtax_bridge_bytes",
        "counter",
        "Bytes of those, by direction and kind of traffic.",
        ("vios", "direction", "traffic"),
        _bridged(lambda size: size),
    ),
    Family(
        "vtax_bridge_seconds",
        "counter",
        "Time that those took in the Shared Ethernet Adapter, waiting included.",
        ("vios",),
        lambda o: (((name,), int(vios.bridging_ns) / 1e9) for name, vios in o.machine.vios.items()),
    ),
    Family(
        "vtax_wire_bytes",
        "counter",
        "Payload that an Ethernet adapter carried, both directions together.",
        ("adapter",),
        lambda o: (((wire.name,), int(wire.bytes)) for wire in o.machine.network.wires),
    ),
    Family(
        "vtax_wire_busy_seconds",
        "counter",
        "Time of a wire in use, both directions summed.",
        ("adapter",),
        lambda o: (((wire.name,), int(wire.busy_ns) / 1e9) for wire in o.machine.network.wires),
    ),
    Family(
        "vtax_wire_transit_seconds",
        "counter",
        "Time that pieces took on a wire, waiting included, both directions together.",
        ("adapter",),
        lambda o: (((wire.name,), int(wire.transit_ns) / 1e9) for wire in o.machine.network.wires),
    ),
)

RESPONSE = "vtax_response_seconds"
RESPONSE_HELP = "Response times of transactions that succeeded, from the (intended) start."
RESPONSE_LABELS = ("partition", "group", "name")
RESPONSE_BOUNDS = tuple(
    mantissa * 10.0**exponent for exponent in range(-6, 3) for mantissa in (1, 1.5, 2, 3, 5, 7)
)
"""Upper bounds of the response time histogram's buckets, in seconds."""
