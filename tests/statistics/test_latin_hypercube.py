import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.statistics.latin_hypercube import BLOCK, latin_hypercube, triangular_quantile

NAMES = ["alpha", "beta", "gamma"]


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**63))
def test_each_block_has_one_draw_in_each_tenth(dimensions: int, blocks: int, seed: int) -> None:
    names = [f"constant-{number}" for number in range(dimensions)]
    rows = latin_hypercube(names, blocks * BLOCK, seed)
    table = np.array([[row[name] for name in names] for row in rows])
    assert ((table > 0.0) & (table < 1.0)).all()
    strata = np.floor(table * BLOCK).astype(int).reshape(blocks, BLOCK, dimensions)
    assert (np.sort(strata, axis=1) == np.arange(BLOCK)[:, np.newaxis]).all()


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 10**6))
def test_more_replications_extend_the_same_design(few: int, more: int, seed: int) -> None:
    assert latin_hypercube(NAMES, few + more, seed)[:few] == latin_hypercube(NAMES, few, seed)


def test_seeds_and_blocks_differ() -> None:
    rows = latin_hypercube(NAMES, 2 * BLOCK, 1) + latin_hypercube(NAMES, 2 * BLOCK, 2)
    assert len({row["alpha"] for row in rows}) == 4 * BLOCK


def test_names_are_independent() -> None:
    rows = latin_hypercube(NAMES, 2000, 7)
    correlation = np.corrcoef([[row[name] for row in rows] for name in NAMES])
    assert np.abs(correlation - np.eye(len(NAMES))).max() < 4 / np.sqrt(len(rows))


def test_the_mean_over_a_hypercube_beats_independent_draws() -> None:
    means = [np.mean([row["alpha"] for row in latin_hypercube(NAMES, 10, s)]) for s in range(100)]
    # Stratified: variance 1/12/n^3; independent: 1/12/n.
    assert np.var(means) == pytest.approx(1 / 12 / 1000, rel=0.6)


def test_nothing_to_draw() -> None:
    assert latin_hypercube([], 3, 1) == ({}, {}, {})
    assert latin_hypercube(NAMES, 0, 1) == ()


triangles = st.tuples(*[st.floats(-1e6, 1e6)] * 3).map(sorted)


@given(triangles, st.floats(0, 1), st.floats(0, 1))
def test_a_triangular_quantile_rises_and_stays_inside(
    triangle: list[float], first: float, second: float
) -> None:
    low, mode, high = triangle
    smaller = triangular_quantile(min(first, second), low, mode, high)
    larger = triangular_quantile(max(first, second), low, mode, high)
    assert low <= smaller <= larger <= high
    assert triangular_quantile(0.0, low, mode, high) == low
    assert triangular_quantile(1.0, low, mode, high) == high


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_triangular_quantile_agrees_with_scipy(peak: float, probability: float) -> None:
    reference = stats.triang(peak, loc=2.0, scale=3.0)
    value = triangular_quantile(probability, 2.0, 2.0 + 3.0 * peak, 5.0)
    assert value == pytest.approx(reference.ppf(probability), abs=1e-7)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1))
def test_a_certain_constant_is_its_value(value: float, probability: float) -> None:
    assert triangular_quantile(probability, value, value, value) == value


@pytest.mark.parametrize("wrong", [(0.5, 2, 1, 3), (0.5, 1, 4, 3), (-0.1, 1, 2, 3), (1.1, 1, 2, 3)])
def test_wrong_triangles_are_refused(wrong: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"low <= mode|probability"):
        triangular_quantile(*wrong)
