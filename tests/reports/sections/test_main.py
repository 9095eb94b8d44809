"""The content of sections."""

from dataclasses import replace

from harness.results.record import CellRecord
from reports.evidence import Evidence
from reports.i18n import Texts
from reports.sections import main as sections
from reports.view import ReportView


def group(**changes):
    return {
        "name": "ask",
        "users": 4,
        "arrivals_per_second": None,
        "think_time_seconds": 0.15,
        **changes,
    }


def arrivals(make_product, shipped, *groups):
    study = make_product(shipped)
    cells = [
        CellRecord(
            position=position,
            machine=f"machine-{position}",
            os="os-0",
            virtualization="full-system",
            workload="work",
            load=(),
            infeasible=None,
            parameters={"nominal_system": {"partitions": [{"groups": [each]}]}},
        )
        for position, each in enumerate(groups)
    ]
    campaign = replace(study.campaign, cells=tuple(cells))
    view = ReportView(replace(study, campaign=campaign), Texts("en"), Evidence())
    return [(row["work"], row["group"], row["model"]) for row in sections._arrivals(view)]


def test_names_the_way_in_which_work_arrives(make_product, shipped):
    rows = arrivals(make_product, shipped, group(), group(name="app1/ask", users=16))
    (place, name, model) = rows[0]
    assert (place, name) == ("work", "ask")
    assert (
        model == "closed; users: 4 to 16, each sends the next request 150\N{NO-BREAK SPACE}ms "
        "after the last response"
    )
    assert len(rows) == 1
    (eager,) = arrivals(make_product, shipped, group(users=1, think_time_seconds=0.0))
    assert "users: 1, each sends the next request at once" in eager[2]
    (opened,) = arrivals(make_product, shipped, group(users=None, arrivals_per_second=250.0))
    assert opened[2].startswith("open; requests per second: 250")


def test_commands_are_safe_to_paste(make_product, shipped):
    study = make_product(shipped, source="/home/me/my study; rm -rf x.toml", name="a b")
    found = sections.repeat(ReportView(study, Texts("en"), Evidence()))
    assert found["commands"][0].startswith("vtax run 'my study; rm -rf x.toml' --seed 2007")
    assert found["commands"][1] == "vtax verdict 'results/a b'"
    assert found["file"] == "my study; rm -rf x.toml"


def test_adaptive_replications_are_left_to_the_campaign(make_product, shipped):
    study = make_product(shipped)
    counts = {"minimum": 2, "maximum": 60, "half_width": 0.01}
    adaptive = replace(study, campaign=replace(study.campaign, replications=counts))
    view = ReportView(adaptive, Texts("en"), Evidence())
    assert "--replications" not in sections.repeat(view)["commands"][0]
    assert sections.method(view)["replications"].startswith("2 to 60 times")
