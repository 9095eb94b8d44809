"""The figure of constants that drive overheads, by environment."""

import math
from collections.abc import Sequence

import matplotlib.colors
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch

from harness.results.environment import Environment
from harness.studies.sensitivity.result import Driven, Influence
from reports import format as numbers
from reports.palette import MUTED, RULE
from reports.plots.svg import WIDTH, add_legend, as_svg, box, label, new_figure
from reports.view import ReportView, distinct, work_text

_SCALES = {"firmware": ("#dfeaf7", "#0b3c78"), "software": ("#fbe6d3", "#b4480a")}
_UNUSED = "#eceff3"
_STEPS = (0.01, 0.1, 0.5, 1.0)
_ROOM = 6.2
"""Inches that the columns of a figure have together."""
_NUMBERED = 9
"""With no more columns than this each has its share in figures."""


def heat_map(
    view: ReportView,
    level: str,
    measure: str,
    members: Sequence[Driven],
    constants: Sequence[str],
    part: int,
) -> Markup:
    """Draw the share of each constant in the variation of the overheads of one level.

    Parameters
    ----------
    members
        The environments' overheads, those of a workload together: a column each.
    constants
        Rows, from the top.
    part
        Number of the figure among those of the same level and measure.
    """
    texts, alpha = (
        view.texts,
        view.evidence.sensitivity.alpha if view.evidence.sensitivity else 0.0,
    )
    cells = [{each.constant: each for each in one.influences} for one in members]
    upright = len(members) > _NUMBERED
    figure = new_figure((1.55 if upright else 1.0) + 0.2 * len(constants))
    axes = figure.subplots()
    axes.set_xlim(0, len(members))
    axes.set_ylim(len(constants), 0)
    scale = matplotlib.colors.LinearSegmentedColormap.from_list(level, _SCALES[level])
    _draw(axes, cells, constants, scale, alpha)
    _frame(axes, view, members, constants, upright=upright)
    handles = [Patch(facecolor=scale(_depth(s)), label=share_text(s)) for s in _STEPS]
    handles += [
        Patch(facecolor="white", edgecolor=RULE, label=label(texts("sensitivity.noise"))),
        Patch(facecolor=_UNUSED, label=label(texts("sensitivity.unused"))),
    ]
    add_legend(figure, handles)
    values = {
        "measure": texts.name("measure", measure),
        "level": texts.name("level", level),
    }
    return as_svg(
        figure,
        f"drivers-{level}-{measure}-{part}",
        texts("sensitivity.figure", **values),
        texts("sensitivity.description", **values),
    )


def share_text(share: float) -> str:
    """Write a share in whole per cent."""
    return f"<{numbers.level(0.01)}" if share < 0.005 else numbers.level(round(share, 2))


def _depth(share: float) -> float:
    """Return the place of a share on the scale of colours; small shares are spread."""
    return math.sqrt(min(max(share, 0.0), 1.0))


def _draw(
    axes: Axes,
    cells: Sequence[dict[str, Influence]],
    constants: Sequence[str],
    scale: matplotlib.colors.Colormap,
    alpha: float,
) -> None:
    unused, drawn, colours = [], [], []
    for row, constant in enumerate(constants):
        start = 0
        for column in range(len(cells) + 1):
            if column < len(cells) and constant not in cells[column]:
                continue
            if column > start:
                unused.append(box(start, column, row, row + 1))
            start = column + 1
        for column, influences in enumerate(cells):
            influence = influences.get(constant)
            if influence is None or influence.p > alpha:
                continue
            drawn.append(box(column, column + 1, row, row + 1))
            colours.append(scale(_depth(influence.share)))
            if len(cells) <= _NUMBERED:
                axes.text(
                    column + 0.5,
                    row + 0.5,
                    f"{'+' if influence.change > 0 else numbers.MINUS} "
                    f"{share_text(influence.share)}",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color="white" if influence.share > 0.25 else "#1b2430",
                )
    axes.add_collection(PolyCollection(unused, facecolors=_UNUSED, linewidths=0, zorder=0))
    axes.add_collection(PolyCollection(drawn, facecolors=colours, linewidths=0, zorder=1))


def _frame(
    axes: Axes,
    view: ReportView,
    members: Sequence[Driven],
    constants: Sequence[str],
    *,
    upright: bool,
) -> None:
    """Rule the map and name its rows and columns."""
    for row in range(1, len(constants)):
        axes.axhline(row, color="white", linewidth=0.8, zorder=2)
    works = [(each.workload, each.load) for each in members]
    starts = [n for n, work in enumerate(works) if n == 0 or work != works[n - 1]]
    for start in starts[1:]:
        axes.axvline(start, color=MUTED, linewidth=0.9, zorder=3)
    for spine in axes.spines.values():
        spine.set_visible(True)
    rows = [row + 0.5 for row in range(len(constants))]
    axes.set_yticks(rows, [label(each.removeprefix("profiles.")) for each in constants])
    axes.tick_params(axis="both", length=0)
    axes.set_xlabel(label(view.texts("sensitivity.axis")))
    size = min(8.0, 0.85 * 72 * _ROOM / len(members))
    axes.set_xticks(
        [n + 0.5 for n in range(len(members))],
        [
            label(f"{each.machine}{' ' if upright else chr(10)}{view.texts.name('os', each.os)}")
            for each in members
        ],
        rotation=90 if upright else 0,
        fontsize=size,
    )
    ends = [*starts[1:], len(members)]
    room = _ROOM / WIDTH * 125 / len(members)
    for start, end in zip(starts, ends, strict=True):
        axes.annotate(
            label(_wrapped(work_text(works[start], "\n"), room * (end - start))),
            ((start + end) / 2, 0),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8,
            fontweight="bold",
        )


def _wrapped(text: str, room: float) -> str:
    """Break names at their hyphens where they have not enough room, in narrow characters."""
    return "\n".join(
        line if len(line) <= room else line.replace("-", "-\n") for line in text.split("\n")
    )


def in_columns(view: ReportView, members: Sequence[Driven], most: int = 72) -> list[list[Driven]]:
    """Order overheads by workload, then as in the matrix, and divide them into figures."""
    order = {work: number for number, work in enumerate(view.works)}
    environments: dict[Environment, int] = {
        environment: number
        for number, environment in enumerate(distinct(each.environment for each in members))
    }
    ordered = sorted(
        members,
        key=lambda each: (
            order.get((each.workload, each.load), len(order)),
            environments[each.environment],
        ),
    )
    figures: list[list[Driven]] = []
    for work in distinct((each.workload, each.load) for each in ordered):
        group = [each for each in ordered if (each.workload, each.load) == work]
        if figures and len(figures[-1]) + len(group) <= most:
            figures[-1] += group
        else:
            figures.append(group)
    return figures
