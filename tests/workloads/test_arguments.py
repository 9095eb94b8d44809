"""Arguments of verbs, checked at one place for all partitions."""

import math
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.users.user_greenlet import raise_error
from workloads.arguments import MOST_BYTES, MOST_EVENTS, MOST_SECONDS, Arguments, check_wait, shown
from workloads.partition import EVENTS

CHECK = Arguments(EVENTS, raise_error)


def named(value: object) -> str:
    """A test's name that any value has."""
    return type(value).__name__


NO_NUMBERS = [None, "1", b"1", True, False, np.bool_(True), 1j, [1], {}, np.array([1.0]), object()]
NO_NUMBERS += [np.timedelta64(1, "s"), np.timedelta64("NaT")]
TOO_LARGE = [math.inf, -math.inf, math.nan, 10**400, 10**5000, Decimal("NaN"), Decimal("Infinity")]
BELOW = [-1, -1e-12, Fraction(-1, 3), Decimal("-0.5"), np.float64(-1), np.int64(-1)]


@pytest.mark.parametrize(
    "value", [*NO_NUMBERS, *TOO_LARGE, *BELOW, MOST_SECONDS * 1.001], ids=named
)
def test_what_is_no_time_is_refused_with_verb_name_and_line(value):
    with pytest.raises(UserError, match=r"test_arguments\.py:\d+: wait\(seconds=.*\): must be a"):
        CHECK.seconds("wait", "seconds", value)


@pytest.mark.parametrize(
    "value", [*NO_NUMBERS, *TOO_LARGE, *BELOW, MOST_BYTES + 1, 0.5, 8192.5], ids=named
)
def test_what_is_no_size_is_refused_with_verb_name_and_line(value):
    with pytest.raises(UserError, match=r"test_arguments\.py:\d+: read\(size_bytes=.*\): must be"):
        CHECK.size("read", "size_bytes", value)


@pytest.mark.parametrize("value", [None, 3, "", b"app2"])
def test_what_is_no_name_is_refused(value):
    with pytest.raises(UserError, match=r"send\(to="):
        CHECK.text("send", "to", value)


@pytest.mark.parametrize(
    ("events", "named"),
    [
        ([1], r"events=\[1\]"),
        ("calls", "events='calls'"),
        ({"nope": 1}, "events='nope'"),
        ({3: 1}, "events=3"),
        ({"calls": -1}, r"events\['calls'\]=-1"),
        ({"calls": math.nan}, r"events\['calls'\]=nan"),
        ({"forks": None}, r"events\['forks'\]=None"),
        (MappingProxyType({"forks": 2 * MOST_EVENTS}), r"events\['forks'\]=2000000000"),
    ],
)
def test_wrong_events_are_refused(events, named):
    with pytest.raises(UserError, match=named):
        CHECK.events("compute", events)


@given(st.floats(0, MOST_SECONDS) | st.integers(0, 10**9) | st.fractions(0, 10**9))
def test_every_kind_of_number_is_the_same_time(value):
    found = CHECK.seconds("wait", "seconds", value)
    assert type(found) is float
    assert found == float(value)
    assert CHECK.seconds("wait", "seconds", np.float64(float(value))) == found


@given(st.integers(0, MOST_BYTES))
def test_every_kind_of_whole_number_is_the_same_size(value):
    for same in (value, float(value), np.int64(value), np.float64(value), Decimal(value)):
        found = CHECK.size("read", "size_bytes", same)
        assert type(found) is int
        assert found == value


def test_no_offset_is_the_next_one():
    assert CHECK.offset("read", "offset_bytes", None) is None
    assert CHECK.offset("read", "offset_bytes", np.int32(4096)) == 4096


def test_events_are_plain_numbers_and_a_read_only_view_stands_for_itself():
    assert CHECK.events("compute", None) is None
    found = CHECK.events("compute", {"calls": np.int64(3), "forks": Fraction(1, 2)})
    assert found == {"calls": 3.0, "forks": 0.5}
    view = MappingProxyType({"calls": 20})
    checked = CHECK.events("compute", view)
    assert isinstance(checked, MappingProxyType)
    assert checked == {"calls": 20.0}
    assert CHECK.events("compute", view) is checked


class Nasty:
    def __repr__(self) -> str:
        raise RuntimeError


@given(st.text() | st.binary() | st.integers(min_value=10**4000, max_value=10**6000))
def test_a_value_is_shown_in_one_short_line(value):
    assert len(shown(value)) <= 80
    assert len(shown(value).splitlines()) <= 1


def test_a_value_that_cannot_be_shown_is_named_by_its_type():
    assert "Nasty" in shown(Nasty())
    assert shown(10**5000) == "a value of type int"


@pytest.mark.parametrize("value", [*NO_NUMBERS, *TOO_LARGE, *BELOW], ids=named)
def test_a_think_time_that_is_none_names_its_class(value):
    with pytest.raises(UserError, match=r"^mine\.py:9: Mine: wait_time\(\) returned "):
        check_wait("mine.py:9: Mine", value)


def test_a_negative_draw_is_reported_with_a_hint():
    with pytest.raises(UserError, match=r"max\(0\.0"):
        check_wait("Mine", -0.1)
    assert check_wait("Mine", Decimal("0.25")) == 0.25
