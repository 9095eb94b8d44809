"""The validation table in the terminal."""

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from harness.cli.format import percent, span
from harness.validation.row import FigureKind, Kind, Row

_TITLES = {
    Kind.THEORY: "Theory: exact results, all overheads at zero",
    Kind.CALIBRATION: "Calibration: published figures that set constants of the model",
    Kind.PREDICTION: "Prediction: published figures that set no constant",
    Kind.INVARIANT: "Invariants: laws that hold for every machine",
}


def validation_table(rows: Sequence[Row], quick: bool) -> RenderableType:
    """Show all rows by kind, and a summary."""
    parts: list[RenderableType] = []
    for kind, title in _TITLES.items():
        members = [row for row in rows if row.kind == kind]
        notes: dict[str, int] = {}
        parts.append(Text(title, "bold"))
        last = ""
        for row in members:
            reason = row.not_modelled and f"not modelled: {row.not_modelled}"
            origin = ". ".join(filter(None, (row.source, row.note, reason)))
            if row.case != last:
                parts.append(Text(row.case))
            parts.append(_record(row, notes.setdefault(origin, len(notes) + 1)))
            last = row.case
        intervals = sorted({row.interval for row in members})
        lines = [f"intervals: {'; '.join(intervals)}"] if intervals else []
        lines += [f"[{number}] {note}" for note, number in notes.items()]
        parts += [Text(each, "dim") for each in (*lines, "")]
    return Group(*parts, Text(summary(rows, quick), "bold"))


def _record(row: Row, note: int) -> RenderableType:
    """Show a row as a sentence, with the number of its source."""
    found = row.amount(row.value)
    if row.low < row.high:
        found += f" ({span(row.low, row.high, row.amount)})"
    values = f"expected {row.expected_text}, model {found}, error {row.error_text}"
    text = f"{row.measure} [{note}]: {values}; tolerance {_tolerance(row)}: "
    return Padding(Text.assemble(text, _outcome(row)), (0, 0, 0, 4))


def summary(rows: Sequence[Row], quick: bool) -> str:
    """Count in one sentence the rows that hold."""
    must = [row for row in rows if row.must_hold]
    predicted = [row for row in rows if not row.must_hold]
    failed = sum(not row.passed for row in must)
    holds = "all hold" if not failed else f"{failed} FAILED"
    sentences = [
        f"{len(must)} rows must hold: {holds}.",
        f"{len(predicted)} predictions: {_counts(predicted)}.",
    ]
    if any(row.figure is not FigureKind.VALUE for row in predicted):
        as_values = [replace(row, figure=FigureKind.VALUE, band=None) for row in predicted]
        sentences.append(f"With bands and upper bounds as values: {_counts(as_values)}.")
    if quick:
        sentences.append("Quick: intervals are wider than a full validation allows.")
    return " ".join(sentences)


def _counts(rows: Sequence[Row]) -> str:
    held, missed = sum(row.passed for row in rows), sum(row.missed for row in rows)
    text = f"{held} hold, {missed} missed"
    absent = len(rows) - held - missed
    return f"{text}, {absent} not modelled" if absent else text


def _tolerance(row: Row) -> str:
    """Write the largest error that is allowed; for theory, the half-width and its limit."""
    if row.figure is not FigureKind.VALUE:
        return row.figure.replace("-", " ")
    if row.kind is not Kind.THEORY:
        return percent(row.tolerance) if row.expected else row.amount(row.tolerance)
    text = f"half-width {percent(row.half_width)} of {percent(row.tolerance)}"
    return f"{text}; +{percent(row.allowance)}" if row.allowance >= 0.001 else text


def _outcome(row: Row) -> Text:
    if row.must_hold:
        return Text("pass", "green") if row.passed else Text("FAIL", "bold red")
    if row.not_modelled:
        return Text("not modelled", "yellow")
    return Text("holds", "green") if row.passed else Text("missed", "yellow")
