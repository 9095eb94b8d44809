"""The section on capacity: the highest load that each cell bears within a response-time limit."""

from collections.abc import Iterator
from typing import Any

from harness.studies.capacity.result import Bounds, Capacities, CellCapacity, Searched
from reports import format as numbers
from reports.sections import tables
from reports.view import ReportView

Content = dict[str, Any]


def capacity(view: ReportView) -> Content | None:
    """Show what 'vtax capacity' has found; without it, say which command finds it."""
    if not view.matrix or view.real:
        return None
    found = view.evidence.capacity
    if found is None:
        return {"found": None}
    campaign = view.study.campaign
    names = view.compared
    shown = [each for each in names if _searched(found, each)]
    return {
        "found": found,
        "stale": found.identity != campaign.identity or found.model != campaign.model,
        "limit": _limit(view, found),
        "step": numbers.level(found.step - 1.0),
        "smallest": f"{1.0 / found.smallest:.4g}",
        "largest": f"{found.largest:.4g}",
        "level": numbers.level(found.confidence),
        "baseline": view.baseline,
        "names": shown,
        "worst": list(_worst(view, found, shown)),
        "rows": [_row(view, each, shown) for each in found.environments],
        "left_out": [view.texts.said(each) for each in found.left_out],
    }


def _searched(found: Capacities, virtualization: str) -> bool:
    return any(
        one.virtualization == virtualization
        for each in found.environments
        for one in each.capacities
    )


def _worst(view: ReportView, found: Capacities, names: list[str]) -> Iterator[str]:
    """Say of each virtualization where it keeps the least of the baseline's capacity."""
    for name in names:
        kept = [
            (one.of_baseline, each.environment)
            for each in found.environments
            for one in each.capacities
            if one.virtualization == name and one.of_baseline is not None
        ]
        if kept:
            bounds, environment = min(kept, key=lambda each: each[0].estimate)
            at = tables.where(view, environment)
            place = " / ".join(filter(None, (at.machine, at.os, at.workload, at.load)))
            yield view.texts(
                "capacity.least",
                virtualization=name,
                ratio=_percent(bounds.estimate),
                span=_span(bounds),
                where=place,
            )


def _limit(view: ReportView, found: Capacities) -> str:
    if found.times_baseline is None:
        seconds = found.environments[0].limit_seconds
        return view.texts("capacity.absolute", limit=numbers.seconds(seconds))
    return view.texts("capacity.multiple", times=f"{found.times_baseline:.4g}")


def _row(view: ReportView, each: Searched, names: list[str]) -> Content:
    by_name = {one.virtualization: one for one in each.capacities}
    return {
        "where": tables.where(view, each.environment),
        "limit": numbers.seconds(each.limit_seconds),
        "baseline": _rate(view, by_name.get(view.baseline)),
        "cells": [_cell(view, by_name.get(name)) for name in names],
    }


def _cell(view: ReportView, one: CellCapacity | None) -> Content | None:
    """Show a cell's capacity, and what of the baseline's that is."""
    if one is None:
        return None
    return {
        "rate": _rate(view, one),
        "ratio": "" if one.of_baseline is None else _percent(one.of_baseline.estimate),
        "span": _span(one.of_baseline),
    }


def _rate(view: ReportView, one: CellCapacity | None) -> str:
    if one is None:
        return ""
    if one.per_second is None:
        return view.texts("capacity.too_much")
    text = numbers.plain(one.per_second.estimate, 3)
    return view.texts("capacity.at_least" if one.at_least else "capacity.rate", rate=text)


def _span(bounds: Bounds | None) -> str:
    if bounds is None or bounds.low is None or bounds.high is None:
        return ""
    return f"{numbers.plain(100 * bounds.low)} … {_percent(bounds.high)}"


def _percent(ratio: float) -> str:
    return f"{numbers.plain(100 * ratio)}\N{NO-BREAK SPACE}%"
