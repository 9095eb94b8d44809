"""The tables of the figures, as texts."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from harness.analysis.cell_summary import CellSummary
from harness.analysis.finding import Span
from harness.analysis.overhead import Concern, Overhead
from harness.analysis.study import EnvironmentResult
from harness.results.environment import Environment
from harness.statistics.ratios import Share
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


def matrix(view: ReportView, results: Sequence[EnvironmentResult]) -> list[Content]:
    """Arrange judged results by machine and operating system, load and workload."""
    found = {each.environment: each for each in results}
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
                for result in [found.get(Environment(machine, system, workload, load))]
            ],
        }
        for machine in view.machines
        for number, (system, load) in enumerate(rows)
    ]


def _outcome(result: EnvironmentResult) -> Content:
    """Show an outcome, empty if there is none, and the overheads that represent the levels."""
    return {
        "outcome": str(result.outcome or ""),
        "firmware": cost(result.firmware),
        "software": cost(result.software),
    }


def judged(view: ReportView, results: Sequence[EnvironmentResult]) -> list[Content]:
    """Show environments with their outcome and p-values.

    The p-values are below margin, below software, above margin, above software.
    """
    return [
        {
            "where": where(view.texts, result.environment),
            **_outcome(result),
            "plausible": plausible(result.plausible),
            "p_values": [_probability(each) for each in (result.p_values or {}).values()],
        }
        for result in results
    ]


def _probability(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def ends(span: Span | None) -> str:
    """Write the smallest and the largest overhead of several environments: ``+15 … +17 %``."""
    return "" if span is None else _both(span.lowest, span.highest)


def intervals(span: Span | None) -> str:
    """Write the ends of all their intervals; empty if nothing is known."""
    return "" if span is None or math.isinf(span.high) else _both(span.low, span.high)


def _both(low: float, high: float) -> str:
    texts = numbers.overhead(low), numbers.overhead(high)
    if texts[0] == texts[1]:
        return texts[1]
    return f"{numbers.overhead(low, unit=False)} \N{HORIZONTAL ELLIPSIS} {texts[1]}"


def plausible(found: Share | None) -> str:
    """Write the share of plausible machines with its interval; empty if it is unknown."""
    if found is None:
        return ""
    low, middle, high = (f"{100.0 * x:.0f}" for x in (found.low, found.estimate, found.high))
    return f"{middle}\N{NO-BREAK SPACE}% ({low} \N{HORIZONTAL ELLIPSIS} {high})"


def extra_time(view: ReportView, result: EnvironmentResult) -> str:
    """Write the firmware level's extra processor time per operation, and what a load takes.

    Empty for a measure that is not about processors.
    """
    if result.measure not in ("processor-time", "machine-share") or result.firmware is None:
        return ""
    here = view.cell(result.environment, result.firmware.virtualization)
    there = view.cell(result.environment, view.study.campaign.baseline_of(result.environment))
    if not (here and there and here.processor_seconds and there.processor_seconds):
        return ""
    return added_time(
        view.texts, here.processor_seconds.estimate - there.processor_seconds.estimate
    )


def added_time(texts: Texts, seconds: float) -> str:
    """Write processor seconds of one operation, and the processors for 1,000 of them a second."""
    sign = "" if seconds < 0.0 else "+"
    return texts(
        "page.per_operation",
        time=f"{sign}{numbers.microseconds(seconds)}",
        processors=f"{sign}{numbers.plain(1000.0 * seconds)}",
    )


def results_path(view: ReportView) -> str:
    """Return the usual directory of the campaign's results, safe to be pasted into a shell."""
    return shlex.quote(f"results/{view.study.campaign.name}")


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
        added[view.texts("findings.waiting")] = longer - spent
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
