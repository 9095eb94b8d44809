"""Where a run's time went: events under each cause of the ledger, parts of its response times."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis.breakdown.disks import blocks, virtual_scsi_seconds
from harness.analysis.breakdown.networks import bridges, bridging_seconds, protocol_stacks
from harness.analysis.breakdown.processors import (
    caches,
    contention,
    dispatching,
    displaced,
    idle_tick_seconds,
    os_events,
    ticks,
    user_mode,
)
from harness.analysis.breakdown.run import CostItem, Run

_KINDS = (
    dispatching,
    ticks,
    caches,
    displaced,
    contention,
    user_mode,
    os_events,
    blocks,
    protocol_stacks,
    bridges,
)

WAITS: Mapping[str, str] = {
    "service": "own processors at work (switches, ticks and caches that hold it up included)",
    "queue": "waiting for a virtual processor, in the operating system",
    "dispatch": "virtual processors waiting for a processor",
    "block_queue": "block operations waiting for a place in the disk's queue",
    "vios_service": "the VIOS at work on virtual SCSI operations",
    "vios_wait": "virtual SCSI operations waiting in the VIOS",
    "disk": "disks, waiting there included",
    "adapter": "waiting for host adapters of disks, and for their bus",
    "bridge_service": "the VIOS at work on bridging",
    "bridge_wait": "messages waiting in the VIOS",
    "wire": "wires, waiting there included",
    "left": "left over",
}
"""Parts of a response time, in the order of the path, and what they are. What is left over: edges
of the measured time and, where it is negative, parts that overlap or belong to no transaction."""


def cost_items(run: Run) -> list[CostItem]:
    """List all events of a run that cost processor time, alike ones added up."""
    found: dict[tuple[str, str], CostItem] = {}
    for kind in _KINDS:
        for item in kind(run):
            key = (item.cause, item.event)
            if item.count and item.seconds:
                found[key] = found[key].plus(item) if key in found else item
    return list(found.values())


def booked(run: Run) -> dict[str, float]:
    """Return processor seconds by cause as the ledger has them; idle time is left out."""
    totals = run.counts.by("processor_seconds", "cause")
    return {cause: seconds for cause, seconds in totals.items() if cause != "idle"}


def response_parts(run: Run, response_seconds: float) -> dict[str, float]:
    """Divide the response times of all transactions together among :data:`WAITS`, in seconds."""
    counts = run.counts

    def own(name: str) -> float:
        partitions: Sequence[Mapping[str, Any]] = run.system["partitions"]
        return sum(counts.of(f"partition_{name}", partition=each["name"]) for each in partitions)

    vios, bridging = virtual_scsi_seconds(run), bridging_seconds(run)
    parts = {
        "service": own("dispatched_seconds") - idle_tick_seconds(run),
        "queue": own("queue_wait_seconds"),
        "dispatch": own("dispatch_wait_seconds"),
        "block_queue": counts.of("block_queue_wait_seconds"),
        "vios_service": vios,
        "vios_wait": counts.of("vios_added_seconds") - vios,
        "disk": counts.of("disk_response_seconds"),
        "adapter": counts.of("disk_adapter_wait_seconds"),
        "bridge_service": bridging,
        "bridge_wait": counts.of("bridge_seconds") - bridging,
        "wire": counts.of("wire_transit_seconds"),
    }
    parts["left"] = response_seconds - sum(parts.values())
    return parts
