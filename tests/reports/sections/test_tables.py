"""Tables hold what the analysis found, nothing else."""

import math
from dataclasses import replace

import pytest

from harness.analysis.finding import Span
from harness.analysis.study import study
from harness.statistics.ratios import share
from reports import format as numbers
from reports.i18n import Texts
from reports.sections import tables
from reports.view import ReportView


@pytest.fixture(scope="module")
def view(make_product, shipped):
    shape = {"machines": 2, "systems": 2, "workloads": 3, "loads": 2}
    return ReportView(make_product(shipped, **shape), Texts("en"), {})


def test_the_matrix_has_every_environment_once(view):
    (part,) = view.study.verdict.parts
    judged = {each.environment: each for each in part.measures[0].environments}
    rows = tables.matrix(view, part.measures[0].environments)
    assert [row["machine"] for row in rows] == ["machine-0"] * 4 + ["machine-1"] * 4
    assert [row["first"] for row in rows] == [True, False, False, False] * 2
    assert all(row["span"] == 4 for row in rows)
    assert [row["load"] for row in rows[:4]] == ["factor-0 = 0", "factor-0 = 1"] * 2
    for row in rows:
        load = (("factor-0", row["load"][-1]),)
        for workload, cell in zip(view.workloads, row["cells"], strict=True):
            result = judged[row["machine"], row["os"], workload, load]
            assert cell["outcome"] == str(result.outcome)
            assert cell["firmware"].estimate == numbers.overhead(result.firmware.interval.estimate)
            assert cell["software"].virtualization == "hosted-uml"


def test_overheads_have_a_column_for_each_virtualization_but_the_baseline(view):
    rows = tables.overhead_rows(view, "processor-time", "machine-1")
    assert len(rows) == 2 * 3 * 2
    for row in rows:
        assert [cost.virtualization for cost in row["costs"]] == ["shared-uncapped", "hosted-uml"]
        assert row["deciding"] == ["shared-uncapped", "hosted-uml"]
        assert row["samples"] == "2"


def test_cells_show_microseconds_and_quantiles(view):
    names = ("user", "os", "hypervisor")
    rows = tables.cell_rows(view, "machine-0", names)
    assert len(rows) == 2 * 3 * 2 * 3
    assert [row["first"] for row in rows[:4]] == [True, False, False, True]
    cell = view.cell(("machine-0", "os-0", *view.works[0]), "full-system")
    for name, text in zip(names, rows[0]["causes"], strict=True):
        assert float(text.replace(",", "")) == pytest.approx(
            1e6 * cell.causes[name].estimate, rel=0.01
        )
    assert rows[0]["quantiles"][0][0] == numbers.seconds(cell.response.quantiles["p50"].estimate)
    assert rows[0]["level"] == "baseline"


def test_extra_processor_time_is_told_by_cause(view):
    environment = ("machine-0", "os-0", *view.works[0])
    result = view.result(environment, "processor-time")
    here = view.cell(environment, "shared-uncapped").causes["hypervisor"].estimate
    there = view.cell(environment, "full-system").causes["hypervisor"].estimate
    assert tables.extra(view, result) == f"hypervisor {numbers.seconds(here - there)}"


def test_what_processor_time_does_not_explain_is_waiting(make_product, shipped):
    ratios = {"full-system": 1.0, "shared-capped": (3.0, 1.1), "hosted-uml": 9.0}
    other = ReportView(make_product(shipped, virtualizations=ratios), Texts("en"), {})
    result = other.result(("machine-0", "os-0", *other.works[0]), "slowdown")
    here = other.cell(result.environment, "shared-capped")
    there = other.cell(result.environment, "full-system")
    spent = here.causes["hypervisor"].estimate - there.causes["hypervisor"].estimate
    waited = here.response.digest.mean_seconds - there.response.digest.mean_seconds - spent
    assert waited > spent > 0.0
    told = f"waiting {numbers.seconds(waited)}, hypervisor {numbers.seconds(spent)}"
    assert tables.extra(other, result) == told


def test_extra_processor_time_is_in_microseconds_and_processors_for_a_load(view):
    environment = ("machine-0", "os-0", *view.works[0])
    here = view.cell(environment, "shared-uncapped").processor_seconds.estimate
    there = view.cell(environment, "full-system").processor_seconds.estimate
    microseconds = 1e6 * (here - there)
    assert tables.extra_time(view, view.result(environment, "processor-time")) == (
        f"+{numbers.microseconds(here - there)} µs per operation; "
        f"+{numbers.plain(microseconds / 1000)} processors per 1,000 operations/s"
    )
    assert tables.extra_time(view, view.result(environment, "slowdown")) == ""


def test_a_span_has_its_unit_once_and_equal_ends_once():
    assert tables.ends(Span(0.15, 0.172, 0.1, 0.2)) == "+15 … +17\N{NO-BREAK SPACE}%"
    assert tables.ends(Span(0.151, 0.152, 0.1, math.inf)) == "+15\N{NO-BREAK SPACE}%"
    assert tables.intervals(Span(0.151, 0.152, 0.1, math.inf)) == ""
    assert tables.ends(None) == ""


def test_mixes_that_differ_are_marked(view):
    overhead = view.study.environments[0].firmware
    doubtful = replace(overhead, interval=replace(overhead.interval, warnings=("mix-differs",)))
    assert tables.cost(doubtful).doubtful
    assert not tables.cost(overhead).doubtful
    assert tables.cost(None) is None


def test_cells_without_a_run_have_no_row(shipped):
    empty = ReportView(study(replace(shipped, cells=shipped.cells[:2]), {}), Texts("en"), {})
    assert tables.cell_rows(empty, shipped.cells[0].machine, ("user",)) == []
    assert tables.overhead_rows(empty, "slowdown", shipped.cells[0].machine) == []


def test_the_share_of_plausible_machines_is_in_whole_per_cent():
    assert tables.plausible(share(4, 20, 0.95)) == "20\N{NO-BREAK SPACE}% (6 … 44)"
    assert tables.plausible(None) == ""
