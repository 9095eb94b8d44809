"""The platform against theory, in short; and that the validation would notice if it were wrong."""

from dataclasses import replace

import numpy as np
import pytest

from harness.validation import queueing_theory as theory
from harness.validation import queues
from harness.validation.queueing_theory import (
    QUEUES,
    REPLICATIONS,
    SERVICE,
    queue_rows,
    replicate,
    rows_of,
    services,
    student,
)
from harness.validation.schedules import ENTITLEMENTS, gap_rows, longest_gap, weight_rows


@pytest.mark.slow
@pytest.mark.parametrize("case", QUEUES, ids=lambda case: case.name)
def test_theory_is_in_the_intervals_of_a_short_run(case):
    short = replace(case, transactions=case.transactions // 4)
    for row in queue_rows(short, quick=True):
        assert row.holds_expected, row


@pytest.mark.parametrize("squared_variation", [0.0, 1.0, 2.0, 4.0])
def test_services_have_their_mean_and_variation(squared_variation):
    drawn = np.array(services(np.random.default_rng(1), squared_variation, 400_000))
    assert drawn.mean() == pytest.approx(SERVICE, rel=0.01)
    assert drawn.var() / SERVICE**2 == pytest.approx(squared_variation, rel=0.05, abs=1e-12)


def test_a_replication_is_repeatable_and_differs_from_the_next():
    first, again, other = (replicate(QUEUES[0], r, 2000) for r in (3, 3, 4))
    assert first == again != other


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [case for case in QUEUES if not case.overrides], ids=lambda case: case.name
)
def test_a_slower_platform_would_be_noticed(case, monkeypatch):
    """Every queue fails when services take a tenth longer than theory believes."""
    right = theory.services

    def slower(*arguments):
        return [1.1 * each for each in right(*arguments)]

    monkeypatch.setattr(theory, "services", slower)
    values = [replicate(case, r, case.transactions // 8) for r in range(REPLICATIONS)]
    assert not all(row.passed for row in rows_of(case, values, quick=True))


def test_student_covers_as_often_as_it_says():
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        _, low, high = student(generator.normal(5.0, 2.0, 6).tolist())
        held += low <= 5.0 <= high
    assert held / 2000 == pytest.approx(0.99, abs=0.007)


def test_weights_share_what_is_left():
    assert all(row.passed for row in weight_rows(quick=True))


def test_the_worst_gap_is_reached_and_not_exceeded():
    for entitlement in (*ENTITLEMENTS, 0.33, 0.75):
        expected = queues.worst_gap(entitlement, 0.010)
        assert longest_gap(entitlement) == pytest.approx(expected, abs=1e-8)
    assert all(row.passed for row in gap_rows())
