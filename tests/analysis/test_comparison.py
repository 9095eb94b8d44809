"""Two campaigns side by side: what is called better, worse, unknown and the same."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from harness.analysis.comparison import Direction, compare
from harness.analysis.snapshot import (
    CampaignSnapshot,
    CheckRecord,
    OverheadRecord,
    VerdictRecord,
    read_snapshot,
    snapshot,
)
from harness.analysis.study import analyse
from harness.cli.tables.comparison import changes_text
from harness.errors import UserError

GOOD = {"response": 1.02, "processor": 1.02}
BAD = {"response": 1.3, "processor": 1.02}
SOFTWARE = {"response": 1.4, "processor": 1.4}


@pytest.fixture(scope="module")
def study(synthetic, tmp_path_factory):
    def make(**keywords):
        directory = tmp_path_factory.mktemp("campaign")
        with synthetic(**keywords).fill(directory) as store:
            return analyse(store)

    return make


@pytest.fixture(scope="module")
def good(study):
    return snapshot(study(true={"shared-uncapped": GOOD, "hosted-vmware": SOFTWARE}))


@pytest.fixture(scope="module")
def bad(study):
    return snapshot(study(true={"shared-uncapped": BAD, "hosted-vmware": SOFTWARE}))


def made(ratios, **changes) -> CampaignSnapshot:
    """Findings with a column of ratios for each name of a workload."""
    overheads = tuple(
        OverheadRecord(
            machine="m",
            os="o",
            workload=name,
            load=(),
            measure="slowdown",
            virtualization="v",
            estimate=math.expm1(float(np.mean(np.log([each for each in column if each])))),
            low=None,
            high=None,
            ratios=tuple(column),
        )
        for name, column in ratios.items()
    )
    return CampaignSnapshot(
        **{
            "name": "made",
            "title": {"en": "Made"},
            "identity": "",
            "model": "",
            "versions": {},
            "seed": 1,
            "margin": 0.1,
            "alpha": 0.05,
            "replications": 1,
            "complete": 1,
            "failed": 0,
            "outcome": None,
            "constants": {},
            "overheads": overheads,
            "outcomes": (),
            "checks": (),
            **changes,
        }
    )


def test_a_campaign_is_the_same_as_itself(good):
    found = compare(good, good)
    assert found.direction is Direction.SAME
    assert found.count(Direction.SAME) == len(found.changes) + len(found.outcomes)
    assert len(found.changes) == len(good.overheads) > 0
    assert not (found.settings or found.constants or found.only_first or found.only_second)


def test_what_truly_costs_more_is_worse_and_nothing_else(good, bad):
    found = compare(good, bad)
    assert found.direction is Direction.WORSE
    for each in found.changes:
        responses = each.first.measure == "slowdown" or each.first.measure.startswith("response")
        if each.first.virtualization == "shared-uncapped" and responses:
            assert each.direction is Direction.WORSE
            assert each.interval.estimate == pytest.approx(1.3 / 1.02 - 1.0, rel=0.02)
        else:
            assert each.direction is Direction.SAME
    slower = [each for each in found.outcomes if each.measure == "slowdown"]
    assert {(each.first, each.second, each.direction) for each in slower} == {
        ("confirmed", "refuted", Direction.WORSE)
    }


def test_the_other_way_round_is_the_inverse(good, bad):
    there, back = compare(good, bad), compare(bad, good)
    assert back.direction is Direction.BETTER
    assert back.count(Direction.BETTER) == there.count(Direction.WORSE)
    for one, other in zip(there.changes, back.changes, strict=True):
        product = (1.0 + one.interval.estimate) * (1.0 + other.interval.estimate)
        assert product == pytest.approx(1.0)
        assert one.p_worse == pytest.approx(other.p_better, rel=0.05, abs=1e-3)


def test_noise_is_called_a_change_no_oftener_than_alpha():
    noise = np.random.default_rng(11)
    wrong = 0
    for _ in range(150):
        first, second = (
            made({f"w{n}": np.exp(noise.normal(0.05, 0.03, size=10)) for n in range(20)})
            for _ in range(2)
        )
        wrong += compare(first, second).direction is not Direction.UNKNOWN
    # Binomial with 150 and 0.05: more than 16 has a probability of 0.2 %.
    assert wrong <= 16


def test_the_claims_outcome_alone_can_get_worse(study):
    truth = {"shared-uncapped": {"response": 1.05, "processor": 1.05}, "hosted-vmware": SOFTWARE}
    wide = snapshot(study(true=truth, margin=0.1))
    narrow = snapshot(study(true=truth, margin=0.02))
    found = compare(wide, narrow)
    assert found.direction is Direction.WORSE
    assert {each.direction for each in found.changes} == {Direction.SAME}
    assert {each.direction for each in found.outcomes} == {Direction.WORSE}
    assert [(each.name, each.first, each.second) for each in found.settings] == [
        ("margin", "0.1", "0.02")
    ]
    assert compare(narrow, wide).direction is Direction.BETTER


@pytest.mark.parametrize(
    ("first", "second", "direction"),
    [
        ("confirmed", "inconclusive", Direction.UNKNOWN),
        ("inconclusive", "refuted", Direction.UNKNOWN),
        ("refuted", "confirmed", Direction.BETTER),
        ("refuted", "refuted", Direction.SAME),
    ],
)
def test_from_and_to_inconclusive_it_cannot_be_told(first, second, direction):
    def judged(outcome):
        one = VerdictRecord(
            machine="m", os="o", workload="w", load=(), measure="x", outcome=outcome
        )
        return made({}, outcomes=(one,))

    assert compare(judged(first), judged(second)).direction is direction


def test_checks_of_scenarios_are_compared_by_name_and_order():
    def checked(*passed, name="kept"):
        return made(
            {}, checks=tuple(CheckRecord(scenario="s", name={"en": name}, passed=p) for p in passed)
        )

    found = compare(checked(True, False, True), checked(True, True, False))
    assert [each.direction for each in found.checks] == ["same", "better", "worse"]
    assert found.direction is Direction.WORSE
    found = compare(checked(True, True), checked(True))
    assert found.only_first == ("scenario s: kept",)
    with pytest.raises(UserError, match="nothing in common"):
        compare(checked(True), checked(True, name="lost"))


def test_one_replication_shows_nothing_however_large_the_difference():
    found = compare(made({"w": [1.0]}), made({"w": [9.0]}))
    (change,) = found.changes
    assert change.direction is Direction.UNKNOWN
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["overheads"][0]["change"]["low"] is None


def test_only_replications_that_both_have_are_compared():
    first, second = made({"w": [1.0, None, 1.1, 1.2]}), made({"w": [2.0, 5.0, 2.2]})
    (change,) = compare(first, second).changes
    assert change.interval.samples == 2
    assert change.interval.estimate == pytest.approx(1.0)
    with pytest.raises(UserError, match="nothing in common"):
        compare(made({"w": [None, 1.0]}), made({"w": [1.0]}))


def test_what_only_one_has_is_named(good, study):
    other = snapshot(study(true={"shared-uncapped": GOOD}, machines=("p5-570",)))
    found = compare(good, other)
    place = "p5-550 / aix-5.3 / commercial, users = 4"
    assert f"{place}: shared-uncapped" in found.only_first
    assert "p5-570 / aix-5.3 / commercial, users = 4: hosted-vmware" in found.only_first
    assert found.only_second == ()


def test_other_constants_are_listed(good):
    first = good.model_copy(update={"constants": {"a": "1 us", "b": "2 us"}})
    second = good.model_copy(update={"constants": {"a": "3 us", "c": "2 us"}})
    assert [vars(each) for each in compare(first, second).constants] == [
        {"name": "a", "first": "1 us", "second": "3 us"},
        {"name": "b", "first": "2 us", "second": None},
        {"name": "c", "first": None, "second": "2 us"},
    ]


def test_the_stricter_level_counts(good, bad):
    strict = bad.model_copy(update={"alpha": 0.01})
    assert compare(good, strict).alpha == compare(strict, good).alpha == 0.01
    assert compare(good, strict).changes[0].interval.level == 0.99


def test_findings_survive_a_file_to_the_last_digit(good, bad):
    def kept(each):
        return read_snapshot(each.model_dump_json().encode(), "x")

    assert kept(good) == good
    assert compare(kept(good), kept(bad)).to_json() == compare(good, bad).to_json()


def test_one_replication_survives_a_file(study):
    single = snapshot(study(true={"shared-uncapped": GOOD}, replications=1))
    assert single.overheads[0].high is None
    assert read_snapshot(single.model_dump_json().encode(), "x") == single


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"name": 1}', b"\xff", b'{"margin": Infinity}']
)
def test_a_file_that_holds_something_else_is_refused_in_one_line(text):
    with pytest.raises(UserError, match=r"site/findings\.json: not the findings") as it:
        read_snapshot(text, "site/findings.json")
    assert "\n" not in str(it.value)


def test_a_store_that_says_what_cannot_be_is_told_in_one_line(study):
    held = study(true={"shared-uncapped": GOOD}, replications=2)
    wrong = replace(held, campaign=replace(held.campaign, margin=math.inf))
    with pytest.raises(UserError, match="'synthetic': not the findings of a campaign"):
        snapshot(wrong)


def test_the_terminal_shows_what_got_worse(good, bad):
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(changes_text(compare(good, bad)))
    text = console.export_text()
    assert "Overheads that became worse" in text
    assert "p5-570 / aix-5.3 / commercial, users = 4" in text
    assert "confirmed -> refuted" in text
    console.print(changes_text(compare(replace_name(good), good)))
    assert "[red]" in console.export_text()


def replace_name(good: CampaignSnapshot) -> CampaignSnapshot:
    """A name that would be markup, were it taken for such."""
    return good.model_copy(update={"name": "[red]"})


def test_ranges_go_along_and_may_be_missing_in_older_findings(good, bad) -> None:
    for told in compare(good, bad).to_json()["overheads"]:
        for side in (told["first"], told["second"]):
            assert side["range_low"] < side["low"] < side["high"] < side["range_high"]
    old = json.loads(good.model_dump_json())
    for each in old["overheads"]:
        del each["range_low"], each["range_high"]
    read = read_snapshot(json.dumps(old).encode(), "old")
    told = compare(read, bad).to_json()["overheads"][0]
    assert told["first"]["range_low"] is told["first"]["range_high"] is None
