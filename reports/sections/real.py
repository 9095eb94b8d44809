"""The sections of real machines: measured and predicted overheads, and conditions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.analysis.cell_summary import CellSummary
from harness.analysis.overhead import Overhead
from harness.real.host.interference import DISTURBED_SHARE
from harness.results.record import LEVELS
from harness.statistics.intervals import Caution
from reports import format as numbers
from reports.view import ReportView, load_text

HIT = 0.25
"""Largest relative error of a hit."""

MEASURES = ("slowdown", "processor-time")

_CAUSES = 3
"""Causes that are named for a prediction, the largest first."""
_SMALL = 0.05
"""Smallest share of a cause that is named."""


def measured(view: ReportView) -> dict[str, Any] | None:
    """Show the overheads of a real machine; None for a modelled one."""
    real = view.study.campaign.real
    if real is None:
        return None
    tables = {measure: list(_rows(view, measure)) for measure in MEASURES}
    judged = {
        measure: [row["hit"] for row in rows if row["hit"] is not None]
        for measure, rows in tables.items()
    }
    runs = sum(cell.runs for cell in view.study.cells)
    return {
        "tables": tables,
        "hits": {measure: sum(hits) for measure, hits in judged.items()},
        "judged": {measure: len(hits) for measure, hits in judged.items()},
        "range": {measure: _range(view, measure) for measure in MEASURES},
        "hit": numbers.level(HIT),
        "share": numbers.level(DISTURBED_SHARE),
        "disturbed": _disturbed(view.study.cells),
        "runs": runs,
        "busy": 2 * _disturbed(view.study.cells) > runs,
        "notes": view.study.notes,
        "unpredicted": [
            (workload, view.texts.said(reason))
            for workload, reason in real.get("unpredicted", {}).items()
        ],
    }


def machine(view: ReportView) -> dict[str, Any] | None:
    """Describe the machine and its conditions."""
    real = view.study.campaign.real
    if real is None:
        return None
    about = real["machine"]
    mitigations = about.get("mitigations", {})
    facts = [
        (key, str(about[name]))
        for key, name in (
            ("processor", "processor"),
            ("processors", "processors"),
            ("kernel", "kernel"),
            ("qemu", "qemu"),
            ("when", "measured_at"),
        )
        if about.get(name)
    ]
    facts.append(
        ("mitigations", "; ".join(f"{name}: {text}" for name, text in sorted(mitigations.items())))
    )
    return {
        "facts": [(view.texts(f"machine.{key}"), text or "\N{EN DASH}") for key, text in facts],
        "share": numbers.level(DISTURBED_SHARE),
        "targets": [
            _target(view, name, real["targets"][name]) for name in LEVELS if name in real["targets"]
        ],
    }


def facts(view: ReportView) -> list[str]:
    """Describe the machine."""
    about = (view.study.campaign.real or {}).get("machine", {})
    parts = [about.get("processor"), f"Linux {about['kernel']}" if "kernel" in about else None]
    parts.append(f"QEMU {str(about['qemu']).split()[0]}" if about.get("qemu") else None)
    return [str(part) for part in parts if part]


def _target(view: ReportView, name: str, about: Mapping[str, Any]) -> dict[str, str]:
    cells = [cell for cell in view.study.cells if cell.cell.virtualization == name]
    runs = sum(cell.runs for cell in cells)

    def mean(key: str) -> float | None:
        values = [(c.condition[key], c.runs) for c in cells if key in c.condition]
        return sum(v * n for v, n in values) / sum(n for _, n in values) if values else None

    inside, outside = mean("target_inside_seconds"), mean("target_outside_seconds")
    channel, load = about.get("channel_seconds"), mean("condition_load")
    hertz, celsius = mean("condition_frequency_hertz"), mean("condition_temperature_celsius")
    dash = "\N{EN DASH}"
    return {
        "name": name,
        "level": view.level(name),
        "kernel": about.get("kernel", dash),
        "reason": view.texts.said(about.get("reason", "")),
        "runs": str(runs),
        "disturbed": str(_disturbed(cells)),
        "others": _share(mean("condition_others")),
        "stolen": _share(mean("condition_stolen")),
        "load": dash if load is None else numbers.plain(load),
        "frequency": dash if hertz is None else f"{hertz / 1e9:.2f} GHz",
        "temperature": dash if celsius is None else f"{celsius:.0f} °C",
        "channel": dash if channel is None else numbers.seconds(channel),
        "clocks": dash
        if inside is None or not outside
        else numbers.overhead(inside / outside - 1.0),
    }


def _share(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else numbers.share(value)


def _disturbed(cells: Sequence[CellSummary]) -> int:
    """Count the runs that were disturbed."""
    return round(sum(c.condition.get("condition_disturbed", 0.0) * c.runs for c in cells))


def _rows(view: ReportView, measure: str) -> Iterator[dict[str, Any]]:
    """Show the workloads in each target: measured and predicted ratios."""
    predictions = {
        (each["workload"], tuple(map(tuple, each["load"])), each["virtualization"]): each
        for each in (view.study.campaign.real or {}).get("predictions", ())
    }
    for result in view.study.environments:
        if result.measure != measure or not result.all:
            continue
        for number, (name, overhead) in enumerate(result.all.items()):
            prediction = predictions.get((*result.environment[2:], name))
            cells = [
                cell
                for each in (name, view.baseline)
                if (cell := view.cell(result.environment, each)) is not None
            ]
            runs = sum(cell.runs for cell in cells)
            yield {
                "workload": result.environment.workload,
                "load": load_text(result.environment.load),
                "virtualization": name,
                "level": view.level(name),
                "first": number == 0,
                "rows": len(result.all),
                "samples": overhead.interval.samples,
                # Of the runs of both sides.
                "disturbed": view.texts("measured.of", part=_disturbed(cells), whole=runs),
                **_compared(overhead, prediction, measure),
            }


def _compared(
    overhead: Overhead, prediction: Mapping[str, Any] | None, measure: str
) -> dict[str, Any]:
    interval = overhead.interval
    ratio = 1.0 + interval.estimate
    known = Caution.SINGLE_SAMPLE not in interval.warnings
    cells: dict[str, Any] = {
        "measured": numbers.plain(ratio),
        "span": _span(1.0 + interval.low, 1.0 + interval.high) if known else "",
        "predicted": "",
        "predicted_span": "",
        "error": "",
        "hit": None,
        "causes": "",
    }
    if prediction is not None:
        expected = prediction[measure]
        error = expected["ratio"] / ratio - 1.0
        cells |= {
            "predicted": numbers.plain(expected["ratio"]),
            "predicted_span": _span(expected["low"], expected["high"]),
            "error": numbers.overhead(error),
            "hit": abs(error) <= HIT,
            "causes": _causes(prediction["causes"]),
        }
    return cells


def _span(low: float, high: float) -> str:
    return f"{numbers.plain(low)} … {numbers.plain(high)}"


def _causes(causes: Sequence[Mapping[str, Any]]) -> str:
    shares = sorted(
        ((each["extra_share"] or 0.0, each["cause"]) for each in causes), key=lambda one: -one[0]
    )
    return ", ".join(
        f"{cause} {numbers.level(round(share, 2))}"
        for share, cause in shares[:_CAUSES]
        if share >= _SMALL
    )


def _range(view: ReportView, measure: str) -> list[dict[str, str]]:
    """Return for each target the smallest and the largest ratio of a workload."""
    ranges = []
    for name in view.compared:
        ratios = {
            result.environment.workload: 1.0 + result.all[name].interval.estimate
            for result in view.study.environments
            if result.measure == measure and name in result.all
        }
        if ratios:
            low, high = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
            ranges.append(
                {
                    "name": name,
                    "level": view.level(name),
                    "low": numbers.plain(ratios[low]),
                    "high": numbers.plain(ratios[high]),
                    "least": low,
                    "most": high,
                }
            )
    return ranges
