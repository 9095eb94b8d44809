"""The section on sensitivity: constants that drive the overheads or flip the verdicts."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from harness.studies.sensitivity.result import BreakEven, Driven, Sensitivity, overhead_at
from reports import format as numbers
from reports.plots.heat_map import heat_map, in_columns, share_text
from reports.sections import tables
from reports.view import ReportView, distinct

Content = dict[str, Any]

_ROWS = 14
"""Constants in one figure."""

_LISTED = 5
"""Constants named for one overhead in the table."""

_TIMES, _BY = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"


def sensitivity(view: ReportView) -> Content | None:
    """Show the result of 'vtax sensitivity'; None if it was not run."""
    result = view.evidence.sensitivity
    if result is None or view.study.verdict is None:
        return None
    campaign = view.study.campaign
    stale = result.identity != campaign.identity or result.model != campaign.model
    rows = _rows(view, result.break_even)
    return {
        "result": result,
        "stale": stale,
        "low": numbers.level(result.quantiles[0]),
        "high": numbers.level(result.quantiles[1]),
        "runs": f"{result.runs:,}",
        "mixed": sum(each.resolution < 4 for each in result.driven),
        "overheads": len(result.driven),
        "drivers": list(_drivers(view, result)),
        "summary": _summary(view, result.break_even),
        "rows": sorted(rows, key=lambda row: row["distance"]),
        "each": _singles(view, result.break_even),
        "limit": numbers.plain(result.limit),
        "left_out": [view.texts.said(each) for each in result.left_out],
    }


def _drivers(view: ReportView, result: Sensitivity) -> Iterable[Content]:
    for level in ("firmware", "software"):
        for measure in distinct(each.measure for each in result.driven):
            members = [m for m in result.driven if (m.level, m.measure) == (level, measure)]
            weights: dict[str, float] = {}
            for one in members:
                for each in one.influences:
                    if each.p <= result.alpha:
                        weights[each.constant] = weights.get(each.constant, 0.0) + each.share
            constants = sorted(weights, key=lambda name: (-weights[name], name))
            if members:
                yield {
                    "level": level,
                    "measure": measure,
                    "figures": [
                        heat_map(view, level, measure, part, constants[:_ROWS], number)
                        for number, part in enumerate(in_columns(view, members))
                        if constants
                    ],
                    "shown": min(len(constants), _ROWS),
                    "significant": len(constants),
                    "rows": [_driven_row(view, one, result.alpha) for one in members],
                }


def _driven_row(view: ReportView, one: Driven, alpha: float) -> Content:
    significant = [each for each in one.influences if each.p <= alpha]
    named = []
    for each in significant[:_LISTED]:
        low, high = overhead_at(one, each)
        named.append(
            {
                "constant": each.constant,
                "share": share_text(each.share),
                "from": numbers.overhead(low, unit=False),
                "to": numbers.overhead(high),
            }
        )
    return {
        "where": tables.where(view.texts, one.environment),
        "virtualization": one.virtualization,
        "overhead": numbers.overhead(one.overhead),
        "named": named,
        "further": len(significant) - len(named),
        "untold": len(one.influences) - len(significant),
    }


def factor_text(factor: float) -> str:
    """Write a factor with a multiplication sign, or below 1 its inverse with a division sign."""
    sign, size = (_TIMES, factor) if factor >= 1.0 else (_BY, 1.0 / factor)
    return f"{sign}{numbers.plain(size)}"


def _rows(view: ReportView, break_even: Sequence[BreakEven]) -> list[Content]:
    """Show each environment: all firmware, its most important constant, all software."""
    rows = []
    for environment in distinct(each.environment for each in break_even):
        mine = [each for each in break_even if each.environment == environment]
        together = {each.level: each for each in mine if each.together}
        singles = [e for e in mine if not e.together and e.level == "firmware"]
        single = min(singles, key=_distance, default=None)
        columns = [together.get("firmware"), single, together.get("software")]
        rows.append(
            {
                "where": tables.where(view.texts, environment),
                "confirmed": mine[0].confirmed,
                "distance": min(_distance(each) for each in mine),
                "cells": [None if each is None else _cell(view, each) for each in columns],
            }
        )
    return rows


def _distance(one: BreakEven) -> float:
    return math.inf if one.factor is None else abs(math.log(one.factor))


def _cell(view: ReportView, one: BreakEven) -> Content:
    texts = view.texts
    by = texts(f"sensitivity.by_{one.criterion}", measure=texts.name("measure", one.measure))
    if one.factor is not None:
        kept = "" if one.kept == 1.0 else texts("sensitivity.kept", factor=factor_text(one.kept))
        flips, note = factor_text(one.factor), kept
    elif one.kept == 1.0:
        flips, note = texts("sensitivity.no_factor"), ""
    else:
        flips, note = texts("sensitivity.none_up_to", factor=factor_text(one.kept)), ""
    constant = "" if one.together else one.constants[0]
    return {"flips": flips, "note": note, "by": by, "constant": constant}


def _singles(view: ReportView, break_even: Sequence[BreakEven]) -> list[Content]:
    """Show single constants if more than the most important ones were searched."""
    singles = [each for each in break_even if not each.together]
    if len(singles) <= len(distinct(each.environment for each in singles)):
        return []
    return [
        {"where": tables.where(view.texts, each.environment), **_cell(view, each)}
        for each in singles
    ]


def _summary(view: ReportView, break_even: Sequence[BreakEven]) -> list[str]:
    """Summarize the table in sentences."""
    texts, sentences = view.texts, []
    whole = [each for each in break_even if each.together and each.level == "firmware"]
    confirmed = [each for each in whole if each.confirmed]
    nearest = min(confirmed, key=_distance, default=None)
    if nearest is not None:
        key = "sensitivity.reserve_none" if nearest.factor is None else "sensitivity.reserve"
        sentences.append(
            texts(
                key,
                confirmed=len(confirmed),
                total=len(whole),
                where=tables.where(view.texts, nearest.environment).title,
                factor=factor_text(nearest.factor or nearest.kept),
                kept=factor_text(nearest.kept),
            )
        )
    other = [each for each in whole if not each.confirmed]
    if other:
        helped = sum(each.factor is not None for each in other)
        sentences.append(texts("sensitivity.not_confirmed", count=len(other), helped=helped))
    return sentences
