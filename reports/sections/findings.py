"""The section on findings: where a part of the claim is refuted or open, and why."""

from collections.abc import Iterator
from typing import Any

from harness.analysis.claim import WHOLE
from harness.analysis.finding import Finding
from harness.analysis.study import EnvironmentResult, Outcome, PartVerdict
from reports import format as numbers
from reports.sections import tables
from reports.view import ReportView, distinct, work_text

Content = dict[str, Any]


def findings(view: ReportView) -> Content | None:
    """List the findings that are against the claim, by part; None if there is none."""
    judged = view.study.verdict
    groups = [] if judged is None else [_group(view, each) for each in judged.parts]
    shown = [each for each in groups if each["rows"]]
    return {"groups": shown} if shown else None


def _group(view: ReportView, part: PartVerdict) -> Content:
    rows = [
        _row(view, each)
        for outcome in (Outcome.REFUTED, Outcome.INCONCLUSIVE)
        for each in part.findings
        if each.outcome is outcome and each.firmware is not None
    ]
    whole = part.part.name == WHOLE
    return {
        "title": "" if whole else view.texts.of(dict(part.part.text)) or part.part.name,
        "rows": rows,
    }


def _row(view: ReportView, finding: Finding) -> Content:
    texts, worst = view.texts, worst_of(finding)
    margin = worst.margin
    limit = []
    if margin is not None:
        limit.append(texts("findings.margin", margin=numbers.level(margin)))
    if finding.software is not None and worst.p_values and _against_software(view, finding):
        limit.append(texts("findings.software", software=tables.ends(finding.software)))
    return {
        "workload": work_text((finding.workload, finding.load)),
        "measure": texts.name("measure", finding.measure),
        "outcome": str(finding.outcome),
        "where": texts("page.comma").join(_places(view, finding)),
        "firmware": tables.ends(finding.firmware),
        "interval": tables.intervals(finding.firmware),
        "limit": limit,
        "plausible": tables.plausible(finding.plausible),
        "absolute": tables.extra_time(view, worst),
        "causes": tables.extra(view, worst),
    }


def _against_software(view: ReportView, finding: Finding) -> bool:
    """Whether the part compares with the software level."""
    judged = view.study.verdict
    parts = judged.parts if judged is not None else ()
    return any(each.part.name == finding.part and each.part.below_software for each in parts)


def worst_of(finding: Finding) -> EnvironmentResult:
    """Return the environment of a finding with the highest overhead of the firmware level."""
    return max(
        finding.results, key=lambda each: each.firmware.interval.estimate if each.firmware else -1.0
    )


def _places(view: ReportView, finding: Finding) -> Iterator[str]:
    """Name the machines and systems of a finding."""
    yield from distinct(each.environment.machine for each in finding.results)
    yield from distinct(view.texts.name("os", each.environment.os) for each in finding.results)
