import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.warm_up import BATCH, MINIMUM_BATCHES, WarmUp, mser5


def autoregressive(rng: np.random.Generator, length: int, phi: float = 0.5) -> np.ndarray:
    values = np.empty(length)
    state = 0.0
    for place, shock in enumerate(rng.normal(size=length)):
        state = phi * state + shock
        values[place] = state
    return values


def test_a_step_is_cut_exactly_where_it_ends() -> None:
    series = np.concatenate([np.full(100, 9.0), np.tile([1.0, 2.0, 3.0, 2.0, 1.0], 80)])
    assert mser5(series) == WarmUp(cut=100, trustworthy=True)


@pytest.mark.parametrize("seed", range(20))
def test_a_decaying_transient_is_cut_and_little_more(seed: int) -> None:
    time = np.arange(2000)
    noise = autoregressive(np.random.default_rng(seed), time.size)
    found = mser5(10.0 + 30.0 * np.exp(-time / 60.0) + noise)
    # After 120 observations the bias is 4 of 30, after 480 it is a hundredth of the noise.
    assert found.trustworthy
    assert 120 <= found.cut <= 480


def test_what_is_left_of_a_transient_is_unbiased() -> None:
    time = np.arange(2000)
    means = []
    for seed in range(40):
        noise = autoregressive(np.random.default_rng(seed), time.size)
        series = 10.0 + 30.0 * np.exp(-time / 60.0) + noise
        means.append(series[mser5(series).cut :].mean())
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    assert abs(np.mean(means) - 10.0) < 4 * error
    # The whole series would be off by 30 * 60 / 2000.
    assert abs(np.mean(means) - 10.0) < 0.1 * 0.9


def test_stationary_series_lose_little() -> None:
    cuts = [mser5(autoregressive(np.random.default_rng(seed), 2000)).cut for seed in range(50)]
    assert np.median(cuts) <= 100
    assert max(cuts) <= 1000


def test_a_series_that_never_settles_is_not_trusted() -> None:
    assert not mser5(np.arange(1000.0)).trustworthy


def test_a_constant_series_keeps_everything() -> None:
    assert mser5(np.full(500, 0.1)) == WarmUp(cut=0, trustworthy=True)


def test_a_short_series_is_not_trusted() -> None:
    assert mser5(np.zeros(BATCH * MINIMUM_BATCHES - 1)) == WarmUp(cut=0, trustworthy=False)
    assert mser5(np.zeros(BATCH * MINIMUM_BATCHES)).trustworthy
    assert mser5([]) == WarmUp(cut=0, trustworthy=False)


@given(
    st.lists(st.floats(-1e6, 1e6), max_size=300),
    st.floats(-1e3, 1e3),
    st.sampled_from([0.25, 2.0, 1024.0]),
)
def test_the_cut_is_whole_batches_of_the_first_half(
    series: list[float], shift: float, scale: float
) -> None:
    found = mser5(series)
    assert found.cut % BATCH == 0
    assert 0 <= found.cut <= len(series) / 2
    # A power of two changes no digit, so the cut must be the very same.
    assert mser5(np.array(series) * scale) == found


@given(st.integers(0, 2**32 - 1))
def test_the_definition(seed: int) -> None:
    series = np.random.default_rng(seed).normal(size=150).cumsum()
    batches = series.reshape(-1, BATCH).mean(axis=1)
    errors = [batches[cut:].var() / (batches.size - cut) for cut in range(batches.size // 2 + 1)]
    assert mser5(series).cut == BATCH * int(np.argmin(errors))


@pytest.mark.parametrize("series", [[[1.0, 2.0]], [1.0, float("nan")], [1.0, float("inf")]])
def test_what_is_not_a_series_is_refused(series: list[object]) -> None:
    with pytest.raises(ValueError, match="series"):
        mser5(series)
