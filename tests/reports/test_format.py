"""Numbers keep their meaning when written."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.intervals import Interval
from reports import format as numbers

SIZES = st.floats(min_value=1e-6, max_value=1e9)


def read(text: str) -> float:
    return float(re.sub(r"[^\d.+-]", "", text.replace(numbers.MINUS, "-")))


@given(SIZES, st.integers(min_value=1, max_value=6))
def test_plain_keeps_so_many_digits(value, digits):
    assert read(numbers.plain(value, digits)) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))


@given(SIZES)
def test_plain_shows_the_sign(value):
    assert numbers.plain(-value) == f"{numbers.MINUS}{numbers.plain(value)}"


@given(st.floats(min_value=-0.999, max_value=1e6))
def test_overhead_says_what_it_is(ratio):
    text = numbers.overhead(ratio)
    assert text.endswith("\N{NO-BREAK SPACE}%")
    assert read(text) / 100 == pytest.approx(ratio, rel=0.052, abs=5.1e-5)
    assert text.startswith(numbers.MINUS if read(text) < 0 else "+" if read(text) > 0 else "0")


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0, "0 %"),
        (-0.00001, "0 %"),
        (0.0004, "+0.04 %"),
        (0.0123, "+1.2 %"),
        (0.0996, "+10 %"),
        (0.62, "+62 %"),
        (-0.5, f"{numbers.MINUS}50 %"),
        (36.24, "+3,620 %"),
        (math.inf, "+∞ %"),
        (math.nan, "?"),
    ],
)
def test_overhead_has_sensible_digits(ratio, text):
    assert numbers.overhead(ratio).replace("\N{NO-BREAK SPACE}", " ") == text


def test_span_of_an_interval_that_is_unknown_is_empty():
    known = Interval(0.05, 0.02, 0.09, 0.95, 12)
    assert numbers.span(known).replace("\N{NO-BREAK SPACE}", " ") == "+2.0 … +9.0 %"
    assert numbers.span(Interval(0.05, -1.0, math.inf, 0.95, 1)) == ""
    assert numbers.ends(Interval(0.05, 0.0, math.inf, 0.95, 1), numbers.seconds) == ""


@given(st.floats(min_value=1e-9, max_value=1e4))
def test_seconds_have_a_unit_that_suits_them(value):
    number, unit = numbers.seconds(value).split("\N{NO-BREAK SPACE}")
    scale = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    assert read(number) * scale == pytest.approx(value, rel=0.0051)
    assert read(number) >= 1.0 or unit == "ns"
    assert read(number) < 1000.0 or unit == "s"


@given(st.floats(min_value=0.0, max_value=10.0))
def test_microseconds_are_those_of_the_time(value):
    text = numbers.microseconds(value)
    if text == "<0.01":
        assert 0.0 < value < 1e-8
    else:
        assert read(text) == pytest.approx(value * 1e6, rel=0.0051, abs=0.0051)


def test_axes_have_no_needless_zeros():
    assert numbers.tick(0.005) == "5\N{NO-BREAK SPACE}ms"
    assert numbers.tick(0.1) == "100\N{NO-BREAK SPACE}ms"
    assert numbers.tick(0.0015) == "1.5\N{NO-BREAK SPACE}ms"
    assert numbers.tick(0.0) == "0\N{NO-BREAK SPACE}s"


def test_levels_are_written_without_needless_zeros():
    assert numbers.level(0.95) == "95\N{NO-BREAK SPACE}%"
    assert numbers.level(0.999) == "99.9\N{NO-BREAK SPACE}%"
    assert numbers.share(1.0) == "100\N{NO-BREAK SPACE}%"
    assert numbers.share(0.123) == "12.3\N{NO-BREAK SPACE}%"
