import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalog.constant import Constant, Status, Value, numbers

QUANTILES = st.floats(min_value=0, max_value=1)
NUMBERS = st.floats(min_value=-1e6, max_value=1e6)


def constant(low: Value, value: Value, high: Value, unit: str = "s") -> Constant:
    return Constant(
        name="a.b",
        path=("a", "b"),
        value=value,
        low=low,
        high=high,
        unit=unit,
        published="",
        published_range="",
        at=(),
        at_unit="",
        source="x",
        status=Status.ASSUMED,
        meaning="",
    )


@st.composite
def scalars(draw: st.DrawFn) -> Constant:
    low, value, high = sorted(draw(st.tuples(NUMBERS, NUMBERS, NUMBERS)))
    return constant(low, value, high)


@st.composite
def rising_lists(draw: st.DrawFn) -> Constant:
    """Lists whose low, value and high all rise from entry to entry."""
    size = draw(st.integers(min_value=2, max_value=5))
    positive = st.floats(min_value=0.1, max_value=1e3)
    columns = [
        sorted(draw(st.lists(positive, min_size=size, max_size=size, unique=True)))
        for _ in range(3)
    ]
    rows = [sorted(row) for row in zip(*columns, strict=True)]
    low, value, high = (tuple(sorted(column)) for column in zip(*rows, strict=True))
    return constant(low, value, high)


@given(scalars(), QUANTILES)
def test_a_draw_stays_in_its_range(drawn: Constant, u: float) -> None:
    number = drawn.draw(u)
    assert isinstance(number, float)
    assert isinstance(drawn.low, float)
    assert isinstance(drawn.high, float)
    assert drawn.low <= number <= drawn.high


@given(scalars(), st.tuples(QUANTILES, QUANTILES))
def test_a_draw_grows_with_its_quantile(drawn: Constant, pair: tuple[float, float]) -> None:
    less, more = (drawn.draw(u) for u in sorted(pair))
    assert isinstance(less, float)
    assert isinstance(more, float)
    assert less <= more or math.isclose(less, more, rel_tol=1e-9, abs_tol=1e-9)


@given(scalars())
def test_the_ends_of_the_range_are_the_ends_of_the_draw(drawn: Constant) -> None:
    assert drawn.draw(0) == pytest.approx(drawn.low, abs=1e-9)
    assert drawn.draw(1) == pytest.approx(drawn.high, abs=1e-9)


@given(rising_lists(), QUANTILES)
def test_a_whole_list_moves_together_and_keeps_rising(drawn: Constant, u: float) -> None:
    entries = numbers(drawn.draw(u))
    rows = zip(numbers(drawn.low), numbers(drawn.value), numbers(drawn.high), strict=True)
    for entry, (low, value, high) in zip(entries, rows, strict=True):
        assert entry == constant(low, value, high).draw(u)
    assert all(a <= b or math.isclose(a, b) for a, b in pairwise(entries))


@given(
    low=st.floats(min_value=0, max_value=1),
    rise=st.floats(min_value=0.1, max_value=1),
    fall=st.floats(min_value=0.1, max_value=1),
    x=st.floats(min_value=0, max_value=1),
)
def test_a_draw_inverts_the_triangular_distribution(
    low: float, rise: float, fall: float, x: float
) -> None:
    mode, high = low + rise, low + rise + fall
    number = low + x * (high - low)
    if number <= mode:
        probability = (number - low) ** 2 / ((high - low) * rise)
    else:
        probability = 1 - (high - number) ** 2 / ((high - low) * fall)
    probability = min(max(probability, 0.0), 1.0)
    assert constant(low, mode, high).draw(probability) == pytest.approx(number, abs=1e-6)


@given(u=QUANTILES)
def test_a_logarithmic_constant_is_triangular_in_the_logarithm(u: float) -> None:
    drawn = replace(constant(1e3, 3e3, 5e4), logarithmic=True).draw(u)
    of_logarithm = constant(math.log(1e3), math.log(3e3), math.log(5e4)).draw(u)
    assert math.log(drawn) == pytest.approx(of_logarithm)
    assert drawn * (1 + 1e-12) >= 1e3
    assert drawn <= 5e4 * (1 + 1e-12)


def test_counts_are_drawn_whole() -> None:
    drawn = {constant(2.0, 3.0, 8.0, unit="count").draw(u / 10) for u in range(11)}
    assert drawn <= {2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0}
    assert len(drawn) > 3


def test_what_is_certain_does_not_move() -> None:
    certain = constant(0.1, 0.1, 0.1)
    assert not certain.uncertain
    assert {certain.draw(u / 7) for u in range(8)} == {0.1}
    assert replace(certain, high=0.2).uncertain


@pytest.mark.parametrize("u", [-0.01, 1.01, math.nan])
def test_a_quantile_outside_is_refused(u: float) -> None:
    with pytest.raises(ValueError, match="a quantile lies between 0 and 1"):
        constant(0.0, 1.0, 2.0).draw(u)
