"""Comparisons of paired measurements, and what many comparisons at once cost."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from harness.statistics.intervals import RESAMPLES, Bootstrap, Interval, prediction_intervals

Array = NDArray[np.float64]

LOG_RESOLUTION = 1e-9
"""Log ratios closer than this are equal: rounding, not an effect."""

_MOST = math.log(1e300)


def exp(log: float) -> float:
    """Ratio of a logarithm; infinity where it is too large to be known."""
    return math.exp(log) if log < _MOST else math.inf


def expm1(log: float) -> float:
    """Ratio of a logarithm, less one; infinity where it is too large to be known."""
    return math.expm1(log) if log < _MOST else math.inf


def paired_ratios(measured: ArrayLike, baseline: ArrayLike) -> Array:
    """Ratio of each measurement to its baseline of the same replication.

    Parameters
    ----------
    measured
        Shape (replications, cells); NaN where a replication is missing.
    baseline
        Shape (replications,), common to all cells, or (replications, cells).

    Returns
    -------
    array
        Shape (replications, cells); NaN where either side is missing or not above zero: a ratio
        to nothing, or of nothing, says nothing.
    """
    above = np.asarray(measured, dtype=np.float64)
    below = np.asarray(baseline, dtype=np.float64)
    if above.ndim == 2 and below.ndim == 1:
        below = below[:, np.newaxis]
    above, below = np.broadcast_arrays(above, below)
    usable = np.isfinite(above) & np.isfinite(below) & (above > 0.0) & (below > 0.0)
    ratios = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratios, where=usable)
    return ratios


def by_draw(ratios: ArrayLike, per_draw: int) -> Array:
    """Geometric mean of the ratios of each draw of the uncertain constants.

    Replications that share a draw are no independent samples of what the constants leave open;
    their means are.

    Parameters
    ----------
    ratios
        Shape (replications,) or (replications, cells), NaN where one is missing. Each ``per_draw``
        replications in a row share a draw.

    Returns
    -------
    array
        Shape (draws,) or (draws, cells); NaN where a draw has no ratio.
    """
    table = np.asarray(ratios, dtype=np.float64)
    if per_draw == 1:
        return table
    missing = -len(table) % per_draw
    padded = np.concatenate([table, np.full((missing, *table.shape[1:]), np.nan)])
    groups = np.log(padded).reshape(-1, per_draw, *table.shape[1:])
    known = np.isfinite(groups)
    counts = known.sum(axis=1)
    sums = np.where(known, groups, 0.0).sum(axis=1)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return np.asarray(np.exp(means))


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of the logarithm of a ratio: 0.05 is about 5 %."""

    constants: float
    """Between draws of the uncertain constants."""
    chance: float
    """Between replications with one draw."""


def spread(ratios: ArrayLike, per_draw: int) -> Spread | None:
    """Tell apart what the constants leave open and what chance does; None where that is unknown.

    One-way analysis of variance with random effects: Searle, Casella and McCulloch, "Variance
    Components" (1992), section 3.6 for groups of different sizes.

    Parameters
    ----------
    ratios
        Shape (replications,), NaN where one is missing.
    """
    logs = np.log(np.asarray(ratios, dtype=np.float64))
    groups = [logs[start : start + per_draw] for start in range(0, len(logs), per_draw)]
    known = [each for group in groups if (each := group[np.isfinite(group)]).size]
    total = sum(each.size for each in known)
    within_freedom, between_freedom = total - len(known), len(known) - 1
    if within_freedom < 1 or between_freedom < 1:
        return None
    mean = np.concatenate(known).mean()
    within = sum(float(((each - each.mean()) ** 2).sum()) for each in known) / within_freedom
    between = sum(each.size * float((each.mean() - mean) ** 2) for each in known) / between_freedom
    size = (total - sum(each.size**2 for each in known) / total) / between_freedom
    return Spread(
        constants=math.sqrt(max(0.0, (between - within) / size)), chance=math.sqrt(within)
    )


@dataclass(frozen=True, slots=True)
class Share:
    """Share of draws in which something holds, with the Clopper-Pearson interval."""

    holding: int
    of: int
    low: float
    high: float

    @property
    def estimate(self) -> float:
        """The share itself; NaN without a draw."""
        return self.holding / self.of if self.of else math.nan


def share(holding: int, of: int, level: float) -> Share:
    """Share of ``of`` draws in which something holds.

    Source: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934): covers with at least ``level``.
    """
    tail = (1.0 - level) / 2.0
    low = float(special.betaincinv(holding, of - holding + 1, tail)) if holding else 0.0
    high = float(special.betaincinv(holding + 1, of - holding, 1.0 - tail)) if holding < of else 1.0
    return Share(holding, of, low, high)


def ratio_bootstrap(ratios: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Bootstrap:
    """Bootstrap of the mean logarithm of ratios: the logarithm of their geometric mean.

    Ratios are averaged as logarithms so that a comparison and its reverse agree: the interval of
    the inverse ratios is the inverse of the interval.

    Parameters
    ----------
    ratios
        As :func:`paired_ratios` returns them; every column needs at least one that is not NaN.
    seed, resamples
        As for :class:`harness.statistics.intervals.Bootstrap`.
    """
    logs = np.log(np.asarray(ratios))
    return Bootstrap(logs, seed=seed, resamples=resamples, resolution=LOG_RESOLUTION)


def ratio_ranges(ratios: ArrayLike, level: float) -> tuple[Interval, ...]:
    """Range of the logarithm of one further ratio, for each column.

    Each replication draws the uncertain constants. The range is that of a single machine whose
    constants are one more draw; it contains the randomness of a run.

    Parameters
    ----------
    ratios
        As for :func:`ratio_bootstrap`.
    level
        Probability that the range contains it, in (0, 1).
    """
    logs = np.log(np.asarray(ratios))
    return prediction_intervals(logs, level, resolution=LOG_RESOLUTION)


def holm(p_values: ArrayLike) -> Array:
    """Adjust probability values so that rejecting at alpha errs at all with at most alpha.

    Holds whatever the dependence between the tests.
    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6 (1979).

    Parameters
    ----------
    p_values
        Shape (tests,), each in [0, 1].

    Returns
    -------
    array
        Adjusted values in the same order, each in [0, 1] and none below what it was.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError("probability values lie in [0, 1], in one dimension")
    order = np.argsort(values, kind="stable")
    stepped = values[order] * np.arange(values.size, 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted
