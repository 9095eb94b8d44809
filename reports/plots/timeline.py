"""The timeline of a scenario: its samples over simulated time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from harness.analysis.scenario_results import ScenarioResult
from reports import format as numbers
from reports.i18n import Texts
from reports.palette import MUTED
from reports.plots.svg import add_legend, as_svg, label, new_figure

Series = tuple[tuple[float, float], ...]
"""Seconds and samples."""

_PAIRS = 60
"""Stretches of time; of each a line keeps the lowest and the highest sample."""

_COLUMNS = 8
"""Stretches of time in the table behind a figure."""

_OWN = 4
"""Number of partitions with a separate panel; those that changed most."""

_COLOURS = ("#1b2430", "#2e7d5b", "#7b4fa3", "#8a6d00", "#c2457a", "#00838f", "#6b7683", "#6d2f2f")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))
_REFUSED = "#99123a"
_BYTES = 2.0**30
_GAP = 5.0
"""Sampling distances without a sample after which a line ends."""

_LINE = 9
"""Points between lines of numbers."""

ENTITLED = "vtax_partition_entitlement_cores"
USED = "vtax_partition_physc_cores"

_ALWAYS = ("vtax_requests_per_second", "vtax_response_mean_seconds")
_IF_CHANGED = (
    "vtax_requests_failed",
    "vtax_partition_unfolded_virtual_processors",
    "vtax_partition_memory_bytes",
    "vtax_partition_adapters",
    "vtax_partition_weight",
    "vtax_pool_size_processors",
)
_POWER = "vtax_machine_power_watts"
_SWITCHED = 0.5
"""A machine whose power falls to less than this share of its highest was switched off."""


@dataclass(frozen=True)
class Act:
    """An operation from its begin to its end."""

    number: int
    text: str
    begin: float
    """Seconds."""
    end: float | None
    """Seconds; None if it has not ended."""
    status: str
    """``started`` (and not ended), ``done``, ``refused`` or ``failed``."""
    reason: str


@dataclass(frozen=True)
class Panel:
    """A quantity over time, of one or of several."""

    quantity: str
    """Name of the samples; in the panel of one partition that of the processors used."""
    series: Mapping[str, Series]
    """Partition, VIOS or machine -> samples."""
    entitled: Series = ()
    """In the panel of one partition: its entitlement."""
    of: str = ""
    """Name of the partition of the panel; empty for a panel of several."""


def panels(scenario: ScenarioResult) -> list[Panel]:
    """Choose the panels: load, response, processors, and other quantities that changed."""
    chosen = []
    for quantity in _ALWAYS:
        series = scenario.series(quantity)
        if _peak(series.values()) > 0.0:
            chosen.append(Panel(quantity, series))
    entitled, used = scenario.series(ENTITLED), scenario.series(USED)
    ranked = sorted(used, key=lambda name: -_change(used[name]) - _change(entitled.get(name, ())))
    chosen += [
        Panel(USED, {name: series}, entitled.get(name, ()), name)
        for name, series in used.items()
        if name in ranked[:_OWN]
    ]
    for quantity in _IF_CHANGED:
        series = scenario.series(quantity)
        if any(_change(each) > 0.0 for each in series.values()):
            chosen.append(Panel(quantity, series))
    power = scenario.series(_POWER)
    if any(_lowest(each) < _SWITCHED * _peak([each]) for each in power.values()):
        chosen.append(Panel(_POWER, power))
    return chosen


def _peak(series: Iterable[Series]) -> float:
    return max((value for each in series for _, value in each), default=0.0)


def _lowest(series: Series) -> float:
    return min((value for _, value in series), default=0.0)


def _change(series: Series) -> float:
    values = [value for _, value in series]
    return max(values) - min(values) if values else 0.0


def thin(series: Series, pairs: int = _PAIRS) -> Series:
    """Keep the lowest and the highest sample of each of so many stretches, and both ends.

    A line through them covers the same values as one through all samples.
    """
    if len(series) <= 2 * pairs:
        return series
    kept = {0, len(series) - 1}
    for number in range(pairs):
        indexes = range(number * len(series) // pairs, (number + 1) * len(series) // pairs)
        kept.add(min(indexes, key=lambda index: series[index][1]))
        kept.add(max(indexes, key=lambda index: series[index][1]))
    return tuple(series[index] for index in sorted(kept))


def parts(series: Series, longest: float) -> list[Series]:
    """Divide where nothing was sampled for longer than so many seconds: no line spans a gap."""
    divided: list[list[tuple[float, float]]] = []
    for point in series:
        if not divided or point[0] - divided[-1][-1][0] > longest:
            divided.append([])
        divided[-1].append(point)
    return [tuple(each) for each in divided]


def steps(series: Series) -> Series:
    """Keep where a value changes, and both ends."""
    last = len(series) - 1
    return tuple(
        each
        for index, each in enumerate(series)
        if index in (0, last) or each[1] != series[index - 1][1]
    )


def draw(
    texts: Texts,
    scenario: ScenarioResult,
    chosen: Sequence[Panel],
    acts: Sequence[Act],
    key: str,
) -> Markup:
    """Draw the panels of a scenario below each other, operations as numbered lines."""
    figure = new_figure(0.75 + 0.92 * len(chosen))
    axes_of: list[Axes] = list(figure.subplots(len(chosen), 1, sharex=True, squeeze=False).flat)
    times = [point[0] for point in scenario.timeline]
    begin, end = min(0.0, *times), max(times)
    styles = _styles(scenario)
    longest = _GAP * (end - begin) / len(set(times))
    for axes, panel in zip(axes_of, chosen, strict=True):
        _panel(texts, axes, panel, styles, longest)
        for act in acts:
            _operation(axes, act, end)
    levels = _number(axes_of[0], acts, end - begin)
    axes_of[0].set_title(label(_title(texts, chosen[0])), loc="left", pad=3 + _LINE * levels)
    axes_of[-1].set_xlim(begin, end)
    axes_of[-1].set_xlabel(texts("elements.time_axis"), fontsize=8.5)
    names = dict.fromkeys(name for panel in chosen if not panel.of for name in panel.series)
    handles = [Line2D([], [], **styles[name], label=label(name)) for name in names]
    add_legend(figure, handles)
    title = texts.of(scenario.title)
    return as_svg(
        figure,
        f"timeline-{key}",
        texts("elements.figure", title=title),
        texts("elements.description", title=title, count=len(acts)),
    )


def _styles(scenario: ScenarioResult) -> dict[str, dict[str, Any]]:
    """Choose a colour of each partition, VIOS and machine, and dashes if colours are too few."""
    names = dict.fromkeys(
        labels.get("partition", labels.get("site", "")) for _, _, labels, _ in scenario.timeline
    )
    return {
        name: {
            "color": _COLOURS[index % len(_COLOURS)],
            "linestyle": _DASHES[index // len(_COLOURS) % len(_DASHES)],
            "linewidth": 1.2,
        }
        for index, name in enumerate(names)
    }


def _panel(
    texts: Texts, axes: Axes, panel: Panel, styles: Mapping[str, Mapping[str, Any]], longest: float
) -> None:
    axes.set_title(label(_title(texts, panel)), loc="left", pad=3)
    scale = _BYTES if panel.quantity.endswith("_bytes") else 1.0
    if panel.entitled:
        points = steps(panel.entitled)
        axes.fill_between(
            [at for at, _ in points],
            [value for _, value in points],
            step="post",
            color="#dbe3ec",
            linewidth=0,
            zorder=1,
        )
    for name, series in panel.series.items():
        for part in parts(series, longest):
            pairs = max(1, _PAIRS * len(part) // len(series))
            points = thin(steps(part) if _stepped(panel) else part, pairs)
            axes.plot(
                [at for at, _ in points],
                [value / scale for _, value in points],
                drawstyle="steps-post" if _stepped(panel) else "default",
                marker="." if len(points) == 1 else "none",
                markersize=3,
                zorder=3,
                **styles[name],
            )
    top = max(_peak(panel.series.values()), _peak([panel.entitled])) / scale
    axes.set_ylim(0.0, 1.15 * top or 1.0)
    axes.locator_params(axis="y", nbins=3)
    if panel.quantity.endswith("_seconds"):
        axes.yaxis.set_major_formatter(lambda value, _: numbers.tick(value))
    else:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.4g}")
    axes.grid(axis="y")
    axes.tick_params(axis="both", length=0, labelsize=7.5)


def _title(texts: Texts, panel: Panel) -> str:
    if panel.of:
        return texts("elements.own_panel", partition=panel.of)
    return texts.name("quantity", panel.quantity)


def _stepped(panel: Panel) -> bool:
    """Whether a quantity changes in steps."""
    return panel.quantity in _IF_CHANGED[1:]


def _operation(axes: Axes, act: Act, last: float) -> None:
    colour = _REFUSED if _bad(act) else MUTED
    axes.axvline(act.begin, color=colour, linewidth=0.8, linestyle=(0, (3, 2)), zorder=2)
    end = last if act.end is None else act.end
    if end > act.begin:
        axes.axvspan(act.begin, end, color=colour, alpha=0.1, linewidth=0, zorder=0)


def _number(axes: Axes, acts: Sequence[Act], length: float) -> int:
    """Write the numbers of operations over the first panel and return in how many lines.

    Those of one kind at about one time are written together.
    """
    groups: list[list[Act]] = []
    for act in sorted(acts, key=lambda each: each.begin):
        near = groups and act.begin - groups[-1][0].begin < 0.022 * length
        if near and _bad(groups[-1][0]) == _bad(act):
            groups[-1].append(act)
        else:
            groups.append([act])
    before = -length
    level = highest = 0
    for group in groups:
        refused = _bad(group[0])
        at = group[0].begin
        level = (level + 1) % 3 if at - before < 0.06 * length else 0
        highest = max(highest, level)
        before = at
        text = str(group[0].number)
        if len(group) > 1:
            text += f"\N{EN DASH}{group[-1].number}"
        axes.annotate(
            f"\N{MULTIPLICATION X}{text}" if refused else text,
            (at, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2 + _LINE * level),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7.5,
            fontweight="bold",
            color=_REFUSED if refused else MUTED,
        )
    return highest + 1 if groups else 0


def _bad(act: Act) -> bool:
    return act.status in ("refused", "failed")


def table(texts: Texts, scenario: ScenarioResult, chosen: Sequence[Panel]) -> dict[str, object]:
    """Return the lowest and highest sample of each line of the figure, and means over time."""
    times = [point[0] for point in scenario.timeline]
    if not times:
        return {"ends": [], "rows": []}
    last = max(times)
    ends = [last * (number + 1) / _COLUMNS for number in range(_COLUMNS)]
    wanted = dict.fromkeys(panel.quantity for panel in chosen)
    if USED in wanted:
        wanted[ENTITLED] = None
    rows = []
    for quantity in wanted:
        for name, series in scenario.series(quantity).items():
            values = [value for _, value in series]
            rows.append(
                {
                    "quantity": texts.name("quantity", quantity),
                    "of": name,
                    "lowest": _text(quantity, min(values)),
                    "highest": _text(quantity, max(values)),
                    "means": [_mean(quantity, series, ends, column) for column in range(_COLUMNS)],
                }
            )
    return {"ends": [numbers.tick(each) for each in ends], "rows": rows}


def _mean(quantity: str, series: Series, ends: Sequence[float], column: int) -> str:
    begin = ends[column - 1] if column else -1.0
    values = [value for at, value in series if begin < at <= ends[column]]
    return _text(quantity, sum(values) / len(values)) if values else "\N{EN DASH}"


def _text(quantity: str, value: float) -> str:
    if quantity.endswith("_seconds"):
        return numbers.seconds(value)
    return f"{value / (_BYTES if quantity.endswith('_bytes') else 1.0):,.4g}"
