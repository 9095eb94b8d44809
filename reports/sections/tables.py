"""The tables of the figures, as texts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from harness.analysis.cell_summary import CellSummary
from harness.analysis.overhead import Concern, Overhead
from harness.analysis.study import EnvironmentResult, Outcome
from harness.results.environment import Environment
from reports import format as numbers
from reports.i18n import Texts
from reports.view import ReportView, Work, load_text

Content = dict[str, Any]

_CONCERNS = (Concern.MIX_DIFFERS, Concern.WORK_MISSING)


@dataclass(frozen=True)
class Cost:
    """An overhead in a table."""

    virtualization: str
    estimate: str
    span: str
    """Ends of the interval; empty if nothing is known about it."""
    range: str
    """Ends of the prediction interval of one machine; empty if nothing is known about it."""
    samples: int
    doubtful: bool
    """The two sides did not complete the same mix of work."""


def cost(overhead: Overhead | None) -> Cost | None:
    """Show an overhead; None if it was not measured."""
    if overhead is None:
        return None
    interval = overhead.interval
    return Cost(
        virtualization=overhead.virtualization,
        estimate=numbers.overhead(interval.estimate),
        span=numbers.span(interval),
        range=numbers.span(overhead.range),
        samples=interval.samples,
        doubtful=any(each in interval.warnings for each in _CONCERNS),
    )


@dataclass(frozen=True)
class Where:
    """An environment in a table."""

    machine: str
    os: str
    workload: str
    load: str

    @property
    def title(self) -> str:
        """The environment in one line."""
        return " / ".join(filter(None, (self.machine, self.os, self.workload, self.load)))


def where(texts: Texts, environment: Environment) -> Where:
    """Show an environment."""
    machine, system, workload, load = environment
    return Where(machine, texts.name("os", system), workload, load_text(load))


def matrix(view: ReportView, measure: str) -> list[Content]:
    """Arrange the outcomes of a measure by machine and operating system, load and workload."""
    rows = list(product(view.systems, view.loads))
    return [
        {
            "machine": machine,
            "os": view.texts.name("os", system),
            "load": load_text(load),
            "first": number == 0,
            "span": len(rows),  # rows of the machine
            "cells": [
                None if result is None else _outcome(result)
                for workload in view.workloads
                for result in [view.result(Environment(machine, system, workload, load), measure)]
            ],
        }
        for machine in view.machines
        for number, (system, load) in enumerate(rows)
    ]


def _outcome(result: EnvironmentResult) -> Content:
    """Show an outcome, empty if there is none, and the overheads that represent the levels."""
    return {
        "outcome": str(result.outcome or ""),
        "average": average_only(result),
        "firmware": cost(result.firmware),
        "software": cost(result.software),
    }


def average_only(result: EnvironmentResult) -> bool:
    """Whether an outcome is shown, but not for one machine with its own constants."""
    return result.outcome in (Outcome.CONFIRMED, Outcome.REFUTED) and not result.robust


def judged(
    view: ReportView, results: Sequence[EnvironmentResult], *, explained: bool = False
) -> list[Content]:
    """Show environments with their outcome and p-values.

    The p-values are below margin, below software, above margin, above software.

    Parameters
    ----------
    explained
        Whether reasons and causes are included.
    """
    return [
        {
            "where": where(view.texts, result.environment),
            **_outcome(result),
            "p_values": [_probability(each) for each in (result.p_values or {}).values()],
            "why": why(view, result) if explained else (),
            "extra": extra(view, result) if explained else "",
        }
        for result in results
    ]


def _probability(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def why(view: ReportView, result: EnvironmentResult) -> tuple[str, ...]:
    """Return the reasons of an outcome: failed tests, missing results, the prediction interval."""
    texts, alpha = view.texts, view.study.campaign.alpha
    p_values = result.p_values or {}
    margin = numbers.level(view.study.campaign.margin)
    software = "" if result.software is None else result.software.virtualization
    reasons = []
    if result.outcome is Outcome.REFUTED:
        if p_values["above-margin"] <= alpha:
            reasons.append(texts("against.above_margin", margin=margin))
        if p_values["above-software"] <= alpha:
            reasons.append(texts("against.above_software", software=software))
        if not result.robust:
            reasons.append(texts("against.may_hold"))
    elif average_only(result):
        parts = result.parts or {}
        reasons += [
            texts(f"against.may_exceed_{part}", margin=margin)
            for part, holds in parts.items()
            if not holds
        ]
    elif result.outcome is Outcome.INCONCLUSIVE and result.firmware is not None:
        if p_values["below-margin"] > alpha:
            reasons.append(texts("against.not_below_margin", margin=margin))
        if p_values["below-software"] > alpha and software:
            reasons.append(texts("against.not_below_software", software=software))
    return tuple(reasons) or (texts.said(result.reason.removesuffix(".")),)


def extra(view: ReportView, result: EnvironmentResult, most: int = 3) -> str:
    """Return the causes of the firmware level's extra time per transaction in an environment.

    The instructions of the application are left out: they are the same work. For a measure of
    response time, the part that extra processor time does not explain is waiting.
    """
    if result.firmware is None:
        return ""
    here = view.cell(result.environment, result.firmware.virtualization)
    baseline = view.study.campaign.baseline_of(result.environment)
    there = view.cell(result.environment, baseline)
    if here is None or there is None:
        return ""
    added = {
        view.texts.name("cause", name): interval.estimate
        - (there.causes[name].estimate if name in there.causes else 0.0)
        for name, interval in here.causes.items()
        if name != "user"
    }
    spent = math.fsum(each for each in added.values() if each > 0.0)
    if result.measure != "processor-time" and here.response and there.response:
        longer = here.response.digest.mean_seconds - there.response.digest.mean_seconds
        added[view.texts("against.waiting")] = longer - spent
    total = math.fsum(each for each in added.values() if each > 0.0)
    largest = sorted(added.items(), key=lambda item: -item[1])[:most]
    parts = [
        f"{name} {numbers.seconds(each)}"
        for name, each in largest
        if each > max(0.05 * total, 1e-9)
    ]
    return view.texts("page.comma").join(parts)


def overhead_rows(view: ReportView, measure: str, machine: str) -> list[Content]:
    """Show every overhead of a measure on one machine; the baseline has no column."""
    names = view.compared
    rows = []
    for system in view.systems:
        for work in view.works:
            result = view.result(Environment(machine, system, *work), measure)
            if result is None or not result.all:
                continue
            costs = [cost(result.all.get(name)) for name in names]
            samples = sorted({each.samples for each in costs if each is not None})
            rows.append(
                {
                    "machine": machine,
                    "os": view.texts.name("os", system),
                    "workload": work[0],
                    "load": load_text(work[1]),
                    "costs": costs,
                    # The virtualizations that represent their level in the claim.
                    "deciding": [x.virtualization for x in (result.firmware, result.software) if x],
                    "samples": _samples(view, samples),
                }
            )
    return rows


def _samples(view: ReportView, counts: Sequence[int]) -> str:
    low, high = counts[0], counts[-1]
    if low == high:
        return str(low)
    return view.texts("responses.users_range", low=low, high=high)


def cell_rows(view: ReportView, machine: str, causes: Sequence[str]) -> list[Content]:
    """Show all cells of a machine that have a complete run."""
    rows = []
    for system in view.systems:
        for work in view.works:
            first = True
            for name in view.virtualizations:
                cell = view.cell(Environment(machine, system, *work), name)
                if cell is not None:
                    rows.append(_cell_row(view, cell, work, causes, first=first))
                    first = False
    return rows


def _cell_row(
    view: ReportView, cell: CellSummary, work: Work, causes: Sequence[str], *, first: bool
) -> Content:
    """Show measures of the runs of a cell; ``first``: the environment begins here."""
    quantiles = {} if cell.response is None else cell.response.quantiles
    known = [quantiles.get(key) for key in ("p50", "p95", "p99")]
    total, utilisation, time = cell.processor_seconds, cell.utilisation, numbers.seconds
    return {
        "os": view.texts.name("os", cell.cell.os),
        "workload": work[0],
        "load": load_text(work[1]),
        "virtualization": cell.cell.virtualization,
        "level": view.level(cell.cell.virtualization),
        "first": first,
        "causes": [
            numbers.microseconds(cell.causes[name].estimate) if name in cell.causes else ""
            for name in causes
        ],
        "total": "" if total is None else numbers.microseconds(total.estimate),
        "throughput": numbers.plain(cell.throughput.estimate),
        "utilisation": "" if utilisation is None else numbers.share(utilisation.estimate),
        "quantiles": [
            ("", "") if x is None else (time(x.estimate), numbers.ends(x, time)) for x in known
        ],
        "responses": "0" if cell.response is None else f"{cell.response.count:,}",
        "failed": f"{cell.failed_transactions:,.0f}",
        "runs": cell.runs,
    }
