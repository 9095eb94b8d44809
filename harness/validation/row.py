"""One row of the validation table."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from harness.catalog import Status
from harness.units import amount
from harness.validation.mechanism import Mechanism


class Kind(StrEnum):
    """What the model is compared with."""

    THEORY = "theory"
    """An exact result about queues or schedules: the model with all overheads at zero."""
    CALIBRATION = "calibration"
    """A published figure that sets a constant: the model must reproduce it."""
    PREDICTION = "prediction"
    """A published figure that sets no constant: the model may miss it."""
    INVARIANT = "invariant"
    """A law that holds for any configuration and constants: the largest violation."""


class FigureKind(StrEnum):
    """What a published figure is."""

    VALUE = "value"
    """A measured value: the model holds it within the tolerance."""
    BAND = "band"
    """A range, or a figure without its conditions: the model holds it within the band."""
    UPPER_BOUND = "upper-bound"
    """A sizing rule with headroom, or "less than": the model holds it up to the bound."""


@dataclass(frozen=True, slots=True)
class Row:
    """An expected value and that of the model.

    Attributes
    ----------
    case, measure
        What is modelled, and the name of the measure.
    expected, unit, source
        The value that theory or a publication gives. An invariant's is the violation 0.
    value, low, high
        The model's value and its interval; ``interval`` names the kind of the interval.
    tolerance
        Of theory: the largest half-width of the interval, relative. Of the other kinds: the largest
        error, as :attr:`error` counts it.
    allowance
        Of theory: the known relative difference between the case and its limit.
    note
        What a reader needs to judge the row.
    figure, band
        What the published figure is; the two ends of a band. The expected value of a band is the
        figure that the source states, or the middle.
    mechanisms
        What the row tests.
    status
        How well the published figure itself is known.
    not_modelled
        Why the model cannot express the figure yet; empty if it can. Such a row has no value.
    costs
        Costs of the mechanisms that move the value, as :data:`harness.validation.mechanism.COSTS`
        names them; of predictions only.
    rises
        Whether the value rises with these costs; None if they do not move it.
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
    figure: FigureKind = FigureKind.VALUE
    band: tuple[float, float] | None = None
    mechanisms: tuple[Mechanism, ...] = ()
    status: Status = Status.VERIFIED
    not_modelled: str = ""
    costs: tuple[str, ...] = ()
    rises: bool | None = None

    @property
    def factor(self) -> float | None:
        """Published over modelled costs; None if the row holds or does not say.

        Above 1 the model's costs are too low: it is the ratio of the figure where that rises with
        the costs, and its inverse where it falls.
        """
        if not self.missed or self.rises is None or self.expected * self.value <= 0.0:
            return None
        ratio = self.expected / self.value
        return ratio if self.rises else 1.0 / ratio

    @property
    def error(self) -> float:
        """Error of the model: relative, or absolute where 0 is expected."""
        if self.expected:
            return (self.value - self.expected) / self.expected
        return self.value

    @property
    def half_width(self) -> float:
        """Half-width of the interval, relative to the expected value."""
        return (self.high - self.low) / 2 / abs(self.expected or 1.0)

    @property
    def passed(self) -> bool:
        """Whether the row holds; a value that is no number never does."""
        if not math.isfinite(self.value):
            return False
        if self.kind is Kind.THEORY:
            return self.holds_expected and self.half_width <= self.tolerance
        if self.band is not None:
            return self.band[0] <= self.value <= self.band[1]
        if self.figure is FigureKind.UPPER_BOUND:
            return self.value <= self.expected
        return abs(self.error) <= self.tolerance

    @property
    def missed(self) -> bool:
        """Whether the model can express the figure, and the row does not hold."""
        return not self.passed and not self.not_modelled

    @property
    def holds_expected(self) -> bool:
        """Whether the interval, widened by the allowance, contains the expected value."""
        slack = self.allowance * abs(self.expected)
        return self.low - slack <= self.expected <= self.high + slack

    @property
    def must_hold(self) -> bool:
        """Whether the model is wrong if the row does not hold; a prediction may miss."""
        return self.kind is not Kind.PREDICTION

    def amount(self, value: float) -> str:
        """Write a value in the unit of the row; bandwidths in MiB/s, as in the sources."""
        if math.isnan(value):
            return "-"
        if self.unit == "B/s":
            return amount(value / 2**20, "MiB/s")
        return amount(value, self.unit or "ratio")

    @property
    def error_text(self) -> str:
        """The error with its sign: ``+1.25 %``, or an amount where 0 is expected."""
        if self.not_modelled:
            return "-"
        return f"{100 * self.error:+.2f} %" if self.expected else self.amount(self.error)

    @property
    def expected_text(self) -> str:
        """The published figure: ``5 %``, ``at most 1 core``, ``60 s .. 120 s``."""
        if self.band is not None:
            return " .. ".join(map(self.amount, self.band))
        if self.figure is FigureKind.UPPER_BOUND:
            return f"at most {self.amount(self.expected)}"
        return self.amount(self.expected)

    def to_json(self) -> dict[str, Any]:
        """Return the row as ``vtax validate --json`` prints it; None where there is no number."""
        values = {
            **asdict(self),
            "kind": str(self.kind),
            "figure": str(self.figure),
            "band": self.band and list(self.band),
            "mechanisms": [str(each) for each in self.mechanisms],
            "status": str(self.status),
            "costs": list(self.costs),
            "factor": self.factor,
            "relative_error": self.error if self.expected else None,
            "absolute_error": self.value - self.expected,
            "passed": self.passed,
            "must_hold": self.must_hold,
        }
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in values.items()
        }
