import math
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.format import duration, interval, microseconds, percent, span
from harness.results.environment import Environment


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min 00 s"),
        (61.6, "1 min 02 s"),
        (3600, "1 h 00 min"),
        (30 * 86400, "30 days"),
        (1e12, "3.17e+04 years"),
    ],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text


@given(st.floats(0, 1e6, exclude_max=True))
def test_durations_are_right_to_the_minute(seconds):
    found = re.findall(r"(\d+) (h|min|s)", duration(seconds))
    parts = {unit: int(number) for number, unit in found}
    total = 3600 * parts.get("h", 0) + 60 * parts.get("min", 0) + parts.get("s", 0)
    assert abs(total - seconds) <= 60
    assert parts.get("min", 0) < 60
    assert parts.get("s", 0) <= 60


def test_intervals_are_written_with_their_ends_if_they_are_known():
    value = SimpleNamespace(estimate=0.5, low=0.25, high=1.0)
    assert interval(value, percent) == "50 % (25 % to 100 %)"
    assert span(1234.0, 5678.0) == "1,234 to 5,678"
    assert span(None, 1.0) == span(1.0, None) == span(0.0, math.inf) == "interval unknown"


def test_microseconds_have_four_digits():
    plain = [microseconds(each) for each in (1.23456e-3, 1.2e-6, 1.2345e-7, 0.0)]
    assert plain == ["1,235", "1.200", "0.1235", "0"]
    signed = [microseconds(each, sign=True) for each in (1.2345e-7, -2e-5, 1e-10)]
    assert signed == ["+0.123", "-20.00", "0"]


def test_an_environment_is_written_with_its_load():
    load = (("partitions.app.count", "4"),)
    assert Environment("p5-570", "aix-5.3", "oltp", load).title == (
        "p5-570 / aix-5.3 / oltp, partitions.app.count = 4"
    )
