"""The mechanisms that rows of the validation table test, and the constants that are their costs."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase


class Mechanism(StrEnum):
    """A mechanism of the machine; some of them the model does not have yet."""

    DISPATCH = "dispatch"
    """Time slices, dispatch windows, entitlement, weights."""
    VP_SWITCH = "virtual-processor-switch"
    """Saving and restoring the state of a virtual processor."""
    CACHE_REFILL = "cache-refill"
    """Fetching again what others evicted from caches and translation buffers."""
    HYPERVISOR_CALL = "hypervisor-call"
    INTERRUPT = "interrupt"
    """Interrupts, their coalescing, and the tick of the clock."""
    WORLD_SWITCH = "world-switch"
    """The change between the worlds of a guest and of its host."""
    SYSTEM_EVENT = "system-event"
    """Calls, faults, forks and other events of an operating system."""
    EMULATION = "device-emulation"
    PACKET = "packet"
    """Work for each packet, acknowledgements included."""
    COPY = "copy"
    """Work for each byte: copies, checksums, data that changes caches."""
    ADAPTER = "adapter"
    """What a wire, an adapter and its bus carry."""
    BLOCK = "block"
    """Work for each block operation, by its size and direction."""
    DISK = "disk"
    MULTITHREADING = "simultaneous-multithreading"
    CONTENTION = "contention"
    """Locks, memory bandwidth and other load on what partitions share."""
    MEMORY_MOVE = "memory-move"
    """Memory that leaves or joins a running partition."""
    MIGRATION = "migration"


COSTS: Mapping[Mechanism, tuple[str, ...]] = {
    Mechanism.DISPATCH: ("hypervisor.wake",),
    Mechanism.VP_SWITCH: ("hypervisor.vp_*", "hosted.host.context_switch"),
    Mechanism.CACHE_REFILL: ("processor.*_latency", "processor.tlb_miss"),
    Mechanism.HYPERVISOR_CALL: ("hypervisor.call.*",),
    Mechanism.INTERRUPT: (
        "hypervisor.interrupt",
        "os.*.tick_cost",
        "hosted.uml.interrupt_return",
        "hosted.uml.packet.host_interrupts",
        "hosted.vmware.interrupt_return",
        "hosted.vmware.packet.host_interrupts",
    ),
    Mechanism.WORLD_SWITCH: (
        "hosted.uml.world_switch",
        "hosted.uml.packet.*monitor",
        "hosted.vmware.world_switch",
        "hosted.vmware.packet.*monitor",
    ),
    Mechanism.SYSTEM_EVENT: ("events.uml.*", "events.vmware.*"),
    Mechanism.EMULATION: (
        "hosted.uml.emulate_transmit",
        "hosted.uml.io_in_monitor",
        "hosted.uml.port_access",
        "hosted.uml.status_register",
        "hosted.vmware.emulate_transmit",
        "hosted.vmware.io_in_monitor",
        "hosted.vmware.port_access",
        "hosted.vmware.status_register",
    ),
    Mechanism.PACKET: (
        "network.virtual.packet_cost",
        "network.tcp.transaction_cycles",
        "vios.sea.transaction_cycles.*",
        "hosted.uml.receive",
        "hosted.uml.transmit",
        "hosted.vmware.receive",
        "hosted.vmware.transmit",
    ),
    Mechanism.COPY: (
        "network.virtual.copy_cycles_per_byte",
        "network.tcp.cycles_per_byte",
        "vios.sea.cycles_per_byte.*",
        "hosted.uml.copy_cycles_per_byte",
        "hosted.vmware.copy_cycles_per_byte",
    ),
    Mechanism.ADAPTER: (
        "ethernet.ethernet-100mb.latency",
        "ethernet.ethernet-1gb.latency",
        "ethernet.ethernet-10gb.latency",
    ),
    Mechanism.BLOCK: (
        "io.block_cost",
        "vios.vscsi.added_latency.*",
        "vios.vscsi.cycles.*",
        "vios.vscsi.deferred_work",
        "hosted.uml.host_block_cost",
        "hosted.vmware.host_block_cost",
    ),
    Mechanism.DISK: ("disks.*.seek_time",),
}
"""The costs of each mechanism, as names of constants; a name with ``*`` is a family of them, which
are wrong together. ``hosted.transfer`` multiplies costs of several mechanisms and is in none.
Mechanisms that are not listed have no cost that a campaign's cells pay."""


def expanded(costs: Iterable[str], constants: Iterable[str]) -> tuple[str, ...]:
    """Return the constants that some costs are, in their order."""
    patterns = tuple(costs)
    return tuple(
        name for name in constants if any(fnmatchcase(name, pattern) for pattern in patterns)
    )
