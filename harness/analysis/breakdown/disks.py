"""Costs of block operations in a run."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.analysis.breakdown.run import SIGNAL, CostItem, Run
from harness.model.io.vios import VirtualScsiService
from harness.model.ledger import Cause


def disks(run: Run) -> Iterator[tuple[Mapping[str, Any], float, float]]:
    """Yield each disk's configuration, completed operations and their mean size in bytes.

    A device that several virtual disks share is one disk.
    """
    seen = set()
    for partition in run.system["partitions"]:
        for index, disk in enumerate(partition["disks"]):
            name = disk.get("shared") or f"{partition['name']}/hdisk{index}"
            if name in seen:
                continue
            seen.add(name)
            operations = run.counts.of("disk_operations", disk=name)
            if operations:
                yield disk, operations, run.counts.of("disk_bytes", disk=name) / operations


def service(run: Run, disk: Mapping[str, Any], size_bytes: float) -> VirtualScsiService:
    """Return what a VIOS does for a read of a size on a disk; a write differs in copies only."""
    return run.virtual_scsi[disk["backing"]].for_size(round(size_bytes), False)


def blocks(run: Run) -> Iterator[CostItem]:
    """Count block operations, in the partition and where they are served."""
    costs = run.costs
    operations = sum(count for _, count, _ in disks(run))
    total_bytes = sum(count * size for _, count, size in disks(run))
    block_ns = costs.work("io.block_cost")
    yield run.item("os", "block operation", operations, block_ns, "io.block_cost")
    pages = total_bytes / costs.number("processor.page")
    yield run.item("os", "page of a block", pages, costs.work("io.page_cost"), "io.page_cost")
    if run.flavour is not None:
        yield from _emulated_blocks(run, operations, total_bytes)
        return
    virtual = [each for each in disks(run) if each[0]["vios"] is not None]
    operations = sum(count for _, count, _ in virtual)
    name = "hypervisor.call.queue_element"
    call_ns = costs.work(name)
    yield run.item("hypervisor", "call for a virtual SCSI operation", 2 * operations, call_ns, name)
    yield run.item(
        "hypervisor",
        "interrupt for a virtual SCSI operation",
        2 * operations,
        run.signal_ns,
        *SIGNAL,
    )
    for disk, count, size in virtual:
        served = service(run, disk, size)
        parts = (*served.before[0].parts, *served.after.parts)
        work_ns = int(served.off_path_ns) + sum(ns for cause, ns in parts if cause == Cause.VIOS)
        constants = (
            f"vios.vscsi.cycles.{disk['backing']}",
            f"vios.vscsi.added_latency.{disk['backing']}",
            "vios.vscsi.control_lines",
            *SIGNAL,
            name,
        )
        event = f"virtual SCSI operation, {disk['backing']} backing"
        yield run.item("vios", event, count, work_ns, *constants)
    moved = costs.number("vios.vscsi.copied") * sum(count * size for _, count, size in virtual)
    cycles = costs.number("network.virtual.copy_cycles_per_byte")
    names = ("network.virtual.copy_cycles_per_byte", "vios.vscsi.copied")
    event = "byte copied by a virtual SCSI server"
    yield run.item("switch", event, moved, cycles / costs.clock_hz * 1e9, *names)


def _emulated_blocks(run: Run, operations: float, total_bytes: float) -> Iterator[CostItem]:
    prefix = f"hosted.{run.flavour}"
    switches = run.costs.number(f"{prefix}.world_switches_per_disk_operation")
    instructions = run.costs.number(f"{prefix}.io_instructions_per_disk_operation")
    event = "block operation of a guest"
    yield run.item(
        "world_switch",
        event,
        operations,
        run.hosted("world_switch", switches),
        *run.names("world_switch", "world_switches_per_disk_operation"),
    )
    yield run.item(
        "emulation",
        event,
        operations,
        run.hosted("io_in_monitor", max(0.0, instructions - switches))
        + run.hosted("interrupt_return"),
        *run.names(
            "io_in_monitor",
            "io_instructions_per_disk_operation",
            "world_switches_per_disk_operation",
            "interrupt_return",
        ),
    )
    yield run.world_switch_refill(operations * switches, "world_switches_per_disk_operation")
    host_ns = run.hosted("host_block_cost")
    yield run.item("host", event, operations, host_ns, *run.names("host_block_cost"))
    yield copied(run, "byte copied for a disk", total_bytes)


def copied(run: Run, event: str, total_bytes: float) -> CostItem:
    """Count bytes that are copied between a guest and its host."""
    each_ns = run.hosted("copy_cycles_per_byte", 1e6) / 1e6
    return run.item("copy", event, total_bytes, each_ns, *run.names("copy_cycles_per_byte"))


def virtual_scsi_seconds(run: Run) -> float:
    """Time that virtual SCSI operations would have taken in a VIOS without any waiting."""
    spent_ns = 0.0
    for disk, count, size in disks(run):
        if disk["vios"] is not None:
            served = service(run, disk, size)
            on_path_ns = int(served.before[0].ns + served.after.ns + served.delay_ns)
            spent_ns += count * on_path_ns
    return spent_ns / 1e9
