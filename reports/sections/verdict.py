"""The first section: each part of the claim in a sentence, and one table by workload."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.analysis.claim import WHOLE
from harness.analysis.finding import Finding, Span
from harness.analysis.notes import MISSES_NOT_STUDIED
from harness.analysis.overhead import CAPACITY
from harness.analysis.study import Outcome, PartVerdict, Verdict
from harness.analysis.workload_summary import SHOWN, Levels, WorkloadSummary, workload_summaries
from harness.results.discrepancy import Factor
from harness.statistics.verdict import conclude
from harness.validation.row import Kind
from reports import format as numbers
from reports.plots.summary import summary
from reports.sections import scenarios, tables
from reports.sections.findings import queueing
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
        # The list of the studies that were not made says it.
        "notes": [each for each in study.notes if each != MISSES_NOT_STUDIED],
    }
    if judged is None:
        return content
    level = numbers.level(1.0 - judged.alpha)
    workloads = [_with_misses(view, each) for each in workload_summaries(study.environments)]
    return {
        **content,
        "outcome": str(judged.outcome),
        "without": _without(view, judged, judged.findings),
        "claim": view.texts.of(judged.claim_text) or view.texts("verdict.default_claim"),
        "parts": [_part(view, each) for each in judged.parts],
        "workloads": [_workload(view, each) for each in workloads],
        "caption": view.texts(
            "verdict.workloads" if judged.misses is None else "verdict.workloads_with_misses",
            level=level,
            baseline=view.baseline,
        ),
        "misses": _misses(view),
        "figure": summary(view, workloads) if workloads else None,
    }


def _part(view: ReportView, part: PartVerdict) -> Content:
    """Show a part of the claim: its outcome and one sentence."""
    whole = part.part.name == WHOLE
    return {
        "text": "" if whole else view.texts.of(dict(part.part.text)) or part.part.name,
        "outcome": str(part.outcome),
        "sentence": _sentence(view, part),
        "without": "" if whole else _without(view, part, part.findings),
    }


def _without(view: ReportView, judged: Verdict | PartVerdict, found: Sequence[Finding]) -> str:
    """Say the outcome without the model's own misses; empty if they were not studied."""
    outcome = judged.without_misses
    if outcome is None:
        return ""
    measured = [each for each in found if each.firmware is not None]
    without = [each.without_misses or each.outcome for each in measured]
    if outcome is judged.outcome and without == [each.outcome for each in measured]:
        return view.texts("verdict.same_without_misses")
    return view.texts(
        "verdict.without_misses",
        outcome=view.texts.name("outcome", str(outcome)),
        count=without.count(Outcome.CONFIRMED),
        total=len(measured),
    )


def _misses(view: ReportView) -> str:
    """Say how wrong the model is known to be, and what that changes; empty if not studied."""
    judged, texts = view.study.verdict, view.texts
    if judged is None or judged.misses is None:
        return ""
    factors = judged.misses.factors
    low, high = map(numbers.plain, _outermost(factors))
    figures = len({name for each in factors for name in each.misses})
    sentences = [texts("verdict.misses", figures=figures, low=low, high=high)]
    changed = distinct(
        texts(
            "verdict.changed",
            workload=work_text((each.workload, each.load)),
            measure=texts.name("short_measure", each.measure),
        )
        for each in judged.findings
        if each.without_misses not in (None, each.outcome)
    )
    if changed:
        sentences.append(texts("verdict.misses_change", findings=texts("page.comma").join(changed)))
    else:
        sentences.append(texts("verdict.misses_nothing"))
    count = len(judged.misses.unexplained)
    if count:
        sentences.append(texts("verdict.misses_unexplained", count=count))
    return "".join(sentences)


def _outermost(factors: Sequence[Factor]) -> tuple[float, float]:
    """Return the lowest and the highest factor of all; one if there is none."""
    ends = [end for each in factors for end in (each.low, each.high)] or [1.0]
    return min(ends), max(ends)


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
    key = key if len(measured) > 1 else f"{key}_one"
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
        works = distinct(
            work_text((each.workload, each.load)) for each in part.findings if not each.firmware
        )
        named = texts("page.comma").join(works)
        sentence.append(texts("verdict.lacking", count=lacking, total=every, workloads=named))
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
    firmware, software_span = judged_spans(finding)
    if margin is not None:
        limit = texts("verdict.of_margin", margin=numbers.level(margin))
    else:
        software = tables.ends(software_span)
        limit = texts("verdict.of_software", software=software or texts("page.not_measured"))
    return texts(
        "verdict.finding",
        workload=work,
        measure=texts.name("short_measure", measure),
        overhead=tables.ends(firmware),
        limit=limit + (texts("verdict.queue") if queueing(view, finding) else ""),
    )


def judged_spans(finding: Finding) -> tuple[Span | None, Span | None]:
    """Return the overheads of both levels that decided: with the model's own misses if studied."""
    if finding.firmware_with_misses is not None:
        return finding.firmware_with_misses, finding.software_with_misses
    return finding.firmware, finding.software


def _workload(view: ReportView, each: WorkloadSummary) -> Content:
    """Show a workload: each measure, firmware beside the best software."""
    texts = view.texts
    levels = (texts.name("level", "firmware"), texts("verdict.best_software"))
    cells = []
    for measure in SHOWN:
        found = each.measures[measure]
        short = texts.name("short_measure", measure)
        judged = _findings(view, each, measure)
        for level, span in zip(levels, (found.firmware, found.software), strict=True):
            cells.append(
                {
                    "label": f"{short}{texts('page.colon')}{level}",
                    "outcome": _outcome(judged) if span is found.firmware else "",
                    "value": tables.ends(span),
                    "interval": tables.intervals(span),
                }
            )
    return {"workload": work_text((each.workload, each.load)), "cells": cells}


def _findings(view: ReportView, each: WorkloadSummary, measure: str) -> list[Finding]:
    """Return the findings about a workload and measure, in all parts of the claim."""
    judged = view.study.verdict
    return [
        one
        for one in (judged.findings if judged else ())
        if (one.workload, one.load, one.measure) == (each.workload, each.load, measure)
        and one.firmware is not None
    ]


def _outcome(found: Sequence[Finding]) -> str:
    """Conclude from findings; empty if there is none."""
    return str(conclude(each.outcome for each in found)) if found else ""


def _with_misses(view: ReportView, each: WorkloadSummary) -> WorkloadSummary:
    """Widen the intervals of a workload by those with the model's own misses."""
    measures = {}
    for name, levels in each.measures.items():
        judged = _findings(view, each, name)
        measures[name] = Levels(
            firmware=_widened(levels.firmware, [one.firmware_with_misses for one in judged]),
            software=_widened(levels.software, [one.software_with_misses for one in judged]),
        )
    return replace(each, measures=measures)


def _widened(span: Span | None, misses: Sequence[Span | None]) -> Span | None:
    """Widen the intervals of overheads by those with the model's own misses."""
    known = [each for each in misses if each is not None]
    if span is None or not known:
        return span
    low = min(span.low, *(each.low for each in known))
    return replace(span, low=low, high=max(span.high, *(each.high for each in known)))


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
        misses = view.study.verdict.misses
        if view.matrix:
            studies.append(("discrepancy", misses, f"vtax discrepancy {out}"))
    return [
        (view.texts(f"verdict.study_{name}"), command)
        for name, made, command in studies
        if made is None
    ]
