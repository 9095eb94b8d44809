"""Comparisons of paired measurements, and what many comparisons at once cost."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
