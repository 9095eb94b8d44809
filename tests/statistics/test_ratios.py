import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.ratios import holm, paired_ratios, ratio_bootstrap, ratio_ranges

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
