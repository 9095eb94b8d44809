"""How often the shipped interval contains the true mean, over 2,000 simulated experiments each.

Their binomial error is half a percentage point at 95 %.
"""

import numpy as np
import pytest
from scipy import stats
from simulated import chance, sample

from harness.statistics.intervals import (
    ENOUGH_SAMPLES,
    Bootstrap,
    Caution,
    prediction_intervals,
)

pytestmark = pytest.mark.slow

EXPERIMENTS = 2000


def coverage(shape: str, size: int, *, textbook: bool = False) -> float:
    """Share of 95 % intervals that contain the mean, which is zero."""
    table = sample(shape, (size, EXPERIMENTS), np.random.default_rng([size, len(shape)]))
    found = Bootstrap(table, resamples=999, textbook=textbook).intervals()
    return sum(each.low <= 0.0 <= each.high for each in found) / EXPERIMENTS


@pytest.mark.parametrize("size", [7, 10, 20, 40])
@pytest.mark.parametrize("shape", ["normal", "triangular", "bimodal", "log-normal"])
def test_the_interval_holds_what_it_promises(shape: str, size: int) -> None:
    assert 0.93 <= coverage(shape, size) <= 0.97


@pytest.mark.parametrize("size", [3, 5])
def test_for_normal_values_it_holds_for_any_number(size: int) -> None:
    assert 0.93 <= coverage("normal", size) <= 0.97


@pytest.mark.parametrize("size", [7, 10, 20])
def test_of_two_even_peaks_it_is_at_most_too_wide(size: int) -> None:
    assert 0.93 <= coverage("even-bimodal", size) <= 0.985


@pytest.mark.parametrize(
    ("shape", "size", "percent"),
    [("bimodal", 3, 90.5), ("bimodal", 5, 91.0), ("log-normal", 5, 92.3)],
)
def test_where_few_samples_miss_it_they_say_so(shape: str, size: int, percent: float) -> None:
    """Pins the table in docs/statistics.md."""
    stated = percent / 100
    assert coverage(shape, size) == pytest.approx(stated, abs=chance(stated, EXPERIMENTS))
    values = sample(shape, (size,), np.random.default_rng(1))
    assert size < ENOUGH_SAMPLES
    assert Bootstrap(values).intervals()[0].warnings == (Caution.FEW_SAMPLES,)


@pytest.mark.parametrize(("size", "percent"), [(10, 89.2), (30, 92.7), (60, 94.0)])
def test_what_a_long_tail_needs_is_stated(size: int, percent: float) -> None:
    stated = percent / 100
    assert coverage("long-tailed", size) == pytest.approx(stated, abs=chance(stated, EXPERIMENTS))


@pytest.mark.parametrize("size", [7, 10])
@pytest.mark.parametrize("shape", ["normal", "log-normal"])
def test_the_textbook_would_not_pass(shape: str, size: int) -> None:
    """Neither its percentile interval nor its BCa is wide enough: the bar above can be missed."""
    table = sample(shape, (size, EXPERIMENTS), np.random.default_rng([size, len(shape)]))
    naive = stats.bootstrap(
        (table,),
        np.mean,
        axis=0,
        method="percentile",
        n_resamples=999,
        batch=50,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert np.mean((naive.low <= 0.0) & (naive.high >= 0.0)) < 0.93
    assert coverage(shape, size, textbook=True) < 0.93


MANY = 10_000


@pytest.mark.parametrize(
    ("shape", "size", "inside", "above"),
    [
        ("normal", 3, 95.0, 2.5),
        ("normal", 10, 95.0, 2.5),
        ("triangular", 10, 95.8, 3.9),
        ("triangular", 60, 95.9, 4.1),
        ("log-normal", 10, 93.8, 6.0),
        ("log-normal", 60, 95.0, 5.0),
        ("bimodal", 10, 96.1, 3.7),
        ("even-bimodal", 10, 98.0, 1.0),
        ("long-tailed", 10, 92.2, 7.8),
    ],
)
def test_the_range_holds_a_further_sample_as_often_as_stated(
    shape: str, size: int, inside: float, above: float
) -> None:
    """Pins the table in docs/statistics.md; 95 % of normal samples are theory."""
    table = sample(shape, (size + 1, MANY), np.random.default_rng([size, MANY, len(shape)]))
    found = prediction_intervals(table[:-1])
    low, high = np.array([(each.low, each.high) for each in found]).T
    for stated, rate in (
        (inside / 100, np.mean((low <= table[-1]) & (table[-1] <= high))),
        (above / 100, np.mean(table[-1] > high)),
    ):
        assert rate == pytest.approx(stated, abs=chance(stated, MANY))
