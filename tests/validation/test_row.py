"""When a row holds."""

import json
import math
from dataclasses import replace

import pytest

from harness.validation.row import FigureKind, Kind, Row

ROW = Row(Kind.THEORY, "queue", "mean", 10.0, "s", "book", 10.1, 9.9, 10.3, "99 %", 0.03)


def test_theory_holds_when_it_is_in_an_interval_that_is_narrow_enough():
    assert ROW.passed
    assert not replace(ROW, low=10.05).passed
    assert replace(ROW, low=10.05, allowance=0.006).passed
    assert not replace(ROW, high=9.95, low=9.9).passed
    assert not replace(ROW, tolerance=0.019).passed
    assert ROW.half_width == pytest.approx(0.02)


@pytest.mark.parametrize("kind", [Kind.CALIBRATION, Kind.PREDICTION])
def test_published_figures_hold_when_the_model_is_near_whatever_the_interval(kind):
    row = replace(ROW, kind=kind, low=0.0, high=100.0, tolerance=0.0101)
    assert row.passed
    assert not replace(row, value=9.89).passed
    assert not replace(row, value=math.nan).passed


def test_where_nothing_is_expected_the_error_is_absolute():
    row = replace(ROW, kind=Kind.INVARIANT, expected=0.0, value=0.002, tolerance=0.001)
    assert row.error == 0.002
    assert not row.passed
    assert replace(row, tolerance=0.002).passed
    assert row.to_json()["relative_error"] is None


def test_only_predictions_may_miss():
    assert {kind for kind in Kind if not replace(ROW, kind=kind).must_hold} == {Kind.PREDICTION}


def test_a_row_as_json_says_all_there_is():
    told = json.loads(json.dumps(ROW.to_json(), allow_nan=False))
    for name in ("kind", "case", "expected", "source", "value", "low", "high", "tolerance"):
        assert told[name] == getattr(ROW, name)
    assert told["passed"] is True
    assert told["relative_error"] == pytest.approx(0.01)


def test_a_band_and_an_upper_bound_are_judged_as_what_they_are():
    row = replace(ROW, kind=Kind.PREDICTION, tolerance=0.1)
    band = replace(row, figure=FigureKind.BAND, band=(5.0, 20.0))
    assert replace(band, value=20.0).passed
    assert not replace(band, value=20.1).passed
    assert not replace(band, value=4.9).passed
    bound = replace(row, figure=FigureKind.UPPER_BOUND)
    assert replace(bound, value=1.0).passed
    assert not replace(bound, value=10.01).passed
    assert not replace(bound, value=math.nan).passed
    assert band.expected_text == "5 s .. 20 s"
    assert bound.expected_text == "at most 10 s"


def test_a_figure_that_is_not_modelled_is_neither_held_nor_missed():
    row = replace(
        ROW, kind=Kind.PREDICTION, value=math.nan, low=math.nan, high=math.nan, not_modelled="why"
    )
    assert not row.passed
    assert not row.missed
    assert replace(row, not_modelled="").missed
    told = row.to_json()
    assert told["value"] is None
    assert told["not_modelled"] == "why"
