import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.ddsketch import RELATIVE_ERROR, Digest

times = st.lists(st.integers(0, 10**14), max_size=200)
some_times = st.lists(st.integers(1, 10**14), min_size=1, max_size=200)


def digest_of(values: list[int]) -> Digest:
    digest = Digest()
    for ns in values:
        digest.add(ns)
    return digest


@given(some_times, st.floats(0, 1))
def test_a_quantile_is_the_sample_of_its_rank_within_the_stated_error(values, q):
    exact = sorted(values)[max(1, math.ceil(q * len(values))) - 1] / 1e9
    # Where a sample lies next to a bucket's bound, the logarithm decides by its last digit.
    assert digest_of(values).quantile(q) == pytest.approx(exact, rel=RELATIVE_ERROR * (1 + 1e-6))


def test_the_stated_error_is_half_a_per_cent():
    assert RELATIVE_ERROR < 0.005


@given(some_times)
def test_quantiles_rise_and_the_mean_is_exact(values):
    digest = digest_of(values)
    read = [digest.quantile(q / 10) for q in range(11)]
    assert read == sorted(read)
    assert digest.mean_seconds == pytest.approx(sum(values) / len(values) / 1e9, rel=1e-12)


def test_nothing_has_no_quantiles():
    assert math.isnan(Digest().quantile(0.5))
    assert math.isnan(Digest().mean_seconds)


@pytest.mark.parametrize("q", [-0.01, 1.01, math.nan])
def test_a_quantile_lies_between_nought_and_one(q):
    with pytest.raises(ValueError, match="between 0 and 1"):
        digest_of([5]).quantile(q)


def test_what_takes_no_time_or_too_long_is_counted_all_the_same():
    digest = digest_of([0, 10**17])
    assert digest.count == 2
    assert digest.quantile(0) < 1.1e-9
    assert digest.quantile(1) >= 1e6


@given(times, times)
def test_merging_is_adding_all(first, second):
    merged = Digest.merged([digest_of(first), digest_of(second)])
    assert merged == digest_of(first + second)


@given(times, times)
def test_what_was_added_since_a_copy_is_the_difference(first, second):
    digest = digest_of(first)
    earlier = digest.copy()
    for ns in second:
        digest.add(ns)
    assert digest.since(earlier) == digest_of(second)
    assert earlier == digest_of(first)


@given(times)
def test_a_digest_survives_json(values):
    digest = digest_of(values)
    assert Digest.from_json(json.loads(json.dumps(digest.to_json()))) == digest


@given(times, st.lists(st.floats(1e-9, 1e5), max_size=20).map(sorted))
def test_cumulative_counts_are_right_but_for_what_is_next_to_a_bound(values, bounds):
    counts = digest_of(values).cumulative(bounds)
    assert counts == sorted(counts)
    for bound, count in zip(bounds, counts, strict=True):
        least = sum(max(ns, 1) < bound * 1e9 / 1.0101 for ns in values)
        most = sum(ns <= bound * 1e9 * 1.0101 for ns in values)
        assert least <= count <= most
