import re
from itertools import pairwise

import pytest

from harness.metrics.families import (
    FAMILIES,
    RESPONSE,
    RESPONSE_BOUNDS,
    RESPONSE_HELP,
    RESPONSE_LABELS,
)
from harness.metrics.family import Family

UNITS = ("seconds", "bytes", "cores")
COUNTED = (
    "transactions",
    "operations",
    "dispatches",
    "interrupts",
    "processors",
    "virtual_processors",
    "ticks",
    "lines",
    "events",
    "segments",
    "packets",
    "messages",
)
"""What is counted needs no unit: its name says what it counts."""


def ids(family: Family) -> str:
    return family.name


@pytest.mark.parametrize("family", FAMILIES, ids=ids)
def test_a_family_says_what_it_is_in_one_sentence(family):
    assert re.fullmatch(r"[A-Z][^\n]{5,120}\.", family.help)


@pytest.mark.parametrize("family", FAMILIES, ids=ids)
def test_a_name_follows_prometheus_and_ends_with_what_it_measures_or_counts(family):
    assert re.fullmatch(r"vtax(_[a-z]+)+", family.name)
    assert family.name.endswith((*UNITS, *COUNTED))
    assert not family.name.endswith("_total")
    assert family.sample_name == family.name + ("_total" if family.kind == "counter" else "")


@pytest.mark.parametrize("family", FAMILIES, ids=ids)
def test_labels_are_words_and_none_is_there_twice(family):
    assert all(re.fullmatch("[a-z]+", label) for label in family.labels)
    assert len(set(family.labels)) == len(family.labels)


def test_no_two_families_have_the_same_name_or_help():
    names = [family.name for family in FAMILIES] + [RESPONSE]
    assert len(set(names)) == len(names)
    helps = [family.help for family in FAMILIES] + [RESPONSE_HELP]
    assert len(set(helps)) == len(helps)


def test_response_times_have_buckets_from_microseconds_to_minutes():
    assert RESPONSE.endswith("_seconds")
    assert RESPONSE_LABELS == ("partition", "group", "name")
    assert list(RESPONSE_BOUNDS) == sorted(set(RESPONSE_BOUNDS))
    assert RESPONSE_BOUNDS[0] <= 1e-6
    assert RESPONSE_BOUNDS[-1] >= 100
    # Fine enough that a quantile read from them is within a factor of 1.7.
    assert all(b / a < 1.7 for a, b in pairwise(RESPONSE_BOUNDS))
