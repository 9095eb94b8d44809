"""Two-level designs keep factors apart, and effects are what theory says they are."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.factorial_design import BLOCKS, effects, two_level_design


@given(st.integers(0, 120))
def test_every_factor_is_balanced_and_apart_from_all_others_and_the_blocks(factors: int) -> None:
    design = two_level_design(factors)
    signs = design.signs.astype(float)
    assert signs.shape == (design.runs, factors)
    assert np.array_equal(signs.T @ signs, design.runs * np.eye(factors))
    assert not (design.dummies.T @ signs).any()
    assert (design.dummies.sum(axis=0) == design.runs / BLOCKS).all()
    # What is left over to tell the noise from.
    assert design.runs - BLOCKS - factors >= 8


@given(st.integers(2, 64), st.randoms(use_true_random=False))
def test_pairs_are_never_mixed_with_an_effect_at_resolution_four(factors, random) -> None:
    design = two_level_design(factors)
    signs = design.signs.astype(float)
    if design.resolution < 4:
        assert 2 * factors > design.runs
        return
    pairs = random.sample(
        list(combinations(range(factors), 2)), k=min(20, factors * (factors - 1) // 2)
    )
    for one, other in pairs:
        assert not (signs.T @ (signs[:, one] * signs[:, other])).any()


def test_effects_of_a_linear_response_are_its_coefficients_whatever_pairs_do() -> None:
    rng = np.random.default_rng(1)
    design = two_level_design(30)
    signs = design.signs.astype(float)
    slopes = rng.normal(size=30)
    pairs = sum(0.3 * signs[:, i] * signs[:, i + 1] for i in range(29))
    blocks = design.dummies @ rng.normal(size=BLOCKS) * 10
    found = effects(signs @ slopes + pairs + blocks, design, range(30), level=0.95)
    assert [each.change for each in found] == pytest.approx(2 * slopes)
    variation = np.square(slopes).sum() + 29 * 0.09
    # Pairs with the blocks' own columns go with the blocks, so a little of the pairs may be gone.
    for each, slope in zip(found, slopes, strict=True):
        assert each.share >= slope**2 / variation - 1e-9
        assert each.share == pytest.approx(slope**2 / variation, rel=0.15)


def test_shares_of_a_linear_response_are_its_sobol_indices() -> None:
    design = two_level_design(5)
    slopes = np.array([4.0, 2.0, 1.0, 0.5, 0.0])
    found = effects(design.signs @ slopes, design, range(5), level=0.95)
    assert [each.share for each in found] == pytest.approx(slopes**2 / np.square(slopes).sum())
    assert [each.p < 1e-9 for each in found] == [True, True, True, True, False]


def test_of_ishigami_s_function_two_levels_see_the_odd_part_only() -> None:
    """Its second and third variables act evenly, or only together with the first."""
    design = two_level_design(3)
    x = design.signs * 0.8 * math.pi
    response = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    first, second, third = effects(response, design, range(3), level=0.95)
    end = 0.8 * math.pi
    assert first.change == pytest.approx(2 * math.sin(end) * (1 + 0.1 * end**4))
    assert first.share == pytest.approx(1.0)
    assert second.change == pytest.approx(0.0, abs=1e-9)
    assert third.change == pytest.approx(0.0, abs=1e-9)
    assert min(second.p, third.p) > 0.5


def test_noise_is_taken_for_an_effect_as_often_as_stated() -> None:
    rng = np.random.default_rng(3)
    design = two_level_design(24)
    p = [
        each.p
        for _ in range(400)
        for each in effects(rng.normal(size=design.runs), design, range(24), level=0.95)
    ]
    for alpha in (0.01, 0.05, 0.2):
        rate = np.mean(np.array(p) <= alpha)
        assert abs(rate - alpha) < 4 * math.sqrt(alpha * (1 - alpha) / len(p))


def test_intervals_contain_the_effect_as_often_as_stated() -> None:
    rng = np.random.default_rng(4)
    design = two_level_design(10)
    slopes = np.linspace(0.0, 0.9, 10)
    inside = [
        each.low <= 2 * slope <= each.high
        for _ in range(500)
        for each, slope in zip(
            effects(
                design.signs @ slopes + rng.normal(size=design.runs), design, range(10), level=0.95
            ),
            slopes,
            strict=True,
        )
    ]
    assert abs(np.mean(inside) - 0.95) < 4 * math.sqrt(0.95 * 0.05 / len(inside))


def test_failed_runs_leave_effects_unbiased_and_too_many_leave_none() -> None:
    design = two_level_design(6)
    slopes = np.arange(6.0)
    response = design.signs @ slopes
    response[[3, 17, 18]] = np.nan
    found = effects(response, design, range(6), level=0.95)
    assert [each.change for each in found] == pytest.approx(2 * slopes)
    response[5:] = np.nan
    for each in effects(response, design, range(6), level=0.95):
        assert each.p == 1.0
        assert math.isinf(each.high)


def test_a_response_that_never_changes_is_moved_by_nothing() -> None:
    design = two_level_design(4)
    found = effects(np.full(design.runs, 0.1), design, range(4), level=0.95)
    assert {(each.change, each.share, each.p) for each in found} == {(0.0, 0.0, 1.0)}
