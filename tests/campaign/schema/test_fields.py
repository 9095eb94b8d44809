import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from harness.campaign.schema.fields import Arrivals, Count, Scaled, Text

count = TypeAdapter(Count)
arrivals = TypeAdapter(Arrivals)
text = TypeAdapter(Text)


@given(st.integers(1, 10**6), st.floats(0.1, 64))
def test_a_number_alone_does_not_depend_on_the_cores(number, cores):
    assert count.validate_python(number) == Scaled(number)
    assert Scaled(number).whole(cores) == number


@given(st.floats(0.01, 100).map(lambda x: round(x, 2)), st.floats(0.1, 64))
def test_a_number_per_core_is_rounded_up(number, cores):
    whole = count.validate_python(f"{number} per core").whole(cores)
    assert whole >= 1
    assert whole - 1 < number * cores + 1e-9
    assert whole >= math.floor(number * cores)
    assert whole >= number * cores - 1e-6


def test_products_that_are_whole_are_not_rounded_up():
    assert count.validate_python("10 per core").whole(0.7) == 7


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "3", "three per core", "0 per core", None, []])
def test_other_counts_are_refused_with_what_is_right(wrong):
    with pytest.raises(ValidationError, match="a whole number or 'N per core'"):
        count.validate_python(wrong)


def test_arrivals_are_rates():
    assert arrivals.validate_python("400 /s") == Scaled(400.0)
    assert arrivals.validate_python("120 /min per core").of(2.0) == pytest.approx(4.0)


@pytest.mark.parametrize("wrong", [400, "400", "4 ms", "-1 /s", "0 /s"])
def test_other_arrivals_are_refused_with_what_is_right(wrong):
    with pytest.raises(ValidationError, match="'400 /s' or '25 /s per core'"):
        arrivals.validate_python(wrong)


def test_texts_come_in_languages():
    assert text.validate_python("overhead") == {"en": "overhead"}
    both = {"en": "overhead", "ja": "オーバーヘッド"}
    assert text.validate_python(both) == both


@pytest.mark.parametrize("wrong", [1, {"ja": "検証"}, {"en": "a", "fr": "b"}, {"en": 1}])
def test_other_texts_are_refused(wrong):
    with pytest.raises(ValidationError, match="write a text"):
        text.validate_python(wrong)
