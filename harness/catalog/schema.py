"""A constant as it is written in a TOML file, and what it becomes."""

import math
import sys
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.catalog.constant import Constant, Status, Value, is_numeric, numbers
from harness.units import Hertz, dimension_of, to_si

Written = bool | float | str | tuple[float, ...] | tuple[str, ...]


def _value(value: Any) -> Written:
    """Accept a number, a text, a truth value or a list of numbers or of texts."""
    if isinstance(value, list):
        entries = tuple(_value(entry) for entry in value)
        kinds = {type(entry) for entry in entries}
        if kinds <= {float} or kinds <= {str}:
            return entries  # type: ignore[return-value]
        raise ValueError("a list holds numbers only or texts only")
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)) and abs(value) <= sys.float_info.max:
        return float(value)
    raise ValueError("write a number, a text, true, false or a list of numbers or texts")


def _numbers(value: Any) -> float | tuple[float, ...]:
    """Accept a number or a list of numbers."""
    accepted = _value(value)
    if is_numeric(accepted):
        return accepted  # type: ignore[return-value]
    raise ValueError("write a number or a list of numbers")


def _table(value: Any) -> tuple[float, ...]:
    """Accept a list of numbers that rise."""
    accepted = _numbers(value)
    if not isinstance(accepted, tuple) or sorted(set(accepted)) != list(accepted):
        raise ValueError("write a list of numbers that rise")
    return accepted


class Entry(BaseModel):
    """A table of a catalog file that has a ``value``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    value: Annotated[Any, BeforeValidator(_value)]
    unit: str | None = None
    low: Annotated[Any, BeforeValidator(_numbers)] = None
    high: Annotated[Any, BeforeValidator(_numbers)] = None
    clock: Hertz | None = None
    """The clock of the processor that a published time was measured on: makes it cycles."""
    at: Annotated[tuple[float, ...] | None, BeforeValidator(_table)] = None
    """For a table: where each entry of ``value`` holds."""
    at_unit: str = ""
    source: Annotated[str, Field(pattern=r"\S")]
    status: Annotated[Status, Field(strict=False)]
    by_definition: bool = False
    """A choice that defines something of ours (the size of a profile's transfer), not an estimate
    of anything: it needs no range."""
    logarithmic: bool = False
    """The range spans orders of magnitude: its logarithm is drawn."""
    meaning: str = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if is_numeric(self.value):
            self._check_unit()
            self._check_range()
            return self
        if self.value == ():
            raise ValueError("the list 'value' is empty")
        for key in ("unit", "low", "high", "clock", "at"):
            if getattr(self, key) is not None:
                raise ValueError(f"'{key}' goes with numbers, not with texts or truth values")
        return self

    def _check_unit(self) -> None:
        if self.unit is None:
            raise ValueError('a number needs a unit; write unit = "" for a pure number')
        dimension = dimension_of(self.unit)
        dimension_of(self.at_unit)
        if self.clock is not None and dimension != "time":
            raise ValueError(f"'clock' makes cycles of a time, and '{self.unit}' is no time")
        if self.at is not None and not isinstance(self.value, tuple):
            raise ValueError("'at' goes with a list of values")

    def _check_range(self) -> None:
        values = numbers(self.value)
        low, high = map(numbers, self._range())
        for key, entries in (("low", low), ("high", high), ("at", self.at or values)):
            if len(entries) != len(values):
                raise ValueError(f"'{key}' has {len(entries)} numbers and 'value' {len(values)}")
        for smallest, number, largest in zip(low, values, high, strict=True):
            if not smallest <= number <= largest:
                raise ValueError(
                    f"low <= value <= high does not hold: {smallest:g}, {number:g}, {largest:g}"
                )
        if self.logarithmic and low[0] <= 0:
            raise ValueError("'logarithmic' goes with a range above 0")
        if self.status == Status.VERIFIED or self.by_definition:
            return
        if low == values == high:
            raise ValueError(
                f"it is {self.status}, so that it needs a range: low and high "
                "(or by_definition = true, when it is no estimate)"
            )

    def _range(self) -> tuple[Any, Any]:
        """Return low and high as written; the value where one of them is left out."""
        low, high = (self.value if end is None else end for end in (self.low, self.high))
        return low, high

    def constant(self, path: tuple[str, ...]) -> Constant:
        """Make the constant that this entry describes, in SI units."""
        value, low, high, unit = self.value, self.value, self.value, ""
        published, published_range = _text(self.value), ""
        at: tuple[float, ...] = ()
        if is_numeric(self.value):
            value, unit = self._in_si(numbers(self.value))
            lowest, highest = self._range()
            low, _ = self._in_si(numbers(lowest))
            high, _ = self._in_si(numbers(highest))
            published = self._published(self.value)
            if low != value or high != value:
                published_range = f"{_text(lowest)} .. {self._published(highest)}"
            at = tuple(to_si(point, self.at_unit)[0] for point in self.at or ())
        return Constant(
            name=".".join(path),
            path=path,
            value=value,
            low=low,
            high=high,
            unit=unit,
            published=published,
            published_range=published_range,
            at=at,
            at_unit=to_si(0.0, self.at_unit)[1],
            source=self.source,
            status=self.status,
            meaning=self.meaning,
            logarithmic=self.logarithmic,
        )

    def _in_si(self, written: tuple[float, ...]) -> tuple[Value, str]:
        assert self.unit is not None
        converted = [to_si(number, self.unit) for number in written]
        unit = converted[0][1]
        in_si = tuple(number for number, _ in converted)
        if self.clock is not None:
            unit, in_si = "cycles", tuple(number * self.clock for number in in_si)
            if not all(math.isfinite(number) for number in in_si):
                raise ValueError("value: is too large")
        return (in_si if isinstance(self.value, tuple) else in_si[0]), unit

    def _published(self, written: Value) -> str:
        unit = "" if self.unit == "count" else self.unit
        text = f"{_text(written)} {unit}".rstrip()
        if self.clock is None:
            return text
        return f"{text} at {self.clock / 1e9:g} GHz"


def _text(written: Value) -> str:
    if isinstance(written, tuple):
        return ", ".join(_text(entry) for entry in written)
    if isinstance(written, bool):
        return "yes" if written else "no"
    return f"{written:.10g}" if isinstance(written, float) else str(written)
