"""Random draws of quantities with an interval: numbers and costs of events."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.real.calibration.costs import EventCost
from harness.statistics.intervals import Interval

Array = NDArray[np.float64]

DRAWS = 4000
_NORMAL = 1.959964
"""Normal quantile of a 95 % interval."""
_NOTHING = 1e-15


class Samples(NamedTuple):
    """Times in seconds, one per draw; arrays of DRAWS."""

    native: Array
    """Processor time natively."""
    target: Array
    """Processor time in the target."""
    native_elapsed: Array
    """Elapsed time natively."""
    target_elapsed: Array
    """Elapsed time in the target."""

    def less(self, other: "Samples", times: float = 1.0) -> "Samples":
        """Subtract a part, so many times; nothing goes below zero."""
        pairs = zip(self, other, strict=True)
        return Samples(*(np.maximum(one - times * off, 0.0) for one, off in pairs))

    def scaled(self, factor: Array | float) -> "Samples":
        """Multiply all times."""
        return Samples(*(part * factor for part in self))


def total(drawn: Iterable[Samples]) -> Samples:
    """Return the sum per draw."""
    return Samples(*(np.sum(parts, axis=0) for parts in zip(*drawn, strict=True)))


def chosen(drawn: Sequence[Samples], which: NDArray[np.int64]) -> Samples:
    """Return for each draw the times of the chosen one."""
    return Samples(*(np.choose(which, parts) for parts in zip(*drawn, strict=True)))


def ratios(drawn: Samples) -> tuple[Array, Array]:
    """Return the ratios of target to native: processor time, elapsed time."""
    return (
        drawn.target / np.maximum(drawn.native, _NOTHING),
        drawn.target_elapsed / np.maximum(drawn.native_elapsed, _NOTHING),
    )


def draw(interval: Interval, random: np.random.Generator) -> Array:
    """Draw from an interval: log-normal, or normal with 0 as the lower limit if it contains 0."""
    normal = random.standard_normal(DRAWS)
    if interval.low > 0.0:
        width = np.log(interval.high / interval.low) / (2 * _NORMAL)
        drawn: Array = interval.estimate * np.exp(width * normal)
        return drawn
    width = (interval.high - interval.low) / (2 * _NORMAL)
    return np.maximum(interval.estimate + width * normal, 0.0)


def draw_event(
    native: EventCost, cost: EventCost, waits: bool, random: np.random.Generator
) -> Samples:
    """Draw the cost of an event natively and in a target.

    Parameters
    ----------
    native, cost
        Calibrated costs natively and in the target.
    waits
        Whether it waits for a device. Otherwise the native elapsed time is the processor time,
        because the measured time contains other programs; the ratio to the target's does not.
    """
    processor = draw(native.processor_seconds, random)
    seconds = np.maximum(draw(native.seconds, random), _NOTHING)
    if cost.processor_ratio is None:
        target = draw(cost.processor_seconds, random)
    else:
        target = processor * draw(cost.processor_ratio, random)
    if cost.ratio is None:
        stretch = draw(cost.seconds, random) / seconds
    else:
        stretch = draw(cost.ratio, random)
    elapsed = np.maximum(seconds, processor) if waits else processor
    return Samples(processor, target, elapsed, elapsed * stretch)
