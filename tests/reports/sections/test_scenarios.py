"""The section on the seven elements says what was expected, measured and done."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.run_result import OperationEvent
from reports.builder import render
from reports.sections.scenarios import operations, value

EVIL = "<script>alert(1)</script>\"' onload=x {{ 7 * 7 }} {0} </style>"


def test_puts_the_outcome_first_and_leaves_the_matrix_out(play, shipped, parse_page):
    met = parse_page(render(play(shipped, {"measured": 1.0})))
    assert "✓ confirmed All 1 expectations are met in every run." in met.section("verdict")
    assert "has no claim" not in met.text
    found = [each.attributes["id"] for each in met.all("section")]
    assert found[0] == "verdict"
    assert "elements" in found
    assert not {"findings", "overheads", "time", "responses"} & set(found)
    assert "common random numbers" not in met.section("method")


def test_names_what_was_not_as_expected(play, shipped, parse_page):
    page = parse_page(render(play(shipped, {"measured": 3.0}, {"name": "fine", "measured": 1.0})))
    verdict = page.section("verdict")
    assert "✗ refuted 1 of 2 expectations are not met; 1 are." in verdict
    unmet = verdict[verdict.index("Expectations that are not met") :]
    assert "moves : Cores at the end" in unmet
    assert "fine :" not in unmet


def test_shows_expected_beside_measured_with_its_range(play, shipped, parse_page):
    section = parse_page(render(play(shipped))).section("elements").replace("\xa0", " ")
    assert "at most 2.5 cores 2 cores 2 cores … 3 cores ? inconclusive met in 1 / 2 runs" in section
    assert "a book, p. 7 assumed operations.dlpar.processor_time" in section
    section = parse_page(render(play(shipped, {"measured": 3.0}))).section("elements")
    assert "✗ not met met in 0 / 2 runs" in section


def test_runs_on_both_sides_of_a_limit_make_it_inconclusive(play, shipped, parse_page):
    verdict = parse_page(render(play(shipped))).section("verdict")
    assert "? inconclusive 0 of 1 expectations are met in every run." in verdict
    assert "moves : Cores at the end" in verdict


def test_lists_operations_and_links_to_timelines(play, shipped, parse_page):
    page = parse_page(render(play(shipped)))
    section = page.section("elements")
    assert "1 5.00 s 7.00 s move 1 core ✓ done \N{EN DASH}" in section
    assert "2 9.00 s 9.00 s move 1 core again ✗ refused no room for move 1 core" in section
    ids = {each.attributes.get("id") for each in page.elements}
    links = [each.attributes["href"][1:] for each in page.all("a")]
    assert "scenario-0" in links
    assert set(links) <= ids
    (figure,) = page.all("svg")
    assert "What moves does" in figure.text
    assert "app1: processors used" in figure.text


def test_lays_the_levels_side_by_side(play, shipped, parse_page):
    sides = [
        {"name": "panic-firmware", "measured": 1.0},
        {"name": "panic-software", "measured": 9.0, "virtualization": "hosted-vmware"},
        {"name": "alone-firmware", "measured": 1.0},
    ]
    section = parse_page(render(play(shipped, *sides, runs=1))).section("elements")
    levels = section[section.index("Isolation: firmware and software") :]
    levels = levels[: levels.index("Timelines")].replace("\xa0", " ")
    assert "Cores at the end 1 cores expected: at most 2.5 cores 9 cores expected:" in levels
    assert "SerialExecutor" not in levels


def test_says_that_a_scenario_has_no_result(play, shipped, parse_page):
    page = parse_page(render(play(shipped, {"runs": 0})))
    assert "or some scenarios have no result." in page.section("verdict")
    assert "No run of this scenario has a result." in page.section("elements")


def test_escapes_and_repeats_itself(play, shipped, parse_page):
    hostile = {"name": EVIL, "title": EVIL, "element": EVIL}
    study = play(shipped, hostile, text=EVIL, source=EVIL)
    page = render(study)
    parsed = parse_page(page)
    assert not parsed.all("script")
    assert EVIL in parsed.text
    assert render(study) == page
    assert all("style" not in each.attributes for each in parsed.elements)


def test_many_scenarios_stay_small(play, shipped):
    many = [{"name": f"number-{number}"} for number in range(5)]
    sizes = [len(render(replace(play(shipped, *part)))) for part in (many[:1], many)]
    assert (sizes[1] - sizes[0]) / 4 < 35_000


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(("started", "done", "refused")))))
def test_every_event_of_an_operation_is_accounted_for(events):
    told = [OperationEvent(float(at), *event, "") for at, event in enumerate(events)]
    acts = operations(told)
    assert [act.number for act in acts] == list(range(1, len(acts) + 1))
    assert sum(act.end is not None for act in acts) == sum(e.status != "started" for e in told)
    begun = [act for act in acts if act.status == "started" or act.begin != act.end]
    assert len(begun) == sum(event.status == "started" for event in told)


@pytest.mark.parametrize(
    ("measured", "unit", "text"),
    [
        (2.0**30 * 9, "B", "9 GiB"),
        (117_440_512.0, "B/s", "117.4 MB/s"),
        (100.0, "", "100"),
        (0.02, "s", "20 ms"),
        ("refused", "", "refused"),
        (None, "s", ""),
    ],
)
def test_writes_values_with_units(measured, unit, text):
    assert value(measured, unit).replace("\xa0", " ") == text
