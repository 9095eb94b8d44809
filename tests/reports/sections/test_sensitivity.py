"""The section on sensitivity says what was found, what was not, and how to find it."""

from dataclasses import replace

import pytest

from harness.studies.sensitivity.result import Sensitivity
from reports.builder import render
from reports.evidence import Evidence
from reports.i18n import Texts
from reports.plots.heat_map import heat_map, in_columns, share_text
from reports.plots.svg import drawing
from reports.sections.sensitivity import factor_text
from reports.view import ReportView
from tests.support.sensitive import sensitive

TRUTH = {"full-system": 1.0, "shared-uncapped": 1.03, "hosted-vmware": 2.4}


@pytest.fixture(scope="module")
def study(make_product, shipped):
    return make_product(shipped, machines=2, systems=2, workloads=3, virtualizations=TRUTH)


@pytest.fixture(scope="module")
def page(study, parse_page):
    return parse_page(render(study, evidence=Evidence(sensitivity=sensitive(study))))


def test_without_a_study_there_is_no_section(study):
    assert '<section id="sensitivity">' not in render(study)


def test_a_campaign_without_a_claim_has_no_such_section(make_product, shipped):
    assert 'id="sensitivity"' not in render(make_product(shipped, claim=None))


def test_every_environment_has_its_factors(page, study):
    section = page.section("sensitivity")
    assert "\N{MULTIPLICATION SIGN}18.9 (not yet at \N{MULTIPLICATION SIGN}16.6)" in section
    assert "none, up to \N{DIVISION SIGN}100" in section
    assert "\N{DIVISION SIGN}12.0 (not yet at \N{DIVISION SIGN}11.0)" in section
    assert "margin, fixed-work slowdown" in section
    rows = [
        e for e in page.all("tr") if "break-even" not in e.text and "\N{DIVISION SIGN}" in e.text
    ]
    environments = {each.environment for each in study.environments}
    assert len(rows) >= len(environments)


def test_what_cannot_be_told_from_noise_is_counted_and_not_named(study, page):
    found = sensitive(study)
    (one,) = (
        each
        for each in found.driven
        if each.environment == study.environments[0].environment
        and (each.level, each.measure) == ("firmware", "slowdown")
    )
    row = next(e.text for e in page.all("tr") if "without a significant effect" in e.text)
    told = [each.constant for each in one.influences if each.p <= found.alpha]
    untold = [each.constant for each in one.influences if each.p > found.alpha]
    assert told
    assert untold
    assert all(name in row for name in told[:5])
    assert not any(name in row for name in untold)
    assert f"{len(untold)} without a significant effect" in row


@pytest.mark.parametrize("change", [{"model": "another"}, {"identity": "another"}])
def test_results_of_another_model_or_campaign_are_flagged(study, page, parse_page, change):
    warning = "belong to another version of the model or another run"
    assert warning not in page.text
    assert (
        warning
        in parse_page(render(study, evidence=Evidence(sensitivity=sensitive(study, **change)))).text
    )


def heat(study, found: Sensitivity):
    view = ReportView(study, Texts("en"), Evidence(sensitivity=found))
    members = [m for m in found.driven if (m.level, m.measure) == ("firmware", "slowdown")]
    constants = [each.constant for each in members[1].influences]
    with drawing():
        (part,) = in_columns(view, members)
        return part, constants, heat_map(view, "firmware", "slowdown", part, constants, 0)


def test_a_heat_map_colours_what_is_told_and_nothing_else(study):
    found = sensitive(study)
    part, constants, svg = heat(study, found)
    told = {
        (column, each.constant)
        for column, one in enumerate(part)
        for each in one.influences
        if each.p <= found.alpha and each.constant in constants
    }
    nothing = found.model_copy(
        update={
            "driven": tuple(
                one.model_copy(
                    update={
                        "influences": tuple(
                            each.model_copy(update={"p": 1.0}) for each in one.influences
                        )
                    }
                )
                for one in found.driven
            )
        }
    )
    _, _, empty = heat(study, nothing)
    assert svg.count("<path") - empty.count("<path") == len(told)
    assert len(told) > 5


def test_columns_stand_together_by_workload_and_fit_into_a_figure(study):
    found = sensitive(study)
    view = ReportView(study, Texts("en"), Evidence(sensitivity=found))
    members = [m for m in found.driven if (m.level, m.measure) == ("firmware", "slowdown")]
    parts = in_columns(view, members, most=8)
    assert [len(part) for part in parts] == [8, 4]
    assert [each.workload for part in parts for each in part] == sorted(
        (each.workload for each in members), key=view.workloads.index
    )


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (2.5, "\N{MULTIPLICATION SIGN}2.50"),
        (0.01, "\N{DIVISION SIGN}100"),
        (1.0, "\N{MULTIPLICATION SIGN}1.00"),
    ],
)
def test_factors_are_written_as_people_say_them(factor, text):
    assert factor_text(factor) == text


def test_shares_are_whole_and_never_nothing():
    assert share_text(1e-6) == "<1\N{NO-BREAK SPACE}%"
    assert share_text(0.456) == "46\N{NO-BREAK SPACE}%"


@pytest.mark.slow
def test_a_large_study_keeps_the_report_small(make_product, shipped):
    study = make_product(shipped, machines=3, systems=3, workloads=8, virtualizations=TRUTH)
    more = len(render(study, evidence=Evidence(sensitivity=sensitive(study, constants=40)))) - len(
        render(study)
    )
    assert more < 700_000
    other = replace(study, verdict=None)
    assert 'id="sensitivity"' not in render(other, evidence=Evidence(sensitivity=sensitive(study)))
