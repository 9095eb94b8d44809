"""File of a calibration: a catalog in TOML of costs with interval and provenance."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import tomli_w

from harness.errors import UserError
from harness.files import is_stream, scratch_directory, write_bytes
from harness.real.calibration.calibration import (
    BATCH_SECONDS,
    HALF_WIDTH,
    MAXIMUM_BLOCKS,
    Calibration,
    Estimate,
    Series,
)
from harness.real.host.interference import DISTURBED_SHARE
from harness.real.microbenchmarks import EVENTS, Microbenchmark
from harness.real.provenance import provenance
from harness.real.target.target import Target
from harness.statistics.intervals import Interval

METHOD = (
    "Times are taken by this machine's clock outside the targets; the same request for no event, "
    "made just before, is subtracted. Each measurement does as many events as take about "
    f"{BATCH_SECONDS:g} s, after a warm-up that ends when two in a row differ by at most a tenth. "
    "Blocks hold every event in every target once, in random order, and go on until the interval "
    f"of each ratio reaches {HALF_WIDTH:.0%} to either side, or number or time are used up. "
    "Low and high are the ends of the mean's 95 % interval. "
    "A measurement is disturbed if other programs and "
    f"stolen time took more than {DISTURBED_SHARE:.0%} of the machine's processors meanwhile; it "
    "counts nevertheless."
)


def document(
    calibration: Calibration, unavailable: Mapping[str, str], provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the content of a calibration's file.

    ``costs.TARGET.EVENT`` are entries like those of vtax's own catalog, ``measured.TARGET.EVENT``
    describe each measurement, ``targets.TARGET`` describe each target or why it is unavailable.

    Parameters
    ----------
    calibration
        The calibration, complete or not.
    unavailable
        The reason of each target that is unavailable.
    provenance
        Provenance of the measurement.
    """
    targets: dict[str, Any] = {
        name: {"available": False, "reason": reason} for name, reason in unavailable.items()
    }
    costs: dict[str, Any] = {}
    measured: dict[str, Any] = {}
    for target in calibration.targets:
        about = {"available": True, "kernel": target.kernel, "clock": target.clock}
        if calibration.channel[target.name]:
            about["channel_seconds"] = median(calibration.channel[target.name])
        if target.name in calibration.failures:
            about["failed"] = calibration.failures[target.name]
        targets[target.name] = about
        for event in calibration.events:
            estimate = calibration.estimate(target.name, event.name)
            series = calibration.series[target.name, event.name]
            how = measured.setdefault(target.name, {})
            if estimate is None:
                how[event.name] = {"samples": 0, "reason": series.refused or "not measured"}
                continue
            how[event.name] = _measurement(estimate, series)
            if estimate.above_noise:
                entry = _entry(event, estimate.seconds, _source(target, provenance))
                costs.setdefault(target.name, {})[event.name] = entry
    return {
        "calibration": {
            "complete": calibration.complete,
            "blocks": calibration.blocks,
            "method": METHOD,
            "machine": dict(provenance),
        },
        "targets": targets,
        "costs": costs,
        "measured": measured,
    }


def _source(target: Target, provenance: Mapping[str, Any]) -> str:
    parts = [
        f"vtax calibrate, {provenance['measured_at']}: {target.name} (Linux {target.kernel}) on",
        f"{provenance.get('processor', 'an unknown processor')}, Linux {provenance['kernel']}",
    ]
    if target.name.startswith("qemu"):
        parts.append(f"in QEMU {provenance.get('qemu', 'of unknown version')}")
    return " ".join(parts)


def _entry(event: Microbenchmark, seconds: Interval, source: str) -> dict[str, Any]:
    low, high = _digits(1e6 * seconds.low), _digits(1e6 * seconds.high)
    return {
        "value": _digits(1e6 * seconds.estimate),
        "unit": "us",
        "low": low,
        "high": high,
        "source": source,
        "status": "verified",
        "meaning": event.meaning,
    }


def _measurement(estimate: Estimate, series: Series) -> dict[str, Any]:
    table: dict[str, Any] = {
        "samples": len(series.samples),
        "events_each": series.count,
        "disturbed": estimate.disturbed,
        "warm_up_ended": series.settled,
        "above_noise": estimate.above_noise,
        "processor_us": _digits(1e6 * estimate.processor_seconds.estimate),
        "processor_us_low": _digits(1e6 * estimate.processor_seconds.low),
        "processor_us_high": _digits(1e6 * estimate.processor_seconds.high),
    }
    for name, share in (
        ("taken_by_other_programs", estimate.others),
        ("stolen_by_a_hypervisor", estimate.stolen),
    ):
        if share is not None:
            table[name] = _digits(share)
    if series.faults:
        table["page_faults"] = _digits(series.faults)
    if estimate.clocks is not None:
        table["target_clock_to_machine_clock"] = _digits(estimate.clocks)
    if not estimate.above_noise:
        table["reason"] = "cannot be told from noise"
        table["at_most_us"] = _digits(1e6 * estimate.seconds.high)
    for name, ratio in (("time", estimate.ratio), ("processor", estimate.processor_ratio)):
        if ratio is not None:
            table[f"{name}_ratio_to_native"] = _digits(ratio.estimate)
            table[f"{name}_ratio_low"] = _digits(ratio.low)
            table[f"{name}_ratio_high"] = _digits(ratio.high)
            table[f"{name}_differs_from_native"] = not ratio.low <= 1.0 <= ratio.high
    return table


def _digits(value: float) -> float:
    return float(f"{value:.4g}")


def calibrate(
    targets: Sequence[Target],
    unavailable: Mapping[str, str],
    path: Path,
    show: Callable[[str], object],
    **limits: Any,
) -> tuple[Calibration, dict[str, Any]]:
    """Calibrate targets and write the file; an interruption leaves ``FILE.partial``.

    ``show`` receives what is being done, ``limits`` are those of :meth:`Calibration.run`. Returns
    the calibration and the content of the file.
    """
    machine = provenance()
    calibration = Calibration(targets, EVENTS)
    partial = path.with_name(f"{path.name}.partial")
    maximum = limits.get("maximum", MAXIMUM_BLOCKS)
    show("warming up")
    write(document(calibration, unavailable, machine), partial)
    for blocks in calibration.run(**limits):
        write(document(calibration, unavailable, machine), partial)
        show(f"{blocks} blocks of at most {maximum} measured")
    costs = document(calibration, unavailable, machine)
    write(costs, path)
    partial.unlink(missing_ok=True)
    return calibration, costs


def check_writable(path: Path) -> None:
    """Check that a file can be written, before its content is measured.

    Raises
    ------
    UserError
        If it cannot.
    """
    try:
        if path.is_dir():
            raise UserError(f"{path}: is a directory; name a file in it")
        if not path.parent.is_dir():
            raise UserError(f"{path}: there is no directory {path.parent}; name a file in one")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if not is_stream(path):
            with scratch_directory(path.resolve().parent):
                pass
    except OSError as error:
        raise _not_writable(path, error) from None


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write a document as TOML: whole or not at all, except to a device, a pipe or an open file.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    content = tomli_w.dumps(document).encode()
    try:
        write_bytes(path, content)
    except OSError as error:
        raise _not_writable(path, error) from None


def _not_writable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: {error.strerror}; name a file that can be written")
