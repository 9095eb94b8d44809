"""A constant: its value, its range, its status and its source."""

from dataclasses import dataclass
from enum import StrEnum

from harness.statistics.latin_hypercube import log_triangular_quantile, triangular_quantile

Value = float | bool | str | tuple[float, ...] | tuple[str, ...]
"""What a constant can hold; every number is a float in SI units (or processor cycles)."""


class Status(StrEnum):
    """How well a constant is known."""

    VERIFIED = "verified"
    """Read in the source named."""
    RECALLED = "recalled"
    """Remembered from the source named; carries a range."""
    ASSUMED = "assumed"
    """Not published: our choice, with a range."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of the catalog."""

    name: str
    """The path of its table, dotted: ``hypervisor.window``."""
    path: tuple[str, ...]
    """The same in parts, because a part may hold a dot itself: ``("os", "aix-5.3", ...)``."""
    value: Value
    low: Value
    """Smallest plausible value; equal to ``value`` where nothing is uncertain."""
    high: Value
    unit: str
    """The SI unit of value, low and high (``s``, ``B``, ``cycles`` ...); empty for a pure number
    and for texts."""
    published: str
    """The value as its source has it: ``0.45 us at 2.4 GHz``."""
    published_range: str
    """The range in the same form, empty where nothing is uncertain."""
    at: tuple[float, ...]
    """For a table: the abscissa of each entry (SI); empty otherwise."""
    at_unit: str
    source: str
    status: Status
    meaning: str
    logarithmic: bool = False
    """Whether the logarithm is drawn, of a range that spans orders of magnitude."""

    @property
    def uncertain(self) -> bool:
        """Whether draws of this constant differ."""
        return self.low != self.value or self.high != self.value

    def draw(self, u: float) -> Value:
        """Give the value at a quantile of its triangular distribution (low, value, high).

        That of a logarithmic constant is triangular in the logarithm.

        A list moves as one: the same quantile holds for each entry, and since a triangular
        quantile grows with each of its three parameters, a table that rises keeps rising.
        Counts are rounded to whole numbers.

        Parameters
        ----------
        u
            The quantile, 0 to 1: 0 gives ``low``, 1 gives ``high``.
        """
        if not 0 <= u <= 1:
            raise ValueError(f"a quantile lies between 0 and 1, not at {u}")
        if not self.uncertain:
            return self.value
        quantile = log_triangular_quantile if self.logarithmic else triangular_quantile
        drawn = tuple(
            quantile(u, low, value, high)
            for low, value, high in zip(
                numbers(self.low), numbers(self.value), numbers(self.high), strict=True
            )
        )
        if self.unit == "count":
            drawn = tuple(float(round(number)) for number in drawn)
        return drawn if isinstance(self.value, tuple) else drawn[0]


def is_numeric(value: Value) -> bool:
    """Whether a value is a number or a list of numbers (a truth value is none)."""
    first = value[0] if isinstance(value, tuple) and value else value
    return isinstance(first, float)


def numbers(value: Value) -> tuple[float, ...]:
    """See a number or a list of numbers as a tuple of floats."""
    entries = value if isinstance(value, tuple) else (value,)
    return tuple(float(entry) for entry in entries)
