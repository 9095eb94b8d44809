"""Which costs a prediction tests, and how wrong a missed one says that they are."""

from dataclasses import replace

import pytest

from harness.catalog import Constants
from harness.validation.mechanism import Mechanism
from harness.validation.prediction import Prediction, moving_costs, row_of

CALL, SWITCH = "hypervisor.call.null", "hypervisor.vp_switch"


def switches(constants: Constants, _: dict[str, float]) -> float:
    """Cycles of a hundred switches and one call."""
    return 100 * constants.number(SWITCH) + constants.number(CALL)


def rate(constants: Constants, quantiles: dict[str, float]) -> float:
    return 1e9 / switches(constants, quantiles)


PREDICTION = Prediction(
    "case",
    "cycles",
    "cycles",
    "hypervisor.window",
    switches,
    published=1_000_000.0,
    mechanisms=(Mechanism.VP_SWITCH, Mechanism.HYPERVISOR_CALL, Mechanism.BLOCK),
)


def test_costs_that_move_the_figure_are_found() -> None:
    """Calls are a five-thousandth of it; block operations are not in it."""
    assert moving_costs(PREDICTION, 500_136.0) == (("hypervisor.vp_*",), True)
    rates = replace(PREDICTION, model=rate)
    assert moving_costs(rates, 1e9 / 500_136.0) == (("hypervisor.vp_*",), False)


def test_a_figure_that_no_cost_moves_says_nothing() -> None:
    still = replace(PREDICTION, model=lambda constants, quantiles: 7.0)
    assert moving_costs(still, 7.0) == ((), None)
    assert row_of(still, 0).factor is None


def test_the_factor_is_of_costs_whatever_the_figure_is() -> None:
    modelled = 500_136.0
    assert row_of(PREDICTION, 0).factor == pytest.approx(1_000_000 / modelled)
    halved = replace(PREDICTION, model=rate, published=1e9 / modelled / 2)
    assert row_of(halved, 0).factor == pytest.approx(2.0)


def test_a_row_that_holds_gives_no_factor() -> None:
    assert row_of(replace(PREDICTION, published=500_000.0), 0).factor is None
