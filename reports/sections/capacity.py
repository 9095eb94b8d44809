"""The section on capacity: the highest load of each cell within a response-time limit."""

from collections.abc import Iterator
from typing import Any

from harness.results.capacities import Bounds, Capacities, CellCapacity, Searched
from reports import format as numbers
from reports.sections import tables
from reports.view import ReportView

Content = dict[str, Any]


def capacity(view: ReportView) -> Content | None:
    """Show the result of 'vtax capacity'; None if it was not run."""
    result = view.evidence.capacity
    if result is None or not view.matrix or view.real:
        return None
    campaign = view.study.campaign
    searched = {one.virtualization for each in result.environments for one in each.capacities}
    shown = [each for each in view.compared if each in searched]
    return {
        "result": result,
        "stale": result.identity != campaign.identity or result.model != campaign.model,
        "limit": _limit(view, result),
        "step": numbers.level(result.step - 1.0),
        "smallest": f"{1.0 / result.smallest:.4g}",
        "largest": f"{result.largest:.4g}",
        "level": numbers.level(result.confidence),
        "baseline": view.baseline,
        "names": shown,
        "worst": list(_worst(view, result, shown)),
        "rows": [_row(view, each, shown) for each in result.environments],
        "left_out": [view.texts.said(each) for each in result.left_out],
    }


def _worst(view: ReportView, result: Capacities, names: list[str]) -> Iterator[str]:
    """Name for each virtualization the environment with the smallest share of capacity."""
    for name in names:
        kept = [
            (one.of_baseline, each.environment)
            for each in result.environments
            for one in each.capacities
            if one.virtualization == name and one.of_baseline is not None
        ]
        if kept:
            bounds, environment = min(kept, key=lambda each: each[0].estimate)
            yield view.texts(
                "capacity.least",
                virtualization=name,
                ratio=numbers.percent(bounds.estimate),
                span=_span(bounds),
                where=tables.where(view.texts, environment).title,
            )


def _limit(view: ReportView, result: Capacities) -> str:
    if result.times_baseline is None:
        seconds = result.environments[0].limit_seconds
        return view.texts("capacity.absolute", limit=numbers.seconds(seconds))
    return view.texts("capacity.multiple", times=f"{result.times_baseline:.4g}")


def _row(view: ReportView, each: Searched, names: list[str]) -> Content:
    by_name = {one.virtualization: one for one in each.capacities}
    return {
        "where": tables.where(view.texts, each.environment),
        "limit": numbers.seconds(each.limit_seconds),
        "baseline": _rate(view, by_name.get(view.baseline)),
        "cells": [_cell(view, by_name.get(name)) for name in names],
    }


def _cell(view: ReportView, one: CellCapacity | None) -> Content | None:
    """Show the capacity of a cell, and its ratio to that of the baseline."""
    if one is None:
        return None
    return {
        "rate": _rate(view, one),
        "ratio": "" if one.of_baseline is None else numbers.percent(one.of_baseline.estimate),
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
    return numbers.ends(bounds, lambda ratio: numbers.plain(100.0 * ratio), numbers.percent)
