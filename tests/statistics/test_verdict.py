import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.intervals import Bootstrap
from harness.statistics.ratios import ratio_bootstrap
from harness.statistics.verdict import Evidence, Judgement, Outcome, conclude, judge

MARGIN = 0.10
ALPHA = 0.05


def evidence(firmware: np.ndarray, software: np.ndarray) -> Evidence:
    """One environment's, from the ratios to the baseline of one virtualization of each level."""
    margin = ratio_bootstrap(firmware)
    against = ratio_bootstrap(firmware / software)
    bound = math.log1p(MARGIN)
    return Evidence(
        below_margin=tuple(margin.p_below(bound).tolist()),
        below_software=tuple(against.p_below(0.0).tolist()),
        above_margin=tuple(margin.p_above(bound).tolist()),
        above_software=tuple(against.p_above(0.0).tolist()),
    )


def ratios(mean: float, seed: int, spread: float = 0.01) -> np.ndarray:
    return mean * np.exp(np.random.default_rng(seed).normal(0.0, spread, size=12))


@pytest.mark.parametrize(
    ("firmware", "software", "outcome"),
    [
        (1.04, 1.60, Outcome.CONFIRMED),
        (1.30, 1.60, Outcome.REFUTED),
        (1.05, 1.02, Outcome.REFUTED),
        (1.10, 1.60, Outcome.INCONCLUSIVE),
        (1.05, 1.05, Outcome.INCONCLUSIVE),
    ],
)
def test_each_outcome_is_reached(firmware: float, software: float, outcome: Outcome) -> None:
    environments = [evidence(ratios(firmware, 1), ratios(software, 2)) for _ in range(9)]
    assert {found.outcome for found in judge(environments, ALPHA)} == {outcome}


def test_the_reason_for_refuting_is_told_apart() -> None:
    over_margin, over_software = judge(
        [evidence(ratios(1.3, 1), ratios(1.6, 2)), evidence(ratios(1.05, 3), ratios(1.02, 4))],
        ALPHA,
    )
    assert over_margin.refuting_margin <= ALPHA < over_margin.refuting_software
    assert over_software.refuting_software <= ALPHA < over_software.refuting_margin


def test_wide_intervals_decide_nothing() -> None:
    environment = evidence(ratios(1.04, 1, spread=0.5), ratios(1.6, 2, spread=0.5))
    assert judge([environment], ALPHA)[0].outcome is Outcome.INCONCLUSIVE


def test_what_is_not_measured_is_not_confirmed() -> None:
    nothing = Evidence((), (), (), ())
    part = Evidence((0.001,), (), (0.999,), (), complete=False)
    margin_only = Evidence((0.001,), (), (0.999,), ())
    outcomes = [found.outcome for found in judge([nothing, part, margin_only], ALPHA)]
    assert outcomes == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, Outcome.CONFIRMED]


def test_one_environment_among_many_is_refuted_at_a_stricter_level() -> None:
    suspicious = Evidence((0.98,), (0.001,), (0.02,), (0.999,))
    fine = Evidence((0.001,), (0.001,), (0.999,), (0.999,))
    alone = judge([suspicious], ALPHA)[0]
    among = judge([suspicious] + [fine] * 9, ALPHA)
    assert alone.outcome is Outcome.REFUTED
    assert [found.outcome for found in among] == [Outcome.INCONCLUSIVE] + [Outcome.CONFIRMED] * 9


def test_every_firmware_virtualization_has_to_pass() -> None:
    one_fails = Evidence((0.001, 0.2), (0.001, 0.001), (0.999, 0.8), (0.999, 0.999))
    assert judge([one_fails], ALPHA)[0] == Judgement(Outcome.INCONCLUSIVE, 0.2, 0.001, 1.0, 1.0)


tests = st.floats(0, 1)
evidences = st.lists(
    st.tuples(tests, tests).map(lambda p: Evidence((p[0],), (p[1],), (1 - p[0],), (1 - p[1],))),
    min_size=1,
    max_size=12,
)


@given(evidences, st.floats(0.001, 0.49))
def test_one_environment_is_judged_by_the_definition(
    environments: list[Evidence], alpha: float
) -> None:
    count = 2 * len(environments)
    for one, found in zip(environments, judge(environments, alpha), strict=True):
        against = min(*one.above_margin, *one.above_software)
        if against * count <= alpha:
            assert found.outcome is Outcome.REFUTED
        if found.outcome is Outcome.REFUTED:
            assert against <= alpha
        elif max(*one.below_margin, *one.below_software) <= alpha:
            assert found.outcome is Outcome.CONFIRMED
        else:
            assert found.outcome is Outcome.INCONCLUSIVE


@given(evidences, st.floats(0.001, 0.49), st.randoms(use_true_random=False))
def test_judging_does_not_depend_on_the_order(
    environments: list[Evidence], alpha: float, random: object
) -> None:
    places = list(range(len(environments)))
    random.shuffle(places)  # type: ignore[attr-defined]
    found = judge(environments, alpha)
    shuffled = judge([environments[place] for place in places], alpha)
    assert shuffled == tuple(found[place] for place in places)


def test_no_environment_no_judgement() -> None:
    assert judge([], ALPHA) == ()


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, -0.1])
def test_alpha_is_checked(alpha: float) -> None:
    with pytest.raises(ValueError, match="significance"):
        judge([], alpha)


@given(st.lists(st.sampled_from(Outcome)))
def test_the_whole_is_confirmed_if_all_are_and_refuted_if_any_is(parts: list[Outcome]) -> None:
    whole = conclude(parts)
    assert (whole is Outcome.REFUTED) == (Outcome.REFUTED in parts)
    assert (whole is Outcome.CONFIRMED) == (bool(parts) and set(parts) == {Outcome.CONFIRMED})


def test_error_rates_at_the_margin() -> None:
    """With every environment at the margin, confirming and refuting err at most alpha."""
    experiments, environments, samples = 400, 6, 12
    rng = np.random.default_rng(10)
    confirmed = refuted = one_confirmed = 0
    for _ in range(experiments):
        logs = rng.normal(math.log1p(MARGIN), 0.02, size=(samples, environments))
        bootstrap = Bootstrap(logs, resamples=999)
        below = bootstrap.p_below(math.log1p(MARGIN))
        above = bootstrap.p_above(math.log1p(MARGIN))
        found = judge(
            [Evidence((p,), (), (q,), ()) for p, q in zip(below, above, strict=True)], ALPHA
        )
        outcomes = [one.outcome for one in found]
        confirmed += conclude(outcomes) is Outcome.CONFIRMED
        refuted += conclude(outcomes) is Outcome.REFUTED
        one_confirmed += outcomes.count(Outcome.CONFIRMED)
    slack = 3 * math.sqrt(ALPHA * (1 - ALPHA) / experiments)
    assert confirmed / experiments <= ALPHA
    assert refuted / experiments <= ALPHA + slack
    # A single environment at the margin is confirmed in nearly alpha of all cases, not in none.
    rate = one_confirmed / experiments / environments
    assert rate == pytest.approx(ALPHA, abs=slack)
