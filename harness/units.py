"""Quantities with units: parsing to SI numbers, and formatting.

Every quantity has a dimension; a dimension knows the units that it may be written in, and nothing
else is accepted: ``10 ms`` is a time, ``10`` is not. Decimal and binary multiples are kept apart
(``KB`` is 1,000 bytes, ``KiB`` is 1,024), and so are bits (``Mb/s``) and bytes (``MB/s``).
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_BYTE_MULTIPLES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, **_BINARY}


def _factors(multiples: Mapping[str, int], unit: str, divisor: int = 1) -> dict[str, Decimal]:
    return {prefix + unit: Decimal(factor) / divisor for prefix, factor in multiples.items()}


_ONE = Decimal(1)
_TIMES = {
    "s": _ONE,
    "ms": _ONE / 10**3,
    "us": _ONE / 10**6,
    "ns": _ONE / 10**9,
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
_FREQUENCIES = _factors(_DECIMAL, "Hz")
_RATES = {"/s": _ONE, "/min": _ONE / 60, "/h": _ONE / 3600}
_SIZES = _factors(_BYTE_MULTIPLES, "B")
_BANDWIDTHS = {**_factors(_DECIMAL, "b/s", divisor=8), **_factors(_BYTE_MULTIPLES, "B/s")}


class Dimension(NamedTuple):
    """A kind of quantity.

    Attributes
    ----------
    units
        Its units, with their factors to SI.
    example
        A quantity for messages and schemas.
    least, most
        The smallest quantity above 0 and the largest one that a file may hold, in SI units.
    """

    units: Mapping[str, Decimal]
    example: str
    least: float
    most: float

    @property
    def si(self) -> str:
        """Name of the SI unit."""
        return next(unit for unit, factor in self.units.items() if unit and factor == 1)


DIMENSIONS: Mapping[str, Dimension] = {
    # From the nanosecond that simulated time is counted in to 3,650 days.
    "time": Dimension(_TIMES, "20 ms", 1e-9, 315_360_000.0),
    "frequency": Dimension(_FREQUENCIES, "1.65 GHz", 1e-6, 1e15),
    "rate": Dimension({**_RATES, **_FREQUENCIES}, "400 /s", 1e-9, 1e15),
    "size": Dimension(_SIZES, "8 KiB", 1e-9, 2.0**60),
    "bandwidth": Dimension(_BANDWIDTHS, "24.3 MiB/s", 1e-3, 1e15),
    "ratio": Dimension({"": _ONE, "ratio": _ONE, "%": _ONE / 100}, "10 %", 1e-12, 1e9),
    "cycles": Dimension({"cycles": _ONE}, "45000 cycles", 1e-3, 1e15),
    "cycles/B": Dimension({"cycles/B": _ONE}, "8.5 cycles/B", 1e-9, 1e9),
    "count": Dimension({"": _ONE, "count": _ONE}, "24", 1e-9, 1e12),
    "cores": Dimension({"": _ONE, "cores": _ONE}, "0.5 cores", 1e-9, 1e9),
    "power": Dimension(_factors(_DECIMAL, "W"), "450 W", 1e-6, 1e12),
}
_RANGE_TEXTS: Mapping[str, str] = {
    "time": "0, or from 1 ns to 3650 d",
    "size": "0, or from 1 B to 1073741824 GiB",
}
_CHARACTERS = 64
"""Length of the longest text that is read as a quantity."""

_UNSIGNED = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_NUMBER = re.compile(rf"[+-]?{_UNSIGNED}")


def parse_quantity(quantity: str | float, dimension: str) -> float:
    """Turn a quantity into a number of SI units.

    Parameters
    ----------
    quantity
        A text such as ``"20 ms"``, or a bare number where the dimension needs no unit (ratio,
        count, cores).
    dimension
        A key of :data:`DIMENSIONS`.

    Returns
    -------
    float
        Seconds, hertz, events per second, bytes, bytes per second, cycles, watts or a pure number.

    Raises
    ------
    ValueError
        When the text is no quantity of that dimension; the message names a valid one.
    """
    units = DIMENSIONS[dimension].units
    number, unit = _split(quantity, dimension)
    if unit.startswith(","):
        raise ValueError(f"{shown(quantity)} has a comma; the decimal separator is a point")
    if unit not in units:
        if unit == "":
            example = DIMENSIONS[dimension].example
            raise ValueError(f"{shown(quantity)} needs a unit, for instance '{example}'")
        allowed = ", ".join(name for name in units if name) or "no unit"
        raise ValueError(
            f"{shown(quantity)} has the unit '{unit}', but a {dimension} is written in {allowed}, "
            f"for instance '{DIMENSIONS[dimension].example}'"
        )
    return _scale(number, units[unit])


def read_quantity(quantity: str | float, dimension: str) -> float:
    """Do the same as :func:`parse_quantity`, within the range of the dimension.

    Raises
    ------
    ValueError
        When the text is no quantity of that dimension, is too small, or is too large; the
        message states the range.
    """
    number = parse_quantity(quantity, dimension)
    known = DIMENSIONS[dimension]
    if number == 0 or known.least <= abs(number) <= known.most:
        return number or 0.0
    unit = "" if known.si in ("ratio", "count") else f" {known.si}"
    allowed = _RANGE_TEXTS.get(dimension, f"0, or from {known.least:g} to {known.most:g}{unit}")
    size = "small" if abs(number) < known.least else "large"
    raise ValueError(f"{shown(quantity)} is too {size}; a {dimension} is {allowed}")


def dimension_of(unit: str) -> str:
    """Name the dimension that a unit belongs to.

    A frequency's unit names ``frequency``; ``/s`` and its like name ``rate``; the empty unit names
    ``ratio``.

    Raises
    ------
    ValueError
        When no dimension has such a unit; the message lists all units.
    """
    for dimension, known in DIMENSIONS.items():
        if unit in known.units:
            return dimension
    names = sorted({name for known in DIMENSIONS.values() for name in known.units if name})
    raise ValueError(f"unknown unit '{unit}'; known are {', '.join(names)}")


def to_si(number: float, unit: str) -> tuple[float, str]:
    """Turn a number with a separate unit into SI.

    Returns
    -------
    tuple[float, str]
        The number in SI units and the SI unit's name. The empty unit (a pure number) stays empty.

    Raises
    ------
    ValueError
        When the unit is unknown.
    """
    dimension = DIMENSIONS[dimension_of(unit)]
    number = _scale(Decimal(repr(number)), dimension.units[unit])
    return number, "" if unit == "" else dimension.si


def _scale(number: Decimal, factor: Decimal) -> float:
    """Multiply in decimal, so that ``33 us``, ``0.033 ms`` and ``33e-6 s`` are the same float."""
    product = float(number * factor)
    if not math.isfinite(product):
        raise ValueError(f"{number} is too large")
    return product


def _split(quantity: str | float, dimension: str) -> tuple[Decimal, str]:
    text = "" if isinstance(quantity, bool) else str(quantity).strip()
    match = _NUMBER.match(text) if len(text) <= _CHARACTERS else None
    if match is None:
        raise ValueError(
            f"{shown(quantity)} is no {dimension}; write '{DIMENSIONS[dimension].example}'"
        )
    return Decimal(match[0]), text[match.end() :].strip()


def _wrong(quantity: object, dimension: str) -> str:
    return f"{shown(quantity)} is no {dimension}; write '{DIMENSIONS[dimension].example}'"


def shown(quantity: object) -> str:
    """Write a value in one line that is not too long, as it begins the messages of this module."""
    text = repr(quantity)
    return text if len(text) <= _CHARACTERS + 2 else f"{text[:_CHARACTERS]}..."


def _validator(dimension: str, *, whole: bool = False) -> Callable[[object], float | int]:
    def validate(quantity: object) -> float | int:
        if not isinstance(quantity, (str, int, float)):
            raise ValueError(
                f"{shown(quantity)} is no {dimension}; write '{DIMENSIONS[dimension].example}'"
            )
        number = read_quantity(quantity, dimension)
        if number < 0:
            raise ValueError(f"{shown(quantity)} is negative; a {dimension} is at least 0")
        if not whole:
            return number
        if number != round(number):
            raise ValueError(f"{shown(quantity)} is not a whole number of bytes")
        return round(number)

    return validate


def schema(dimension: str) -> dict[str, Any]:
    """Describe a quantity in JSON Schema, so that editors complete and check it."""
    units = DIMENSIONS[dimension].units
    names = "|".join(re.escape(name) for name in units if name)
    optional = "?" if "" in units else ""
    text: dict[str, Any] = {
        "type": "string",
        "pattern": rf"^\s*{_UNSIGNED}(\s*({names})){optional}\s*$",
        "examples": [DIMENSIONS[dimension].example],
    }
    if not optional:
        return text
    return {"anyOf": [{"type": "number", "minimum": 0}, text]}


Seconds = Annotated[float, BeforeValidator(_validator("time")), WithJsonSchema(schema("time"))]
"""A time, written like ``20 ms``; seconds once read."""
Hertz = Annotated[
    float, BeforeValidator(_validator("frequency")), WithJsonSchema(schema("frequency"))
]
"""A frequency, written like ``1.65 GHz``; hertz once read."""
Rate = Annotated[float, BeforeValidator(_validator("rate")), WithJsonSchema(schema("rate"))]
"""Events per time, written like ``400 /s``; per second once read."""
Bytes = Annotated[
    int, BeforeValidator(_validator("size", whole=True)), WithJsonSchema(schema("size"))
]
"""A size, written like ``8 KiB``; whole bytes once read."""
Ratio = Annotated[float, BeforeValidator(_validator("ratio")), WithJsonSchema(schema("ratio"))]
"""A ratio, written like ``10 %`` or 0.1; a pure number once read."""


_MULTIPLES: Mapping[str, Sequence[tuple[float, str]]] = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")),
    "B": ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")),
    "B/s": ((10**9, "GB/s"), (10**6, "MB/s"), (10**3, "KB/s")),
}


def number(value: float) -> str:
    """Write a number with four digits; from 1,000 on as a whole one."""
    if not math.isfinite(value):
        return "?"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def amount(value: float, unit: str) -> str:
    """Write a value of an SI unit in a multiple that suits it: ``2.3 ms``, ``8 GiB``, ``5 %``.

    Sizes are binary, as those of memory are, and bandwidths decimal, as those of networks are.
    """
    for size, name in _MULTIPLES.get(unit, ()):
        if abs(value) >= size:
            value, unit = value / size, name
            break
    if unit == "ratio":
        value, unit = 100.0 * value, "%"
    return f"{number(value)} {'' if unit == 'count' else unit}".rstrip()


def percent(ratio: float) -> str:
    """Write a ratio in per cent, with three digits but no more than two decimals."""
    if math.isinf(ratio):
        return "any value"
    value = 100.0 * ratio
    decimals = max(0, min(2, 2 - math.floor(math.log10(abs(value))))) if value else 0
    text = f"{value:.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"
