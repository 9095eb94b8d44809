from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.config import entitlement_ns


def valid_pairs(cores: int):
    """Every entitlement in hundredths of a core, and every number of virtual processors for it."""
    for hundredths in range(10, 100 * cores + 1):
        for virtual_processors in range(-(-hundredths // 100), min(64, hundredths // 10) + 1):
            yield hundredths, virtual_processors


@pytest.mark.parametrize("window_ns", [10_000_000, 5_000_000, 7_000_001])
def test_every_valid_entitlement_is_exact_to_half_a_nanosecond(window_ns):
    for hundredths, virtual_processors in valid_pairs(16):
        exact = Fraction(hundredths * window_ns, 100 * virtual_processors)
        found = entitlement_ns(hundredths / 100, virtual_processors, window_ns)
        assert 2 * abs(found - exact) <= 1, (hundredths, virtual_processors)


@given(st.lists(st.integers(1, 400), min_size=2, max_size=8), st.integers(1, 64))
def test_sums_of_floats_are_the_hundredths_that_they_stand_for(parts, virtual_processors):
    added = sum(part / 100 for part in parts)
    assert entitlement_ns(added, virtual_processors, 10_000_000) == entitlement_ns(
        sum(parts) / 100, virtual_processors, 10_000_000
    )


@pytest.mark.parametrize(
    ("cores", "virtual_processors", "nanoseconds"),
    [(0.41, 1, 4_100_000), (0.29, 1, 2_900_000), (1.4, 3, 4_666_667), (1 / 3, 1, 3_333_333)],
)
def test_an_entitlement_is_rounded_to_the_nearest(cores, virtual_processors, nanoseconds):
    assert entitlement_ns(cores, virtual_processors, 10_000_000) == nanoseconds
