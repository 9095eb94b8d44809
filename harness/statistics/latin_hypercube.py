"""Draws of uncertain constants: Latin hypercubes and the triangular distribution.

The replications of a block are spread evenly, so that their mean varies less than that of
independent draws. Intervals and tests assume independent draws and are therefore on the safe side;
docs/statistics.md has the measured rates. An interval contains the mean over all draws. It is not
the range in which the overhead lies for the true constants: more replications narrow it although
they add nothing to what is known of the constants.
"""

from collections.abc import Sequence
from math import exp, log, sqrt

BLOCK = 10
"""Rows of one Latin hypercube. More replications add blocks and leave earlier rows as they are."""


def latin_hypercube(
    names: Sequence[str], replications: int, seed: int
) -> tuple[dict[str, float], ...]:
    """Spread draws of several constants evenly over their distributions.

    Replication r gets row ``r % 10`` of block ``r // 10``. Each block is a Latin hypercube of its
    own, randomised by the seed and the number of the block: within it every name has exactly one
    draw in each tenth of (0, 1). So a design of 10 replications is the beginning of one of 60.

    Source: M. D. McKay, R. J. Beckman and W. J. Conover, Technometrics 21 (1979).

    Parameters
    ----------
    names
        What is drawn; each is independent of the others. Their order matters, their spelling not.
    replications
        How many rows, at least 0.
    seed
        Any integer that is not negative.

    Returns
    -------
    tuple of dict
        For each replication a probability in the open interval (0, 1) for each name.
    """
    if not names:
        return tuple({} for _ in range(replications))
    # The imports take a second; they are not needed without a draw.
    import numpy as np
    from scipy.stats import qmc

    rows: list[dict[str, float]] = []
    for block in range(-(-replications // BLOCK)):
        sampler = qmc.LatinHypercube(len(names), rng=np.random.default_rng([seed, block]))
        draws = np.clip(sampler.random(BLOCK), np.finfo(float).tiny, 1.0 - np.finfo(float).epsneg)
        rows.extend(dict(zip(names, map(float, row), strict=True)) for row in draws)
    return tuple(rows[:replications])


def triangular_quantile(probability: float, low: float, mode: float, high: float) -> float:
    """Value below which a triangular distribution has the given probability.

    Parameters
    ----------
    probability
        In [0, 1].
    low, mode, high
        Ends and peak of the triangle, low <= mode <= high; all equal means a certain value.

    Raises
    ------
    ValueError
        If the probability or the order of the three values is wrong.
    """
    if not low <= mode <= high:
        raise ValueError(f"needs low <= mode <= high, not {low}, {mode}, {high}")
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"a probability lies in [0, 1], not at {probability}")
    width = high - low
    if width == 0.0 or probability == 1.0:
        return high
    if probability * width <= mode - low:
        value = low + sqrt(probability * width * (mode - low))
    else:
        value = high - sqrt((1.0 - probability) * width * (high - mode))
    return min(max(value, low), high)


def log_triangular_quantile(probability: float, low: float, mode: float, high: float) -> float:
    """Value below which a quantity has the given probability whose logarithm is triangular.

    Parameters
    ----------
    probability
        0 to 1.
    low, mode, high
        Ends and most likely value, 0 < low <= mode <= high.
    """
    # Both ends exactly, in spite of rounding.
    if probability <= 0.0 or probability >= 1.0:
        return low if probability <= 0.0 else high
    logarithms = (log(low), log(mode), log(high))
    return min(max(exp(triangular_quantile(probability, *logarithms)), low), high)
