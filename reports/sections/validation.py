"""The section on validation: the rows of the validation table, by kind."""

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any

from markupsafe import Markup

from harness.validation.record import digest_of_constants
from harness.validation.row import FigureKind, Kind, Row
from reports import format as numbers
from reports.palette import INK, MUTED
from reports.plots.svg import as_svg, label, new_figure, overhead_ticks
from reports.view import ReportView

KINDS = (Kind.THEORY, Kind.INVARIANT, Kind.CALIBRATION, Kind.PREDICTION)
"""In the order of the section."""

_HELD, _MISSED = INK, "#99123a"


def validation(view: ReportView) -> dict[str, Any] | None:
    """Show the validation of the model, with cautions if it may not apply to these results."""
    record, campaign = view.evidence.validation, view.study.campaign
    if record is None or view.real:
        return None
    out = shlex.quote(f"results/{campaign.name}")
    cautions = []
    if record.model_digest != campaign.model:
        cautions.append("other_model")
    if record.constants_digest != digest_of_constants(campaign.constants):
        cautions.append("other_constants")
    if record.quick:
        cautions.append("quick")
    return {
        "kinds": [_kind(view, kind, record.rows) for kind in KINDS],
        "cautions": cautions,
        "version": record.versions.get("vtax", ""),
        "command": f"vtax validate --save-to {out}",
    }


def _kind(view: ReportView, kind: Kind, every: Sequence[Row]) -> dict[str, Any]:
    rows = [row for row in every if row.kind is kind]
    notes: dict[str, int] = {}
    shown = _shown(view, rows, notes)
    said = view.texts.said
    predicted = kind is Kind.PREDICTION
    as_values = [replace(row, figure=FigureKind.VALUE, band=None) for row in rows]
    return {
        "kind": str(kind),
        "total": len(rows),
        "missed": sum(row.missed for row in rows),
        "held": sum(row.passed for row in rows),
        "absent": sum(bool(row.not_modelled) for row in rows),
        "worded": sum(row.figure is not FigureKind.VALUE for row in rows),
        "held_as_values": sum(row.passed for row in as_values),
        "missed_as_values": sum(row.missed for row in as_values),
        "rows": shown,
        "missed_rows": list(_missed(view, rows)),
        "misses": _shown(view, [row for row in rows if row.missed], notes),
        "absences": _shown(view, [row for row in rows if row.not_modelled], notes),
        "origins": list(notes),
        "intervals": [said(each) for each in sorted({row.interval for row in rows})],
        "figure": errors_figure(view, rows) if predicted and rows else None,
    }


def _missed(view: ReportView, rows: Sequence[Row]) -> Iterator[str]:
    """Name the rows that do not hold, with their errors: a case once for all its measures."""
    texts = view.texts
    for case, members in groupby((row for row in rows if row.missed), key=lambda row: row.case):
        errors = (f"{texts.said(x.measure)} {numbers.typeset(x.error_text)}" for x in members)
        measures = texts("page.comma").join(errors)
        yield texts("validation.miss", case=texts.said(case), measures=measures)


def _shown(view: ReportView, rows: Sequence[Row], notes: dict[str, int]) -> list[dict[str, Any]]:
    """Show rows; a case is named once for all its measures, a source by its number in notes."""
    said = view.texts.said
    shown = []
    last = ""
    for row in rows:
        origin, note = row.source, said(row.note)
        if row.not_modelled:
            reason = view.texts("validation.reason", reason=said(row.not_modelled))
            note = view.texts("page.separator").join(filter(None, (note, reason)))
        amount = partial(_amount, row)
        if note:
            origin += view.texts("validation.note", note=note)
        shown.append(
            {
                "first": row.case != last,
                "case": said(row.case),
                "measure": said(row.measure),
                "expected": _expected(view, row),
                "model": amount(row.value),
                "span": numbers.ends(row, amount) if row.low < row.high else "",
                "error": numbers.typeset(row.error_text),
                "tolerance": _tolerance(view, row),
                "held": row.passed,
                "absent": bool(row.not_modelled),
                "mark": notes.setdefault(origin, len(notes) + 1),
                "note": note,
            }
        )
        last = row.case
    return shown


def _amount(row: Row, value: float) -> str:
    return numbers.typeset(row.amount(value))


def _expected(view: ReportView, row: Row) -> str:
    """Write a published value, the ends of a band, or an upper bound."""
    if row.band is not None:
        low, high = row.band
        return f"{_amount(row, low)}\N{EN DASH}{_amount(row, high)}"
    amount = _amount(row, row.expected)
    if row.figure is FigureKind.UPPER_BOUND:
        return view.texts("validation.at_most", amount=amount)
    return amount


def _tolerance(view: ReportView, row: Row) -> str:
    if row.figure is not FigureKind.VALUE:
        return view.texts(f"validation.{row.figure.name.lower()}")
    if row.kind is Kind.THEORY:
        width, most = numbers.share(row.half_width), numbers.level(row.tolerance)
        text = view.texts("validation.half_width", width=width, most=most)
        if row.allowance >= 0.001:
            text += view.texts("validation.allowance", more=numbers.level(row.allowance))
        return text
    if not row.expected:
        return _amount(row, row.tolerance)
    return f"± {numbers.level(row.tolerance)}"


def errors_figure(view: ReportView, rows: Sequence[Row]) -> Markup | None:
    """Draw the error of each prediction with its range, and the band of the tolerance.

    Predictions of 0 and figures that are not modelled have no relative error; they are in the table
    only.
    """
    drawn = [row for row in rows if row.expected and math.isfinite(row.value)]
    if not drawn:
        return None
    heights: list[tuple[float, Row]] = []
    headings: list[tuple[float, str]] = []
    y, last = 0.0, ""
    for row in drawn:
        if row.case != last:
            y += 0.35 if last else 0.0
            headings.append((y, row.case))
            y += 1.0
            last = row.case
        heights.append((y, row))
        y += 1.0
    texts = view.texts
    figure = new_figure(0.7 + 0.158 * y)
    axes = figure.subplots()
    band = max(row.tolerance for row in drawn)
    axes.axvspan(-band, band, color="#f1f6f2", zorder=0)
    axes.axvline(0.0, color=MUTED, linewidth=0.9, zorder=1)
    for at, row in heights:
        colour = _HELD if row.passed else _MISSED
        low, high = (each / row.expected - 1.0 for each in (row.low, row.high))
        axes.plot([low, high], [at, at], color=colour, linewidth=1.4, solid_capstyle="butt")
        axes.plot(
            [row.error],
            [at],
            marker="o" if row.passed else "D",
            markersize=4.2,
            color=colour,
            markerfacecolor=colour if row.passed else "white",
            linestyle="none",
        )
    for at, case in headings:
        axes.axhline(at - 0.55, color="#e8ecf1", linewidth=0.8, zorder=0)
        axes.text(
            0.0,
            at,
            f" {texts.said(case)}",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
            fontweight="bold",
            color=INK,
        )
    ends = [each / row.expected - 1.0 for row in drawn for each in (row.low, row.high, row.value)]
    axes.set_xscale("symlog", linthresh=band, linscale=0.8)
    axes.set_xlim(min(-band, *ends) * 1.3, max(band, *ends) * 1.3)
    ticks = [-0.9, -0.5, -0.2, -band, -band / 2, 0.0, band / 2, band, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
    overhead_ticks(axes, ticks)
    axes.set_ylim(y - 0.4, -0.7)
    measures = [label(texts.said(row.measure)) for _, row in heights]
    axes.set_yticks([at for at, _ in heights], measures)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(texts("validation.axis"), fontsize=8.5)
    return as_svg(
        figure,
        "validation-errors",
        texts("validation.figure"),
        texts("validation.description", tolerance=numbers.level(band)),
    )
