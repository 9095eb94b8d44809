"""Dashboards, without a Grafana: they are well-formed, and a real Prometheus answers them."""

import json
import math
import re
import runpy
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from backfilled import Prometheus, prometheus_with
from promql import EXPOSED, metrics, selectors
from serving import free_port
from stores import export

from harness.analysis.samples import analysis_samples
from harness.analysis.study import analyse
from harness.catalog import load_catalog
from harness.results.store import Store
from reports.palette import CAUSES

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
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
TABLES = [each for each in PANELS if each[1]["type"] == "table"]
ANNOTATIONS = BOARDS["vtax-scenario"]["annotations"]["list"]
VARIABLES = [
    (uid, variable)
    for uid, board in BOARDS.items()
    for variable in board["templating"]["list"]
    if variable["type"] == "query"
]
BACKFILLED = [uid for uid in BOARDS if uid != "vtax-live"]
PACING = {"vtax_pacing_speed_ratio", "vtax_pacing_late_seconds", "vtax_pacing_worst_late_seconds"}
UNITS = {
    "none", "percentunit", "s", "ops", "iops", "reqps", "Bps", "bytes", "watt"
}  # fmt: skip
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WEIGHT = "load_partitions_app_weight"
LABEL_VALUES = re.compile(r"label_values\((?P<selector>.+), (?P<label>[a-z]+)\)")
QUERY_RESULT = re.compile(r"query_result\((?P<expression>.+)\)")
BEGIN = 1175472000
"""2 April 2007, where simulated time begins."""


def panel_ids(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("title") or value.get("name") or value.get("refId"))
    return str(value)


def filled(text: str, chosen: Mapping[str, str], seconds: float = 300, step: str = "60s") -> str:
    """Put in what Grafana would."""
    values = {**chosen, "__rate_interval": step, "__range": f"{max(1, round(seconds))}s"}
    return re.sub(r"\$\{?([A-Za-z_]\w*)\}?", lambda found: values[found[1]], text)


class View:
    """A dashboard as it opens, on a real Prometheus."""

    def __init__(
        self,
        prometheus: Prometheus,
        uid: str,
        span: tuple[float, float] | None = None,
        **chosen: str,
    ) -> None:
        self.prometheus = prometheus
        self.uid = uid
        self.end = BEGIN + (
            2 * 86400 if uid in ("vtax-machine", "vtax-partition", "vtax-vios") else 300
        )
        self.begin = BEGIN
        if uid == "vtax-live":
            self.end = int(time.time())
            self.begin = self.end - 900
        if span is not None:
            self.begin, self.end = span
        self.chosen: dict[str, str] = {}
        for variable in BOARDS[uid]["templating"]["list"][1:]:
            offered = self.offered(variable)
            name = variable["name"]
            self.chosen[name] = chosen.get(name) or (offered[0] if offered else "")

    def offered(self, variable: dict[str, Any]) -> list[str]:
        """List the values of a variable."""
        if variable["type"] == "custom":
            return str(variable["query"]).split(",")
        asked = filled(variable["query"]["query"], self.chosen)
        if found := LABEL_VALUES.fullmatch(asked):
            span = {"start": self.begin, "end": self.end}
            match = {"match[]": found["selector"]}
            return sorted(self.prometheus.get(f"label/{found['label']}/values", **match, **span))
        found = QUERY_RESULT.fullmatch(asked)
        assert found is not None
        label = re.fullmatch(r'/(\w+)="\(\[\^"\]\S\)"/', variable["regex"])
        assert label is not None
        answer = self.prometheus.query(found["expression"], time=self.end)
        return sorted(series["metric"][label[1]] for series in answer)

    def answer(self, panel: dict[str, Any], target: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask as Grafana does: at the end of the time range, or in steps through it."""
        expression = filled(target["expr"], self.chosen, self.end - self.begin, "4s")
        if target["instant"]:
            return self.prometheus.query(expression, time=self.end)
        return self.prometheus.query_range(
            expression, self.begin, self.end, (self.end - self.begin) / 300
        )

    def values(self, title: str, column: str = "") -> dict[tuple[str, ...], float]:
        """Read a bar gauge, or a column of a table, by all labels but the campaign."""
        ((_, panel),) = [
            each for each in PANELS if each == (self.uid, each[1]) and each[1]["title"] == title
        ]
        (target, *_) = panel["targets"]
        if column:
            names = {new: old for old, new in organized(panel)["renameByName"].items()}
            ref = names[column].removeprefix("Value").removeprefix(" #") or "A"
            (target,) = [each for each in panel["targets"] if each["refId"] == ref]
        return {
            tuple(v for k, v in sorted(series["metric"].items()) if k != "campaign"): float(
                series["value"][1]
            )
            for series in self.answer(panel, target)
        }


def organized(panel: dict[str, Any]) -> dict[str, Any]:
    """Give the options of a table's columns."""
    (options,) = [each["options"] for each in panel["transformations"] if each["id"] == "organize"]
    return options


def properties(panel: dict[str, Any], name: str) -> dict[str, Any]:
    """Give a property of every series or column that has it."""
    return {
        override["matcher"]["options"]: each["value"]
        for override in panel["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == name
    }


def test_there_is_one_board_for_each_view():
    assert set(BOARDS) == {
        "vtax-overview", "vtax-partition", "vtax-vios", "vtax-machine", "vtax-scenario", "vtax-live"
    }  # fmt: skip
    assert len(TARGETS) > 60


def test_the_files_are_what_the_source_makes():
    made = runpy.run_path(str(ROOT / "scripts" / "dashboards"), run_name="dashboards")["boards"]()
    assert made == BOARDS


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
    assert target.get("instant", False) is not target.get("range", False)
    known = {variable["name"]: "chosen" for variable in BOARDS[uid]["templating"]["list"]}
    expression = filled(target["expr"], known)
    assert metrics(expression) <= EXPOSED | PACING
    for selector in selectors(expression):
        # Nothing of another campaign may get into a panel, except into the list of campaigns.
        assert any(matcher.name == "campaign" for matcher in selector.matchers.matchers)


@pytest.mark.parametrize(("uid", "panel"), TABLES, ids=panel_ids)
def test_a_table_formats_columns_by_name_only(uid, panel):
    # Defaults reach every column: words under a date unit read "NaN", a label 1 reads "met".
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] == "none"
    assert not defaults.get("mappings")
    assert "decimals" not in defaults
    columns = set(organized(panel)["renameByName"].values())
    for override in panel["fieldConfig"]["overrides"]:
        assert override["matcher"]["id"] == "byName"
        assert override["matcher"]["options"] in columns


@pytest.mark.parametrize(("uid", "panel"), TABLES, ids=panel_ids)
def test_a_link_of_a_row_has_what_it_needs(uid, panel):
    columns = set(organized(panel)["renameByName"].values())
    for links in properties(panel, "links").values():
        for each in links:
            target, _, query = each["url"].removeprefix("/d/").partition("?")
            known = {variable["name"] for variable in BOARDS[target]["templating"]["list"]}
            assert set(re.findall(r"var-(\w+)=", query)) <= known
            assert set(re.findall(r'__data\.fields\["(.+?)"\]', query)) <= columns
            here = {variable["name"] for variable in BOARDS[uid]["templating"]["list"]}
            assert set(re.findall(r"\$\{(\w+)\}", query)) <= here
            assert "from=${__data.fields" in query
            assert "to=${__data.fields" in query


def test_every_row_of_the_overview_leads_on():
    for uid, panel in TABLES:
        if uid == "vtax-overview" and panel["title"] != "Claim":
            assert properties(panel, "links"), panel["title"]


@pytest.mark.parametrize(
    ("uid", "panel"), [each for each in PANELS if each[1]["type"] == "bargauge"], ids=panel_ids
)
def test_a_bar_begins_at_zero_and_keeps_its_colour(uid, panel):
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["min"] == 0
    assert defaults["color"]["mode"] == "palette-classic-by-name"


@pytest.mark.parametrize(
    ("uid", "panel"), [each for each in PANELS if each[1]["type"] == "timeseries"], ids=panel_ids
)
def test_an_axis_has_as_many_decimals_as_its_ticks_need(uid, panel):
    # With decimals stated, small values have ticks "0.00, 0.00, 0.00" and shares only 0 and 100 %.
    assert "decimals" not in panel["fieldConfig"]["defaults"]


def test_a_negative_overhead_is_not_a_full_bar():
    panels = [
        panel for _, panel in PANELS if panel["title"] in ("Highest overhead", "Lowest overhead")
    ]
    assert len(panels) == 2
    for panel in panels:
        # The margin is always above 0.
        assert [target["legendFormat"] for target in panel["targets"]][-1] == "margin"


def test_a_virtualization_has_one_colour_everywhere():
    found = [
        {name: value["fixedColor"] for name, value in properties(panel, "color").items()}
        for _, panel in PANELS
        if "full-system" in properties(panel, "color")
    ]
    found += [
        {text: option["color"] for text, option in mappings[0]["options"].items()}
        for _, panel in TABLES
        for column, mappings in properties(panel, "mappings").items()
        if column == "virtualization"
    ]
    assert len(found) == 6
    for name in load_catalog().virtualizations:
        assert len({colours[name] for colours in found}) == 1
    names = load_catalog().virtualizations
    assert len({found[0][name] for name in names}) == len(names)


def test_every_cause_has_a_colour_of_its_own():
    panels = [panel for _, panel in PANELS if panel["title"] == "Processor time by cause"]
    assert len(panels) == 2
    for panel in panels:
        colours = {name: value["fixedColor"] for name, value in properties(panel, "color").items()}
        assert set(colours) == {*CAUSES, "idle"}
        assert len(set(colours.values())) == len(colours)


def test_outcomes_have_the_same_colours_everywhere():
    words = {
        option["text"]: option["color"]
        for _, panel in TABLES
        for column, mappings in properties(panel, "mappings").items()
        if column in ("outcome", "result")
        for option in mappings[0]["options"].values()
    }
    assert words == {
        "confirmed": "green", "refuted": "red", "inconclusive": "yellow", "none": "transparent",
        "met": "green", "missed": "red",
    }  # fmt: skip


def check_default_view(view: View) -> None:
    """Every panel has data, no more than 12 lines, and nothing that "merge" would not merge."""
    for uid, panel in PANELS:
        if uid != view.uid:
            continue
        answers = [view.answer(panel, target) for target in panel["targets"]]
        values = [
            float(value)
            for found in answers
            for series in found
            for _, value in series.get("values") or [series["value"]]
        ]
        assert any(math.isfinite(value) for value in values), panel["title"]
        if panel["type"] != "table":
            assert sum(map(len, answers)) <= 12, panel["title"]
        # A name of a metric that is kept would make a row of each value.
        assert not any(
            "__name__" in s["metric"] for found in answers for s in found if len(answers) > 1
        )
        if panel["type"] == "table" and len(answers) > 1:
            rows = [{frozenset(series["metric"].items()) for series in found} for found in answers]
            assert set.union(*rows) == max(rows, key=len), panel["title"]


@pytest.mark.parametrize("uid", BACKFILLED)
def test_the_default_view_has_data(uid, watched):
    check_default_view(View(watched.prometheus, uid, campaign="watched"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> Iterator[Prometheus]:
    """A matrix and scenarios that are shipped, in one Prometheus."""
    folder = tmp_path_factory.mktemp("shipped")
    vtax = [sys.executable, "-c", "from harness.cli.app import main; main()"]
    files = []
    for name in ("smoke", "seven-elements"):
        out = folder / name
        subprocess.run([*vtax, "run", name, "--out", out], check=True, capture_output=True)
        with Store.open(out) as store:
            files.append(export(store, "openmetrics", analysis_samples(analyse(store))))
    with prometheus_with(files, folder, []) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("campaign", ["smoke", "seven-elements"])
@pytest.mark.parametrize("uid", BACKFILLED)
def test_the_default_view_of_a_shipped_campaign_has_data(uid, campaign, shipped):
    view = View(shipped, uid, campaign=campaign)
    if uid == "vtax-scenario":
        (campaign_variable,) = [
            v for board, v in VARIABLES if (board, v["name"]) == (uid, "campaign")
        ]
        assert view.offered(campaign_variable) == ["seven-elements"]
        view = View(shipped, uid)
    check_default_view(view)


def followed(view: View, panel: dict[str, Any]) -> View:
    """Open the dashboard that the first row of a table links to, with its time range."""
    options = organized(panel)["renameByName"]
    (links,) = properties(panel, "links").values()
    target, _, query = links[0]["url"].removeprefix("/d/").partition("?")
    answers = {target["refId"]: view.answer(panel, target) for target in panel["targets"]}
    row = answers["A"][0]["metric"]

    def value(title: str) -> str:
        (field,) = [old for old, new in options.items() if new == title]
        if not field.startswith("Value"):
            return str(row[field])
        found = answers[field.removeprefix("Value #")]
        same = [each for each in found if row.items() <= each["metric"].items()]
        return str(same[0]["value"][1])

    filled_in = re.sub(r'\$\{__data\.fields\["(.+?)"\](\.numeric)?\}', lambda f: value(f[1]), query)
    chosen = dict(
        part.split("=") for part in filled(filled_in, view.chosen | {"datasource": ""}).split("&")
    )
    span = float(chosen.pop("from")) / 1000, float(chosen.pop("to")) / 1000
    names = {name.removeprefix("var-"): text for name, text in chosen.items()}
    names.pop("datasource")
    return View(view.prometheus, target, span, **names)


@pytest.mark.parametrize(
    "panel",
    [
        panel
        for uid, panel in TABLES
        if uid in ("vtax-overview", "vtax-scenario") and properties(panel, "links")
    ],
    ids=panel_ids,
)
def test_a_link_of_a_row_leads_to_data(panel, watched):
    uid = "vtax-scenario" if panel["title"] == "This scenario" else "vtax-overview"
    view = followed(View(watched.prometheus, uid, campaign="watched"), panel)
    if panel["title"] != "Campaigns":
        assert view.chosen["campaign"] == "watched"
    check_default_view(view)


@pytest.mark.slow
def test_the_view_of_a_live_machine_has_data(tmp_path):
    ports = [free_port(), free_port()]
    watch = [
        *(sys.executable, "-c", "from harness.cli.app import main; main()", "watch", "smoke"),
        *("--only", "virtualization=shared-uncapped", "--only", "workload=vscsi-random"),
        *("--only", "os=aix-5.3", "--port", str(ports[0]), "--metrics-port", str(ports[1])),
    ]
    with subprocess.Popen(watch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with prometheus_with([], tmp_path, scraped=[f"127.0.0.1:{ports[1]}"]) as server:
                for _ in range(240):
                    if server.query("count_over_time(vtax_pacing_speed_ratio[1m]) > 9"):
                        break
                    time.sleep(0.5)
                check_default_view(View(server, "vtax-live"))
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("uid", "variable"), [each for each in VARIABLES if each[0] in BACKFILLED], ids=panel_ids
)
def test_a_variable_offers_choices(uid, variable, watched):
    assert variable["datasource"] == DATASOURCE
    offered = View(watched.prometheus, uid, campaign="watched").offered(variable)
    assert offered
    if variable["name"] == "campaign":
        assert offered == (["present", "watched"] if uid == "vtax-overview" else ["watched"])


def test_servers_open_where_there_is_work_for_them(watched):
    view = View(watched.prometheus, "vtax-vios")
    assert view.chosen["virtualization"] == "shared-uncapped"
    assert set(view.values("Virtual SCSI", "operations")) == {("vios1",)}
    assert set(view.values("Processors of the servers", "physc")) == {("vios1",)}


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=panel_ids)
def test_annotations_stand_where_operations_took_place(annotation, watched):
    assert annotation["datasource"] == DATASOURCE
    assert annotation["useValueForTime"] is True
    expression = filled(annotation["expr"], View(watched.prometheus, "vtax-scenario").chosen)
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


def test_the_overview_shows_what_the_analysis_says(watched):
    study = watched.study
    view = View(watched.prometheus, "vtax-overview", campaign="watched", measure="slowdown")
    codes = {"refuted": 0, "inconclusive": 1, "confirmed": 2}
    assert view.values("Claim", "outcome") == {
        (each.part.name,): codes[str(each.outcome)] for each in study.verdict.parts
    }
    shown = view.values("Verdict by environment", "outcome")
    assert sorted(shown.values()) == sorted(
        codes[str(each.outcome)] for each in study.verdict.environments
    )
    assert list(view.values("Failed runs").values()) == [0]
    assert list(view.values("Complete runs").values()) == [1]
    missed = sum(not row.passed for row in study.elements.rows)
    assert list(view.values("Scenarios", "missed").values()) == [missed * 6]
    for column, side in (("overhead", "estimate"), ("low", "low"), ("high", "high")):
        assert {
            (key[1], key[-2]): value for key, value in view.values("Cells", column).items()
        } == {
            (dict(result.environment.load)["partitions.app.weight"], virtualization): getattr(
                overhead.interval, side
            )
            for result in study.environments
            if result.measure == "slowdown"
            for virtualization, overhead in result.all.items()
        }


def test_extrapolation_cancels_out_of_what_is_shown_over_the_range(watched):
    for virtualization in ("shared-uncapped", "hosted-vmware"):
        view = View(
            watched.prometheus,
            "vtax-partition",
            workload="vscsi-random",
            virtualization=virtualization,
        )
        (summary,) = [c for c in watched.study.cells if str(c.cell.position) == view.chosen["cell"]]
        assert view.values("Partitions", "physc")["app1",] == pytest.approx(
            summary.partitions["app1"]["physc_cores"], rel=1e-6
        )


def test_where_the_time_goes_sums_to_all_of_it(watched):
    view = View(watched.prometheus, "vtax-machine")
    assert sum(view.values("Processor time by cause").values()) == pytest.approx(1.0)
