"""Means with intervals and one-sided tests, and prediction intervals, for many columns.

Every end of an interval is the farther one of two, and every probability value the larger:

- The bootstrap's, BCa (bias-corrected and accelerated): B. Efron, "Better bootstrap confidence
  intervals", JASA 82 (1987). It follows skewed values. By itself it is too narrow for few samples,
  because resamples of n values vary by (n - 1) / n too little and because it uses normal instead
  of Student quantiles. Wider quantiles correct both: T. Hesterberg, "What teachers should know
  about the bootstrap", The American Statistician 69 (2015), section 4.3.
- Student's t. It holds for normal values, far from the mean and for few samples, where few
  resamples of a bootstrap differ. Beyond the most extreme resample, probabilities are Student's.

docs/statistics.md has the measured coverage of intervals and the error rates of tests. Very small
levels hold for normal values only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]

RESAMPLES = 9999
"""Resamples of a bootstrap; its probabilities are multiples of 1 / (RESAMPLES + 1)."""

ENOUGH_SAMPLES = 10
"""With fewer samples an interval carries a warning: it holds for normal values, but the shape of
others does not show yet."""


class Caution(StrEnum):
    """Why an interval deserves less trust than its level says."""

    SINGLE_SAMPLE = "single-sample"
    """One sample: its spread is unknown, and the interval has no ends."""
    FEW_SAMPLES = "few-samples"
    """Too few to see the shape of the distribution: fewer than :data:`ENOUGH_SAMPLES`."""
    NO_VARIATION = "no-variation"
    """All samples are equal: the interval is a point and contains no uncertainty."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and where the true value lies with a given confidence."""

    estimate: float
    low: float
    """Minus infinity when nothing is known (or its image after :meth:`transformed`)."""
    high: float
    """Infinity when nothing is known."""
    level: float
    """Confidence, for instance 0.95."""
    samples: int
    warnings: tuple[str, ...] = ()
    """Members of :class:`Caution`."""

    def transformed(self, function: Callable[[float], float]) -> "Interval":
        """Carry estimate and ends over through an increasing function."""
        return replace(
            self,
            estimate=function(self.estimate),
            low=function(self.low),
            high=function(self.high),
        )


def finite(value: float) -> float | None:
    """Return a value; None if it is infinite or NaN, which JSON and tables cannot hold."""
    return value if math.isfinite(value) else None


class Bootstrap:
    """Means of several columns of samples, resampled together.

    Rows belong together (a replication): every column is resampled with the same rows, so that
    what is common to the columns stays common. A column's result does not depend on which other
    columns there are.

    Parameters
    ----------
    values
        Shape (samples, columns), or (samples,) for one column. NaN marks a sample that is missing;
        each column uses what it has.
    seed
        Makes the resamples; the same for equal seeds.
    resamples
        How many.
    resolution
        Differences up to this size are rounding errors: a column that varies less counts as
        having no variation.
    textbook
        Leave the bootstrap as the textbook has it, alone: too narrow for few samples.

    Raises
    ------
    ValueError
        If a column holds no sample, or one that is infinite.
    """

    def __init__(
        self,
        values: ArrayLike,
        *,
        seed: int = 0,
        resamples: int = RESAMPLES,
        resolution: float = 0.0,
        textbook: bool = False,
    ) -> None:
        table = _table(values)
        present = ~np.isnan(table)
        self._resolution = resolution
        self._count = table.shape[1]
        self._groups: list[tuple[NDArray[np.intp], _Columns]] = []
        patterns, group = np.unique(present, axis=1, return_inverse=True)
        for index, pattern in enumerate(patterns.T):
            members = np.flatnonzero(group.reshape(-1) == index)
            columns = _Columns(table[np.ix_(pattern, members)], seed, resamples, textbook)
            self._groups.append((members, columns))

    def intervals(self, level: float = 0.95) -> tuple[Interval, ...]:
        """Two-sided interval of each column's mean."""
        _check(level)
        found: dict[int, Interval] = {}
        for members, columns in self._groups:
            lows, highs = columns.ends((1.0 - level) / 2.0)
            still = columns.spread <= self._limit(columns)
            for index, column in enumerate(members):
                estimate = float(columns.mean[index])
                low, high = float(lows[index]), float(highs[index])
                if still[index] and columns.samples > 1:
                    low = high = estimate
                found[int(column)] = Interval(
                    estimate=estimate,
                    low=min(low, estimate),
                    high=max(high, estimate),
                    level=level,
                    samples=columns.samples,
                    warnings=_cautions(columns.samples, bool(still[index])),
                )
        return tuple(found[column] for column in range(self._count))

    def p_below(self, bounds: ArrayLike) -> Array:
        """Probability value of each column against "the mean is at least its bound".

        It is the smallest alpha at which the upper end of the one-sided interval with confidence
        1 - alpha does not exceed the bound. With a single sample it is 1: nothing can be shown.

        Parameters
        ----------
        bounds
            One per column, or one for all.
        """
        return self._one_sided(bounds, -1.0)

    def p_above(self, bounds: ArrayLike) -> Array:
        """Probability value of each column against "the mean is at most its bound"."""
        return self._one_sided(bounds, 1.0)

    def _one_sided(self, bounds: ArrayLike, direction: float) -> Array:
        limits = np.broadcast_to(np.asarray(bounds, dtype=np.float64), (self._count,))
        result = np.ones(self._count)
        for members, columns in self._groups:
            if columns.samples == 1:
                continue
            bound = limits[members]
            probability = columns.above(bound) if direction > 0 else columns.below(bound)
            resolution = self._limit(columns)
            beyond = direction * (columns.mean - bound) > resolution
            still = columns.spread <= resolution
            result[members] = np.where(still, np.where(beyond, 0.0, 1.0), probability)
        return result

    def _limit(self, columns: "_Columns") -> Array:
        return np.maximum(self._resolution, 1e-12 * np.abs(columns.mean))


def prediction_intervals(
    values: ArrayLike, level: float = 0.95, *, resolution: float = 0.0
) -> tuple[Interval, ...]:
    """Two-sided range of one further sample of each column.

    An interval of the mean narrows with every sample; this one does not fall below the spread of
    the samples themselves. It is the mean with t(n - 1) s sqrt(1 + 1 / n) to either side, which is
    exact for normal values. Source: G. J. Hahn and W. Q. Meeker, Statistical Intervals (1991).

    Parameters
    ----------
    values, resolution
        As for :class:`Bootstrap`.
    level
        Probability that the range contains the further sample, in (0, 1).

    Returns
    -------
    tuple of Interval
        The mean and the ends of the range. Without ends for a single sample; a point where all
        samples are equal.

    Raises
    ------
    ValueError
        If the level is out of range, or a column holds no sample, or one that is infinite.
    """
    _check(level)
    table = _table(values)
    samples = (~np.isnan(table)).sum(axis=0)
    mean = np.nansum(table, axis=0) / samples
    spread = np.nanmax(table, axis=0) - np.nanmin(table, axis=0)
    still = spread <= np.maximum(resolution, 1e-12 * np.abs(mean))
    scale = np.where(spread > 0.0, spread, 1.0)
    freedom = np.maximum(samples - 1, 1)
    unit = np.where(spread > 0.0, (table - mean) / scale, 0.0)
    deviation = scale * np.sqrt(np.nansum(np.square(unit), axis=0) / freedom)
    student = -special.stdtrit(freedom, (1.0 - level) / 2.0)
    half = np.where(still, 0.0, student * deviation * np.sqrt(1.0 + 1.0 / samples))
    half = np.where(samples == 1, np.inf, half)
    return tuple(
        Interval(
            estimate=float(middle),
            low=float(middle - reach),
            high=float(middle + reach),
            level=level,
            samples=int(count),
            warnings=_cautions(int(count), bool(equal)),
        )
        for middle, reach, count, equal in zip(mean, half, samples, still, strict=True)
    )


def _table(values: ArrayLike) -> Array:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, np.newaxis]
    if np.isinf(table).any():
        raise ValueError("samples must be finite")
    if table.ndim != 2 or np.isnan(table).all(axis=0).any():
        raise ValueError("every column needs at least one sample")
    return table


def _check(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise ValueError(f"a confidence level lies in (0, 1), not at {level}")


class _Columns:
    """Columns that have the same rows: no sample is missing. Internal to :class:`Bootstrap`."""

    def __init__(self, values: Array, seed: int, resamples: int, textbook: bool) -> None:
        self.samples = values.shape[0]
        self.mean: Array = values.mean(axis=0)
        self.spread: Array = np.ptp(values, axis=0)
        # Unit deviations, so that neither tiny nor huge values leave the range of a float.
        scale = np.where(self.spread > 0.0, self.spread, 1.0)
        unit = np.where(self.spread > 0.0, (values - self.mean) / scale, 0.0)
        squares = np.square(unit).sum(axis=0)
        self._error = scale * np.sqrt(squares / max(self.samples - 1, 1) / self.samples)
        self._textbook = textbook
        if self.samples == 1:
            return
        self._widening = np.sqrt(self.samples / (self.samples - 1))
        # The acceleration of a mean: a sixth of the skewness of its influence values.
        power = np.where(squares > 0.0, np.power(squares, 1.5), 1.0)
        self._acceleration: Array = np.power(unit, 3).sum(axis=0) / (6.0 * power)
        # Means of deviations, not of values: a common offset must not cost digits.
        means = _product(_weights(self.samples, resamples, seed), unit * scale)
        self._sorted: Array = np.ascontiguousarray(means.T)
        """Of each column, a row; ascending."""
        self._sorted.sort(axis=1)
        self._ranks: Array = np.arange(1, resamples + 1) / (resamples + 1)
        ties = 1e-12 * scale
        first, last = (
            np.array(
                [row.searchsorted(tie, side) for row, tie in zip(self._sorted, at, strict=True)]
            )
            for at, side in ((-ties, "left"), (ties, "right"))
        )
        below = first + 0.5 * (last - first)
        self._bias: Array = special.ndtri(np.clip(below, 0.5, resamples - 0.5) / resamples)

    def ends(self, tail: float) -> tuple[Array, Array]:
        """Return the ends that leave the probability ``tail`` outside, on either side."""
        if self.samples == 1:
            unknown = np.full(self.mean.shape, np.inf)
            return -unknown, unknown
        student = -special.stdtrit(self.samples - 1, tail)
        low, high = self.mean - student * self._error, self.mean + student * self._error
        quantile = -special.ndtri(tail) if self._textbook else student * self._widening
        lower, upper = self._levels(-quantile), self._levels(quantile)
        left, right = self.mean + self._quantiles(lower), self.mean + self._quantiles(upper)
        if self._textbook:
            return left, right
        return np.minimum(left, low), np.maximum(right, high)

    def below(self, bound: Array) -> Array:
        """One-sided probability values against "mean >= bound"."""
        return self._tail(bound, 1.0)

    def above(self, bound: Array) -> Array:
        """One-sided probability values against "mean <= bound"."""
        return self._tail(bound, -1.0)

    def _tail(self, bound: Array, direction: float) -> Array:
        """Inverts the interval: the tail that would put an end of it at the bound."""
        distance = bound - self.mean
        level = np.array(
            [
                np.interp(point, column, self._ranks)
                for point, column in zip(distance, self._sorted, strict=True)
            ]
        )
        shift = special.ndtri(level) - self._bias
        z = _accelerated(shift, -self._acceleration) - self._bias
        if self._textbook:
            textbook: Array = special.ndtr(-direction * z)
            return textbook
        probability = special.stdtr(self.samples - 1, -direction * z / self._widening)
        error = np.where(self._error > 0.0, self._error, 1.0)
        student: Array = special.stdtr(self.samples - 1, -direction * distance / error)
        extreme = self._sorted[:, -1 if direction > 0 else 0]
        resolved = direction * (distance - extreme) <= 0.0
        return np.where(resolved, np.maximum(probability, student), student)

    def _levels(self, z: float) -> Array:
        """Probabilities at which BCa reads the resamples for the normal quantile z."""
        shift = self._bias + z
        levels: Array = special.ndtr(self._bias + _accelerated(shift, self._acceleration))
        return levels

    def _quantiles(self, levels: Array) -> Array:
        """Interpolate between the ranks of the resamples; at most to the extreme ones."""
        levels = np.clip(levels, self._ranks[0], self._ranks[-1])
        rank = np.clip(np.searchsorted(self._ranks, levels, "right") - 1, 0, self._ranks.size - 2)
        column = np.arange(rank.size)
        low, high = self._sorted[column, rank], self._sorted[column, rank + 1]
        step = self._ranks[rank + 1] - self._ranks[rank]
        found: Array = (high - low) / step * (levels - self._ranks[rank]) + low
        return np.where(levels == self._ranks[-1], high, found)


def _accelerated(shift: Array, acceleration: Array) -> Array:
    divisor = 1.0 - acceleration * shift
    inside = divisor > 0.0
    return np.where(inside, shift / np.where(inside, divisor, 1.0), np.sign(shift) * np.inf)


def _product(weights: Array, deviations: Array) -> Array:
    """Matrix product, in blocks of rows for which OpenBLAS uses one thread.

    Further threads would gain nothing and wait actively; a result would depend on their number.
    """
    limit = 9_000 if deviations.shape[1] == 1 else 260_000
    rows = max(1, limit // deviations.size)
    blocks = [weights[i : i + rows] @ deviations for i in range(0, len(weights), rows)]
    return np.concatenate(blocks)


@lru_cache(maxsize=8)
def _weights(samples: int, resamples: int, seed: int) -> Array:
    """Share of each sample in each resample, shape (resamples, samples)."""
    generator = np.random.default_rng([seed, samples])
    shares = np.full(samples, 1.0 / samples)
    return generator.multinomial(samples, shares, size=resamples) / samples


def _cautions(samples: int, still: bool) -> tuple[str, ...]:
    if samples == 1:
        return (Caution.SINGLE_SAMPLE,)
    if still:
        return (Caution.NO_VARIATION,)
    if samples < ENOUGH_SAMPLES:
        return (Caution.FEW_SAMPLES,)
    return ()
