"""Quantities as people write them, turned into SI numbers.

Every quantity has a dimension; a dimension knows the units that it may be written in, and nothing
else is accepted: ``10 ms`` is a time, ``10`` is not. Decimal and binary multiples are kept apart
(``KB`` is 1,000 bytes, ``KiB`` is 1,024), and so are bits (``Mb/s``) and bytes (``MB/s``).
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

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

DIMENSIONS: Mapping[str, Mapping[str, Decimal]] = {
    "time": _TIMES,
    "frequency": _FREQUENCIES,
    "rate": {**_RATES, **_FREQUENCIES},
    "size": _SIZES,
    "bandwidth": _BANDWIDTHS,
    "ratio": {"": _ONE, "ratio": _ONE, "%": _ONE / 100},
    "cycles": {"cycles": _ONE},
    "cycles/B": {"cycles/B": _ONE},
    "count": {"": _ONE, "count": _ONE},
    "cores": {"": _ONE, "cores": _ONE},
    "power": _factors(_DECIMAL, "W"),
}
"""What each dimension may be written in, with the factor that turns it into SI."""

EXAMPLES: Mapping[str, str] = {
    "time": "20 ms",
    "frequency": "1.65 GHz",
    "rate": "400 /s",
    "size": "8 KiB",
    "bandwidth": "24.3 MiB/s",
    "ratio": "10 %",
    "cycles": "45000 cycles",
    "cycles/B": "8.5 cycles/B",
    "count": "24",
    "cores": "0.5 cores",
    "power": "450 W",
}
"""One well-written quantity of each dimension, for messages and schemas."""

SI = {
    "time": "s",
    "frequency": "Hz",
    "rate": "/s",
    "size": "B",
    "bandwidth": "B/s",
    "ratio": "ratio",
    "cycles": "cycles",
    "cycles/B": "cycles/B",
    "count": "count",
    "cores": "cores",
    "power": "W",
}
"""The SI unit of each dimension."""

RANGES: Mapping[str, tuple[float, float]] = {
    "time": (1e-9, 315_360_000.0),
    "frequency": (1e-6, 1e15),
    "rate": (1e-9, 1e15),
    "size": (1e-9, 2.0**60),
    "bandwidth": (1e-3, 1e15),
    "ratio": (1e-12, 1e9),
    "cycles": (1e-3, 1e15),
    "cycles/B": (1e-9, 1e9),
    "count": (1e-9, 1e12),
    "cores": (1e-9, 1e9),
    "power": (1e-6, 1e12),
}
"""The smallest quantity above 0 and the largest one that a file may hold, in SI units.

A time is at least the nanosecond that simulated time is counted in, and at most 3,650 days.
"""
_RANGE_TEXTS: Mapping[str, str] = {
    "time": "0, or from 1 ns to 3650 d",
    "size": "0, or from 1 B to 1073741824 GiB",
}
_CHARACTERS = 64
"""Length of the longest text that is read as a quantity."""

_UNSIGNED = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_NUMBER = re.compile(rf"[+-]?{_UNSIGNED}")


def parse(quantity: str | float, dimension: str) -> float:
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
        When the text is no quantity of that dimension; the message says what would be.
    """
    units = DIMENSIONS[dimension]
    number, unit = _split(quantity, dimension)
    if unit not in units:
        if unit == "":
            example = EXAMPLES[dimension]
            raise ValueError(f"{shown(quantity)} needs a unit, for instance '{example}'")
        allowed = ", ".join(name for name in units if name) or "no unit"
        raise ValueError(
            f"{shown(quantity)} has the unit '{unit}', but a {dimension} is written in {allowed}, "
            f"for instance '{EXAMPLES[dimension]}'"
        )
    return _scale(number, units[unit])


def read(quantity: str | float, dimension: str) -> float:
    """Do the same as :func:`parse`, within the range of the dimension.

    Raises
    ------
    ValueError
        When the text is no quantity of that dimension, is too small to be told from 0, or is too
        large; the message says what is allowed.
    """
    number = parse(quantity, dimension)
    least, most = RANGES[dimension]
    if number == 0 or least <= abs(number) <= most:
        return number or 0.0
    unit = "" if SI[dimension] in ("ratio", "count") else f" {SI[dimension]}"
    allowed = _RANGE_TEXTS.get(dimension, f"0, or from {least:g} to {most:g}{unit}")
    size = "small" if abs(number) < least else "large"
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
    for dimension, units in DIMENSIONS.items():
        if unit in units:
            return dimension
    known = sorted({name for units in DIMENSIONS.values() for name in units if name})
    raise ValueError(f"unknown unit '{unit}'; known are {', '.join(known)}")


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
    dimension = dimension_of(unit)
    return _scale(Decimal(repr(number)), DIMENSIONS[dimension][unit]), "" if unit == "" else SI[
        dimension
    ]


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
        raise ValueError(f"{shown(quantity)} is no {dimension}; write '{EXAMPLES[dimension]}'")
    return Decimal(match[0]), text[match.end() :].strip()


def shown(quantity: object) -> str:
    """Write a value in one line that is not too long, as it begins the messages of this module."""
    text = repr(quantity)
    return text if len(text) <= _CHARACTERS + 2 else f"{text[:_CHARACTERS]}..."


def _validator(dimension: str, *, whole: bool = False) -> Callable[[object], float | int]:
    def validate(quantity: object) -> float | int:
        if not isinstance(quantity, (str, int, float)):
            raise ValueError(f"{shown(quantity)} is no {dimension}; write '{EXAMPLES[dimension]}'")
        number = read(quantity, dimension)
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
    units = DIMENSIONS[dimension]
    names = "|".join(re.escape(name) for name in units if name)
    optional = "?" if "" in units else ""
    text: dict[str, Any] = {
        "type": "string",
        "pattern": rf"^\s*{_UNSIGNED}(\s*({names})){optional}\s*$",
        "examples": [EXAMPLES[dimension]],
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
BytesPerSecond = Annotated[
    float, BeforeValidator(_validator("bandwidth")), WithJsonSchema(schema("bandwidth"))
]
"""A bandwidth, written like ``1 Gb/s`` or ``24.3 MiB/s``; bytes per second once read."""
Ratio = Annotated[float, BeforeValidator(_validator("ratio")), WithJsonSchema(schema("ratio"))]
"""A ratio, written like ``10 %`` or 0.1; a pure number once read."""


_READABLE: Mapping[str, Sequence[tuple[int, str]]] = {
    "B": ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")),
    "B/s": ((10**9, "GB/s"), (10**6, "MB/s"), (10**3, "KB/s")),
}


def readable(number: float, unit: str) -> tuple[float, str]:
    """Turn bytes, and bytes per second, into the multiple that suits the number.

    Sizes are binary, as those of memory are, and bandwidths decimal, as those of networks are.
    Other units stay as they are.
    """
    for size, name in _READABLE.get(unit, ()):
        if abs(number) >= size:
            return number / size, name
    return number, unit
