"""The command: exit codes, JSON, and a table that shows every row."""

import json
import math
from dataclasses import replace
from functools import partial

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.cli.tables.validation import summary
from harness.validation import suite
from harness.validation.row import FigureKind, Kind, Row
from harness.validation.schedules import gap_rows, weight_rows


def row(kind: Kind, passed: bool, case: str = "case") -> Row:
    value = 100.0 if passed else 150.0
    return Row(kind, case, "m", 100.0, "s", "book", value, value, value, "i", 0.01, note="why")


def invoke(monkeypatch, rows: list[Row], *arguments: str):
    asked = []

    def validate(quick, workers, progress):
        asked.append(quick)
        progress(0, len(rows))
        yield from rows

    monkeypatch.setattr(suite, "validate", validate)
    monkeypatch.setenv("COLUMNS", "140")
    result = CliRunner().invoke(app, ["validate", *arguments])
    assert asked == ["--quick" in arguments]
    return result


@pytest.mark.parametrize("kind", list(Kind))
def test_the_exit_code_is_0_unless_something_fails_that_must_hold(monkeypatch, kind):
    rows = [row(each, True) for each in Kind]
    assert invoke(monkeypatch, rows).exit_code == 0
    result = invoke(monkeypatch, [*rows, row(kind, False, "wrong")])
    assert result.exit_code == (0 if kind is Kind.PREDICTION else 1)
    assert ("missed" if kind is Kind.PREDICTION else "FAIL") in result.stdout
    assert "wrong" in result.stdout
    assert "+50.00 %" in result.stdout
    assert "why" in result.stdout


def test_json_holds_every_row(monkeypatch):
    rows = [row(Kind.THEORY, True), row(Kind.PREDICTION, False)]
    told = json.loads(invoke(monkeypatch, rows, "--json", "--quick").stdout)
    assert told["quick"] is True
    assert told["passed"] is True
    assert told["rows"] == [each.to_json() for each in rows]


def test_the_summary_counts_misses_apart_from_failures():
    rows = [row(Kind.THEORY, True), row(Kind.INVARIANT, False), row(Kind.PREDICTION, False)]
    text = summary(rows, quick=False)
    assert "2 rows must hold: 1 FAILED" in text
    assert "1 predictions: 0 hold, 1 missed" in text
    assert "Quick" in summary(rows, quick=True)


def test_the_summary_counts_with_and_without_bands_and_names_what_is_not_modelled():
    bound = replace(row(Kind.PREDICTION, True), value=50.0, figure=FigureKind.UPPER_BOUND)
    absent = replace(row(Kind.PREDICTION, False), value=math.nan, not_modelled="no such flavour")
    text = summary([row(Kind.PREDICTION, False), bound, absent], quick=False)
    assert "3 predictions: 1 hold, 1 missed, 1 not modelled." in text
    assert "With bands and upper bounds as values: 0 hold, 2 missed, 1 not modelled." in text


def test_a_figure_that_is_not_modelled_shows_its_reason(monkeypatch):
    absent = replace(row(Kind.PREDICTION, False), value=math.nan, not_modelled="no such flavour")
    result = invoke(monkeypatch, [absent])
    assert result.exit_code == 0
    assert "not modelled: no such flavour" in result.stdout
    assert "nan" not in result.stdout


def test_rows_do_not_depend_on_the_number_of_workers(monkeypatch):
    monkeypatch.setattr(suite, "parts", lambda quick: [partial(weight_rows, quick), gap_rows])
    one, two = (list(suite.validate(True, workers)) for workers in (1, 2))
    assert one == two
    assert len(one) == 8

    def refuse(*_):
        raise PermissionError("/dev/shm")

    # Where processes can have no common locks, this one does all of it.
    monkeypatch.setattr(suite, "ProcessPoolExecutor", refuse)
    assert list(suite.validate(True, 2)) == one


def test_into_keeps_the_table_beside_results(monkeypatch, tmp_path):
    from harness.campaign.plan import make_plan
    from harness.results.store import Store
    from harness.validation.record import ValidationRecord

    Store.start(tmp_path, make_plan("smoke").record()).close()
    rows = [row(Kind.THEORY, True), row(Kind.PREDICTION, False), row(Kind.INVARIANT, False)]
    result = invoke(monkeypatch, rows, "--save-to", str(tmp_path), "--quick")
    assert result.exit_code == 1
    record = ValidationRecord.read(tmp_path)
    assert record is not None
    assert record.rows == tuple(rows)
    assert record.quick


def test_into_a_directory_without_results_is_refused_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr(suite, "validate", lambda *_: pytest.fail("it has begun"))
    result = CliRunner().invoke(app, ["validate", "--save-to", str(tmp_path / "x")])
    assert result.exit_code == 2
    assert "no campaign there" in result.stderr


def test_what_is_no_number_is_null_in_json(monkeypatch):
    (told,) = json.loads(
        invoke(monkeypatch, [replace(row(Kind.PREDICTION, True), value=math.nan)], "--json").stdout
    )["rows"]
    assert told["value"] is None
    assert told["passed"] is False
