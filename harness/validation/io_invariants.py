"""Invariants of input and output: the same laws for disks and networks of generated machines.

A shape's partitions get a core, a virtual disk and a virtual Ethernet adapter each; a VIOS with one
core serves them. Each does a fixed number of operations, one after the other, so that costs decide
how long that takes and not what is done.
"""

from dataclasses import replace

from harness.catalog import Constants
from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    PartitionConfiguration,
    SharedEthernetConfiguration,
    ViosConfiguration,
    VirtualEthernetConfiguration,
    Virtualization,
)
from harness.model.machine import Machine
from harness.model.partition import OUTSIDE, SimulatedPartition
from harness.model.routing import NEXT
from harness.validation.invariants import Invariant
from harness.validation.mechanism import Mechanism
from harness.validation.minimal_model import (
    NO_TICKS,
    REFERENCE_HZ,
    build,
    busy_seconds,
    catalog,
    free,
    partition,
)
from harness.validation.shapes import Shape

DEDICATED = Virtualization.DEDICATED
ROUNDS = 6
"""Rounds of operations that each partition makes."""

COSTS = (
    "io.block_cost",
    "io.page_cost",
    "hypervisor.call.null",
    "hypervisor.call.queue_element",
    "hypervisor.call.lan_buffer",
    "hypervisor.interrupt",
    "network.tcp.transaction_cycles",
    "network.virtual.copy_cycles_per_byte",
    "network.virtual.packet_cost",
    "processor.transfer_latency.chip",
    "processor.transfer_latency.remote",
    "vios.vscsi.control_lines",
)
"""What makes operations dearer when it is dearer itself."""

_PUBLISHED = ("vios.vscsi.cycles", "vios.sea.cycles_per_byte", "vios.sea.transaction_cycles")


def run(shape: Shape, constants: Constants, *, clock_hz: float = REFERENCE_HZ) -> Machine:
    """Do all operations on a shape; return the machine when they are done."""
    lan = (VirtualEthernetConfiguration(1),)
    disks = (DiskConfiguration("ds4400-raid0-5", "vios1"),)
    apps: list[PartitionConfiguration] = []
    for index in range(max(2, len(shape.members))):
        app = partition(f"p{index}", 1.0, 1, DEDICATED)
        apps.append(replace(app, disks=disks, virtual_ethernet=lan))
    shared = SharedEthernetConfiguration(EthernetConfiguration("ethernet-1gb"), (1,))
    vios = ViosConfiguration("vios1", DEDICATED, 1.0, 1, shared_ethernet=shared)
    machine = build(constants, len(apps) + 1, *apps, vios=(vios,), clock_hz=clock_hz)
    users = [
        _Operations(machine.partitions[app.name], 128 * (1 + member.demand_us))
        for app, member in zip(apps, (*shape.members, shape.members[0]), strict=False)
    ]
    for user in users:
        user.go_on()
    while any(user.left for user in users):
        machine.clock.run_until(machine.clock.now_ns + 1_000_000)
    # What a VIOS has put off, it does now.
    machine.clock.run_until(machine.clock.now_ns + 1_000_000)
    return machine


class _Operations:
    """The operations of one partition, one after the other."""

    def __init__(self, app: SimulatedPartition, size_bytes: int) -> None:
        self.app = app
        self.size_bytes = size_bytes
        self.left = 5 * ROUNDS

    def go_on(self) -> None:
        """Begin the next operation, if one is left."""
        if not self.left:
            return
        kind, app, size = self.left % 5, self.app, self.size_bytes
        if kind in (0, 1):
            app.transfer(0, size, self.left * 65536, kind == 1, self.done)
        elif kind == 2:
            app.send(size, NEXT, self.done)
        elif kind == 3:
            app.receive(size, OUTSIDE, self.done)
        else:
            app.exchange(64, 512, OUTSIDE, self.done)

    def done(self) -> None:
        """Count one that has ended."""
        self.left -= 1
        self.go_on()


def conservation(shape: Shape) -> float:
    """Compare processors x time with accounts and idle time (s), with all costs."""
    machine = run(shape, catalog().nominal())
    accounts, idle_ns = machine.balance()
    booked = sum(sum(account.values()) for account in accounts.values()) + idle_ns
    return abs(booked - len(machine.processors) * machine.clock.now_ns) / 1e9


def dearer_costs(shape: Shape) -> float:
    """Count costs of input and output that, twice as dear, do not make the same work dearer.

    The VIOS's own costs are published as a whole, of which these are parts, so that it has none of
    its own here; what passes between caches is dearer than that whole only for its clients.
    """
    bare = catalog().nominal().changed({**NO_TICKS, "vios.vscsi.deferred_work": 0.0})
    bare = bare.multiplied([name for name in bare if name.startswith(_PUBLISHED)], 0.0)
    before = busy_seconds(run(shape, bare))
    dearer = (busy_seconds(run(shape, bare.multiplied([name], 2.0))) for name in COSTS)
    return float(sum(after <= before for after in dearer))


def faster_clock(shape: Shape) -> float:
    """Difference of processor times at twice the clock from half (relative): all is in cycles.

    What counts as duplex depends on when the other direction was last in use: it costs the same
    here.
    """
    name = "vios.sea.cycles_per_byte.threaded"
    constants = free({f"{name}.duplex": free()[f"{name}.simplex"]})
    once = busy_seconds(run(shape, constants))
    twice = busy_seconds(run(shape, constants, clock_hz=2 * REFERENCE_HZ))
    return abs(2 * twice - once) / once


IO_INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "conservation, input and output",
        "s",
        "processors x time = accounts + idle time",
        conservation,
        mechanisms=(Mechanism.BLOCK, Mechanism.PACKET, Mechanism.COPY),
    ),
    Invariant(
        "monotonicity, input and output",
        "costs",
        "a dearer cost makes the same operations dearer",
        dearer_costs,
        mechanisms=(Mechanism.BLOCK, Mechanism.PACKET, Mechanism.COPY, Mechanism.HYPERVISOR_CALL),
    ),
    Invariant(
        "scale invariance, input and output",
        "",
        "twice the clock, half the processor time",
        faster_clock,
        1e-4,
        mechanisms=(Mechanism.BLOCK, Mechanism.PACKET, Mechanism.COPY),
    ),
)
