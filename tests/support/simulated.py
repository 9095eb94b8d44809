"""Simulated samples whose true mean is zero, and what a rate of errors may be by chance."""

import math

import numpy as np
from numpy.typing import NDArray

SHAPES = ("normal", "triangular", "bimodal", "even-bimodal", "log-normal", "long-tailed")
"""``triangular``: the most skewed one (skewness 0.57). ``bimodal``: normal peaks four standard
deviations apart, the further one with 30 % of the values; ``even-bimodal``: with 50 %.
``log-normal``: skewness 1.75; ``long-tailed``: a log-normal of skewness 6.2."""


def sample(shape: str, size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Samples of a distribution of mean zero and variance one, skewed to the right if at all."""
    if shape == "normal":
        return rng.normal(size=size)
    if shape == "triangular":
        return (rng.triangular(0.0, 0.0, 1.0, size=size) - 1 / 3) * math.sqrt(18)
    if shape in ("bimodal", "even-bimodal"):
        share = 0.3 if shape == "bimodal" else 0.5
        values = rng.normal(size=size) + np.where(rng.random(size) < share, 4.0, 0.0)
        return (values - 4.0 * share) / math.sqrt(1.0 + 16.0 * share * (1.0 - share))
    spread = {"log-normal": 0.5, "long-tailed": 1.0}[shape]
    mean, square = math.exp(spread**2 / 2), math.exp(spread**2)
    values = rng.lognormal(0.0, spread, size=size)
    return (values - mean) / (mean * math.sqrt(square - 1.0))


def chance(rate: float, experiments: int) -> float:
    """How far an observed rate may lie off the true one: three standard errors."""
    return 3.0 * math.sqrt(rate * (1.0 - rate) / experiments)
