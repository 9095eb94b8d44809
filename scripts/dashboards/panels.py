"""Parts of every dashboard: selectors, queries, panels, links, colours."""

from dataclasses import dataclass
from typing import Any, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    FieldColor,
    QueryVariable,
    ThresholdsConfig,
)
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TableCellHeight,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from harness.catalog import load_catalog
from reports.palette import CAUSES, styles

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

NAMES = load_catalog().virtualizations
SHIPPED = {
    "firmware": ["shared-uncapped"],
    "software": [name for name in NAMES if name.startswith("hosted-")],
}
"""Levels as the claims of the shipped campaigns have them."""


def readable(colour: str) -> str:
    """Lighten a colour of the report until it can be read on Grafana's dark ground, too."""
    channels = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    while 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2] < 105:
        channels = [channel + (255 - channel) // 16 for channel in channels]
    return "#" + "".join(f"{channel:02x}" for channel in channels)


VIRTUALIZATIONS = {name: readable(style.colour) for name, style in styles(NAMES, SHIPPED).items()}
CAUSE_COLOURS = {**{name: readable(colour) for name, colour in CAUSES.items()}, "idle": "#4f7a6a"}
OUTCOMES = {0: ("refuted", "red"), 1: ("inconclusive", "yellow"), 2: ("confirmed", "green")}

FACTORS = ("machine", "os", "workload", "virtualization")
ENVIRONMENT = 'campaign="$campaign",machine="$machine",os="$os",workload="$workload"'
CELL = f'{ENVIRONMENT},virtualization="$virtualization",cell="$cell"'

AnyPanel = TypeVar("AnyPanel", bargauge.Panel, stat.Panel, table.Panel, timeseries.Panel)


# Expressions


def last(metric: str, matchers: str = 'campaign="$campaign"', **equal: str) -> str:
    """Last value of each series, whatever the time range: campaigns have times of their own."""
    matchers = ",".join([matchers, *(f'{name}="{value}"' for name, value in equal.items())])
    return f"last_over_time({metric}{{{matchers}}}[100y] @ 4102444800)"


def shown(metric: str, matchers: str = CELL) -> str:
    """Last value of each series of a cell in the time range."""
    return f"last_over_time({metric}{{{matchers}}}[$__range])"


def increase(metric: str, matchers: str = CELL) -> str:
    """Increase of a counter of a cell over the time range."""
    return f"increase({metric}{{{matchers}}}[$__range])"


def per_second(metric: str, matchers: str = CELL) -> str:
    """Increase for each second of simulated time: extrapolation is the same for both."""
    return (
        f"{increase(metric, matchers)} / on (virtualization, cell, replication) group_left () "
        + increase("vtax_simulated_seconds_total", CELL)
    )


def mean(labels: str, expression: str) -> str:
    """Mean over what is not named, such as replications."""
    return f"avg by ({labels}) ({expression})"


def ratio(labels: str, above: str, below: str, matchers: str = CELL) -> str:
    """Ratio of two counters' increases over the time range."""
    parts = (f"sum by ({labels}) ({increase(each, matchers)})" for each in (above, below))
    return " / ".join(parts)


def otherwise(expression: str, label: str, text: str, value: float = 0) -> str:
    """Show one row that says why there is none where nothing is found."""
    return f'{expression} or on () label_replace(vector({value:g}), "{label}", "{text}", "", "")'


# Queries


def query(expression: str, legend: str = "") -> prometheus.Dataquery:
    """Ask at the end of the time range."""
    asked = prometheus.Dataquery().expr(expression).legend_format(legend or "value")
    return asked.instant().format(PromQueryFormat.TIME_SERIES).datasource(DATASOURCE)


def history(expression: str, legend: str) -> prometheus.Dataquery:
    """Ask in steps through the time range."""
    asked = prometheus.Dataquery().expr(expression).legend_format(legend)
    return asked.range().format(PromQueryFormat.TIME_SERIES).datasource(DATASOURCE)


# Panels


def fixed(name: str, colour: str) -> tuple[str, list[DynamicConfigValue]]:
    """Colour of the series of one name."""
    value = {"mode": "fixed", "fixedColor": colour}
    return name, [DynamicConfigValue(id_val="color", value=value)]


def _common(
    panel: AnyPanel, title: str, description: str, width: int, height: int, unit: str
) -> AnyPanel:
    return (
        panel.title(title)
        .description(description)
        .datasource(DATASOURCE)
        .span(width)
        .height(height)
        .unit(unit)
    )


def _coloured(panel: AnyPanel, colours: dict[str, str]) -> AnyPanel:
    panel.color_scheme(FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    for name, colour in colours.items():
        panel.override_by_name(*fixed(name, colour))
    return panel


def bars(
    title: str,
    description: str,
    *queries: prometheus.Dataquery,
    unit: str = "none",
    width: int = 8,
    height: int = 8,
    most: float | None = None,
    colours: dict[str, str] | None = None,
) -> bargauge.Panel:
    """Horizontal bars from 0 on, one for each series."""
    panel = _common(bargauge.Panel(), title, description, width, height, unit)
    panel.min(0).orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if most is not None:
        panel.max(most)
    _coloured(panel, colours or {})
    return panel.targets(list(queries))


def figures(
    title: str,
    description: str,
    *queries: prometheus.Dataquery,
    unit: str = "none",
    width: int = 4,
    height: int = 4,
    colours: dict[str, str] | None = None,
    wrong: bool = False,
) -> stat.Panel:
    """Numbers; where `wrong`, red from 1 on."""
    panel = _common(stat.Panel(), title, description, width, height, unit)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.graph_mode(BigValueGraphMode.NONE).color_mode(BigValueColorMode.VALUE)
    steps = [Threshold(value=None, color="green" if wrong else "text")]
    if wrong:
        steps.append(Threshold(value=1, color="red"))
    panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    panel.color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
    for name, colour in (colours or {}).items():
        panel.override_by_name(*fixed(name, colour))
    return panel.targets(list(queries))


def lines(
    title: str,
    description: str,
    *queries: prometheus.Dataquery,
    unit: str = "none",
    width: int = 8,
    height: int = 8,
    most: float | None = None,
    stacked: bool = False,
    colours: dict[str, str] | None = None,
    step: str = "10ms",
) -> timeseries.Panel:
    """Lines from 0 on; `step` is the shortest."""
    panel = _common(timeseries.Panel(), title, description, width, height, unit)
    panel.min(0).interval(step).line_width(1).span_nulls(True).point_size(4)
    panel.fill_opacity(70 if stacked else 0).show_points(VisibilityMode.AUTO)
    if most is not None:
        panel.max(most)
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    panel.legend(legend.placement(LegendPlacement.BOTTOM).show_legend(True))
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    _coloured(panel, colours or {})
    # $__rate_interval follows from the query's step, not from the panel's.
    return panel.targets([each.interval(step) for each in queries])


@dataclass(frozen=True)
class Column:
    """A column of a table: a label of the first query, or the value of one."""

    title: str
    label: str = ""
    """Name of the label; empty for a value."""
    value: str = ""
    """Expression; empty for a label."""
    unit: str = ""
    width: int = 0
    link: str = ""
    hidden: bool = False
    words: dict[float, tuple[str, str]] | None = None
    """Value -> word and colour."""
    wrong: bool = False
    """Red from 1 on."""
    coloured: dict[str, str] | None = None
    """Text -> colour."""

    def properties(self) -> list[DynamicConfigValue]:
        """Everything that Grafana sets on the column."""
        found: dict[str, Any] = {}
        if self.unit:
            found["unit"] = self.unit
        if self.width:
            found["custom.width"] = self.width
        if self.hidden:  # of Grafana to 12.1, and of later ones
            found |= {"custom.hidden": True, "custom.hideFrom": {"viz": True}}
        if self.link:
            found["links"] = [{"title": "Look closer", "url": self.link, "targetBlank": False}]
        if self.words:
            found["mappings"] = _mappings(self.words)
            found["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
            found["color"] = {"mode": "thresholds"}
        if self.coloured:
            found["mappings"] = _mappings({name: (name, c) for name, c in self.coloured.items()})
            found["custom.cellOptions"] = {"type": "color-text"}
        if self.wrong:
            steps = [{"color": "green", "value": None}, {"color": "red", "value": 1}]
            found["thresholds"] = {"mode": "absolute", "steps": steps}
            found["custom.cellOptions"] = {"type": "color-text"}
            found["color"] = {"mode": "thresholds"}
        return [DynamicConfigValue(id_val=name, value=value) for name, value in found.items()]


def _mappings(words: dict[Any, tuple[str, str]]) -> list[dict[str, Any]]:
    options = {
        str(value): {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]


def rows(
    title: str,
    description: str,
    *columns: Column,
    sort: tuple[str, bool],
    width: int = 24,
    height: int = 8,
    others: str = "",
) -> table.Panel:
    """Table with a row for each set of labels; `others` is a pattern of labels shown as they are.

    Expressions keep no name of a metric and the same labels, so that "merge" finds the rows.
    """
    panel = _common(table.Panel(), title, description, width, height, "none")
    panel.cell_height(TableCellHeight.SM)
    values = [column for column in columns if column.value]
    names: dict[str, str] = {}
    for ref, column in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", values, strict=False):
        panel.with_target(query(column.value).format(PromQueryFormat.TABLE).ref_id(ref))
        names[column.title] = "Value" if len(values) == 1 else f"Value #{ref}"
    names |= {column.title: column.label for column in columns if column.label}
    pattern = "|".join([*(f"^{name}$" for name in names.values()), *filter(None, [others])])
    field, descending = sort
    for kind, options in (
        ("merge", {}) if len(values) > 1 else ("", {}),
        ("filterFieldsByName", {"include": {"pattern": pattern}}),
        (
            "organize",
            {
                "excludeByName": {},
                "indexByName": {names[column.title]: n for n, column in enumerate(columns)},
                "renameByName": {name: title for title, name in names.items()},
            },
        ),
        ("sortBy", {"fields": {}, "sort": [{"field": field, "desc": descending}]}),
    ):
        if kind:
            panel.with_transformation(DataTransformerConfig(id_val=kind, options=options))
    for column in columns:
        if properties := column.properties():
            panel.override_by_name(column.title, properties)
    return panel


# Links and variables


def link(uid: str, *, begin: str = "", end: str = "", **variables: str) -> str:
    """Address of a dashboard with variables; `begin` and `end` are columns with milliseconds.

    A variable's value is a column of the row in brackets, or a text.
    """

    def field(name: str, kind: str) -> str:
        return f'${{__data.fields["{name}"]{kind}}}'

    parts = ["var-datasource=${datasource}"]
    for name, value in variables.items():
        column = value.removeprefix("[").removesuffix("]")
        parts.append(f"var-{name}=" + (value if column == value else field(column, "")))
    if begin:
        parts += [f"from={field(begin, '.numeric')}", f"to={field(end, '.numeric')}"]
    return f"/d/{uid}?" + "&".join(parts)


def scenario_link(**variables: str) -> str:
    """Address of a row's scenario, at the times of its columns `begins` and `ends`."""
    return link(
        "vtax-scenario",
        begin="begins",
        end="ends",
        campaign="${campaign}",
        scenario="[scenario]",
        **variables,
    )


def variable(name: str, label: str, asked: str, regex: str = "") -> QueryVariable:
    """Variable with the values that a question to Prometheus finds in the time range."""
    return (
        QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": asked, "refId": name})
        .regex(regex)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def drill_down(metric: str, names: tuple[str, ...], matchers: str = "") -> list[QueryVariable]:
    """Make a variable for each label, each within the choice of those before it."""
    made, chosen = [], [matchers] if matchers else []
    for name in names:
        within = f"{metric}{{{','.join(chosen)}}}" if chosen else metric
        made.append(variable(name, name.capitalize(), f"label_values({within}, {name})"))
        chosen.append(f'{name}="${name}"')
    return made


def board(uid: str, title: str, description: str, begin: str, end: str) -> Dashboard:
    """Dashboard with its data source and links to the others."""
    others = DashboardLink("vtax").type(DashboardLinkType.DASHBOARDS).tags(["vtax"])
    live = DashboardLink("Live machine").type(DashboardLinkType.LINK)
    return (
        Dashboard(f"vtax / {title}")
        .uid(uid)
        .description(description)
        .tags(["vtax"])
        .readonly()
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(begin, end)
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .link(others.as_dropdown(True).include_vars(True).keep_time(True).icon("external link"))
        .link(live.url("/d/vtax-live?from=now-15m&to=now").icon("bolt"))
    )
