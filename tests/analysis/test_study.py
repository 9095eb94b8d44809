import json
import sqlite3
from dataclasses import replace

import pytest

from harness.analysis.study import analyse
from harness.results.capacities import Capacities, CellCapacity, Searched
from harness.results.store import Store
from harness.statistics.verdict import Outcome, conclude

GOOD = {"response": 1.03, "processor": 1.04}
HOSTED = {"response": 1.60, "processor": 2.00}
WITHOUT_MISSES = (
    "The model's own misses of published figures are not in the intervals and outcomes: "
    "'vtax validate --save-to DIR' and 'vtax discrepancy DIR' put them there."
)


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
    by_measure = {each.measure: each.outcome for each in verdict.parts[0].measures}
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
        if each.measure == "machine-share":
            continue
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
    (part,) = found["parts"]
    assert (part["part"], part["outcome"], part["counts"]["confirmed"]) == ("claim", "confirmed", 2)
    assert [each["measure"] for each in part["measures"]] == ["slowdown", "processor-time"]
    assert [each["environments"] for each in part["findings"]] == [2, 2]
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
    note, without_misses = examine(campaign).notes
    assert "'vtax discrepancy DIR'" in without_misses
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
        WITHOUT_MISSES,
    )


def test_the_only_note_of_a_quiet_campaign_is_that_misses_were_not_studied(
    synthetic, examine
) -> None:
    true = {"shared-uncapped": GOOD, "hosted-vmware": HOSTED}
    assert examine(synthetic(true=true, half_width=0.5)).notes == (WITHOUT_MISSES,)


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


def test_a_verdict_counts_findings(synthetic, tmp_path) -> None:
    true = {
        "shared-uncapped": {"response": 1.02, "processor": 1.3},
        "hosted-vmware": {"response": 1.6, "processor": 2.0},
    }
    with synthetic(true=true).fill(tmp_path) as store:
        verdict = analyse(store).verdict
    report = verdict.to_json()
    assert report["counts"] == {"confirmed": 1, "refuted": 1, "inconclusive": 0}
    for each in report["environments"]:
        firmware = each["firmware"]
        assert firmware["range_low"] < firmware["low"] < firmware["high"] < firmware["range_high"]


PARTS = {
    "firmware": ["shared-uncapped"],
    "software": ["hosted-vmware"],
    "measures": None,
    "text": {"en": "all of it"},
    "parts": [
        {
            "name": "cheaper",
            "text": {"en": "cheaper than software"},
            "below": "software",
            "measures": ["slowdown", "processor-time"],
            "margin": None,
            "workloads": None,
        },
        {
            "name": "small",
            "text": None,
            "below": "margin",
            "measures": ["slowdown", "machine-share"],
            "margin": {"machine-share": 0.02},
            "workloads": None,
        },
    ],
}


@pytest.mark.parametrize(
    ("firmware", "software", "outcomes"),
    [
        (GOOD, HOSTED, ("confirmed", "confirmed")),
        (GOOD, GOOD, ("inconclusive", "confirmed")),
        (HOSTED, GOOD, ("refuted", "refuted")),
        ({"response": 1.03, "processor": 1.5}, HOSTED, ("confirmed", "refuted")),
    ],
)
def test_each_part_has_its_outcome_and_the_claim_needs_all(
    synthetic, examine, firmware, software, outcomes
) -> None:
    """Processors are a sixth busy: 4 % more work is 0.7 % of the machine, 50 % are 8 %."""
    true = {"shared-uncapped": firmware, "hosted-vmware": software}
    verdict = examine(synthetic(true=true, claim=PARTS)).verdict
    assert tuple(map(str, (each.outcome for each in verdict.parts))) == outcomes
    assert verdict.outcome is conclude(each.outcome for each in verdict.parts)
    small = {each.measure: each for each in verdict.parts[1].findings}
    assert {each.results[0].margin for each in small.values()} == {0.1, 0.02}
    expected = (firmware["processor"] - 1.0) / 6.0
    assert small["machine-share"].firmware.highest == pytest.approx(expected, rel=0.25, abs=2e-3)


def test_a_part_is_about_its_workloads_only(synthetic, examine) -> None:
    small = {**PARTS["parts"][1], "workloads": ["integer"]}
    claim = {**PARTS, "parts": [PARTS["parts"][0], small]}
    true = {"shared-uncapped": GOOD, "hosted-vmware": HOSTED}
    verdict = examine(synthetic(true=true, claim=claim)).verdict
    assert {each.part for each in verdict.environments} == {"cheaper"}
    assert verdict.parts[1].outcome is Outcome.INCONCLUSIVE


def test_a_margin_needs_no_software(synthetic, examine) -> None:
    claim = {**PARTS, "parts": [PARTS["parts"][1]]}
    gone = {("p5-550", "hosted-vmware", each) for each in range(12)}
    true = {"shared-uncapped": GOOD, "hosted-vmware": HOSTED}
    assert examine(synthetic(true=true, claim=claim, failing=gone)).outcome is Outcome.CONFIRMED


def test_capacity_is_judged_once_it_is_searched(synthetic, tmp_path) -> None:
    part = {**PARTS["parts"][1], "measures": ["capacity"], "margin": 0.1}
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED}, claim={**PARTS, "parts": [part]}
    )
    with campaign.fill(tmp_path) as store:
        verdict = analyse(store).verdict
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "'vtax capacity' searches it" in verdict.worst.reason
        for ratio, outcome in ((0.98, "confirmed"), (0.93, "inconclusive"), (0.8, "refuted")):
            capacities(store.campaign, ratio).write(tmp_path)
            found = analyse(store).verdict
            assert found.outcome == outcome
            estimate = found.worst.firmware.interval.estimate
            assert estimate == pytest.approx(1.0 / ratio - 1.0, abs=0.01)


def capacities(campaign, ratio) -> Capacities:
    """Capacities with a share of the baseline's, known to 4 %."""
    return Capacities(
        identity=campaign.identity,
        model="",
        quantile="p95",
        times_baseline=3.0,
        step=1.04,
        smallest=0.1,
        largest=8.0,
        confidence=0.95,
        replications=10,
        runs=100,
        environments=tuple(
            Searched(
                **environment._asdict(),
                limit_seconds=0.1,
                capacities=(
                    CellCapacity(
                        virtualization="shared-uncapped",
                        per_second=None,
                        load=None,
                        at_least=False,
                        of_baseline=None,
                        ratios=tuple(ratio * (1.0 + 0.001 * each) for each in range(10)),
                    ),
                ),
            )
            for environment in dict.fromkeys(cell.environment for cell in campaign.cells)
        ),
        left_out=(),
    )
