"""The search ends around the flip, wherever that is, and in few trials."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.studies.sensitivity.bisection import LIMIT, TOLERANCE, TRIALS, Bracket

factors = st.floats(1.001, 0.99 * LIMIT)
guesses = st.floats(1.0, 1e3)


def searched(bracket: Bracket, flip: float, score: Callable[[float], float]) -> int:
    trials = 0
    while not bracket.done:
        distance = bracket.next()
        assert bracket.kept < distance <= math.log(LIMIT) * (1 + 1e-12)
        assert bracket.flipped is None or distance < bracket.flipped
        bracket.record(distance, score(math.exp(distance)), flipped=math.exp(distance) >= flip)
        trials += 1
    return trials


@given(factors, guesses)
def test_a_cost_that_grows_in_proportion_is_found_within_the_tolerance(flip, guess) -> None:
    bracket = Bracket(guess=math.log(guess), start=1.0 - flip)
    trials = searched(bracket, flip, lambda factor: factor - flip)
    assert bracket.flipped is not None
    assert bracket.kept <= math.log(flip) <= bracket.flipped
    assert bracket.flipped - bracket.kept <= math.log(TOLERANCE) * (1 + 1e-9)
    assert trials <= 7


@given(factors, guesses, st.floats(0.05, 8.0), st.floats(0.2, 3.0))
def test_scores_that_bend_and_end_find_it_too(flip, guess, clip, power) -> None:
    def score(factor: float) -> float:
        return min(max((factor / flip) ** power - 1.0, -clip), clip)

    bracket = Bracket(guess=math.log(guess), start=min(score(1.0), -1e-9))
    searched(bracket, flip, score)
    assert bracket.flipped is not None
    assert bracket.kept <= math.log(flip) <= bracket.flipped


@given(st.floats(1.01 * LIMIT, 1e6), guesses)
def test_what_does_not_flip_up_to_the_limit_was_tried_there(flip, guess) -> None:
    bracket = Bracket(guess=math.log(guess), start=1.0 - flip)
    searched(bracket, flip, lambda factor: factor - flip)
    assert bracket.flipped is None
    assert math.exp(bracket.kept) == pytest.approx(LIMIT)


@given(st.randoms(use_true_random=False))
def test_it_ends_whatever_it_is_told(random) -> None:
    bracket = Bracket(guess=0.5, start=-1.0)
    trials = 0
    while not bracket.done:
        bracket.record(bracket.next(), random.uniform(-3, 3), flipped=random.random() < 0.5)
        trials += 1
    assert trials <= TRIALS
