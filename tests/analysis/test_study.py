import json
import sqlite3
from dataclasses import replace

import pytest

from harness.analysis.study import analyse
from harness.results.store import Store
from harness.statistics.verdict import Outcome

GOOD = {"response": 1.03, "processor": 1.04}
HOSTED = {"response": 1.60, "processor": 2.00}


@pytest.fixture
def examine(tmp_path):
    def examine(campaign):
        with campaign.fill(tmp_path) as store:
            return analyse(store)

    return examine


@pytest.mark.parametrize(
    ("firmware", "outcome"),
    [
        (GOOD, Outcome.CONFIRMED),
        ({"response": 1.03, "processor": 1.40}, Outcome.REFUTED),
        ({"response": 1.10, "processor": 1.04}, Outcome.INCONCLUSIVE),
    ],
)
def test_each_outcome_is_reached(synthetic, examine, firmware, outcome) -> None:
    verdict = examine(
        synthetic(true={"shared-uncapped": firmware, "hosted-vmware": HOSTED})
    ).verdict
    assert verdict.outcome is outcome
    assert verdict.worst.outcome is outcome
    by_measure = {each.measure: each.outcome for each in verdict.measures}
    if outcome is Outcome.REFUTED:
        assert by_measure == {"slowdown": Outcome.CONFIRMED, "processor-time": Outcome.REFUTED}
        assert verdict.worst.measure == "processor-time"


def test_one_bad_environment_decides_and_is_named(synthetic, examine) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        machines=("p5-570", "p5-550", "p5-520"),
        exceptions={("p5-550", "shared-uncapped"): {"response": 1.5}},
    )
    verdict = examine(campaign).verdict
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.worst.environment == ("p5-550", "aix-5.3", "commercial", (("users", "4"),))
    assert [each.outcome for each in verdict.environments].count(Outcome.REFUTED) == 1


def test_the_estimates_are_the_true_overheads(synthetic, examine) -> None:
    study = examine(synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED}))
    for each in study.environments:
        cause = "processor" if each.measure == "processor-time" else "response"
        for name, true in (("shared-uncapped", GOOD), ("hosted-vmware", HOSTED)):
            interval = each.all[name].interval
            assert interval.estimate == pytest.approx(true[cause] - 1.0, rel=0.1, abs=0.01)
            assert interval.high - interval.low < 0.04 * true[cause]
            assert interval.samples == 12


def test_the_json_form_has_what_a_script_needs(synthetic, examine) -> None:
    verdict = examine(synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED})).verdict
    text = json.dumps(verdict.to_json(), allow_nan=False)
    found = json.loads(text)
    assert found["campaign"] == "synthetic"
    assert found["claim"] == "the firmware level costs less"
    assert verdict.to_json("ja")["claim"] == "ファームウェア"
    assert (found["alpha"], found["margin"], found["outcome"]) == (0.05, 0.1, "confirmed")
    assert [each["measure"] for each in found["measures"]] == ["slowdown", "processor-time"]
    assert found["worst_environment"] in found["environments"]
    assert len(found["environments"]) == 4
    for each in found["environments"]:
        assert each["machine"] in ("p5-570", "p5-550")
        assert each["load"] == {"users": "4"}
        for level, name in (("firmware", "shared-uncapped"), ("software", "hosted-vmware")):
            side = each[level]
            assert side["virtualization"] == name
            assert side["low"] < side["overhead"] < side["high"]
            assert (side["samples"], side["level"]) == (12, 0.95)


def test_a_single_replication_is_written_without_a_bound(synthetic, examine) -> None:
    study = examine(
        synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED}, replications=1)
    )
    found = json.loads(json.dumps(study.verdict.to_json(), allow_nan=False))
    assert found["outcome"] == "inconclusive"
    assert found["environments"][0]["firmware"]["high"] is None
    assert any("a single replication" in note for note in study.notes)


def test_failed_runs_are_told_and_their_pairs_left_out(synthetic, examine) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        failing={("p5-570", "full-system", 2), ("p5-570", "shared-uncapped", 5)},
    )
    study = examine(campaign)
    assert study.verdict.failed_runs == 2
    assert [(run.cell.virtualization, run.replication) for run in study.failed] == [
        ("full-system", 2),
        ("shared-uncapped", 5),
    ]
    assert {(run.failure, run.reason) for run in study.failed} == {("error", "boom")}
    assert study.complete == 2 * 3 * 12 - 2
    assert any(note.startswith("2 runs failed") for note in study.notes)
    first = study.environments[0]
    assert first.all["shared-uncapped"].interval.samples == 10
    assert first.all["hosted-vmware"].interval.samples == 11
    missing = [place for place, each in enumerate(first.firmware.ratios) if each is None]
    assert missing == [2, 5]


def test_runs_not_made_yet_are_told(synthetic, examine) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        absent={("p5-570", "hosted-vmware", 11)},
    )
    study = examine(campaign)
    assert (study.complete, study.planned) == (71, 72)
    assert "1 of 72 planned runs were not made yet." in study.notes


def test_replications_beyond_the_minimum_are_planned_as_soon_as_made(synthetic, tmp_path) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        replications=20,
        absent={("p5-570", "hosted-vmware", 3)},
    )
    with campaign.fill(tmp_path) as store:
        fewer = {**store.campaign.replications, "minimum": 12}
        store.campaign = replace(store.campaign, replications=fewer)
        study = analyse(store)
    assert (study.complete, study.planned) == (6 * 20 - 1, 6 * 20)
    assert "1 of 120 planned runs were not made yet." in study.notes


def test_infeasible_cells_are_listed_and_not_planned(synthetic, examine) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "dedicated": GOOD, "hosted-vmware": HOSTED},
        infeasible={("p5-550", "dedicated")},
    )
    study = examine(campaign)
    assert study.planned == study.complete == 7 * 12
    assert [cell.virtualization for cell in study.infeasible] == ["dedicated"]
    (told,) = study.verdict.infeasible
    assert told.startswith("p5-550 / aix-5.3 / dedicated")
    assert told.endswith("no whole cores")


def test_a_cell_without_transactions_is_told(synthetic, examine) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        idle={("p5-570", "shared-uncapped", each) for each in range(12)},
    )
    study = examine(campaign)
    assert study.verdict.outcome is Outcome.INCONCLUSIVE
    assert study.verdict.worst.environment.machine == "p5-570"
    assert any(
        note.startswith("Runs without a completed transaction: p5-570 / aix-5.3 / shared-uncapped")
        for note in study.notes
    )


def test_runs_that_did_not_settle_are_told(synthetic, examine) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        unsettled={("p5-570", "shared-uncapped", 1), ("p5-550", "full-system", 2)},
    )
    (note,) = examine(campaign).notes
    assert note.startswith("In 2 of 72 runs no end of the warm-up was found")


def test_without_a_claim_there_is_no_verdict(synthetic, examine) -> None:
    study = examine(synthetic(true={"shared-uncapped": GOOD}, claim=None))
    assert study.verdict is None
    assert all(each.outcome is None for each in study.environments)
    assert all("shared-uncapped" in each.all for each in study.environments)


def test_without_a_baseline_there_is_no_overhead(synthetic, examine) -> None:
    study = examine(
        synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED}, baseline=False)
    )
    assert study.verdict.outcome is Outcome.INCONCLUSIVE
    assert not any(each.all for each in study.environments)
    assert any("no full-system baseline" in note for note in study.notes)
    assert len(study.cells) == 4


def test_a_target_that_was_not_reached_is_told(synthetic, examine) -> None:
    true = {"shared-uncapped": GOOD, "hosted-vmware": HOSTED}
    notes = examine(synthetic(true=true, half_width=1e-6)).notes
    assert notes == (
        "The target half-width of 0 % was not reached in 4 of 4 comparisons of the claim.",
    )


def test_a_quiet_campaign_has_no_notes(synthetic, examine) -> None:
    true = {"shared-uncapped": GOOD, "hosted-vmware": HOSTED}
    assert examine(synthetic(true=true, half_width=0.5)).notes == ()


def test_cells_come_in_the_order_of_the_matrix(synthetic, examine) -> None:
    study = examine(synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED}))
    assert [each.cell for each in study.cells] == list(study.campaign.cells)
    assert all(each.runs == 12 for each in study.cells)


def test_the_same_runs_give_the_same_study(synthetic, tmp_path) -> None:
    campaign = synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED})
    texts = []
    for name in ("first", "second"):
        with campaign.fill(tmp_path / name) as store:
            texts.append(json.dumps(analyse(store).verdict.to_json()))
    assert texts[0] == texts[1]


def test_damage_is_told(synthetic, tmp_path) -> None:
    campaign = synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED})
    with campaign.fill(tmp_path) as store:
        record = store.campaign
    with sqlite3.connect(tmp_path / "store.sqlite") as database:
        database.execute("UPDATE runs SET measures = x'00' WHERE cell = 1 AND replication = 4")
    database.close()
    with Store.open(tmp_path) as store:
        study = analyse(store)
    assert study.campaign == record
    assert len(study.damaged) == 1
    assert any("damaged" in note for note in study.notes)
    assert study.environments[0].all["shared-uncapped"].interval.samples == 11


def test_a_verdict_counts_its_outcomes_and_those_that_hold_for_one_machine(
    synthetic, tmp_path
) -> None:
    true = {
        "shared-uncapped": {"response": 1.02, "processor": 1.3},
        "hosted-vmware": {"response": 1.6, "processor": 2.0},
    }
    with synthetic(true=true).fill(tmp_path) as store:
        verdict = analyse(store).verdict
    told = verdict.to_json()
    assert told["counts"] == {
        "confirmed": {"all": 2, "robust": 2},
        "refuted": {"all": 2, "robust": 2},
        "inconclusive": {"all": 0, "robust": 0},
    }
    for each in told["environments"]:
        firmware = each["firmware"]
        assert firmware["range_low"] < firmware["low"] < firmware["high"] < firmware["range_high"]
