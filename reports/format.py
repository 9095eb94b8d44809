"""Numbers as a report shows them: sensible digits, a unit, a true minus sign."""

import math
from collections.abc import Callable
from functools import partial
from typing import Protocol

MINUS = "\N{MINUS SIGN}"
_SPACE = "\N{NO-BREAK SPACE}"
_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "\N{MICRO SIGN}s"), (1e-9, "ns"))


def typeset(text: str) -> str:
    """Set a number with its unit as in print: a true minus sign, a micro sign, no line break."""
    return text.replace("-", MINUS).replace(" us", " \N{MICRO SIGN}s").replace(" ", _SPACE)


def plain(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, thousands set apart by commas.

    Digits before the decimal point are never dropped, only rounded: 12,345 becomes 12,300.
    """
    if math.isnan(value):
        return "?"
    if math.isinf(value):
        return f"{MINUS if value < 0 else ''}\N{INFINITY}"
    if value == 0.0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    rounded = round(value, digits - 1 - exponent)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{abs(rounded):,.{decimals}f}"
    return f"{MINUS if value < 0 else ''}{text}"


def overhead(ratio: float, *, unit: bool = True) -> str:
    """Write an overhead in per cent with its sign: ``+62 %``, ``+0.04 %``, ``0 %``.

    Two decimals below one per cent, one below ten, none above; three digits from 1,000 on.
    """
    suffix = f"{_SPACE}%" if unit else ""
    if math.isnan(ratio):
        return "?"
    if math.isinf(ratio):
        return f"{'+' if ratio > 0 else MINUS}\N{INFINITY}{suffix}"
    value = 100.0 * ratio
    size = abs(value)
    decimals = 2 if size < 0.995 else 1 if size < 9.95 else 0
    text = plain(size) if size >= 1000 else f"{size:.{decimals}f}"
    if float(text.replace(",", "")) == 0.0:
        return f"0{suffix}"
    return f"{'+' if value > 0 else MINUS}{text}{suffix}"


class _Ends(Protocol):
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def ends(
    value: _Ends | None, text: Callable[[float], str], last: Callable[[float], str] | None = None
) -> str:
    """Write the ends of an interval, the upper one as ``last`` does; empty if one is unknown."""
    low, high = (None, None) if value is None else (value.low, value.high)
    if low is None or high is None or math.isinf(low) or math.isinf(high):
        return ""
    return f"{text(low)} … {(last or text)(high)}"


def span(value: _Ends) -> str:
    """Write the ends of an overhead's interval: ``+32 … +99 %``."""
    return ends(value, partial(overhead, unit=False), overhead)


def percent(ratio: float) -> str:
    """Write a ratio in per cent without a sign: ``10 %``."""
    return f"{plain(100.0 * ratio)}{_SPACE}%"


def share(ratio: float) -> str:
    """Write a share in per cent; never more than ``100 %``."""
    return percent(ratio if ratio < 0.9995 else 1.0)


def level(ratio: float) -> str:
    """Write a margin or a confidence in per cent, without needless zeros: ``95 %``."""
    return f"{100.0 * ratio:.4g}{_SPACE}%"


def seconds(value: float) -> str:
    """Write a time with three digits in the unit that suits it: ``7.41 ms``."""
    if math.isnan(value) or math.isinf(value):
        return plain(value)
    for scale, name in _TIMES:
        if abs(value) >= 0.9995 * scale:
            return f"{plain(value / scale)}{_SPACE}{name}"
    return f"{plain(value / 1e-9)}{_SPACE}ns" if value else f"0{_SPACE}s"


def tick(value: float) -> str:
    """Write a time on an axis, without needless zeros: ``5 ms``."""
    number, _, unit = seconds(value).partition(_SPACE)
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return f"{number}{_SPACE}{unit}"


def microseconds(value: float) -> str:
    """Write a time in microseconds without the unit, for a column that names it."""
    value *= 1e6
    if 0.0 < abs(value) < 0.005:
        return "<0.01"
    if abs(value) < 1000.0:
        return plain(value) if abs(value) >= 0.1 else f"{value:.2f}" if value else "0"
    return f"{value:,.0f}"
