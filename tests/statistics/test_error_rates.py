"""How often a verdict is wrong, and how often it is reached, from simulated campaigns.

Evidence is made as `harness.analysis.environment` makes it (tests/analysis/test_environment.py
holds that), judged
by `judge`. What is counted differs from the true rate by chance: `chance` allows three standard
errors of the simulation.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from scipy import stats
from simulated import chance, sample

from harness.statistics.intervals import Bootstrap
from harness.statistics.latin_hypercube import BLOCK, latin_hypercube
from harness.statistics.ratios import holm, ratio_bootstrap
from harness.statistics.verdict import Evidence, Outcome, conclude, judge

pytestmark = pytest.mark.slow

ALPHA = 0.05
MARGIN = math.log1p(0.10)
SPREAD = 0.05
"""Standard deviation of the logarithm of a ratio; only distances in units of it matter."""
FAMILY = 84
"""Environments times measures: 42 of them, in two measures each."""

Array = np.ndarray


def evidence(firmware: Array, software: Array) -> list[Evidence]:
    """Evidence of environments, from log ratios to the baseline (replications, environments)."""
    margin = ratio_bootstrap(np.exp(firmware), resamples=499)
    against = ratio_bootstrap(np.exp(firmware - software), resamples=499)
    tests = zip(
        margin.p_below(MARGIN).tolist(),
        against.p_below(0.0).tolist(),
        margin.p_above(MARGIN).tolist(),
        against.p_above(0.0).tolist(),
        strict=True,
    )
    return [Evidence(*((p_value,) for p_value in each)) for each in tests]


def campaigns(
    count: int,
    environments: int,
    replications: int,
    *,
    shape: str = "normal",
    mirrored: bool = False,
    common: float = 0.0,
    firmware: float | Sequence[float] = 0.0,
    software: float = 20.0,
    seed: int = 1,
) -> Iterator[list[Outcome]]:
    """Outcomes of all environments of each of many campaigns.

    ``firmware`` is the mean's distance from the margin, ``software`` that of the software level
    from the firmware's, in standard deviations; ``common`` is the correlation of environments.
    """
    rng = np.random.default_rng([seed, environments, replications])
    size = (replications, count, environments)
    noise = sample(shape, size, rng) * math.sqrt(1.0 - common)
    noise += sample(shape, (replications, count, 1), rng) * math.sqrt(common)
    here = MARGIN + SPREAD * (np.asarray(firmware) + (-noise if mirrored else noise))
    there = here + SPREAD * (software + rng.normal(size=size))
    flat = evidence(here.reshape(replications, -1), there.reshape(replications, -1))
    for first in range(0, len(flat), environments):
        yield [each.outcome for each in judge(flat[first : first + environments], ALPHA)]


def share(outcomes: Sequence[Outcome], wanted: Outcome) -> float:
    return outcomes.count(wanted) / len(outcomes)


@pytest.mark.parametrize("replications", [5, 10, 30])
@pytest.mark.parametrize("shape", ["normal", "even-bimodal"])
def test_one_environment_at_the_margin(shape: str, replications: int) -> None:
    """Neither that it is below the margin nor that it is above is claimed more often than alpha."""
    count = 2000
    outcomes = [each[0] for each in campaigns(count, 1, replications, shape=shape)]
    assert share(outcomes, Outcome.CONFIRMED) <= ALPHA + chance(ALPHA, count)
    assert share(outcomes, Outcome.REFUTED) <= ALPHA + chance(ALPHA, count)


@pytest.mark.parametrize(
    ("shape", "replications", "percent"),
    [("triangular", 10, 5.3), ("log-normal", 10, 8.4), ("log-normal", 60, 6.2)],
)
def test_what_skewed_values_do_to_confirming_is_stated(
    shape: str, replications: int, percent: float
) -> None:
    count, stated = 2000, percent / 100
    outcomes = [each[0] for each in campaigns(count, 1, replications, shape=shape)]
    found = share(outcomes, Outcome.CONFIRMED)
    assert found == pytest.approx(stated, abs=chance(stated, count))
    assert share(outcomes, Outcome.REFUTED) <= ALPHA


def test_a_claim_that_is_false_in_one_environment_only_is_rarely_confirmed() -> None:
    """The hardest case for confirming: everywhere else it is plainly true."""
    count = 1000
    firmware = [0.0] + [-10.0] * 9
    outcomes = [conclude(each) for each in campaigns(count, 10, 10, firmware=firmware)]
    confirmed = share(outcomes, Outcome.CONFIRMED)
    assert ALPHA / 2 <= confirmed <= ALPHA + chance(ALPHA, count)


@pytest.mark.parametrize("common", [0.0, 0.9])
@pytest.mark.parametrize("replications", [5, 10])
def test_a_whole_family_at_the_margin_is_rarely_refuted(replications: int, common: float) -> None:
    count = 300
    outcomes = [
        conclude(each) for each in campaigns(count, FAMILY, replications, common=common, software=0)
    ]
    refuted = share(outcomes, Outcome.REFUTED)
    assert refuted <= ALPHA + chance(ALPHA, count)
    assert share(outcomes, Outcome.CONFIRMED) == 0.0


def test_the_bootstrap_alone_would_refute_true_claims() -> None:
    count = 100
    table = np.random.default_rng(4).normal(size=(10, count * FAMILY))
    naive = Bootstrap(table, textbook=True, resamples=4999).p_above(0.0).reshape(count, FAMILY)
    wrong = np.mean([holm(each).min() <= ALPHA for each in naive])
    assert wrong > 3 * ALPHA


@pytest.mark.parametrize(("mirrored", "percent"), [(False, 1.0), (True, 23.0)])
def test_what_skewed_values_do_to_refuting_is_stated(mirrored: bool, percent: float) -> None:
    """A tail towards higher costs does no harm. One towards lower costs does, if all of many
    environments lie at the margin and ten replications have to tell."""
    count, stated = 200, percent / 100
    found = campaigns(count, FAMILY, 10, shape="triangular", mirrored=mirrored)
    refuted = share([conclude(each) for each in found], Outcome.REFUTED)
    assert refuted == pytest.approx(stated, abs=chance(stated, count))


def test_power() -> None:
    """With ten replications, one standard deviation below the margin is confirmed in more than
    four of five cases, two almost always; above it, of 84 environments one that is three standard
    deviations off refutes the claim."""
    near = [each[0] for each in campaigns(1000, 1, 10, firmware=-1.0)]
    far = [each[0] for each in campaigns(1000, 1, 10, firmware=-2.0)]
    assert share(near, Outcome.CONFIRMED) == pytest.approx(0.87, abs=chance(0.87, 1000))
    assert share(far, Outcome.CONFIRMED) > 0.99
    firmware = [3.0] + [-3.0] * (FAMILY - 1)
    family = list(campaigns(100, FAMILY, 10, firmware=firmware))
    assert share([each[0] for each in family], Outcome.REFUTED) > 0.95
    others = [outcome for each in family for outcome in each[1:]]
    assert share(others, Outcome.CONFIRMED) > 0.999


@pytest.mark.parametrize("common", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("false", [0, 5])
def test_holm_keeps_the_family_wise_rate(common: float, false: int) -> None:
    """Of 40 hypotheses some are false; rejecting any of the true ones is the error."""
    count, hypotheses = 4000, 40
    rng = np.random.default_rng([9, false])
    scores = math.sqrt(common) * rng.normal(size=(count, 1))
    scores = scores + math.sqrt(1.0 - common) * rng.normal(size=(count, hypotheses))
    scores[:, :false] += 5.0
    raw = stats.norm.sf(scores)
    adjusted = np.array([holm(each) for each in raw])
    wrong = (adjusted[:, false:] <= ALPHA).any(axis=1).mean()
    assert wrong <= ALPHA + chance(ALPHA, count)
    if common == 0.0:
        assert wrong >= ALPHA - chance(ALPHA, count) - ALPHA**2
        assert (raw[:, false:] <= ALPHA).any(axis=1).mean() > 0.8
    if false:
        bonferroni = raw * hypotheses <= ALPHA
        assert (adjusted <= ALPHA).sum() >= bonferroni.sum()
        assert (adjusted[:, :false] <= ALPHA).mean() > 0.9


@pytest.mark.parametrize("target", [0.6, 0.4])
def test_going_on_until_the_interval_is_narrow_costs_little(target: float) -> None:
    """Replications go on in blocks until the half-width, in standard deviations, is met."""
    count, first, last = 2000, 10, 60
    table = np.random.default_rng(11).normal(size=(last, count))
    open_columns = np.arange(count)
    inside = below = above = 0
    for rows in range(first, last + 1, BLOCK):
        bootstrap = Bootstrap(table[:rows, open_columns], resamples=999)
        found = bootstrap.intervals()
        done = np.array([rows == last or each.high - each.low <= 2 * target for each in found])
        inside += sum(
            each.low <= 0.0 <= each.high for each, now in zip(found, done, strict=True) if now
        )
        below += int((bootstrap.p_below(0.0)[done] <= ALPHA).sum())
        above += int((bootstrap.p_above(0.0)[done] <= ALPHA).sum())
        open_columns = open_columns[~done]
        if not open_columns.size:
            break
    assert 0.94 - chance(0.94, count) <= inside / count <= 0.97
    stated = 0.056
    assert max(below, above) / count <= stated + chance(stated, count)


@pytest.mark.parametrize(
    ("of_constants", "least", "most"), [(0.0, 0.94, 0.97), (0.5, 0.985, 0.999), (0.9, 0.997, 1.0)]
)
def test_a_latin_hypercube_makes_intervals_too_wide_and_never_too_narrow(
    of_constants: float, least: float, most: float
) -> None:
    """The share of the variance that the constants make decides how much."""
    count, replications = 1000, 10
    names = ("a", "b", "c", "d")
    weights = np.array([1.0, 0.6, 0.4, 0.3])
    draws = np.array(
        [
            [list(row.values()) for row in latin_hypercube(names, replications, seed)]
            for seed in range(count)
        ]
    )
    peak = 0.2
    constants = (stats.triang.ppf(draws, peak) - stats.triang.mean(peak)) / stats.triang.std(peak)
    effect = (constants @ weights / np.linalg.norm(weights)).T
    noise = np.random.default_rng(12).normal(size=(replications, count))
    table = math.sqrt(of_constants) * effect + math.sqrt(1.0 - of_constants) * noise
    found = Bootstrap(table, resamples=999).intervals()
    inside = sum(each.low <= 0.0 <= each.high for each in found) / count
    assert least <= inside <= most
