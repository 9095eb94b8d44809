"""SplitMix64: the published numbers, and streams that have nothing to do with each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.splitmix import SplitMix64, scatter


def test_the_numbers_are_those_of_the_published_generator():
    generator = SplitMix64(1234567)
    assert [generator.bits() % 2**64 for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=50, unique=True))
def test_scattering_loses_nothing(numbers):
    # As native integers they are signed.
    assert len({scatter(number) % 2**64 for number in numbers}) == len(numbers)
    assert all(scatter(number).bit_length() <= 64 for number in numbers)


def drawn(stream: int, count: int) -> np.ndarray:
    generator = SplitMix64()
    generator.start(stream)
    return np.array([generator.random() for _ in range(count)])


@pytest.mark.parametrize("first", [0, 10**9, 2**62])
def test_first_numbers_of_neighbouring_streams_are_uniform_and_unrelated(first):
    """What open arrivals draw: few numbers each, from streams one after the other."""
    table = np.array([drawn(first + stream, 4) for stream in range(20_000)])
    assert table.min() >= 0
    assert table.max() < 1
    counts = np.histogram(table[:, 0], bins=100, range=(0, 1))[0]
    # Chi square with 99 degrees of freedom: beyond 150 once in a thousand.
    assert ((counts - 200) ** 2 / 200).sum() < 150
    assert abs(table.mean() - 0.5) < 4 / np.sqrt(12 * table.size)
    numbers = table.ravel() - 0.5
    for lag in (1, 2, 3, 4, 5, 8):
        correlation = (numbers[lag:] * numbers[:-lag]).mean() * 12
        assert abs(correlation) < 4 / np.sqrt(numbers.size), lag


def test_a_stream_is_the_same_whenever_it_is_begun():
    assert drawn(7, 10).tolist() == drawn(7, 10).tolist() != drawn(8, 10).tolist()
