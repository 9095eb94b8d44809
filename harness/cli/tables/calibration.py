"""A calibration as a table for the terminal."""

import math
from collections.abc import Callable, Mapping

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.real.calibration.calibration import Calibration, Estimate
from harness.statistics.intervals import Interval

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns"))


def calibration_table(calibration: Calibration, unavailable: Mapping[str, str]) -> RenderableType:
    """Show events by target: the native cost of one, and ratios to it with their intervals."""
    parts: list[RenderableType] = [
        _table(calibration, "Time of one event, natively and as a multiple of it", _time_cell),
        _table(
            calibration, "Processor time of all the target's processes, likewise", _processor_cell
        ),
    ]
    return Group(*parts, *(Text(line) for line in _notes(calibration, unavailable)))


def _table(calibration: Calibration, title: str, cell: Callable[[Estimate], str]) -> Table:
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("event", no_wrap=True)
    for target in calibration.targets:
        table.add_column(Text(target.name), justify="right")
    for event in calibration.events:
        found = [calibration.estimate(target.name, event.name) for target in calibration.targets]
        table.add_row(Text(event.name), *(Text(cell(one) if one else "-") for one in found))
    return table


def _time_cell(estimate: Estimate) -> str:
    return _cell(estimate.seconds, estimate.ratio)


def _processor_cell(estimate: Estimate) -> str:
    return _cell(estimate.processor_seconds, estimate.processor_ratio)


def _cell(interval: Interval, ratio: Interval | None) -> str:
    if interval.low <= 0.0:
        return f"noise < {time_text(interval.high)}"
    if ratio is None:
        spread = (interval.high - interval.low) / 2 / interval.estimate
        return f"{time_text(interval.estimate)} \N{PLUS-MINUS SIGN}{spread:.0%}"
    same = "= " if ratio.low <= 1.0 <= ratio.high else ""
    return f"{same}{ratio_text(ratio)}"


def _notes(calibration: Calibration, unavailable: Mapping[str, str]) -> list[str]:
    lines = [
        "Intervals hold the mean with 95 % confidence.",
        "=: no difference from native is shown. noise: cannot be told from no cost at all.",
        "A target's cell with a unit: too noisy for a ratio, so that the cost itself stands there.",
    ]
    for target in calibration.targets:
        requests = calibration.channel[target.name]
        if requests:
            channel = sorted(requests)[len(requests) // 2]
            lines.append(
                f"{target.name}: kernel {target.kernel}, a request over the channel "
                f"{time_text(channel)} (subtracted)"
            )
        if target.name in calibration.failures:
            lines.append(f"{target.name} failed: {calibration.failures[target.name]}")
    refused: dict[tuple[str, str], list[str]] = {}
    for (name, event), series in calibration.series.items():
        if series.refused:
            refused.setdefault((name, series.refused), []).append(event)
    lines += [f"{name}: no {', '.join(e)}: {why}" for (name, why), e in refused.items()]
    lines += [f"{name} is unavailable: {reason}" for name, reason in unavailable.items()]
    samples = [
        sample for series in calibration.series.values() for sample in series.samples.values()
    ]
    disturbed = sum(bool(sample.condition.disturbed) for sample in samples)
    lines.append(
        f"{calibration.blocks} blocks; {disturbed} of {len(samples)} measurements were disturbed "
        "by other work on this machine"
    )
    if disturbed:
        lines.append("Times hold the waiting for that work; processor times do not.")
    if len({target.kernel for target in calibration.targets}) > 1:
        lines.append("The kernels differ, and what differs between them is in the ratios.")
    return lines


def ratio_text(ratio: Interval) -> str:
    """Write a ratio with its interval."""
    ends = f"({number_text(ratio.low)}…{number_text(ratio.high)})"
    return f"{number_text(ratio.estimate)} {ends}"


def time_text(seconds: float) -> str:
    """Write a time with three digits, in a unit that fits."""
    if not math.isfinite(seconds):
        return "?"
    scale, unit = next(((s, u) for s, u in _UNITS if seconds >= s), _UNITS[-1])
    return f"{number_text(seconds / (scale or 1e-9))} {unit}"


def number_text(value: float) -> str:
    """Write a number that is not small with three digits or so."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
