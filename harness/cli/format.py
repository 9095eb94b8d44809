"""Numbers, intervals and times as all tables of the terminal show them."""

import math
from collections.abc import Callable
from typing import Protocol

from harness.units import amount as amount
from harness.units import number as number
from harness.units import percent as percent


class _Estimated(Protocol):
    @property
    def estimate(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def interval(value: _Estimated, text: Callable[[float], str] = number) -> str:
    """Write an estimate and its interval: ``62 % (32 % to 99 %)``."""
    return f"{text(value.estimate)} ({span(value.low, value.high, text)})"


def span(low: float | None, high: float | None, text: Callable[[float], str] = number) -> str:
    """Write the ends of an interval; None and an infinite upper end are unknown ones."""
    if low is None or high is None or math.isinf(high):
        return "interval unknown"
    return f"{text(low)} to {text(high)}"


def microseconds(seconds: float, *, sign: bool = False) -> str:
    """Write a time in microseconds, with four digits; a difference with its sign, to 1 ns."""
    value = seconds * 1e6
    plus = "+" if sign else ""
    if abs(value) < (5e-4 if sign else 1e-6):
        return "0"
    if abs(value) < 1:
        return f"{value:+.3f}" if sign else f"{value:.4g}"
    return f"{value:{plus},.{max(0, 3 - math.floor(math.log10(abs(value))))}f}"


def duration(seconds: float) -> str:
    """Write how long something takes: ``12 s``, ``5 min 02 s``, ``3 h 10 min``, ``30 days``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    if minutes < 300 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    days = seconds / 86400
    return f"{days:,.0f} days" if days < 730 else f"{days / 365:.3g} years"
