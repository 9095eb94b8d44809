import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.statistics.intervals import (
    ENOUGH_SAMPLES,
    Bootstrap,
    Caution,
    Interval,
    prediction_intervals,
)

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 40)
shapes = st.sampled_from(["normal", "log-normal", "bimodal"])


def sample(shape: str, size: int | tuple[int, int], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if shape == "normal":
        return rng.normal(size=size)
    if shape == "log-normal":
        return rng.lognormal(0.0, 0.5, size=size)
    return rng.normal(size=size) + np.where(rng.random(size) < 0.3, 4.0, 0.0)


TRUE_MEAN = {"normal": 0.0, "log-normal": math.exp(0.125), "bimodal": 1.2}


@pytest.mark.parametrize("shape", TRUE_MEAN)
@pytest.mark.parametrize("size", [8, 12, 50])
def test_textbook_bca_is_that_of_scipy(shape: str, size: int) -> None:
    values = sample(shape, size, seed=size)
    (ours,) = Bootstrap(values, textbook=True, resamples=200_000).intervals()
    theirs = stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=50_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * (ours.high - ours.low))
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * (ours.high - ours.low))


def test_of_normal_values_it_agrees_with_student() -> None:
    table = sample("normal", (12, 400), seed=2)
    widths = np.array([found.high - found.low for found in Bootstrap(table).intervals()])
    student = 2 * stats.t.ppf(0.975, 11) * table.std(axis=0, ddof=1) / math.sqrt(12)
    assert (widths >= student * (1.0 - 1e-12)).all()
    assert np.mean(widths / student) == pytest.approx(1.06, abs=0.03)


@settings(max_examples=50)
@given(shapes, sizes, seeds, st.floats(0.5, 0.99), st.floats(-4, 4))
def test_student_and_the_bootstrap_must_both_agree(
    shape: str, size: int, seed: int, level: float, bound: float
) -> None:
    values = sample(shape, size, seed)
    bootstrap = Bootstrap(values, resamples=999)
    (found,) = bootstrap.intervals(level)
    student = stats.ttest_1samp(values, 0.0).confidence_interval(level)
    assert found.low <= student.low + 1e-9
    assert found.high >= student.high - 1e-9
    for sides, p_value in (
        ("less", bootstrap.p_below(bound)[0]),
        ("greater", bootstrap.p_above(bound)[0]),
    ):
        assert p_value >= stats.ttest_1samp(values, bound, alternative=sides).pvalue - 1e-12


@settings(max_examples=50)
@given(shapes, sizes, seeds, st.floats(0.5, 0.99))
def test_a_shift_moves_and_a_mirror_turns_the_interval(
    shape: str, size: int, seed: int, level: float
) -> None:
    values = sample(shape, size, seed)
    (plain,) = Bootstrap(values, resamples=999).intervals(level)
    (moved,) = Bootstrap(3.0 + 2.0 * values, resamples=999).intervals(level)
    (turned,) = Bootstrap(-values, resamples=999).intervals(level)
    for name in ("estimate", "low", "high"):
        assert getattr(moved, name) == pytest.approx(3.0 + 2.0 * getattr(plain, name), abs=1e-9)
    assert turned.low == pytest.approx(-plain.high, abs=1e-9)
    assert turned.high == pytest.approx(-plain.low, abs=1e-9)


@settings(max_examples=50)
@given(shapes, sizes, seeds)
def test_more_confidence_needs_a_wider_interval(shape: str, size: int, seed: int) -> None:
    bootstrap = Bootstrap(sample(shape, size, seed), resamples=999)
    (narrow,), (wide,) = bootstrap.intervals(0.8), bootstrap.intervals(0.99)
    assert wide.low < narrow.low <= narrow.estimate <= narrow.high < wide.high
    assert narrow.estimate == wide.estimate


@settings(max_examples=100)
@given(shapes, sizes, seeds, st.floats(0.001, 0.3))
def test_a_test_rejects_exactly_what_its_interval_excludes(
    shape: str, size: int, seed: int, alpha: float
) -> None:
    bootstrap = Bootstrap(sample(shape, size, seed), resamples=999)
    (interval,) = bootstrap.intervals(1.0 - 2.0 * alpha)
    width = interval.high - interval.low
    assert bootstrap.p_below(interval.high + 0.01 * width)[0] <= alpha
    assert bootstrap.p_below(interval.high - 0.01 * width)[0] >= alpha
    assert bootstrap.p_above(interval.low - 0.01 * width)[0] <= alpha
    assert bootstrap.p_above(interval.low + 0.01 * width)[0] >= alpha


@settings(max_examples=50)
@given(shapes, sizes, seeds, st.lists(st.floats(-30, 30), min_size=2, max_size=20))
def test_probability_values_fall_with_the_distance(
    shape: str, size: int, seed: int, bounds: list[float]
) -> None:
    bootstrap = Bootstrap(sample(shape, size, seed), resamples=999)
    below = np.array([bootstrap.p_below(bound)[0] for bound in sorted(bounds)])
    above = np.array([bootstrap.p_above(bound)[0] for bound in sorted(bounds)])
    assert ((below >= 0.0) & (below <= 1.0) & (above >= 0.0) & (above <= 1.0)).all()
    assert (np.diff(below) <= 1e-12).all()
    assert (np.diff(above) >= -1e-12).all()


def test_far_beyond_the_resamples_a_test_still_resolves() -> None:
    values = sample("normal", 10, seed=3)
    bootstrap = Bootstrap(values)
    bound = values.mean() + 12.0 * values.std(ddof=1) / math.sqrt(10)
    assert bootstrap.p_below(bound)[0] == pytest.approx(stats.t.sf(12.0, 9))
    assert bootstrap.p_above(bound)[0] > 0.99


@pytest.mark.parametrize("shape", ["normal", "bimodal"])
def test_at_the_bound_a_test_errs_no_more_than_alpha(shape: str) -> None:
    experiments, alpha = 2000, 0.05
    table = sample(shape, (20, experiments), seed=5)
    wrong = 0
    for first in range(0, experiments, 250):
        bootstrap = Bootstrap(table[:, first : first + 250], resamples=1999)
        wrong += int((bootstrap.p_below(TRUE_MEAN[shape]) <= alpha).sum())
    assert wrong / experiments <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / experiments)
    assert wrong / experiments >= 0.02


@settings(max_examples=50)
@given(seeds, st.integers(1, 30), st.integers(1, 6))
def test_a_column_does_not_depend_on_its_neighbours(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(rows, columns))
    table[rng.random(table.shape) < 0.3] = np.nan
    table[0] = rng.normal(size=columns)
    together = Bootstrap(table, resamples=499)
    bounds = rng.normal(size=columns)
    for place, interval in enumerate(together.intervals()):
        column = table[:, place]
        alone = Bootstrap(column[~np.isnan(column)], resamples=499)
        (expected,) = alone.intervals()
        assert interval.samples == expected.samples == (~np.isnan(column)).sum()
        assert interval.low == pytest.approx(expected.low, abs=1e-9)
        assert interval.high == pytest.approx(expected.high, abs=1e-9)
        probability = alone.p_above(bounds[place])[0]
        assert together.p_above(bounds)[place] == pytest.approx(probability, abs=1e-9)


def test_resamples_belong_to_the_seed() -> None:
    values = sample("bimodal", 15, seed=4)
    assert Bootstrap(values, seed=1).intervals() == Bootstrap(values, seed=1).intervals()
    assert Bootstrap(values, seed=1).intervals() != Bootstrap(values, seed=2).intervals()


def test_one_sample_tells_nothing_about_its_spread() -> None:
    bootstrap = Bootstrap([2.5])
    expected = Interval(2.5, -math.inf, math.inf, 0.95, 1, (Caution.SINGLE_SAMPLE,))
    assert bootstrap.intervals() == (expected,)
    assert bootstrap.p_below(100.0).tolist() == bootstrap.p_above(-100.0).tolist() == [1.0]
    inverse = expected.transformed(math.exp)
    assert (inverse.low, inverse.estimate, inverse.high) == (0.0, math.exp(2.5), math.inf)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e-300, 1e300])
@pytest.mark.parametrize("size", [2, 7, 10])
def test_equal_samples_give_a_point_and_say_so(value: float, size: int) -> None:
    bootstrap = Bootstrap(np.full(size, value))
    (found,) = bootstrap.intervals()
    assert found.low == found.estimate == found.high == pytest.approx(value)
    assert found.warnings == (Caution.NO_VARIATION,)
    away = 1.0 + 2.0 * abs(value)
    assert bootstrap.p_below(value + away)[0] == bootstrap.p_above(value - away)[0] == 0.0
    assert bootstrap.p_below(value)[0] == bootstrap.p_above(value)[0] == 1.0
    assert bootstrap.p_below(value - away)[0] == bootstrap.p_above(value + away)[0] == 1.0


def test_rounding_errors_are_no_variation() -> None:
    values = [1e-16, -1e-16, 0.0, 2e-16, 1e-16, 0.0, 0.0, 0.0, 1e-16]
    bootstrap = Bootstrap(values, resolution=1e-9)
    assert bootstrap.intervals()[0].warnings == (Caution.NO_VARIATION,)
    assert bootstrap.p_below(0.0)[0] == bootstrap.p_above(0.0)[0] == 1.0


@given(
    st.lists(
        st.one_of(st.floats(-1e100, 1e100), st.sampled_from([0.0, 1.0, 1.0 + 1e-15, 1e-200])),
        min_size=1,
        max_size=20,
    ),
    st.floats(-1e100, 1e100),
)
def test_any_finite_samples_give_an_ordered_interval(values: list[float], bound: float) -> None:
    bootstrap = Bootstrap(values, resamples=199)
    (found,) = bootstrap.intervals()
    assert found.low <= found.estimate <= found.high
    assert 0.0 <= bootstrap.p_below(bound)[0] <= 1.0
    assert 0.0 <= bootstrap.p_above(bound)[0] <= 1.0


def test_small_samples_are_marked() -> None:
    rng = np.random.default_rng(1)
    warnings = {n: Bootstrap(rng.normal(size=n)).intervals()[0].warnings for n in range(2, 13)}
    for size, found in warnings.items():
        assert found == ((Caution.FEW_SAMPLES,) if size < ENOUGH_SAMPLES else ())


def test_what_has_no_mean_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        Bootstrap([[1.0, math.nan], [2.0, math.nan]])
    with pytest.raises(ValueError, match="finite"):
        Bootstrap([1.0, math.inf])
    with pytest.raises(ValueError, match="level"):
        Bootstrap([1.0, 2.0]).intervals(1.0)


@settings(max_examples=50)
@given(shapes, sizes, seeds, st.floats(0.5, 0.99))
def test_a_range_is_that_of_student_with_one_sample_more(
    shape: str, size: int, seed: int, level: float
) -> None:
    """A further sample lies off the mean by its own variance and that of the mean."""
    values = sample(shape, size, seed)
    (found,) = prediction_intervals(values, level)
    scale = math.sqrt(values.var(ddof=1) * (1 + 1 / size))
    low, high = stats.t.interval(level, size - 1, loc=values.mean(), scale=scale)
    assert (found.low, found.high) == pytest.approx((low, high))
    (interval,) = Bootstrap(values, resamples=999).intervals(level)
    assert found.estimate == pytest.approx(interval.estimate)
    assert (found.level, found.samples) == (interval.level, interval.samples)
    assert found.warnings == interval.warnings


@settings(max_examples=50)
@given(shapes, seeds, st.floats(-4, 4), st.floats(0.1, 10))
def test_a_shift_moves_and_a_mirror_turns_the_range(
    shape: str, seed: int, shift: float, factor: float
) -> None:
    values = sample(shape, 9, seed)
    (plain,) = prediction_intervals(values)
    (moved,) = prediction_intervals(shift + factor * values)
    (turned,) = prediction_intervals(-values)
    assert moved.low == pytest.approx(shift + factor * plain.low, abs=1e-9)
    assert moved.high == pytest.approx(shift + factor * plain.high, abs=1e-9)
    assert (turned.low, turned.high) == pytest.approx((-plain.high, -plain.low))


def test_more_samples_do_not_narrow_a_range_below_their_spread() -> None:
    values = sample("normal", 4000, seed=1)
    (few,), (many,) = prediction_intervals(values[:40]), prediction_intervals(values)
    assert many.high - many.low == pytest.approx(2 * 1.96, rel=0.05)
    assert few.high - few.low == pytest.approx(2 * 1.96, rel=0.35)
    (mean,) = Bootstrap(values, resamples=199).intervals()
    assert mean.high - mean.low < 0.05 * (many.high - many.low)


def test_the_range_of_a_single_sample_has_no_ends() -> None:
    (found,) = prediction_intervals([2.5])
    assert found == Interval(2.5, -math.inf, math.inf, 0.95, 1, (Caution.SINGLE_SAMPLE,))


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e-300, 1e300])
@pytest.mark.parametrize("size", [2, 7, 10])
def test_the_range_of_equal_samples_is_a_point(value: float, size: int) -> None:
    (found,) = prediction_intervals(np.full(size, value))
    assert found.low == found.high == found.estimate == pytest.approx(value, rel=1e-12)
    assert found.warnings == (Caution.NO_VARIATION,)


def test_a_difference_within_the_resolution_is_no_variation() -> None:
    (found,) = prediction_intervals([1.0, 1.0 + 1e-10], resolution=1e-9)
    assert found.low == found.high == found.estimate
    (found,) = prediction_intervals([1.0, 1.0 + 1e-8], resolution=1e-9)
    assert found.low < 1.0 < found.high


def test_each_range_uses_the_samples_that_its_column_has() -> None:
    table = sample("normal", (12, 3), seed=8)
    table[:4, 0] = np.nan
    table[1:, 1] = np.nan
    for column, found in zip(table.T, prediction_intervals(table), strict=True):
        (alone,) = prediction_intervals(column[~np.isnan(column)])
        assert found.samples == alone.samples
        assert found.warnings == alone.warnings
        assert (found.low, found.high) == pytest.approx((alone.low, alone.high))


@pytest.mark.parametrize("values", [[], [math.nan], [1.0, math.inf]])
def test_a_range_needs_finite_samples(values: list[float]) -> None:
    with pytest.raises(ValueError, match="sample"):
        prediction_intervals(values)
    with pytest.raises(ValueError, match="level"):
        prediction_intervals([1.0, 2.0], 1.0)
