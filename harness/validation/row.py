"""One row of the validation table."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a row is held against, and so what it can prove."""

    THEORY = "theory"
    """An exact result about queues or schedules: the platform with all overheads at zero."""
    CALIBRATION = "calibration"
    """A published figure that sets a constant: the model must give it back."""
    PREDICTION = "prediction"
    """A published figure that sets nothing: the model may miss it, and the row says by how much."""
    INVARIANT = "invariant"
    """What holds of any configuration, whatever the constants: the worst violation found."""


@dataclass(frozen=True, slots=True)
class Row:
    """An expectation and what the model has to say to it.

    Attributes
    ----------
    case, measure
        What is modelled, and which of its measures this is.
    expected, unit, source
        The value that theory or a publication gives. An invariant's is the violation 0.
    value, low, high
        The model's value and its interval; ``interval`` says what kind of interval that is.
    tolerance
        Of theory: the largest half-width of the interval, relative. Of the other kinds: the largest
        error, as :attr:`error` counts it.
    allowance
        Of theory: what the case itself is known to differ from its limit by, relative.
    note
        What a reader must know to judge the row.
    """

    kind: Kind
    case: str
    measure: str
    expected: float
    unit: str
    source: str
    value: float
    low: float
    high: float
    interval: str
    tolerance: float
    allowance: float = 0.0
    note: str = ""

    @property
    def error(self) -> float:
        """How far off the model is: relative, or absolute where 0 is expected."""
        if self.expected:
            return (self.value - self.expected) / self.expected
        return self.value

    @property
    def half_width(self) -> float:
        """Of the interval, relative to what is expected."""
        return (self.high - self.low) / 2 / abs(self.expected or 1.0)

    @property
    def passed(self) -> bool:
        """Whether the row holds; a value that is no number never does."""
        if not math.isfinite(self.value):
            return False
        if self.kind is not Kind.THEORY:
            return abs(self.error) <= self.tolerance
        return self.holds_expected and self.half_width <= self.tolerance

    @property
    def holds_expected(self) -> bool:
        """Whether the interval, and the allowance, hold what is expected."""
        slack = self.allowance * abs(self.expected)
        return self.low - slack <= self.expected <= self.high + slack

    @property
    def must_hold(self) -> bool:
        """Whether the model is wrong if the row does not hold; a prediction may miss."""
        return self.kind is not Kind.PREDICTION

    def to_json(self) -> dict[str, Any]:
        """Give the row as ``vtax validate --json`` prints it; None where there is no number."""
        told = {
            "kind": str(self.kind),
            "case": self.case,
            "measure": self.measure,
            "expected": self.expected,
            "unit": self.unit,
            "source": self.source,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "interval": self.interval,
            "relative_error": self.error if self.expected else None,
            "absolute_error": self.value - self.expected,
            "tolerance": self.tolerance,
            "allowance": self.allowance,
            "passed": self.passed,
            "must_hold": self.must_hold,
            "note": self.note,
        }
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in told.items()
        }
