"""A published figure that sets no constant, and the row that compares the model with it."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from harness.catalog import Constants
from harness.statistics.latin_hypercube import latin_hypercube
from harness.validation.mechanism import COSTS, Mechanism, expanded
from harness.validation.minimal_model import catalog
from harness.validation.published import BUILD_MIX
from harness.validation.row import FigureKind, Kind, Row

TOLERANCE = 0.10
DRAWS, QUICK_DRAWS = 20, 10
SEED = 1

LEAST_CHANGE = 0.01
"""Relative change of a figure, all costs doubled, below which they do not decide it."""

LEAST_EFFECT = 0.05
"""A cost moves a figure if it does so by more than this share of what all costs do together."""

MIX_QUANTILES = tuple(f"mix.{name}" for name in BUILD_MIX)

Model = Callable[[Constants, dict[str, float]], float]
"""Returns a figure from constants and from quantiles (0 to 1) of other uncertain quantities."""


def not_modelled(constants: Constants, quantiles: dict[str, float]) -> float:
    """Return no number: the model of a figure that it cannot express yet."""
    return math.nan


@dataclass(frozen=True, slots=True)
class Prediction:
    """A published figure and the model of it.

    Attributes
    ----------
    constant, index
        The catalog's name of the figure, and its place if that is a table.
    published
        The figure where it is derived from several constants; else None.
    mechanisms
        What it tests.
    figure, band
        What the figure is; the ends of a band.
    fixed
        Constants that are not drawn.
    tolerance
        Of the relative error, or of the absolute one where 0 is expected.
    missing
        Why the model cannot express the figure yet.
    """

    case: str
    measure: str
    unit: str
    constant: str
    model: Model
    index: int = 0
    published: float | None = None
    mechanisms: tuple[Mechanism, ...] = ()
    figure: FigureKind = FigureKind.VALUE
    band: tuple[float, float] | None = None
    fixed: tuple[str, ...] = ()
    tolerance: float = TOLERANCE
    note: str = ""
    missing: str = ""

    @property
    def expected(self) -> float:
        """The published figure."""
        if self.published is not None:
            return self.published
        value = catalog().nominal()[self.constant]
        if isinstance(value, tuple):
            value = value[self.index]
        assert isinstance(value, float)
        return value


def stated(name: str) -> float:
    """Return a number of the catalog."""
    return catalog().nominal().number(name)


def row_of(prediction: Prediction, draws: int) -> Row:
    """Predict one figure with the stated constants and with draws of the uncertain ones."""
    shipped = catalog()
    published = shipped.constants[prediction.constant]
    value = prediction.model(shipped.nominal(), {})
    drawn = []
    if not prediction.missing:
        names = [name for name in shipped.uncertain if name not in prediction.fixed]
        for u in latin_hypercube([*names, *MIX_QUANTILES], draws, SEED):
            constants = shipped.draw({name: u[name] for name in names})
            drawn.append(prediction.model(constants, u))
    finite = [each for each in drawn if math.isfinite(each)]
    costs, rises = moving_costs(prediction, value)
    return Row(
        Kind.PREDICTION,
        prediction.case,
        prediction.measure,
        prediction.expected,
        prediction.unit,
        published.source,
        value,
        float(np.min([value, *finite])),
        float(np.max([value, *finite])),
        f"range over {draws} draws of the constants",
        prediction.tolerance,
        note=prediction.note,
        figure=prediction.figure,
        band=prediction.band,
        mechanisms=prediction.mechanisms,
        status=published.status,
        not_modelled=prediction.missing,
        costs=costs,
        rises=rises,
    )


def moving_costs(prediction: Prediction, value: float) -> tuple[tuple[str, ...], bool | None]:
    """Find the costs of a prediction's mechanisms that move its figure, each doubled in turn.

    Parameters
    ----------
    value
        The figure with the stated constants.

    Returns
    -------
    costs
        As :data:`harness.validation.mechanism.COSTS` names them.
    rises
        Whether the figure rises with all of them; None if they do not move it.
    """
    if prediction.missing:
        return (), None
    nominal = catalog().nominal()

    def change(costs: Iterable[str]) -> float:
        doubled = nominal.multiplied(expanded(costs, nominal), 2.0)
        return prediction.model(doubled, {}) - value

    every = [cost for each in prediction.mechanisms for cost in COSTS.get(each, ())]
    together = change(every)
    if not math.isfinite(together) or abs(together) <= LEAST_CHANGE * abs(value):
        return (), None
    costs = tuple(each for each in every if abs(change([each])) > LEAST_EFFECT * abs(together))
    return costs, together > 0.0
