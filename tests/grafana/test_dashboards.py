"""Dashboards, without a Grafana: they are well-formed, and a real Prometheus answers them."""

import json
import math
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from promql import EXPOSED, metrics, selectors

from harness.campaign.schema.campaign import CampaignSettings
from reports.palette import CAUSES

GRAFANA = Path(__file__).parents[2] / "grafana"
PATHS = sorted((GRAFANA / "dashboards").glob("*.json"))
BOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in PATHS
}
PANELS = [
    (uid, panel)
    for uid, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
TARGETS = [(uid, panel, target) for uid, panel in PANELS for target in panel["targets"]]
ANNOTATIONS = [
    (uid, annotation)
    for uid, board in BOARDS.items()
    for annotation in board["annotations"]["list"]
]
QUERIES = [
    (uid, variable)
    for uid, board in BOARDS.items()
    for variable in board["templating"]["list"]
    if variable["type"] == "query"
]
UNITS = {
    "none", "percentunit", "s", "ops", "iops", "reqps", "Bps", "bytes", "watt", "dateTimeAsIso"
}  # fmt: skip
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WEIGHT = "load_partitions_app_weight"
LABEL_VALUES = re.compile(r"label_values\((?P<selector>.+), (?P<label>[a-z]+)\)")


def board_ids(value: object) -> str:
    return value if isinstance(value, str) else ""


def panel_ids(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("title") or value.get("name") or value.get("refId"))
    return str(value)


def filled(text: str, interval: str = "60s", **chosen: str) -> str:
    """Put in what Grafana would; variables of the board stand for everything unless chosen."""
    for name, value in {"__rate_interval": interval, "__range": "300s", **chosen}.items():
        text = text.replace(f"${name}", value)
    return re.sub(r"\$[a-z]+", ".*", text)


def test_there_is_one_board_for_each_view():
    assert set(BOARDS) == {
        "vtax-overview", "vtax-partition", "vtax-vios", "vtax-machine", "vtax-scenario"
    }  # fmt: skip
    assert len(TARGETS) > 60


@pytest.mark.parametrize("uid", BOARDS)
def test_a_board_can_be_provisioned_again_and_again(uid):
    board = BOARDS[uid]
    assert board["uid"] == uid
    assert "id" not in board
    assert board["editable"] is False
    assert board["timezone"] == "utc"
    assert board["title"].startswith("vtax / ")
    assert board["description"].endswith(".")
    assert "vtax" in board["tags"]


def test_boards_have_titles_of_their_own():
    assert len({board["title"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize("uid", BOARDS)
def test_a_board_opens_at_the_time_of_a_campaign(uid):
    span = BOARDS[uid]["time"]
    starts = CampaignSettings.model_fields["starts"].default
    begin, end = (datetime.fromisoformat(span[side]) for side in ("from", "to"))
    assert begin == starts
    assert begin < end


@pytest.mark.parametrize("uid", BOARDS)
def test_a_board_chooses_its_data_source_and_campaign(uid):
    first, second = BOARDS[uid]["templating"]["list"][:2]
    assert (first["name"], first["type"], first["query"]) == (
        "datasource", "datasource", "prometheus"
    )  # fmt: skip
    assert (second["name"], second["type"]) == ("campaign", "query")


@pytest.mark.parametrize("uid", BOARDS)
def test_panels_lie_side_by_side_and_have_numbers_of_their_own(uid):
    panels = BOARDS[uid]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=panel_ids)
def test_a_panel_says_what_it_shows(uid, panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["description"] != panel["title"]
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["datasource"] == DATASOURCE
    assert panel["targets"]
    same = [other for board, other in PANELS if board == uid and other["title"] == panel["title"]]
    assert len(same) == 1


@pytest.mark.parametrize(("uid", "panel", "target"), TARGETS, ids=panel_ids)
def test_an_expression_parses_and_asks_only_for_what_exists(uid, panel, target):
    assert target["datasource"] == DATASOURCE
    assert target["instant"] is not target["range"]
    expression = filled(target["expr"])
    assert metrics(expression) <= EXPOSED
    for selector in selectors(expression):
        # Nothing of another campaign may get into a panel.
        assert any(matcher.name == "campaign" for matcher in selector.matchers.matchers)


@pytest.mark.parametrize(("uid", "panel", "target"), TARGETS, ids=panel_ids)
def test_only_variables_of_the_board_are_used(uid, panel, target):
    known = {variable["name"] for variable in BOARDS[uid]["templating"]["list"]}
    used = set(re.findall(r"\$(?:\{)?([a-z_]+)", target["expr"]))
    assert used <= known | {"__rate_interval", "__range"}
    # A range of steps needs a window that follows the zoom; one moment needs all that is shown.
    assert ("$__range" in target["expr"]) is target["instant"]
    assert ("$__rate_interval" in target["expr"]) is target["range"]


@pytest.mark.parametrize(("uid", "panel", "target"), TARGETS, ids=panel_ids)
def test_a_legend_names_labels_that_the_answer_has(uid, panel, target, watched):
    if panel["type"] in ("table", "barchart"):
        return
    labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    for series in answer(watched, panel, target):
        present = {name for name, value in series["metric"].items() if value}
        # Not every virtualization is of a level of the claim.
        assert labels - {"level"} <= present


def answer(watched, panel, target, **chosen: str):
    """Ask as Grafana does: at the end of the board's time range, or in steps through it."""
    begin, end = watched.starts, watched.starts + 300
    if target["instant"]:
        return watched.prometheus.query(filled(target["expr"], **chosen), time=end)
    if panel.get("interval") == "1s":
        return watched.prometheus.query_range(filled(target["expr"], "4s", **chosen), begin, end, 1)
    return watched.prometheus.query_range(filled(target["expr"], **chosen), begin, end, 15)


@pytest.mark.parametrize(("uid", "panel", "target"), TARGETS, ids=panel_ids)
def test_a_real_prometheus_answers_with_data(uid, panel, target, watched):
    found = answer(watched, panel, target)
    values = [
        float(value) for series in found for _, value in series.get("values") or [series["value"]]
    ]
    assert any(math.isfinite(value) for value in values), filled(target["expr"])


@pytest.mark.parametrize(("uid", "variable"), QUERIES, ids=panel_ids)
def test_a_variable_offers_choices(uid, variable, watched):
    assert variable["datasource"] == DATASOURCE
    query = LABEL_VALUES.fullmatch(variable["query"]["query"])
    assert query is not None
    selector = filled(query["selector"])
    assert metrics(selector) <= EXPOSED
    span = {"start": watched.starts, "end": watched.starts + 300}
    offered = watched.prometheus.get(
        f"label/{query['label']}/values", **{"match[]": selector}, **span
    )
    assert offered
    if variable["name"] == "campaign":
        assert offered == ["watched"]


@pytest.mark.parametrize(("uid", "annotation"), ANNOTATIONS, ids=panel_ids)
def test_annotations_stand_where_operations_took_place(uid, annotation, watched):
    assert annotation["datasource"] == DATASOURCE
    assert annotation["useValueForTime"] is True
    expression = filled(annotation["expr"], replication="0")
    assert metrics(expression) <= EXPOSED
    found = watched.prometheus.query_range(expression, watched.starts, watched.starts + 300, 1)
    stood = {
        (series["metric"]["operation"], float(value) / 1000 - watched.starts)
        for series in found
        for _, value in series["values"]
    }
    move = "move 0.5 processing units from app1 to app2"
    expected = {
        "Operations begun": {(move, 3.0)},
        "Operations done": {(move, None)},
        "Operations refused or failed": {(move, 6.0)},
    }[annotation["name"]]
    assert {name for name, _ in stood} == {name for name, _ in expected}
    for (_, at), (_, planned) in zip(sorted(stood), sorted(expected), strict=True):
        if planned is not None:
            assert at == pytest.approx(planned, abs=2e-3)
        else:
            assert 3.0 < at < 6.0


def one(watched, uid: str, title: str, **chosen: str) -> dict[tuple[str, ...], float]:
    """What a panel with a single query at one moment shows, by the labels of its legend."""
    ((_, panel, target),) = [t for t in TARGETS if t[0] == uid and t[1]["title"] == title]
    labels = re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
    return {
        tuple(series["metric"].get(label, "") for label in labels): float(series["value"][1])
        for series in answer(watched, panel, target, **chosen)
    }


def test_the_overview_shows_what_the_analysis_says(watched):
    study = watched.study
    assert one(watched, "vtax-overview", "Progress") == {(): 1.0}
    assert one(watched, "vtax-overview", "Runs") == {
        ("complete",): study.complete, ("failed",): 0.0
    }  # fmt: skip
    assert one(watched, "vtax-overview", "Margin") == {(): study.campaign.margin}
    verdicts = one(watched, "vtax-overview", "Verdicts")
    assert sum(verdicts.values()) == len(study.verdict.environments)
    for outcome in ("confirmed", "refuted", "inconclusive"):
        judged = [each for each in study.verdict.environments if str(each.outcome) == outcome]
        assert verdicts[outcome,] == len(judged)


def test_extrapolation_cancels_out_of_what_is_shown_over_the_range(watched):
    shown = one(watched, "vtax-partition", "physc over the shown time", workload="vscsi-random")
    for virtualization in ("shared-uncapped", "hosted-vmware"):
        cells = [c for c in watched.study.cells if c.cell.virtualization == virtualization]
        true = sum(c.partitions["app1"]["physc_cores"] for c in cells) / len(cells)
        assert shown[virtualization, "app1"] == pytest.approx(true, rel=1e-6)


def test_where_the_time_goes_sums_to_all_of_it(watched):
    ((_, panel, target),) = [
        each
        for each in TARGETS
        if each[0] == "vtax-machine"
        and each[1]["title"] == "Processor time by cause, $virtualization"
    ]
    totals: dict[tuple[str, float], float] = {}
    for series in answer(watched, panel, target):
        if series["metric"]["virtualization"] == "full-system":
            for at, value in series["values"]:
                key = series["metric"]["virtualization"], at
                totals[key] = totals.get(key, 0.0) + float(value)
    assert totals
    for total in totals.values():
        assert total == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("uid", "panel"), [each for each in PANELS if each[1]["type"] == "table"], ids=panel_ids
)
def test_a_table_formats_columns_by_name_only(uid, panel):
    # Defaults reach every column: words under a date unit read "NaN", a label 1 reads "met".
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] == "none"
    assert not defaults.get("mappings")
    assert "decimals" not in defaults
    for override in panel["fieldConfig"]["overrides"]:
        assert override["matcher"]["id"] == "byName"


@pytest.mark.parametrize(
    ("uid", "panel"),
    [each for each in PANELS if "merge" in {t["id"] for t in each[1].get("transformations", ())}],
    ids=panel_ids,
)
def test_what_is_merged_differs_in_its_values_only(uid, panel, watched):
    rows = [
        {tuple(sorted(series["metric"].items())) for series in answer(watched, panel, target)}
        for target in panel["targets"]
    ]
    assert len(rows) > 1
    # A name of a metric that is kept would make a row of each value.
    assert "__name__" not in {label for row in rows[0] for label, _ in row}
    assert rows[0]
    assert all(row <= rows[0] for row in rows[1:])
    assert set.intersection(*rows)


def test_every_overhead_has_one_row_with_its_interval(watched):
    ((_, panel),) = [each for each in PANELS if each[1]["title"] == "Overhead with its interval"]
    shown = [
        {
            tuple(series["metric"].get(label, "") for label in ("virtualization", WEIGHT)): float(
                series["value"][1]
            )
            for series in answer(watched, panel, target, measure="slowdown")
        }
        for target in panel["targets"]
    ]
    expected = {
        (virtualization, dict(result.environment.load)["partitions.app.weight"]): overhead.interval
        for result in watched.study.environments
        if result.measure == "slowdown"
        for virtualization, overhead in result.all.items()
    }
    for found, side in zip(shown, ("estimate", "low", "high"), strict=True):
        assert found == {where: getattr(each, side) for where, each in expected.items()}


@pytest.mark.parametrize(
    ("uid", "panel"), [each for each in PANELS if each[1]["type"] == "bargauge"], ids=panel_ids
)
def test_a_bar_begins_at_zero_and_keeps_its_colour(uid, panel, watched):
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["min"] == 0
    assert defaults["color"]["mode"] == "palette-classic-by-name"
    values = [
        float(series["value"][1])
        for target in panel["targets"]
        for series in answer(watched, panel, target)
    ]
    # The longest bar needs a value above 0, or a negative one is drawn as a full bar.
    assert max(values) > 0 or defaults.get("max", 0) > 0


def test_a_negative_overhead_is_not_a_full_bar():
    panels = [panel for _, panel in PANELS if panel["title"].startswith("Firmware beside software")]
    assert len(panels) == 2
    for panel in panels:
        # The margin is always above 0.
        assert [target["legendFormat"] for target in panel["targets"]][-1] == "margin"
        assert "vtax_campaign_margin_ratio" in panel["targets"][-1]["expr"]
    assert CampaignSettings.model_fields["margin"].default > 0


def fixed_colours(panel) -> dict[str, str]:
    return {
        override["matcher"]["options"]: each["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == "color"
    }


def mapped_colours(panel) -> dict[str, str]:
    return {
        option.get("text", value): option["color"]
        for override in panel["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == "mappings"
        for mapping in each["value"]
        for value, option in mapping["options"].items()
    }


def test_outcomes_have_the_same_colours_everywhere():
    outcomes = {"confirmed": "green", "refuted": "red", "inconclusive": "yellow"}
    panels = {panel["title"]: panel for uid, panel in PANELS if uid == "vtax-overview"}
    assert fixed_colours(panels["Verdicts"]) == outcomes
    assert mapped_colours(panels["Verdict by environment"]) == outcomes
    ((_, expectations),) = [each for each in PANELS if each[1]["title"] == "Expectations"]
    assert mapped_colours(expectations) == {"met": "green", "missed": "red"}


@pytest.mark.parametrize(
    ("uid", "panel"),
    [each for each in PANELS if "stacking" in each[1]["fieldConfig"]["defaults"].get("custom", {})],
    ids=panel_ids,
)
def test_what_is_stacked_is_of_one_virtualization(uid, panel):
    assert panel["repeat"] == "virtualization"
    assert "$virtualization" in panel["title"]
    (target,) = panel["targets"]
    assert "virtualization" not in target["legendFormat"]


def test_every_cause_has_a_colour_of_its_own():
    panels = [panel for uid, panel in PANELS if uid == "vtax-machine" and "repeat" in panel]
    assert len(panels) == 2
    for panel in panels:
        colours = fixed_colours(panel)
        assert set(colours) == {*CAUSES, "idle"}
        assert len(set(colours.values())) == len(colours)
    assert fixed_colours(panels[0]) == fixed_colours(panels[1])


@pytest.mark.parametrize(("uid", "variable"), QUERIES, ids=panel_ids)
def test_all_means_every_value_that_is_offered(uid, variable):
    # ".*" would let through what the variable does not offer, such as clients among servers.
    label = LABEL_VALUES.fullmatch(variable["query"]["query"])["label"]
    matched = {
        matcher.name
        for board, _, target in TARGETS
        if board == uid
        for selector in selectors(filled(target["expr"], **{variable["name"]: "CHOSEN"}))
        for matcher in selector.matchers.matchers
        if matcher.value == "CHOSEN"
    }
    assert matched
    if variable.get("allValue") is not None:
        assert matched == {label}


def test_servers_only_are_shown_as_servers(watched):
    ((_, variable),) = [each for each in QUERIES if each[1]["name"] == "vios"]
    assert "allValue" not in variable
    ((_, panel, target),) = [each for each in TARGETS if each[1]["title"] == "physc of the server"]
    shown = answer(watched, panel, target, vios="(vios1)", workload="vscsi-random")
    assert {series["metric"]["partition"] for series in shown} == {"vios1"}


@pytest.mark.parametrize(
    ("uid", "panel"), [each for each in PANELS if each[1]["type"] == "timeseries"], ids=panel_ids
)
def test_an_axis_has_as_many_decimals_as_its_ticks_need(uid, panel):
    # With decimals stated, small values have ticks "0.00, 0.00, 0.00" and shares only 0 and 100 %.
    assert "decimals" not in panel["fieldConfig"]["defaults"]
