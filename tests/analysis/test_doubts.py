"""Doubtful comparisons are marked, and carry no conclusion."""

import pytest

from harness.analysis.doubts import Doubt, carried
from harness.analysis.study import analyse
from harness.statistics.verdict import Outcome

GOOD = {"response": 1.03, "processor": 1.04}
DEAR = {"response": 1.30, "processor": 1.30}
HOSTED = {"response": 1.60, "processor": 2.00}
CONFIRMED, REFUTED, INCONCLUSIVE = Outcome.CONFIRMED, Outcome.REFUTED, Outcome.INCONCLUSIVE
SURE: tuple[Doubt, ...] = ()
MIX = (Doubt.MIX_DIFFERS,)
WIDE = (Doubt.WIDE,)


@pytest.mark.parametrize(
    ("outcomes", "conclusion"),
    [
        ([(CONFIRMED, SURE), (CONFIRMED, MIX)], CONFIRMED),
        ([(CONFIRMED, MIX), (CONFIRMED, MIX)], INCONCLUSIVE),
        ([(CONFIRMED, SURE), (REFUTED, MIX)], INCONCLUSIVE),
        ([(REFUTED, SURE), (REFUTED, MIX)], REFUTED),
        ([(REFUTED, SURE), (CONFIRMED, MIX)], REFUTED),
        ([(CONFIRMED, SURE), (INCONCLUSIVE, MIX)], INCONCLUSIVE),
        ([(REFUTED, WIDE)], REFUTED),
        ([(CONFIRMED, WIDE + MIX)], INCONCLUSIVE),
        ([], INCONCLUSIVE),
    ],
)
def test_doubtful_comparisons_do_not_carry_a_conclusion(outcomes, conclusion) -> None:
    assert carried(outcomes) is conclusion


def verdict_of(campaign, directory):
    with campaign.fill(directory) as store:
        return analyse(store).verdict


@pytest.mark.parametrize(("unsettled", "doubtful"), [(3, False), (4, True)])
def test_a_cell_with_many_unsettled_runs_makes_its_comparisons_doubtful(
    synthetic, tmp_path, unsettled, doubtful
) -> None:
    """More than a quarter of twelve; on the other machine nothing is in doubt."""
    runs = {("p5-570", "full-system", number) for number in range(unsettled)}
    verdict = verdict_of(
        synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED}, unsettled=runs), tmp_path
    )
    doubts = {each.environment.machine: each.doubts for each in verdict.environments}
    assert doubts == {"p5-570": (Doubt.UNSETTLED,) * doubtful, "p5-550": ()}
    assert verdict.to_json()["environments"][0]["doubts"] == ["warm-up-unsettled"] * doubtful


def test_a_refutation_that_rests_on_doubtful_runs_alone_is_none(synthetic, tmp_path) -> None:
    refuting = {"shared-uncapped": DEAR, "hosted-vmware": HOSTED}
    exception = {("p5-570", "shared-uncapped"): DEAR}
    doubtful = {("p5-570", "shared-uncapped", number) for number in range(6)}
    for name, true, exceptions, unsettled, outcome in (
        ("sure", {**refuting, "shared-uncapped": GOOD}, exception, set(), REFUTED),
        ("doubtful", {**refuting, "shared-uncapped": GOOD}, exception, doubtful, INCONCLUSIVE),
        ("both", refuting, {}, doubtful, REFUTED),
    ):
        campaign = synthetic(true=true, exceptions=exceptions, unsettled=unsettled)
        verdict = verdict_of(campaign, tmp_path / name)
        assert verdict.outcome is outcome, name
    refuted = [each for each in verdict.findings if each.outcome is REFUTED]
    assert all(Doubt.UNSETTLED in each.doubts for each in refuted)


def test_comparisons_without_any_variation_confirm_nothing(synthetic, tmp_path) -> None:
    """The replications agree exactly: what would be seen with other draws is not known."""
    claim = {
        "firmware": ["shared-uncapped"],
        "software": ["hosted-vmware"],
        "measures": ["processor-time"],
    }
    true = {"shared-uncapped": GOOD, "hosted-vmware": HOSTED}
    verdict = verdict_of(synthetic(true=true, noise=0.0, claim=claim), tmp_path)
    assert {each.outcome for each in verdict.environments} == {CONFIRMED}
    assert all(Doubt.NO_VARIATION in each.doubts for each in verdict.environments)
    assert verdict.outcome is INCONCLUSIVE
    assert verdict.count(CONFIRMED) == 0


def test_a_target_that_was_not_reached_is_marked_and_counts(synthetic, tmp_path) -> None:
    campaign = synthetic(true={"shared-uncapped": GOOD, "hosted-vmware": HOSTED}, half_width=1e-6)
    verdict = verdict_of(campaign, tmp_path)
    assert all(each.doubts == WIDE for each in verdict.environments)
    assert verdict.outcome is CONFIRMED
