"""Where the warm-up of a simulated series ends.

The rule is MSER-5: cut the series where the standard error of the mean of what remains is least.
Sources: K. P. White, "An effective truncation heuristic for bias reduction in simulation output",
Simulation 69 (1997); K. P. White, M. J. Cobb and S. C. Spratt, "A comparison of five steady-state
truncation heuristics for simulation", Winter Simulation Conference 2000.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

BATCH = 5
"""Observations averaged into one value: the 5 of MSER-5."""

MINIMUM_BATCHES = 10
"""Fewer batches than this cannot show where a warm-up ends, nor that one has ended."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Where a series is cut."""

    cut: int
    """Index of the first observation that is kept; a multiple of :data:`BATCH`."""
    trustworthy: bool
    """False when the best cut of all lies in the second half, so that the series may not have
    settled at all, or when the series is too short."""


def mser5(series: ArrayLike) -> WarmUp:
    """Find the end of the warm-up of a series.

    At most the first half is cut: towards the end of a series too few batches remain for their
    spread to mean anything. Whether the series has settled by then is seen by looking further, as
    long as :data:`MINIMUM_BATCHES` remain: a level that shifts after the half would otherwise look
    settled from the beginning.

    docs/statistics.md has the measured error rates. Cycles that never end are no transient to the
    rule, and are trusted.

    Parameters
    ----------
    series
        Observations in order of time, shape (n,), finite; any unit. What is left over after the
        last full batch of five counts neither for the cut nor against it.

    Raises
    ------
    ValueError
        If the series is not one-dimensional or holds something that is not finite.
    """
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"a series has one dimension, not {values.ndim}")
    if not np.isfinite(values).all():
        raise ValueError("a series must be finite")
    count = values.size // BATCH
    if count < MINIMUM_BATCHES:
        return WarmUp(cut=0, trustworthy=False)
    batches = values[: count * BATCH].reshape(count, BATCH).mean(axis=1)
    if np.ptp(batches) == 0.0:
        return WarmUp(cut=0, trustworthy=True)
    # Seen from the last value, a series that has become constant has deviations of exactly zero.
    centred = batches - batches[-1]
    remaining = np.arange(count, 0, -1)
    sums = np.cumsum(centred[::-1])[::-1]
    squares = np.cumsum(np.square(centred)[::-1])[::-1]
    deviations = np.maximum(squares - np.square(sums) / remaining, 0.0)
    errors = deviations / np.square(remaining)
    longest = count // 2
    best = int(np.argmin(errors[: longest + 1]))
    anywhere = int(np.argmin(errors[: max(longest, count - MINIMUM_BATCHES) + 1]))
    return WarmUp(cut=best * BATCH, trustworthy=anywhere < longest)
