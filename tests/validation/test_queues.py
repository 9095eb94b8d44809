"""Exact results against each other, against tables, and against brute force."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.validation.queues import (
    erlang_c,
    m_d_1_quantile,
    m_m_c_mean,
    m_m_c_quantile,
    pollaczek_khinchine,
    processor_sharing_mean,
    repairman,
    slowed_mean,
    spare_shares,
    worst_gap,
)

LOADS = st.floats(0.05, 0.95)


@given(LOADS, st.floats(0.01, 0.995))
def test_with_one_server_m_m_c_is_m_m_1(utilization, q):
    mean = 1 / (1 - utilization)
    assert m_m_c_mean(utilization, 1) == pytest.approx(mean)
    assert m_m_c_quantile(q, utilization, 1) == pytest.approx(-math.log(1 - q) * mean, rel=1e-6)
    assert pollaczek_khinchine(utilization, 1.0) == pytest.approx(mean)
    assert processor_sharing_mean(utilization) == pytest.approx(mean)


@given(LOADS, st.integers(1, 8))
def test_servers_that_do_not_slow_each_other_are_m_m_c(utilization, servers):
    mean = slowed_mean(utilization, servers, lambda busy: 1.0)
    assert mean == pytest.approx(m_m_c_mean(utilization, servers))


@given(LOADS, st.integers(1, 8), st.floats(1.0, 3.0))
def test_servers_that_are_always_as_slow_are_m_m_c_with_longer_services(load, servers, times):
    mean = slowed_mean(load / times, servers, lambda busy: times)
    assert mean == pytest.approx(m_m_c_mean(load, servers, times))


def test_erlangs_table():
    """Two servers with a load of one: a third has to wait."""
    assert erlang_c(1.0, 2) == pytest.approx(1 / 3)
    assert erlang_c(0.5, 1) == pytest.approx(0.5)


@given(LOADS, st.integers(1, 8))
def test_quantiles_of_m_m_c_have_its_mean(utilization, servers):
    """The mean is the integral of the quantiles."""
    qs = (np.arange(2000) + 0.5) / 2000
    quantiles = [m_m_c_quantile(q, utilization, servers) for q in qs[::20]]
    assert quantiles == sorted(quantiles)
    assert np.mean(quantiles) == pytest.approx(m_m_c_mean(utilization, servers), rel=0.06)


@pytest.mark.parametrize("utilization", [0.3, 0.6, 0.8])
def test_m_d_1_agrees_with_lindleys_recursion(utilization):
    generator = np.random.default_rng(1)
    gaps = generator.exponential(1 / utilization, 400_000)
    # Waiting time as a reflected random walk.
    walk = np.concatenate(([0.0], np.cumsum(1.0 - gaps)))
    waits = walk - np.minimum.accumulate(walk)
    for q in (0.95, 0.99):
        expected = m_d_1_quantile(q, utilization)
        assert 1 + np.quantile(waits, q) == pytest.approx(expected, rel=0.05)
    assert 1 + waits.mean() == pytest.approx(pollaczek_khinchine(utilization, 0.0), rel=0.03)


@given(st.integers(1, 30), st.integers(1, 6), st.floats(0.1, 20))
def test_the_repairmans_laws(users, servers, think):
    rate, response = repairman(users, servers, think)
    assert rate * (response + think) == pytest.approx(users)
    assert response >= 1 - 1e-9
    assert rate <= min(servers, users / (1 + think)) + 1e-9
    if users <= servers:
        assert response == pytest.approx(1)


@given(st.lists(st.integers(1, 255), min_size=1, max_size=8), st.floats(0.8, 8))
def test_spare_capacity_is_given_out_whole_and_by_weight(weights, cores):
    entitlements = [0.1] * len(weights)
    shares = spare_shares(entitlements, weights, cores)
    assert sum(shares) == pytest.approx(cores)
    for share, weight in zip(shares, weights, strict=True):
        assert (share - 0.1) * weights[0] == pytest.approx((shares[0] - 0.1) * weight, abs=1e-9)


def test_the_worst_gap_of_a_whole_entitlement_is_none_and_of_a_tenth_eighteen_milliseconds():
    assert worst_gap(1.0, 0.010) == 0
    assert worst_gap(0.1, 0.010) == pytest.approx(0.018)
