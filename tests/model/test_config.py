from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.config import entitlement_ns


@pytest.mark.parametrize("window_ns", [10_000_000, 5_000_000, 7_000_001])
def test_every_valid_entitlement_is_exact_to_a_nanosecond_and_never_more(window_ns):
    for hundredths in range(10, 1601):
        exact = Fraction(hundredths * window_ns, 100)
        assert 0 <= exact - entitlement_ns(hundredths / 100, window_ns) < 1, hundredths


@given(st.lists(st.integers(1, 400), min_size=2, max_size=8))
def test_sums_of_floats_are_the_hundredths_that_they_stand_for(parts):
    added = sum(part / 100 for part in parts)
    assert entitlement_ns(added, 10_000_000) == entitlement_ns(sum(parts) / 100, 10_000_000)


@pytest.mark.parametrize(
    ("cores", "nanoseconds"),
    [(0.41, 4_100_000), (0.29, 2_900_000), (1 / 3, 3_333_333), (2 / 3, 6_666_666)],
)
def test_an_entitlement_is_rounded_down(cores, nanoseconds):
    assert entitlement_ns(cores, 10_000_000) == nanoseconds


@given(st.integers(1, 16), st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
def test_entitlements_that_fit_in_cores_fit_into_a_window(cores, shares):
    parts = [cores * share / sum(shares) for share in shares]
    exact = sum(Fraction(part).limit_denominator(10**6) for part in parts)
    entitled_ns = sum(entitlement_ns(part, 10_000_000) for part in parts)
    assert entitled_ns <= exact * 10_000_000
