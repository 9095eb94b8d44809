"""A calibration in the terminal."""

from collections.abc import Callable, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.cli.format import amount, interval
from harness.cli.tables.table import table
from harness.real.calibration.calibration import Calibration, Estimate
from harness.statistics.intervals import Interval


def calibration_table(calibration: Calibration, unavailable: Mapping[str, str]) -> RenderableType:
    """Show events by target: the native cost of one, and ratios to it with their intervals."""
    return Group(
        _table(
            calibration,
            "Time of one event: natively, and as a multiple of the native time",
            lambda estimate: _cell(estimate.seconds, estimate.ratio),
        ),
        _table(
            calibration,
            "Processor time of one event, of all processes of the target",
            lambda estimate: _cell(estimate.processor_seconds, estimate.processor_ratio),
        ),
        *map(Text, _notes(calibration, unavailable)),
    )


def _table(calibration: Calibration, title: str, cell: Callable[[Estimate], str]) -> Table:
    rows = []
    for event in calibration.events:
        costs = [calibration.estimate(target.name, event.name) for target in calibration.targets]
        rows.append((event.name, *(cell(one) if one else "-" for one in costs)))
    return table(title, ("event", *(f">{target.name}" for target in calibration.targets)), rows)


def _cell(cost: Interval, ratio: Interval | None) -> str:
    if cost.low <= 0.0:
        return f"noise < {amount(cost.high, 's')}"
    if ratio is None:
        spread = (cost.high - cost.low) / 2 / cost.estimate
        return f"{amount(cost.estimate, 's')} \N{PLUS-MINUS SIGN}{spread:.0%}"
    same = "= " if ratio.low <= 1.0 <= ratio.high else ""
    return f"{same}{interval(ratio)}"


def _notes(calibration: Calibration, unavailable: Mapping[str, str]) -> list[str]:
    lines = [
        "Intervals contain the mean with 95 % confidence.",
        "=: no difference from native is shown. noise: the cost does not differ from zero.",
        "A time in the column of a target: too noisy for a ratio.",
    ]
    for target in calibration.targets:
        requests = calibration.channel[target.name]
        if requests:
            channel = sorted(requests)[len(requests) // 2]
            lines.append(
                f"{target.name}: kernel {target.kernel}, a request over the channel "
                f"{amount(channel, 's')} (subtracted)"
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
        lines.append("Times include the wait for that work; processor times do not.")
    if len({target.kernel for target in calibration.targets}) > 1:
        lines.append("The kernels differ; the ratios include that difference.")
    return lines
