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
    TRANSLATION = "binary-translation"
    """What a guest's translated code in user mode takes longer."""
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


FLAVOURS = ("uml", "vmware", "esx-3", "xen-3")
"""Flavours of the software level with costs."""


def _hosted(*costs: str) -> tuple[str, ...]:
    """Return costs of each flavour of the software level: flavours are wrong independently."""
    return tuple(f"hosted.{flavour}.{cost}" for flavour in FLAVOURS for cost in costs)


COSTS: Mapping[Mechanism, tuple[str, ...]] = {
    Mechanism.DISPATCH: ("hypervisor.wake",),
    Mechanism.VP_SWITCH: ("hypervisor.vp_*", "hosted.host.context_switch"),
    Mechanism.CACHE_REFILL: (
        "processor.*_latency",
        "processor.transfer_latency.*",
        "processor.tlb_miss",
        "processor.working_set",
        "vios.working_set",
        *_hosted("footprint", "tlb_entries"),
    ),
    Mechanism.HYPERVISOR_CALL: ("hypervisor.call.*",),
    Mechanism.INTERRUPT: (
        "hypervisor.interrupt",
        "os.*.tick_cost",
        *_hosted("interrupt_return", "packet.host_interrupts"),
    ),
    Mechanism.WORLD_SWITCH: _hosted("world_switch", "packet.*monitor"),
    Mechanism.SYSTEM_EVENT: tuple(f"events.{flavour}.*" for flavour in FLAVOURS),
    Mechanism.TRANSLATION: _hosted("translation"),
    Mechanism.EMULATION: _hosted(
        "emulate_transmit", "io_in_monitor", "port_access", "status_register"
    ),
    Mechanism.PACKET: (
        "network.virtual.packet_cost",
        "network.tcp.transaction_cycles",
        "vios.sea.transaction_cycles.*",
        *_hosted("receive", "transmit"),
    ),
    Mechanism.COPY: (
        "network.virtual.copy_cycles_per_byte",
        "network.tcp.cycles_per_byte",
        "vios.sea.cycles_per_byte.*",
        *_hosted("copy_cycles_per_byte"),
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
        *_hosted("host_block_cost"),
    ),
    Mechanism.DISK: ("disks.*.seek_time",),
    Mechanism.CONTENTION: ("processor.contention.chip", "processor.contention.further"),
}
"""The costs of each mechanism, as names of constants; a name with ``*`` is a family of them, which
are wrong together. ``hosted.transfer`` multiplies costs of several mechanisms and is in none;
``processor.contention.locks`` divides a cost and is none. Mechanisms that are not listed have no
cost that a campaign's cells pay."""


def expanded(costs: Iterable[str], constants: Iterable[str]) -> tuple[str, ...]:
    """Return the constants that some costs are, in their order."""
    patterns = tuple(costs)
    return tuple(
        name for name in constants if any(fnmatchcase(name, pattern) for pattern in patterns)
    )
