import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.statistics.ratios import (
    by_draw,
    holm,
    paired_ratios,
    ratio_bootstrap,
    ratio_ranges,
    share,
    spread,
)

probabilities = st.lists(st.floats(0, 1), max_size=30)


@given(probabilities, st.floats(0.001, 0.5))
def test_holm_rejects_what_the_step_down_procedure_rejects(
    values: list[float], alpha: float
) -> None:
    rejected = set()
    for step, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        if values[place] * (len(values) - step) > alpha:
            break
        rejected.add(place)
    assert set(np.flatnonzero(holm(values) <= alpha)) == rejected


@given(probabilities)
def test_holm_lies_between_no_adjustment_and_bonferroni(values: list[float]) -> None:
    adjusted = holm(values)
    raw = np.array(values)
    assert (adjusted >= raw).all()
    assert (adjusted <= np.minimum(raw * len(values), 1.0)).all()


@given(probabilities)
def test_holm_keeps_the_order(values: list[float]) -> None:
    ordered = [adjusted for _, adjusted in sorted(zip(values, holm(values), strict=True))]
    assert all(first <= second for first, second in pairwise(ordered))


@given(probabilities, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order(values: list[float], random: object) -> None:
    places = list(range(len(values)))
    random.shuffle(places)  # type: ignore[attr-defined]
    shuffled = holm([values[place] for place in places])
    assert (shuffled == holm(values)[places]).all()


def test_holm_keeps_the_family_wise_error() -> None:
    rng = np.random.default_rng(6)
    experiments, alpha = 4000, 0.05
    uniform = rng.random((experiments, 8))
    wrong = sum(holm(row).min() <= alpha for row in uniform)
    assert wrong / experiments <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / experiments)
    # Nearly the whole alpha is used when the tests are independent: 1 - (1 - alpha / 8) ** 8.
    assert wrong / experiments >= 0.0489 - 3 * math.sqrt(alpha * (1 - alpha) / experiments)


@pytest.mark.parametrize("wrong", [[1.1], [-0.1], [float("nan")], [[0.1]]])
def test_holm_refuses_what_is_no_probability(wrong: list[object]) -> None:
    with pytest.raises(ValueError, match="probability"):
        holm(wrong)


def test_ratios_are_paired_by_replication() -> None:
    baseline = [1.0, 2.0, 4.0]
    measured = [[2.0, 1.0], [4.0, 1.0], [8.0, 1.0]]
    assert paired_ratios(measured, baseline).tolist() == [[2.0, 1.0], [2.0, 0.5], [2.0, 0.25]]
    each = paired_ratios(measured, [[2.0, 1.0], [4.0, 1.0], [8.0, 1.0]])
    assert (each == 1.0).all()


@pytest.mark.parametrize("missing", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ratio_of_or_to_nothing_is_missing(missing: float) -> None:
    assert np.isnan(paired_ratios([missing, 1.0], [1.0, missing])).all()


positive = st.lists(st.floats(0.1, 10), min_size=1, max_size=15)


@given(positive)
def test_the_reverse_comparison_is_the_inverse(ratios: list[float]) -> None:
    there = ratio_bootstrap(ratios)
    back = ratio_bootstrap(1.0 / np.array(ratios))
    (forward,), (backward,) = there.intervals(), back.intervals()
    assert forward.estimate == pytest.approx(-backward.estimate, abs=1e-9)
    assert forward.low == pytest.approx(-backward.high, abs=1e-6)
    assert forward.high == pytest.approx(-backward.low, abs=1e-6)
    assert there.p_below(0.1)[0] == pytest.approx(back.p_above(-0.1)[0], abs=1e-6)


def test_the_range_of_inverse_ratios_is_the_inverse_range() -> None:
    ratios = np.random.default_rng(9).lognormal(0.1, 0.3, (10, 4))
    for found, inverse in zip(
        ratio_ranges(ratios, 0.9), ratio_ranges(1 / ratios, 0.9), strict=True
    ):
        assert (inverse.low, inverse.high) == pytest.approx((-found.high, -found.low))


@given(
    st.lists(st.floats(0.5, 2.0), min_size=2, max_size=24),
    st.integers(1, 5),
    st.floats(1.1, 3.0),
)
def test_draws_are_geometric_means_of_their_replications(ratios, per_draw, factor) -> None:
    found = by_draw(ratios, per_draw)
    groups = [ratios[start : start + per_draw] for start in range(0, len(ratios), per_draw)]
    assert found == pytest.approx([stats.gmean(each) for each in groups])
    scaled = by_draw(np.array(ratios) * factor, per_draw)
    assert scaled == pytest.approx(found * factor)


def test_a_missing_replication_leaves_its_draw_to_the_others() -> None:
    table = np.array([[1.0, math.nan], [4.0, math.nan], [9.0, 2.0]])
    found = by_draw(table, 2)
    assert found[:, 0] == pytest.approx([2.0, 9.0])
    assert math.isnan(found[0, 1])
    assert found[1, 1] == pytest.approx(2.0)


@pytest.mark.parametrize(("constants", "chance"), [(0.1, 0.02), (0.02, 0.1), (0.0, 0.05)])
def test_constants_and_chance_are_told_apart(constants, chance) -> None:
    generator = np.random.default_rng(5)
    machines = generator.normal(0.0, constants, (40_000, 1))
    logs = machines + generator.normal(0.0, chance, (40_000, 3))
    found = spread(np.exp(logs.ravel()), 3)
    assert found.chance == pytest.approx(chance, rel=0.03)
    assert found.constants == pytest.approx(constants, rel=0.1, abs=0.006)


def test_one_replication_a_draw_does_not_tell_them_apart() -> None:
    assert spread([1.0, 1.1, 1.2], 1) is None
    assert spread([1.0, 1.1], 2) is None


@pytest.mark.parametrize(("holding", "of"), [(0, 10), (10, 10), (7, 10), (19, 20)])
def test_a_share_has_the_interval_of_clopper_and_pearson(holding, of) -> None:
    found = share(holding, of, 0.95)
    expected = stats.binomtest(holding, of).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.estimate == holding / of
