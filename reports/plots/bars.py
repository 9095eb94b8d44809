"""The figures: overheads with intervals, where the time goes, how long responses take."""

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from harness.analysis.cell_summary import CellSummary
from harness.results.environment import Environment
from harness.statistics.intervals import Interval
from reports import format as numbers
from reports.palette import CAUSES, INK, MUTED, Style
from reports.plots.svg import add_legend, as_svg, box, label, new_figure, overhead_ticks
from reports.view import ReportView, Work, work_text

_PANELS = 3
"""Operating systems side by side."""

_CUT = 1.15
"""Bars of the software level are cut at so many times the longest of the others."""

_SHARES = tuple(1.0 - 10.0 ** (-2.3 * step / 60) for step in range(61))
"""Shares of responses at which a distribution is drawn: evenly towards the 99.5th percentile."""


def forest(view: ReportView, measure: str, machine: str, works: Sequence[Work]) -> Markup:
    """Draw every overhead of one measure on one machine, with its interval.

    One panel for each operating system, one row for each workload; the axis is linear up to the
    margin and logarithmic beyond it.
    """
    systems, names = view.systems, view.compared
    height = 0.4 + len(works) * (0.13 + 0.055 * len(names))
    figure, panels = _panels(len(systems), min(_PANELS, len(systems)), 0.75, height, sharex=True)
    margin = view.margin(measure)
    for axes, system in zip(panels, systems, strict=False):
        axes.set_title(label(view.texts.name("os", system)), loc="left")
        axes.axvline(0.0, color=MUTED, linewidth=0.9, zorder=1)
        if not view.real:
            axes.axvspan(-1.0, margin, color="#f1f6f2", zorder=0)
            axes.axvline(margin, color="#2e7d5b", linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        for row in range(1, len(works)):
            axes.axhline(row - 0.5, color="#e8ecf1", linewidth=0.8, zorder=0)
        results = [view.result(Environment(machine, system, *work), measure) for work in works]
        for number, name in enumerate(names):
            offset = (number + 0.5) / len(names) * 0.76 - 0.38
            marks = [
                (row + offset, result.all[name].interval)
                for row, result in enumerate(results)
                if result is not None and name in result.all
            ]
            _marks(axes, view.styles[name], marks)
    _overhead_axis(panels[0], view, measure, margin)
    _name_rows(panels, [work_text(work, "\n") for work in works])
    for axes in panels:
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelbottom=True)
    key = "overheads.real_axis" if view.real else "overheads.axis"
    _axis_title(figure, view.texts(key, measure=view.texts.name("measure", measure)))
    _legend(figure, view, names, lines=False)
    values = {"measure": view.texts.name("measure", measure)}
    return _svg(figure, view, f"forest-{measure}", "overheads", machine, works, values)


def _panels(
    count: int, columns: int, around: float, height: float, *, sharex: bool = False
) -> tuple[Figure, list[Axes]]:
    """Make a figure of panels side by side; heights of the figure's frame and of a panel."""
    rows = math.ceil(count / columns)
    figure = new_figure(around + rows * height)
    grid = figure.subplots(rows, columns, sharex=sharex, sharey=True, squeeze=False)
    panels: list[Axes] = list(grid.flat)
    for axes in panels[count:]:
        axes.set_visible(False)
    return figure, panels


def _axis_title(figure: Figure, title: str) -> None:
    """Title the axes that all panels of a figure share."""
    figure.supxlabel(title, fontsize=8.5, color=MUTED)


def _name_rows(panels: Sequence[Axes], names: Sequence[str]) -> None:
    """Name the rows of panels, from the top, at the left of the figure."""
    panels[0].set_ylim(len(names) - 0.45, -0.55)
    panels[0].set_yticks(range(len(names)), [label(name) for name in names])
    for axes in panels:
        spec = axes.get_subplotspec()
        axes.yaxis.set_visible(spec is not None and spec.is_first_col())


def _svg(
    figure: Figure,
    view: ReportView,
    key: str,
    section: str,
    machine: str,
    works: Sequence[Work],
    values: Mapping[str, str],
) -> Markup:
    """Return a figure of some workloads on a machine, with the texts of its section."""
    key = f"{key}-{view.machines.index(machine)}-{view.works.index(works[0])}"
    texts = (
        view.texts(f"{section}.{each}", machine=machine, **values)
        for each in ("figure", "description")
    )
    return as_svg(figure, key, *texts)


def _marks(axes: Axes, style: Style, marks: Sequence[tuple[float, Interval]]) -> None:
    """Draw overheads at their heights; one whose interval is unknown is hollow."""
    known = [(y, interval) for y, interval in marks if math.isfinite(interval.high)]
    unknown = [(y, interval) for y, interval in marks if not math.isfinite(interval.high)]
    lines = axes.plot(
        [end for _, interval in known for end in (interval.low, interval.high, math.nan)],
        [height for y, _ in known for height in (y, y, math.nan)],
        color=style.colour,
        linewidth=1.3,
        solid_capstyle="butt",
        clip_on=False,
        zorder=2,
    )
    for members, face in ((known, style.colour), (unknown, "white")):
        lines += axes.plot(
            [interval.estimate for _, interval in members],
            [y for y, _ in members],
            marker=style.marker,
            markersize=3.8,
            color=style.colour,
            markerfacecolor=face,
            linestyle="none",
            clip_on=False,
            zorder=3,
        )
    for line in lines:
        line.set_in_layout(False)


def _overhead_axis(axes: Axes, view: ReportView, measure: str, margin: float) -> None:
    """Scale the axis for all machines alike: linear within the margin, logarithmic outside."""
    intervals = [
        overhead.interval
        for result in view.study.environments
        if result.measure == measure
        for overhead in result.all.values()
    ]
    lows = [each.low if math.isfinite(each.high) else each.estimate for each in intervals]
    highs = [each.high if math.isfinite(each.high) else each.estimate for each in intervals]
    low = max(-1.0, min([-margin, *lows]) * 1.25)
    high = max([2 * margin, *highs]) * 1.25
    axes.set_xscale("symlog", linthresh=margin, linscale=0.6)
    axes.set_xlim(low, high)
    beyond = [10.0**power for power in range(-2, 12)]
    if high < 1.0:
        beyond += [0.2, 0.5]
    further = (each for each in beyond if each >= 4.0 * margin)
    overhead_ticks(axes, [-0.5, -margin, 0.0, margin, *further])


def causes(
    view: ReportView,
    machine: str,
    system: str,
    works: Sequence[Work],
    cause_names: Sequence[str],
) -> Markup:
    """Draw the processor time of one transaction by cause: a bar for each virtualization."""
    names = view.virtualizations
    height = 0.55 + 0.155 * len(names)
    figure, panels = _panels(len(works), min(2, len(works)), 0.7, height)
    for axes, work in zip(panels, works, strict=False):
        environment = Environment(machine, system, *work)
        axes.set_title(label(work_text(work)), loc="left")
        cells = {name: view.cell(environment, name) for name in names}
        limit = _limit(view, cells)
        _bars(axes, list(cells.values()), limit, cause_names)
        axes.set_xlim(0.0, limit * 1.18)
        axes.xaxis.set_major_formatter(lambda value, _: numbers.tick(value))
        axes.locator_params(axis="x", nbins=4)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
    _name_rows(panels, names)
    _axis_title(figure, view.texts("time.axis"))
    handles = [
        Patch(color=CAUSES.get(name, MUTED), label=label(view.texts.name("cause", name)))
        for name in cause_names
    ]
    add_legend(figure, handles)
    values = {"os": view.texts.name("os", system)}
    return _svg(figure, view, "causes", "time", machine, works, values)


def _limit(view: ReportView, cells: dict[str, CellSummary | None]) -> float:
    """Where the axis ends: only the software level may run out of it."""
    totals = {name: 0.0 if cell is None else _total(cell) for name, cell in cells.items()}
    others = [total for name, total in totals.items() if view.level(name) != "software"]
    longest = max(totals.values())
    cut = max(others, default=0.0) * _CUT
    baseline = 4.0 * totals.get(view.baseline, 0.0)
    return min(longest, max(cut, baseline)) or longest or 1.0


def _total(cell: CellSummary) -> float:
    return math.fsum(interval.estimate for interval in cell.causes.values())


def _bars(
    axes: Axes, cells: Sequence[CellSummary | None], limit: float, cause_names: Sequence[str]
) -> None:
    """Draw a bar of each cell, and its length in figures."""
    boxes, colours = [], []
    for row, cell in enumerate(cells):
        if cell is None or not cell.causes:
            axes.text(0.0, row, " \N{EN DASH}", va="center", color=MUTED, fontsize=7.5)
            continue
        start = 0.0
        for name in cause_names:
            if name not in cell.causes:
                continue
            width = min(cell.causes[name].estimate, limit - start)
            if width > 0.001 * limit:
                boxes.append(box(start, start + width, row - 0.36, row + 0.36))
                colours.append(CAUSES.get(name, MUTED))
            start += max(width, 0.0)
        total = _total(cell)
        cut = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}" if total > 1.001 * limit else ""
        axes.text(
            min(total, limit) + 0.01 * limit,
            row,
            f"{cut}{numbers.seconds(total)}",
            va="center",
            color=INK,
            fontsize=7.5,
        )
    bars = PolyCollection(boxes, facecolors=colours, edgecolors="white", linewidths=0.4)
    axes.add_collection(bars, autolim=False)


def responses(view: ReportView, machine: str, system: str, works: Sequence[Work]) -> Markup:
    """Draw the distributions of the response times, tails spread out."""
    names = view.virtualizations
    figure, panels = _panels(len(works), min(4, max(2, len(works))), 0.7, 1.75)
    for axes, work in zip(panels, works, strict=False):
        environment = Environment(machine, system, *work)
        axes.set_title(label(work_text(work, "\n")), loc="left")
        axes.set_xscale("log")
        for name in names:
            cell = view.cell(environment, name)
            if cell is not None and cell.response is not None:
                _distribution(axes, view, name, cell)
        axes.set_xticks(_log_ticks(*axes.get_xlim()))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: numbers.tick(value))
        axes.grid()
        axes.tick_params(axis="both", length=0)
    shares = (0.0, 0.5, 0.9, 0.99)
    panels[0].set_ylim(0.0, 2.3)
    heights = [-math.log10(1.0 - each) for each in shares]
    panels[0].set_yticks(heights, [numbers.level(each) for each in shares])
    _axis_title(figure, view.texts("responses.axis"))
    _legend(figure, view, names, lines=True)
    values = {"os": view.texts.name("os", system)}
    return _svg(figure, view, "responses", "responses", machine, works, values)


def _log_ticks(low: float, high: float) -> list[float]:
    """Choose round numbers on a logarithmic axis: at least three where that is possible."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for steps in ((1,), (1, 3), (1, 2, 5)):
        every = [step * 10.0**power for power in powers for step in steps]
        ticks = [each for each in every if low <= each <= high]
        if len(ticks) >= 3:
            break
    return ticks


def _distribution(axes: Axes, view: ReportView, name: str, cell: CellSummary) -> None:
    response = cell.response
    assert response is not None
    style = view.styles[name]
    shares = [share for share in _SHARES if share <= 1.0 - 1.0 / response.count]
    (line,) = axes.plot(
        [response.digest.quantile(share) for share in shares],
        [-math.log10(1.0 - share) for share in shares],
        color=style.colour,
        linestyle=style.dashes,
        linewidth=2.2 if name == view.baseline else 1.3,
    )
    line.set_in_layout(False)


def _legend(figure: Figure, view: ReportView, names: Sequence[str], *, lines: bool) -> None:
    handles = []
    for name in names:
        style, baseline = view.styles[name], name == view.baseline
        handles.append(
            Line2D(
                [],
                [],
                color=style.colour,
                marker="none" if lines else style.marker,
                markersize=4.5,
                linestyle=style.dashes if lines else "-",
                linewidth=2.2 if baseline else 1.3,
                label=label(name),
            )
        )
    add_legend(figure, handles)
