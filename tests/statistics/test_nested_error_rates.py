"""Error rates where replications share draws of the constants; parts, findings, plausible shares.

Simulated campaigns as in :mod:`test_error_rates`. The logarithm of a ratio has an effect of the
constants, one for each draw, and one of chance, one for each replication; together they have the
variance of :data:`SPREAD`.
"""

import math

import numpy as np
import pytest
from scipy import stats
from simulated import chance

from harness.analysis.environment_result import EnvironmentResult
from harness.analysis.finding import findings
from harness.analysis.overhead import Overhead
from harness.results.environment import Environment
from harness.statistics.ratios import by_draw, ratio_bootstrap, share, spread
from harness.statistics.verdict import Evidence, Outcome, conclude, judge

pytestmark = pytest.mark.slow

ALPHA = 0.05
MARGIN = math.log1p(0.10)
SPREAD = 0.05
DRAWS, PER_DRAW = 10, 2
ENVIRONMENTS, WORKLOADS = 9, 8

Array = np.ndarray


def nested(
    rng: np.random.Generator, columns: int, of_constants: float, *, common: float = 0.0
) -> Array:
    """Log ratios of mean zero, shape (replications, columns).

    ``of_constants`` is the constants' share of the variance, ``common`` the correlation of their
    effects between columns.
    """
    constants = math.sqrt(common) * rng.normal(size=(DRAWS, 1))
    constants = constants + math.sqrt(1.0 - common) * rng.normal(size=(DRAWS, columns))
    noise = rng.normal(size=(DRAWS * PER_DRAW, columns))
    drawn = np.repeat(constants, PER_DRAW, axis=0)
    return SPREAD * (math.sqrt(of_constants) * drawn + math.sqrt(1.0 - of_constants) * noise)


@pytest.mark.parametrize(
    ("of_constants", "as_if_independent"), [(0.0, 0.046), (0.5, 0.084), (0.9, 0.12)]
)
def test_means_of_draws_keep_the_level_and_replications_alone_do_not(
    of_constants: float, as_if_independent: float
) -> None:
    """An environment at the margin, wrongly shown below it; coverage of its interval."""
    count = 3000
    logs = nested(np.random.default_rng(1), count, of_constants)
    table = by_draw(np.exp(MARGIN + logs), PER_DRAW)
    bootstrap = ratio_bootstrap(table, resamples=499)
    assert (bootstrap.p_below(MARGIN) <= ALPHA).mean() <= ALPHA + chance(ALPHA, count)
    assert (bootstrap.p_above(MARGIN) <= ALPHA).mean() <= ALPHA + chance(ALPHA, count)
    inside = np.mean([each.low <= MARGIN <= each.high for each in bootstrap.intervals()])
    assert 0.96 - chance(0.96, count) <= inside <= 0.97 + chance(0.97, count)
    naive = ratio_bootstrap(np.exp(MARGIN + logs), resamples=499).p_below(MARGIN)
    wrong = (naive <= ALPHA).mean()
    assert wrong == pytest.approx(as_if_independent, abs=chance(as_if_independent, count))


def outcomes(small: Array, cheaper: Array) -> tuple[list[Outcome], list[Outcome]]:
    """Judge two parts of a claim, which are one family: a margin, and pairs with software."""
    margin = ratio_bootstrap(by_draw(np.exp(MARGIN + small), PER_DRAW), resamples=499)
    pairs = ratio_bootstrap(by_draw(np.exp(cheaper), PER_DRAW), resamples=499)
    below, above = margin.p_below(MARGIN).tolist(), margin.p_above(MARGIN).tolist()
    evidence = [Evidence((p,), (), (q,), ()) for p, q in zip(below, above, strict=True)]
    below, above = pairs.p_below(0.0).tolist(), pairs.p_above(0.0).tolist()
    evidence += [Evidence((), (p,), (), (q,)) for p, q in zip(below, above, strict=True)]
    judged = [each.outcome for each in judge(evidence, ALPHA)]
    return judged[: small.shape[1]], judged[small.shape[1] :]


@pytest.mark.parametrize("common", [0.0, 0.9])
def test_a_claim_of_parts_at_its_limits_is_rarely_refuted_and_never_confirmed(
    common: float,
) -> None:
    """Every environment exactly at the margin of one part and as dear as software in the other."""
    rng, count, columns = np.random.default_rng(5), 200, ENVIRONMENTS * WORKLOADS
    found = [
        conclude(conclude(part) for part in outcomes(*two))
        for two in (
            [nested(rng, columns, 0.5, common=common) for _ in range(2)] for _ in range(count)
        )
    ]
    assert found.count(Outcome.REFUTED) / count <= ALPHA + chance(ALPHA, count)
    assert Outcome.CONFIRMED not in found


@pytest.mark.parametrize(
    ("at_the_margin", "most"), [(1, 0.05), (ENVIRONMENTS, 0.01)], ids=["one", "a finding"]
)
def test_a_claim_that_is_false_in_one_part_only_is_rarely_confirmed(
    at_the_margin: int, most: float
) -> None:
    rng, count, columns = np.random.default_rng(6), 300, ENVIRONMENTS * WORKLOADS
    far = np.full(columns, -12 * SPREAD)
    small = np.where(np.arange(columns) < at_the_margin, 0.0, far)
    confirmed = 0
    for _ in range(count):
        parts = outcomes(
            small + nested(rng, columns, 0.5, common=0.9),
            far + nested(rng, columns, 0.5, common=0.9),
        )
        confirmed += conclude(map(conclude, parts)) is Outcome.CONFIRMED
    assert confirmed / count <= most + chance(most, count)


@pytest.mark.parametrize(
    ("common", "difference", "one"),
    [(0.0, 0.0, 0.90), (0.9, 0.0, 1.0), (0.9, 0.9, 0.36), (0.9, 1.8, 0.0)],
)
def test_environments_that_are_alike_are_one_finding(
    common: float, difference: float, one: float
) -> None:
    """Nine environments; the last four differ, in standard deviations of a ratio."""
    rng, count = np.random.default_rng(7), 200
    apart = np.where(np.arange(ENVIRONMENTS) >= 5, difference * SPREAD, 0.0)
    whole = 0
    for _ in range(count):
        logs = apart + nested(rng, ENVIRONMENTS, 0.5, common=common)
        table = by_draw(np.exp(logs), PER_DRAW)
        whole += len(findings(_results(table))) == 1
    assert whole / count == pytest.approx(one, abs=chance(one, count) + 0.01)


def _results(table: Array) -> list[EnvironmentResult]:
    intervals = ratio_bootstrap(table, resamples=499).intervals()
    return [
        EnvironmentResult(
            Environment(f"machine-{number}", "os", "workload", ()),
            "slowdown",
            Overhead("shared-uncapped", "slowdown", each, each, ()),
            None,
            {},
            part="small",
            outcome=Outcome.CONFIRMED,
        )
        for number, each in enumerate(intervals)
    ]


@pytest.mark.parametrize(
    ("of_constants", "true", "mean", "coverage"),
    [
        (1.0, 0.8, 0.80, 0.99),
        (0.9, 0.8, 0.79, 0.99),
        (0.5, 0.8, 0.75, 0.979),
        (0.5, 0.95, 0.907, 0.945),
    ],
)
def test_a_plausible_share_contains_chance(
    of_constants: float, true: float, mean: float, coverage: float
) -> None:
    """Chance that two replications leave pulls the share of draws towards a half."""
    count = 2000
    logs = nested(np.random.default_rng(9), count, of_constants)
    means = np.log(by_draw(np.exp(logs), PER_DRAW))
    bound = SPREAD * math.sqrt(of_constants) * stats.norm.ppf(true)
    shares = [share(int(each), DRAWS, 0.95) for each in (means < bound).sum(axis=0)]
    assert np.mean([each.estimate for each in shares]) == pytest.approx(mean, abs=0.01)
    inside = np.mean([each.low <= true <= each.high for each in shares])
    assert inside == pytest.approx(coverage, abs=chance(coverage, count))


@pytest.mark.parametrize("of_constants", [0.5, 0.9])
def test_constants_and_chance_are_told_apart(of_constants: float) -> None:
    logs = nested(np.random.default_rng(3), 2000, of_constants)
    found = [spread(np.exp(column), PER_DRAW) for column in logs.T]
    constants = np.mean([each.constants**2 for each in found if each]) / SPREAD**2
    noise = np.mean([each.chance**2 for each in found if each]) / SPREAD**2
    assert constants == pytest.approx(of_constants, abs=0.03)
    assert noise == pytest.approx(1.0 - of_constants, abs=0.03)
