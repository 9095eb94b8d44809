"""The first figure: each workload, firmware beside the best software, over all machines."""

import math
from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from harness.analysis.finding import Span
from harness.analysis.workload_summary import SHOWN, WorkloadSummary
from reports.palette import INK, MUTED
from reports.plots.svg import add_legend, as_svg, label, new_figure, overhead_ticks
from reports.view import ReportView, work_text

_COLOURS = {"firmware": "#0b3c78", "software": "#b4480a"}
_MARKERS = {"firmware": "o", "software": "D"}
_OFFSET = 0.17
"""Distance of the two levels from the middle of a row."""


def summary(view: ReportView, workloads: Sequence[WorkloadSummary]) -> Markup:
    """Draw the table by workload: a panel for each measure, a row for each workload.

    A thick line reaches over the estimates of all machines and systems, a thin one over their
    intervals.
    """
    texts = view.texts
    figure = new_figure(0.95 + 0.36 * len(workloads))
    panels = figure.subplots(1, len(SHOWN), sharey=True, squeeze=False)[0]
    for axes, measure in zip(panels, SHOWN, strict=True):
        margin = view.margin(measure)
        axes.set_title(label(texts.name("measure", measure)), loc="left")
        axes.axvline(0.0, color=MUTED, linewidth=0.9, zorder=1)
        axes.axvline(margin, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        for row in range(1, len(workloads)):
            axes.axhline(row - 0.5, color="#e8ecf1", linewidth=0.8, zorder=0)
        ends = [0.0]
        for row, each in enumerate(workloads):
            found = each.measures[measure]
            spans = (("firmware", found.firmware), ("software", found.software))
            for (level, span), offset in zip(spans, (-_OFFSET, _OFFSET), strict=True):
                if span is not None:
                    ends += _draw(axes, level, span, row + offset)
        _scale(axes, margin, ends)
        axes.set_xlabel(label(texts("verdict.axis", measure=texts.name("short_measure", measure))))
        axes.tick_params(axis="y", length=0)
    panels[0].set_ylim(len(workloads) - 0.45, -0.55)
    names = [label(work_text((each.workload, each.load), "\n")) for each in workloads]
    panels[0].set_yticks(range(len(names)), names)
    handles = [
        Line2D(
            [], [], color=_COLOURS[level], marker=_MARKERS[level], markersize=4.5, label=label(name)
        )
        for level, name in (
            ("firmware", texts.name("level", "firmware")),
            ("software", texts("verdict.best_software")),
        )
    ]
    handles.append(
        Line2D(
            [],
            [],
            color=INK,
            linewidth=0.9,
            linestyle=(0, (4, 2)),
            label=label(texts("verdict.margin")),
        )
    )
    add_legend(figure, handles)
    return as_svg(figure, "summary", texts("verdict.figure"), texts("verdict.description"))


def _draw(axes: Axes, level: str, span: Span, height: float) -> list[float]:
    """Draw a span at a height; return the ends that the axis has to reach."""
    colour = _COLOURS[level]
    known = math.isfinite(span.high)
    if known:
        axes.plot([span.low, span.high], [height] * 2, color=colour, linewidth=1.0)
    axes.plot([span.lowest, span.highest], [height] * 2, color=colour, linewidth=3.0)
    middle = (span.lowest + span.highest) / 2.0
    face = colour if known else "white"
    axes.plot(
        [middle],
        [height],
        marker=_MARKERS[level],
        markersize=4.5,
        color=colour,
        markerfacecolor=face,
    )
    return [span.low, span.high] if known else [span.lowest, span.highest]


def _scale(axes: Axes, margin: float, ends: Sequence[float]) -> None:
    """Scale an axis: linear up to the margin, logarithmic beyond it."""
    low, high = min(-margin, *ends) * 1.25, max(2 * margin, *ends) * 1.4
    axes.set_xscale("symlog", linthresh=margin, linscale=0.8)
    axes.set_xlim(max(-1.0, low), high)
    beyond = [10.0**power for power in range(-2, 12)]
    overhead_ticks(axes, [-0.5, -margin, 0.0, margin, *(x for x in beyond if x >= 4.0 * margin)])
