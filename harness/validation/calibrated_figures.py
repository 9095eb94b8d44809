"""Published figures that set constants: the model must reproduce them.

This shows that the model keeps its constants, and no more.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from harness.validation import moving_figures, scaling_figures, software_figures
from harness.validation.mechanism import Mechanism
from harness.validation.minimal_model import REFERENCE_HZ, catalog
from harness.validation.prediction import row_of
from harness.validation.published import (
    PENTIUM_HZ,
    bridged,
    packet_seconds,
    read_bandwidth,
    read_time,
    vios_cycles,
)
from harness.validation.row import Kind, Row

TOLERANCE = 0.02
"""Largest error; clock ticks, the first refill of a cache and rounding to whole packets remain."""

_INTERVAL = "stated constants, nothing is random"
_WHOLE = "all that the VIOS's processors do, the hypervisor's part and clock ticks included"


def _row(
    name: str,
    case: str,
    measure: str,
    expected: float,
    unit: str,
    value: float,
    mechanisms: tuple[Mechanism, ...],
    note: str = "",
) -> Row:
    constant = catalog().constants[name]
    given = (case, measure, expected, unit, constant.source, value, value, value, _INTERVAL)
    return Row(
        Kind.CALIBRATION,
        *given,
        TOLERANCE,
        note=note,
        mechanisms=mechanisms,
        status=constant.status,
    )


def _table(
    name: str,
    case: str,
    measure: str,
    unit: str,
    model: Callable[[int], float],
    mechanisms: tuple[Mechanism, ...],
    note: str = "",
) -> list[Row]:
    """Make a row for each point of a table of the catalog; ``{}`` in the measure is the point."""
    points, values = catalog().nominal().table(name)
    kib = 1024 if "KiB" in measure else 1
    return [
        _row(name, case, measure.format(at // kib), expected, unit, model(at), mechanisms, note)
        for at, expected in zip(map(round, points), values, strict=True)
    ]


def disk_rows() -> list[Row]:
    """Compare local bandwidth, and latency and cycles that a VIOS adds, with IBM's figures."""
    name, case = "disks.ds4400-raid0-5.sequential_bandwidth", "local disk"
    local = partial(read_bandwidth, catalog().nominal(), backing=None)
    rows = _table(name, case, "bandwidth, {} KiB", "B/s", local, (Mechanism.DISK,))
    return rows + [row for each in ("physical", "logical-volume") for row in _backed(each)]


def _backed(backing: str) -> list[Row]:
    nominal = catalog().nominal()
    case = f"virtual SCSI, dedicated VIOS, {backing} backing"

    def added(size: int) -> float:
        return read_time(nominal, size, backing) - read_time(nominal, size, None)

    cycles = partial(vios_cycles, nominal, backing=backing)
    mechanisms = (Mechanism.BLOCK, Mechanism.HYPERVISOR_CALL)
    latency, name = f"vios.vscsi.added_latency.{backing}", f"vios.vscsi.cycles.{backing}"
    measure = "VIOS per operation, {} KiB"
    return [
        *_table(latency, case, "added time, {} KiB", "s", added, mechanisms),
        *_table(name, case, measure, "cycles", cycles, mechanisms, _WHOLE),
    ]


def bridge_rows() -> list[Row]:
    """Measure cycles per byte of the Shared Ethernet Adapter, by IBM's formula."""
    modes = [(m, d) for m in ("threaded", "non-threaded") for d in ("simplex", "duplex")]
    return [row for mode, direction in modes for row in _bridged(mode, direction)]


def _bridged(mode: str, direction: str) -> list[Row]:
    threaded, duplex = mode == "threaded", direction == "duplex"

    def cycles(mtu: int) -> float:
        rate, processors = bridged(catalog().nominal(), mtu, threaded=threaded, duplex=duplex)
        return processors * REFERENCE_HZ / rate

    name = f"vios.sea.cycles_per_byte.{mode}.{direction}"
    case = f"Shared Ethernet Adapter, {mode}, {direction}"
    mechanisms = (Mechanism.PACKET, Mechanism.COPY, Mechanism.HYPERVISOR_CALL)
    return _table(name, case, "VIOS per byte, MTU {}", "cycles/B", cycles, mechanisms, _WHOLE)


def monitor_rows() -> list[Row]:
    """Sum the shares of a packet sent by a VMware guest (Sugerman et al.)."""
    nominal = catalog().nominal()
    monitor, transmit, status, interrupts, path = 0.773, 0.087, 0.040, 0.034, 0.033
    own = 0.22 * monitor
    whole = nominal.number("hosted.vmware.transmit") / PENTIUM_HZ / transmit
    return [
        _row(
            "hosted.vmware.packet.monitor",
            "VMware guest, one packet sent, Pentium III 733 MHz",
            "processor time beyond the guest's own",
            whole * (monitor - own + transmit + status + interrupts + path),
            "s",
            packet_seconds(nominal),
            (Mechanism.WORLD_SWITCH, Mechanism.EMULATION),
        )
    ]


def fault_rows() -> list[Row]:
    """Measure what a software monitor of 2006 adds to a page fault (Adams, Agesen)."""
    expected, value = software_figures.page_fault_cycles()
    return [
        _row(
            "published.page_fault.software",
            "ESX 3 guest, page fault",
            "cycles beyond the native ones",
            expected,
            "cycles",
            value,
            (Mechanism.SYSTEM_EVENT,),
            "the fault itself, and the shadow of its page-table entry",
        )
    ]


def moving_and_scaling_rows() -> list[Row]:
    """Move memory and a partition (a band and an upper bound); compare numbers of processors."""
    return [
        replace(row_of(each, 0), kind=Kind.CALIBRATION, interval=_INTERVAL, tolerance=TOLERANCE)
        for each in (*moving_figures.calibrations(), *scaling_figures.calibrations())
    ]


PARTS: tuple[Callable[[], list[Row]], ...] = (
    disk_rows,
    bridge_rows,
    monitor_rows,
    fault_rows,
    moving_and_scaling_rows,
)
