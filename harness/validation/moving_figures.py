"""Published figures of changes to running partitions: memory taken away, live migration."""

from dataclasses import replace

from harness.catalog import Constants
from harness.engine.clock import Clock
from harness.model.config import (
    EthernetConfiguration,
    MachineConfiguration,
    SharedEthernetConfiguration,
    SystemConfiguration,
    ViosConfiguration,
    VirtualEthernetConfiguration,
)
from harness.model.machine import Machine
from harness.operations.dlpar import MoveMemory
from harness.operations.live_migration import Move
from harness.operations.operation import Operation, Site, Status, carry_out
from harness.validation.mechanism import Mechanism
from harness.validation.minimal_model import OS, build, keep_busy, partition
from harness.validation.prediction import Prediction, stated
from harness.validation.published import DEDICATED, UNCAPPED
from harness.validation.row import FigureKind

GIB = 2**30
POWER6_HZ = 4.7e9


def removal_seconds(constants: Constants, size_bytes: int) -> float:
    """Take memory away from an idle partition; return how long that takes (s)."""
    app = replace(partition("app", 1.0, 1, DEDICATED, os=OS), memory_bytes=size_bytes + 4 * GIB)
    machine = build(constants, 1, app)
    site = Site(machine.clock, {"machine": machine}, constants)
    _finish(site, MoveMemory(size_bytes, source="app"))
    return machine.clock.now_ns / 1e9


def suspension_seconds(constants: Constants, memory_bytes: int) -> float:
    """Move a busy partition to another machine; return how long it runs on neither (s)."""
    ethernet = (VirtualEthernetConfiguration(),)
    app = partition("app", 1.0, 2, UNCAPPED)
    app = replace(app, memory_bytes=memory_bytes, virtual_ethernet=ethernet)
    shared = SharedEthernetConfiguration(EthernetConfiguration("ethernet-1gb"), (1,))
    vios = ViosConfiguration("vios1", UNCAPPED, 1.0, 2, shared_ethernet=shared)
    hardware = MachineConfiguration("570-power6", "9117-MMA", "POWER6", 4, POWER6_HZ, 64 * GIB)
    clock = Clock()
    machines = {
        name: Machine(clock, SystemConfiguration(hardware, UNCAPPED, apps, (vios,)), constants)
        for name, apps in (("source", (app,)), ("target", ()))
    }
    # Busy with two threads, in pieces that are long beside everything else.
    keep_busy(machines["source"].partitions["app"], 0.05, threads=2)
    move = Move("app", "target")
    _finish(Site(clock, machines, constants), move)
    assert move.migration is not None
    return move.migration.downtime_seconds


def _finish(site: Site, operation: Operation) -> None:
    process = carry_out(site, operation)
    while not process.processed:
        site.clock.run_until(site.clock.now_ns + 10_000_000)
    assert process.value is Status.DONE, site.timeline[-1].reason


def calibrations() -> list[Prediction]:
    """Return the figures that set constants: the time of a removal, the bound of a suspension."""
    return [
        _removal(4),
        Prediction(
            "live migration of a busy partition with 4 GiB, POWER6",
            "time on neither machine",
            "s",
            "published.migration.suspension",
            lambda constants, _: suspension_seconds(constants, 4 * GIB),
            mechanisms=(Mechanism.MIGRATION,),
            figure=FigureKind.UPPER_BOUND,
            note='published: "under two seconds", even under high utilisation',
        ),
    ]


def predictions() -> list[Prediction]:
    """Return the predictions: removals of other sizes than the published one."""
    note = "derived: IBM gives the time of 4 GB, and that it grows with the size"
    return [_removal(gib, note) for gib in (1, 16)]


def _removal(gib: int, note: str = "") -> Prediction:
    least, most = (stated(f"published.memory_removal.{end}") for end in ("least", "most"))
    return Prediction(
        "memory taken away from an idle partition",
        f"time, {gib} GiB",
        "s",
        "published.memory_removal.least",
        lambda constants, _: removal_seconds(constants, gib * GIB),
        published=(least + most) / 2 * gib / 4,
        mechanisms=(Mechanism.MEMORY_MOVE,),
        figure=FigureKind.BAND,
        band=(least * gib / 4, most * gib / 4),
        note=note,
    )
