"""The first section: each part of the claim in a sentence, and one table by workload."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.analysis.claim import WHOLE
from harness.analysis.finding import Finding
from harness.analysis.overhead import CAPACITY
from harness.analysis.study import Outcome, PartVerdict
from harness.analysis.workload_summary import SHOWN, WorkloadSummary, workload_summaries
from harness.statistics.verdict import conclude
from harness.validation.row import Kind
from reports import format as numbers
from reports.plots.summary import summary
from reports.sections import scenarios, tables
from reports.view import ReportView, distinct, work_text

Content = dict[str, Any]

_NAMED = 3
"""Findings named in the sentence of a part; the others are counted."""


def verdict(view: ReportView) -> Content | None:
    """Show the outcome of the claim and of its parts, the workloads, and what it rests on."""
    study, judged = view.study, view.study.verdict
    if view.real:
        return None
    content: Content = {
        "verdict": judged,
        "scenarios": scenarios.outcome(view),
        "basis": list(_basis(view)),
        "missing": missing_studies(view),
    }
    if judged is None:
        return content
    level = numbers.level(1.0 - judged.alpha)
    workloads = workload_summaries(study.environments)
    return {
        **content,
        "outcome": str(judged.outcome),
        "claim": view.texts.of(judged.claim_text) or view.texts("verdict.default_claim"),
        "parts": [_part(view, each) for each in judged.parts],
        "workloads": [_workload(view, each) for each in workloads],
        "caption": view.texts("verdict.workloads", level=level, baseline=view.baseline),
        "figure": summary(view, workloads) if workloads else None,
    }


def _part(view: ReportView, part: PartVerdict) -> Content:
    """Show a part of the claim: its outcome and one sentence."""
    whole = part.part.name == WHOLE
    return {
        "text": "" if whole else view.texts.of(dict(part.part.text)) or part.part.name,
        "outcome": str(part.outcome),
        "sentence": _sentence(view, part),
    }


def _sentence(view: ReportView, part: PartVerdict) -> str:
    """Say in how many findings a part is shown, and which workloads are against it."""
    texts = view.texts
    measured = [each for each in part.findings if each.firmware is not None]
    lacking = sum(len(each.results) for each in part.findings if each.firmware is None)
    if not measured:
        searched = set(part.part.measures) == {CAPACITY}
        return texts("verdict.no_capacity" if searched else "verdict.unmeasured")
    count = part.count(Outcome.CONFIRMED)
    key = "shown_all" if count == len(measured) else "shown" if count else "shown_none"
    sentence = [texts(f"verdict.{key}", count=count, total=len(measured))]
    refuted = [each for each in measured if each.outcome is Outcome.REFUTED]
    if refuted:
        sentence.append(texts("verdict.refuted_for", findings=_named(view, refuted)))
    works = distinct(
        work_text((each.workload, each.load))
        for each in measured
        if each.outcome is Outcome.INCONCLUSIVE
    )
    if works:
        named = texts("page.comma").join(works)
        sentence.append(texts("verdict.inconclusive_for", workloads=named))
    if lacking:
        every = sum(len(each.results) for each in part.findings)
        sentence.append(texts("verdict.lacking", count=lacking, total=every))
    return texts("verdict.join").join(sentence) + texts("page.stop")


def _named(view: ReportView, found: Sequence[Finding]) -> str:
    """Name findings by workload and measure, the largest overhead first."""
    largest: dict[tuple[str, str], Finding] = {}
    for each in sorted(found, key=lambda one: -(one.firmware.highest if one.firmware else 0.0)):
        work = work_text((each.workload, each.load))
        largest.setdefault((work, each.measure), each)
    texts = view.texts
    named = [_described(view, *key, each) for key, each in list(largest.items())[:_NAMED]]
    if len(largest) > _NAMED:
        named.append(texts("verdict.further", count=len(largest) - _NAMED))
    return texts("page.comma").join(named)


def _described(view: ReportView, work: str, measure: str, finding: Finding) -> str:
    """Write a finding: the workload, the measure, the overhead, and what it is compared with."""
    texts = view.texts
    margin = finding.results[0].margin
    if margin is not None:
        limit = texts("verdict.of_margin", margin=numbers.level(margin))
    else:
        software = tables.ends(finding.software)
        limit = texts("verdict.of_software", software=software or texts("page.not_measured"))
    return texts(
        "verdict.finding",
        workload=work,
        measure=texts.name("short_measure", measure),
        overhead=tables.ends(finding.firmware),
        limit=limit,
    )


def _workload(view: ReportView, each: WorkloadSummary) -> Content:
    """Show a workload: each measure, firmware beside the best software."""
    texts = view.texts
    levels = (texts.name("level", "firmware"), texts("verdict.best_software"))
    cells = []
    for measure in SHOWN:
        found = each.measures[measure]
        short = texts.name("short_measure", measure)
        for level, span in zip(levels, (found.firmware, found.software), strict=True):
            cells.append(
                {
                    "label": f"{short}{texts('page.colon')}{level}",
                    "outcome": _outcome(view, each, measure) if span is found.firmware else "",
                    "value": tables.ends(span),
                    "interval": tables.intervals(span),
                }
            )
    return {"workload": work_text((each.workload, each.load)), "cells": cells}


def _outcome(view: ReportView, each: WorkloadSummary, measure: str) -> str:
    """Conclude from all findings of a workload and measure; empty if the claim has none."""
    judged = view.study.verdict
    outcomes = [
        one.outcome
        for one in (judged.findings if judged else ())
        if (one.workload, one.load, one.measure) == (each.workload, each.load, measure)
        and one.firmware is not None
    ]
    return str(conclude(outcomes)) if outcomes else ""


def _basis(view: ReportView) -> list[str]:
    """Say what the verdict rests on: predictions missed, constants assumed, the largest driver."""
    texts, record, said = view.texts, view.evidence.validation, []
    if record is not None:
        rows = [each for each in record.rows if each.kind is Kind.PREDICTION]
        expressed = [each for each in rows if not each.not_modelled]
        missed = sum(each.missed for each in rows)
        said.append(texts("verdict.predictions", missed=missed, total=len(expressed)))
    every = view.study.campaign.constants
    if every:
        assumed = Counter(each["status"] for each in every)["assumed"]
        said.append(texts("verdict.constants", assumed=assumed, total=len(every)))
    driver = _driver(view)
    if driver:
        said.append(texts("verdict.driver", constant=driver))
    return said


def _driver(view: ReportView) -> str:
    """Return the constant with the largest part in the variation of firmware's overheads."""
    result = view.evidence.sensitivity
    shares: dict[str, float] = {}
    for one in result.driven if result is not None else ():
        if one.level == "firmware" and result is not None:
            for each in one.influences:
                if each.p <= result.alpha:
                    shares[each.constant] = shares.get(each.constant, 0.0) + each.share
    return max(shares, key=lambda name: (shares[name], name), default="")


def missing_studies(view: ReportView) -> list[tuple[str, str]]:
    """List the studies that were not made, each with its command."""
    if view.real:
        return []
    evidence, out = view.evidence, tables.results_path(view)
    studies: list[tuple[str, object, str]] = [
        ("validation", evidence.validation, f"vtax validate --save-to {out}")
    ]
    if view.matrix:
        studies.append(("capacity", evidence.capacity, f"vtax capacity {out}"))
    if view.study.verdict is not None:
        studies.append(("sensitivity", evidence.sensitivity, f"vtax sensitivity {out}"))
    return [
        (view.texts(f"verdict.study_{name}"), command)
        for name, made, command in studies
        if made is None
    ]
