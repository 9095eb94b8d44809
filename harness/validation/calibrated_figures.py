"""Published figures that set constants: the model must give them back, and this proves no more."""

from collections.abc import Callable

from harness.validation.minimal_model import REFERENCE_HZ, catalog
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


def _entries(name: str) -> list[tuple[int, float]]:
    """Give a table's points: where, and the stated value."""
    at, values = catalog().nominal().table(name)
    return [(round(x), value) for x, value in zip(at, values, strict=True)]


def _row(
    name: str,
    case: str,
    measure: str,
    expected: float,
    unit: str,
    value: float,
    note: str = "",
) -> Row:
    source = catalog().constants[name].source
    return Row(
        Kind.CALIBRATION,
        case,
        measure,
        expected,
        unit,
        source,
        value,
        value,
        value,
        "stated constants, nothing is random",
        TOLERANCE,
        note=note,
    )


def disk_rows() -> list[Row]:
    """Hold local bandwidth, time added by a VIOS and what it costs the VIOS against IBM."""
    constants, rows = catalog().nominal(), []
    name = "disks.ds4400-raid0-5.sequential_bandwidth"
    for size, expected in _entries(name):
        value = read_bandwidth(constants, size, None)
        rows.append(_row(name, "local disk", f"bandwidth, {_kib(size)}", expected, "B/s", value))
    for backing in ("physical", "logical-volume"):
        case = f"virtual SCSI, dedicated VIOS, {backing} backing"
        name = f"vios.vscsi.added_latency.{backing}"
        for size, expected in _entries(name):
            added = read_time(constants, size, backing) - read_time(constants, size, None)
            rows.append(_row(name, case, f"added time, {_kib(size)}", expected, "s", added))
        name = f"vios.vscsi.cycles.{backing}"
        for size, expected in _entries(name):
            value = vios_cycles(constants, size, backing)
            rows.append(
                _row(
                    name,
                    case,
                    f"VIOS per operation, {_kib(size)}",
                    expected,
                    "cycles",
                    value,
                    _WHOLE,
                )
            )
    return rows


_WHOLE = "all that the VIOS's processors do, the hypervisor's part and clock ticks included"


def bridge_rows() -> list[Row]:
    """Measure cycles per byte of the Shared Ethernet Adapter, by IBM's formula."""
    constants, rows = catalog().nominal(), []
    for mode in ("threaded", "non-threaded"):
        for direction in ("simplex", "duplex"):
            name = f"vios.sea.cycles_per_byte.{mode}.{direction}"
            for mtu, expected in _entries(name):
                rate, processors = bridged(
                    constants, mtu, threaded=mode == "threaded", duplex=direction == "duplex"
                )
                value = processors * REFERENCE_HZ / rate
                case = f"Shared Ethernet Adapter, {mode}, {direction}"
                measure = f"VIOS per byte, MTU {mtu}"
                rows.append(_row(name, case, measure, expected, "cycles/B", value, _WHOLE))
    return rows


def monitor_rows() -> list[Row]:
    """Put the shares of a packet sent by a VMware guest (Sugerman et al.) together again."""
    constants = catalog().nominal()
    monitor, transmit, status, interrupts, path = 0.773, 0.087, 0.040, 0.034, 0.033
    own = 0.22 * monitor
    whole = constants.number("hosted.vmware.transmit") / PENTIUM_HZ / transmit
    expected = whole * (monitor - own + transmit + status + interrupts + path)
    name = "hosted.vmware.packet.monitor"
    return [
        _row(
            name,
            "VMware guest, one packet sent, Pentium III 733 MHz",
            "processor time beyond the guest's own",
            expected,
            "s",
            packet_seconds(constants),
        )
    ]


def _kib(size_bytes: int) -> str:
    return f"{size_bytes // 1024} KiB"


PARTS: tuple[Callable[[], list[Row]], ...] = (disk_rows, bridge_rows, monitor_rows)
