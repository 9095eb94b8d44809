"""The section on capacity says what each cell bears, and how to find it."""

import pytest

from harness.results.capacities import Capacities
from reports.builder import render
from reports.evidence import Evidence
from tests.support.capable import capable

pytestmark = pytest.mark.usefixtures("undrawn")

TRUTH = {"full-system": 1.0, "shared-uncapped": 1.03, "hosted-vmware": 2.4}


@pytest.fixture(scope="module")
def study(make_product, shipped):
    return make_product(shipped, machines=2, systems=2, workloads=2, virtualizations=TRUTH)


def section(parse_page, study, found: Capacities | None, language: str = "en") -> str:
    evidence = Evidence(capacity=found)
    return parse_page(render(study, evidence, language)).section("capacity")


def test_without_a_search_there_is_no_section(study):
    assert '<section id="capacity">' not in render(study)


def test_every_cell_has_its_share_its_interval_and_its_rate(study, parse_page):
    told = section(parse_page, study, capable(study))
    assert "2 times that of the full-system partition at the load of the campaign" in told
    for number in range(len({each.environment for each in study.environments})):
        firmware, software = 97 - number, 77 - number
        assert f"{firmware}.0 %" in told
        assert f"{firmware - 4}.0 … {software + 23}" in told
        assert f"{software}.0 %" in told
        assert f"{10 * software} /s" in told


def test_the_least_of_each_virtualization_is_named_with_its_place(study, parse_page):
    told = section(parse_page, study, capable(study))
    places = list(dict.fromkeys(each.environment for each in study.environments))
    machine, _, workload, _ = places[-1]
    least = f"{97 - len(places) + 1}.0 %"
    assert f"shared-uncapped has at least {least}" in told
    assert f"the least in {machine} / " in told
    assert f" / {workload}." in told


def test_what_is_known_on_one_side_only_is_told_so(study, parse_page):
    found = capable(study)
    first, *others = found.environments
    baseline, firmware, software = first.capacities
    most = firmware.model_copy(update={"at_least": True, "of_baseline": None})
    none = software.model_copy(update={"per_second": None, "load": None, "of_baseline": None})
    changed = first.model_copy(update={"capacities": (baseline, most, none)})
    told = section(parse_page, study, found.model_copy(update={"environments": (changed, *others)}))
    assert "at least 970 /s" in told
    assert "less than the smallest load tried" in told


@pytest.mark.parametrize("change", [{"model": "another"}, {"identity": "another"}])
def test_results_of_something_else_are_flagged(study, parse_page, change):
    assert "another version of the model" in section(parse_page, study, capable(study, **change))
    assert "another version of the model" not in section(parse_page, study, capable(study))


def test_a_limit_in_seconds_is_told_as_one(study, parse_page):
    told = section(parse_page, study, capable(study, times_baseline=None))
    assert "exceeds 32.4 ms" in told


def test_it_is_told_in_japanese_too(study, parse_page):
    told = section(parse_page, study, capable(study), "ja")
    assert "フルシステム区画の処理能力の少なくとも 97" not in told
    assert "処理能力" in told
