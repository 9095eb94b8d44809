import math
from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.environment import confirmations
from harness.analysis.overhead import MEASURES
from harness.analysis.study import analyse
from harness.metrics.measures import measure
from harness.statistics.ratios import holm, ratio_bootstrap
from harness.statistics.verdict import Outcome

GOOD = {"response": 1.03, "processor": 1.04}
DEAR = {"response": 1.30, "processor": 1.30}
HOSTED = {"response": 1.60, "processor": 2.00}


def judged(campaign, directory):
    """Results of the claim by (machine, measure)."""
    with campaign.fill(directory) as store:
        verdict = analyse(store).verdict
    return {(each.environment.machine, each.measure): each for each in verdict.environments}


def test_environments_are_judged_each_on_its_own(synthetic, tmp_path) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        exceptions={("p5-550", "shared-uncapped"): {"processor": 1.30}},
    )
    found = judged(campaign, tmp_path)
    assert {place: each.outcome for place, each in found.items()} == {
        ("p5-570", "slowdown"): Outcome.CONFIRMED,
        ("p5-570", "processor-time"): Outcome.CONFIRMED,
        ("p5-550", "slowdown"): Outcome.CONFIRMED,
        ("p5-550", "processor-time"): Outcome.REFUTED,
    }
    refuted = found["p5-550", "processor-time"]
    assert "more than the margin of 10 %" in refuted.reason
    assert "hosted-vmware" not in refuted.reason
    assert refuted.p_values["above-margin"] <= 0.05 < refuted.p_values["above-software"]
    confirmed = found["p5-570", "slowdown"]
    assert "less than the margin of 10 %; less than hosted-vmware (6" in confirmed.reason
    assert max(confirmed.p_values["below-margin"], confirmed.p_values["below-software"]) <= 0.05


def test_cheap_but_dearer_than_the_software_level_is_refuted(synthetic, tmp_path) -> None:
    campaign = synthetic(true={"shared-uncapped": {"response": 1.06}, "hosted-vmware": {}})
    found = judged(campaign, tmp_path)["p5-570", "slowdown"]
    assert found.outcome is Outcome.REFUTED
    assert "more than hosted-vmware" in found.reason
    assert "margin" not in found.reason


def test_the_dearest_firmware_and_the_cheapest_software_decide(synthetic, tmp_path) -> None:
    claim = {
        "firmware": ["shared-capped", "shared-uncapped"],
        "software": ["hosted-vmware", "hosted-uml"],
        "measures": ["slowdown"],
        "text": None,
    }
    campaign = synthetic(
        true={
            "hosted-uml": {"response": 3.0},
            "shared-uncapped": GOOD,
            "hosted-vmware": HOSTED,
            "shared-capped": DEAR,
        },
        claim=claim,
    )
    found = judged(campaign, tmp_path)["p5-570", "slowdown"]
    assert found.firmware.virtualization == "shared-capped"
    assert found.software.virtualization == "hosted-vmware"
    assert list(found.all) == ["hosted-uml", "shared-uncapped", "hosted-vmware", "shared-capped"]
    assert found.outcome is Outcome.REFUTED


def test_what_is_close_to_the_margin_stays_open(synthetic, tmp_path) -> None:
    campaign = synthetic(true={"shared-uncapped": {"response": 1.10}, "hosted-vmware": HOSTED})
    found = judged(campaign, tmp_path)["p5-570", "slowdown"]
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "not shown to be less than the margin" in found.reason
    assert "hosted" not in found.reason


@pytest.mark.parametrize(
    ("absent", "words"),
    [
        ("full-system", "Not measured: full-system, which all others are compared with."),
        ("shared-uncapped", "Not measured: shared-uncapped."),
        ("hosted-vmware", "not measured: hosted-vmware."),
    ],
)
def test_what_was_not_measured_is_never_confirmed(synthetic, tmp_path, absent, words) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        absent={("p5-550", absent, replication) for replication in range(12)},
    )
    found = judged(campaign, tmp_path)
    assert found["p5-570", "slowdown"].outcome is Outcome.CONFIRMED
    assert found["p5-550", "slowdown"].outcome is Outcome.INCONCLUSIVE
    assert words in found["p5-550", "slowdown"].reason


def test_a_virtualization_that_a_machine_cannot_hold_is_no_part_of_the_claim(
    synthetic, tmp_path
) -> None:
    claim = {
        "firmware": ["dedicated", "shared-uncapped"],
        "software": ["hosted-vmware"],
        "measures": ["slowdown"],
    }
    campaign = synthetic(
        true={"dedicated": GOOD, "shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        claim=claim,
        infeasible={("p5-550", "dedicated")},
    )
    found = judged(campaign, tmp_path)["p5-550", "slowdown"]
    assert found.outcome is Outcome.CONFIRMED
    assert "dedicated" not in found.all


def test_a_level_that_a_machine_cannot_hold_leaves_the_claim_open(synthetic, tmp_path) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        infeasible={("p5-550", "hosted-vmware")},
    )
    found = judged(campaign, tmp_path)["p5-550", "slowdown"]
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "the software level (this machine cannot hold it)" in found.reason


def test_a_level_that_shares_no_replication_with_the_other_is_not_compared(
    synthetic, tmp_path
) -> None:
    campaign = synthetic(
        true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED},
        failing={("p5-550", "shared-uncapped", each) for each in range(6)}
        | {("p5-550", "hosted-vmware", each) for each in range(6, 12)},
    )
    found = judged(campaign, tmp_path)["p5-550", "slowdown"]
    assert found.firmware.interval.samples == found.software.interval.samples == 6
    assert found.outcome is Outcome.INCONCLUSIVE


def test_measures_outside_the_claim_are_compared_but_not_judged(synthetic, tmp_path) -> None:
    campaign = synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED})
    with campaign.fill(tmp_path) as store:
        study = analyse(store)
    assert [each.measure for each in study.environments] == list(MEASURES) * 2
    assert {each.measure for each in study.verdict.environments} == {"slowdown", "processor-time"}
    for each in study.environments:
        assert each.outcome is None
        assert set(each.all) == {"shared-uncapped", "hosted-vmware"}
        assert each.environment.load == (("users", "4"),)


def test_evidence_is_that_whose_error_rates_are_simulated(synthetic, tmp_path) -> None:
    """As tests/statistics/test_error_rates.py makes it: one test of each kind, Holm over all."""
    campaign = synthetic(true={"shared-uncapped": {"response": 1.09}, "hosted-vmware": HOSTED})
    found = judged(campaign, tmp_path)
    margin = math.log1p(campaign.margin)
    firmware = np.column_stack([each.firmware.column() for each in found.values()])
    software = np.column_stack([each.software.column() for each in found.values()])
    alone = ratio_bootstrap(firmware, seed=campaign.record.seed)
    against = ratio_bootstrap(firmware / software, seed=campaign.record.seed)
    adjusted = holm(np.concatenate([alone.p_above(margin), against.p_above(0.0)]))
    expected = {
        "below-margin": alone.p_below(margin),
        "below-software": against.p_below(0.0),
        "above-margin": adjusted[: len(found)],
        "above-software": adjusted[len(found) :],
    }
    for name, values in expected.items():
        assert [each.p_values[name] for each in found.values()] == pytest.approx(values.tolist())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"exceptions": {("p5-550", "shared-uncapped"): {"processor": 1.30}}},
        {"failing": {("p5-550", "hosted-vmware", each) for each in range(12)}},
    ],
)
def test_an_environment_alone_is_confirmed_as_it_is_among_all(synthetic, tmp_path, changes) -> None:
    campaign = synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED}, **changes)
    with campaign.fill(tmp_path) as store:
        verdict, record = analyse(store).verdict, store.campaign
        runs = {}
        for run, result in store.results():
            if result is not None:
                runs.setdefault(run.cell.position, {})[run.replication] = measure(
                    result.samples,
                    result.digests.values(),
                    measured_seconds=result.measured_seconds,
                    warm_up_seconds=result.warm_up_seconds,
                )
    places = {cell.environment for cell in record.cells}
    found = {
        (each.result.environment, each.result.measure): each
        for place in places
        for each in confirmations(
            record, [cell for cell in record.cells if cell.environment == place], runs
        )
    }
    assert len(found) == len(verdict.environments)
    for each in verdict.environments:
        alone = found[each.environment, each.measure]
        confirmed = max(alone.margin, alone.software) <= record.alpha
        assert confirmed == (each.outcome is Outcome.CONFIRMED)
        assert alone.result.firmware == each.firmware


WIDE = {"noise": 0.08, "replications": 40}
"""Enough replications to tell the mean, and draws that differ much from one another."""


@pytest.mark.parametrize(
    ("true", "outcome"),
    [
        ({"shared-uncapped": {}, "hosted-vmware": {"response": 1.6}}, "confirmed"),
        ({"shared-uncapped": {"response": 1.18}, "hosted-vmware": {"response": 1.6}}, "refuted"),
        ({"shared-uncapped": {"response": 1.05}, "hosted-vmware": {}}, "refuted"),
    ],
)
def test_an_outcome_for_the_mean_need_not_hold_for_each_plausible_machine(
    synthetic, tmp_path, true, outcome
) -> None:
    sure = judged(synthetic(true=true), tmp_path / "narrow")["p5-570", "slowdown"]
    mean = judged(synthetic(true=true, **WIDE), tmp_path / "wide")["p5-570", "slowdown"]
    assert sure.outcome == mean.outcome == outcome
    all_or_none = 1.0 if outcome == "confirmed" else 0.0
    assert sure.plausible.estimate == all_or_none
    assert mean.plausible.of == 40
    assert 0.0 < mean.plausible.low <= mean.plausible.estimate <= mean.plausible.high < 1.0
    ratios = mean.firmware.column()
    others = mean.software.column()
    holds = (ratios < 1.1) & (ratios < others)
    assert mean.plausible.holding == holds.sum()


def test_replications_that_share_a_draw_are_one_sample(synthetic, tmp_path) -> None:
    true = {"shared-uncapped": GOOD, "hosted-vmware": HOSTED}
    campaign = synthetic(true=true)
    with campaign.fill(tmp_path) as store:
        record = store.campaign
        store.campaign = replace(record, replications={**record.replications, "per_draw": 3})
        found = analyse(store).verdict.environments[0]
    firmware = found.firmware
    assert firmware.interval.samples == 4
    assert len(firmware.ratios) == 12
    assert firmware.column() == pytest.approx(
        np.exp(np.log(firmware.ratios).reshape(4, 3).mean(axis=1))
    )
    assert found.plausible.of == 4
    assert firmware.spread is not None


def test_a_single_replication_has_a_range_without_ends(synthetic, tmp_path) -> None:
    campaign = synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED}, replications=1)
    told = judged(campaign, tmp_path)["p5-570", "slowdown"].to_json()["firmware"]
    assert (told["range_low"], told["range_high"]) == (-1.0, None)
