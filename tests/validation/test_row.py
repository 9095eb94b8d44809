"""When a row holds."""

import json
import math
from dataclasses import replace

import pytest

from harness.validation.row import Kind, Row

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
