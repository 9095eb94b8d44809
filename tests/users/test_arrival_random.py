"""The random stream of an open arrival."""

import copy
import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.users.arrival_random import ArrivalRandom


def of(seed: object) -> ArrivalRandom:
    stream = ArrivalRandom()
    stream.seed(seed)
    return stream


@given(st.one_of(st.integers(), st.text(), st.binary(), st.floats(allow_nan=False)))
def test_one_seed_has_one_stream(seed):
    assert [of(seed).random() for _ in range(3)] == [of(seed).random()] * 3
    assert of(seed).gauss(0, 1) == of(seed).gauss(0, 1)


def test_nothing_is_left_of_what_was_drawn_before():
    stream = of(1)
    stream.gauss(0, 1)
    stream.seed(2)
    assert stream.gauss(0, 1) == of(2).gauss(0, 1)


@given(st.integers(0, 300), st.integers(0, 2**64 - 1))
def test_integers_have_as_many_bits_as_are_asked_for(k, seed):
    assert 0 <= of(seed).getrandbits(k) < 2**k


def test_a_negative_number_of_bits_is_refused():
    with pytest.raises(ValueError, match="bits"):
        of(1).getrandbits(-1)


@given(st.integers(0, 2**64 - 1), st.integers(0, 5))
def test_a_copy_goes_on_from_where_it_was_taken(seed, draws):
    stream = of(seed)
    for _ in range(draws):
        stream.gauss(0, 1)
    twin = copy.deepcopy(stream)
    assert isinstance(twin, Random)
    assert [twin.gauss(0, 1), twin.random()] == [stream.gauss(0, 1), stream.random()]


def test_distributions_of_first_draws_have_their_means_and_variances():
    count = 20_000
    cases = [
        (lambda s: s.expovariate(2.0), 0.5, 0.25),
        (lambda s: s.gammavariate(4.0, 0.25), 1.0, 0.25),
        (lambda s: float(s.randrange(10)), 4.5, 8.25),
        (lambda s: s.uniform(1, 3), 2.0, 1 / 3),
    ]
    for draw, mean, variance in cases:
        values = np.array([draw(of(seed)) for seed in range(count)])
        assert values.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / count))
        assert values.var() == pytest.approx(variance, rel=0.06)
