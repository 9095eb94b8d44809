import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

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


TIME = np.arange(1000)
KNOWN = 300
"""Series of each kind."""


def found_in(transient: np.ndarray, phi: float, length: int = 1000) -> list[WarmUp]:
    """Ends of the warm-up of series with a known transient and AR(1) noise of variance one."""
    rng = np.random.default_rng([int(10 * phi), length])
    noise = lfilter([1.0], [1.0, -phi], rng.normal(size=(KNOWN, length + 200)), axis=1)[:, 200:]
    return [mser5(transient + each) for each in noise * np.sqrt(1.0 - phi**2)]


def trusted(found: list[WarmUp]) -> float:
    return sum(each.trustworthy for each in found) / len(found)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(
    ("transient", "earliest", "latest"),
    [
        (0.0 * TIME, 0, 100),
        (np.where(TIME < 100, 5.0, 0.0), 100, 230),
        (np.where(TIME < 300, 5.0, 0.0), 300, 450),
        (10.0 * np.exp(-TIME / 50), 65, 240),
        (10.0 * np.exp(-TIME / 50) * np.cos(2 * np.pi * TIME / 40), 50, 220),
    ],
    ids=["none", "shift-100", "shift-300", "decay", "oscillating"],
)
def test_a_known_transient_is_cut_where_it_ends(
    transient: np.ndarray, earliest: int, latest: int, phi: float
) -> None:
    """In nine of ten series, and the result is trusted."""
    found = found_in(transient, phi)
    cuts = [each.cut for each in found]
    assert np.quantile(cuts, 0.05) >= earliest
    assert np.quantile(cuts, 0.95) <= latest
    assert trusted(found) >= 0.95


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(
    "transient",
    [np.where(TIME < 600, 5.0, 0.0), np.where(TIME < 700, 5.0, 0.0), TIME / 100],
    ids=["shift-600", "shift-700", "rise"],
)
def test_what_has_not_settled_within_the_half_is_not_trusted(
    transient: np.ndarray, phi: float
) -> None:
    assert trusted(found_in(transient, phi)) <= 0.05


@pytest.mark.parametrize(("phi", "most"), [(0.0, 0.01), (0.5, 0.1), (0.9, 0.42)])
def test_a_long_decay_hides_in_lasting_noise_as_often_as_stated(phi: float, most: float) -> None:
    assert trusted(found_in(10.0 * np.exp(-TIME / 500), phi)) <= most


@pytest.mark.parametrize(("phi", "least"), [(0.0, 0.95), (0.5, 0.93), (0.9, 0.80)])
def test_short_stationary_series_are_trusted_as_often_as_stated(phi: float, least: float) -> None:
    assert trusted(found_in(np.zeros(200), phi, 200)) >= least
