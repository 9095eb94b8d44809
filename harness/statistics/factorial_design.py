"""Which of many factors move a response: two-level designs and the effects that they show.

Every factor takes one of two values in each run, in an orthogonal pattern: half of the runs of
each effect's comparison have the factor low, half high, and all others are balanced between them.
So each effect is estimated from all runs. With at most half as many factors as runs the design has
resolution IV: no effect is mixed with an interaction of two factors. Source: G. E. P. Box,
J. S. Hunter, W. G. Hunter, "Statistics for Experimenters", 2nd edition (2005), chapters 5 and 6.

What two levels cannot show is curvature: a factor that matters in the middle of its range only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]

BLOCKS = 4
"""Runs are made in so many blocks, whose differences are no effect of a factor."""

_SMALLEST, _FREE = 32, 8
"""Runs at least; runs at least beyond those that the effects use up, to estimate the noise."""

_RESOLUTION = 1e-9
"""Responses that differ by no more than this are equal: rounding, not an effect."""


@dataclass(frozen=True)
class Design:
    """A two-level design."""

    signs: NDArray[np.int8]
    """Shape (runs, factors): -1 for low, 1 for high."""
    blocks: NDArray[np.int64]
    """Shape (runs,): the block of each run, from 0."""

    @property
    def runs(self) -> int:
        """How many runs it takes."""
        return len(self.blocks)

    @property
    def resolution(self) -> int:
        """4 if no effect is mixed with an interaction of two factors, otherwise 3."""
        return 4 if 2 * self.signs.shape[1] <= self.runs else 3

    @cached_property
    def dummies(self) -> Array:
        """Shape (runs, BLOCKS): 1 where a run belongs to the block."""
        return np.equal.outer(self.blocks, np.arange(BLOCKS)).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Effect:
    """What moving a factor from low to high does to the response."""

    change: float
    low: float
    """End of the change's interval."""
    high: float
    p: float
    """Probability value against "no effect", of this factor alone."""
    share: float
    """Share of the response's variation over the design, differences of blocks left out."""


def two_level_design(factors: int) -> Design:
    """Make the smallest design for so many factors.

    Up to 16 factors take 32 runs, up to 52 take 64, up to 116 take 128.
    """
    runs = _SMALLEST
    while factors > (runs // 2 if runs == _SMALLEST else runs - BLOCKS - _FREE):
        runs *= 2
    odd = [column for column in range(1, runs) if column.bit_count() % 2]
    # Products of two odd columns are even: while factors have odd ones only, none is a product.
    even = [column for column in range(1, runs) if column.bit_count() % 2 == 0]
    one, other = even[0], even[1]
    spare = [column for column in even if column not in (one, other, one ^ other)]
    columns = [*odd, *spare][:factors]
    signs = np.array([[_sign(run, column) for column in columns] for run in range(runs)], np.int8)
    blocks = np.array([(_sign(run, one) > 0) + 2 * (_sign(run, other) > 0) for run in range(runs)])
    return Design(signs.reshape(runs, factors), blocks)


def _sign(run: int, column: int) -> int:
    return 1 if (run & column).bit_count() % 2 else -1


def effects(
    response: ArrayLike, design: Design, columns: Sequence[int], *, level: float
) -> tuple[Effect, ...]:
    """Estimate what the factors in some columns of a design do to a response.

    Least squares with a mean for each block; what no factor explains, interactions included, is
    the noise that effects are held against.

    Parameters
    ----------
    response
        Shape (runs,); NaN where a run has no result.
    design
        How the factors were set.
    columns
        Those of its factors that can have an effect on this response.
    level
        Confidence of each interval.

    Returns
    -------
    tuple of Effect
        One for each column; without a bound, and never significant, if too few runs are left.
    """
    values = np.asarray(response, dtype=np.float64)
    present = np.isfinite(values)
    blocks, signs = design.dummies[present], design.signs[present][:, list(columns)]
    matrix = np.hstack([blocks, signs.astype(np.float64)])
    free = int(present.sum()) - matrix.shape[1]
    if free < 1 or np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        return tuple(Effect(np.nan, -np.inf, np.inf, 1.0, np.nan) for _ in columns)
    values = values[present]
    if np.ptp(values) <= _RESOLUTION:
        return tuple(Effect(0.0, 0.0, 0.0, 1.0, 0.0) for _ in columns)
    inverse = np.linalg.inv(matrix.T @ matrix)
    found = inverse @ matrix.T @ values
    noise = float(np.square(values - matrix @ found).sum()) / free
    slopes = found[BLOCKS:]
    errors = np.sqrt(noise * np.diag(inverse)[BLOCKS:])
    errors = np.maximum(errors, _RESOLUTION / len(values))
    p = 2.0 * special.stdtr(free, -np.abs(slopes / errors))
    reach = special.stdtrit(free, (1.0 + level) / 2.0) * errors
    means = np.linalg.lstsq(blocks, values, rcond=None)[0]
    variation = float(np.square(values - blocks @ means).sum())
    shares = len(values) * np.square(slopes) / max(variation, _RESOLUTION**2)
    return tuple(
        Effect(2 * float(slope), 2 * float(slope - r), 2 * float(slope + r), float(q), float(s))
        for slope, r, q, s in zip(slopes, reach, p, np.minimum(shares, 1.0), strict=True)
    )
