"""The section on findings: where a part of the claim is refuted or open, and why."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.analysis.claim import WHOLE, Part
from harness.analysis.finding import WAITING, Finding
from harness.analysis.study import EnvironmentResult, Outcome, PartVerdict
from reports import format as numbers
from reports.sections import tables
from reports.view import ReportView, distinct, work_text

Content = dict[str, Any]

_MOST = 0.5
"""Share of a longer response time from which on one part of it is most of it."""


def findings(view: ReportView) -> Content | None:
    """List the findings that are against the claim, by part; None if there is none."""
    judged = view.study.verdict
    groups = [] if judged is None else [_group(view, each) for each in judged.parts]
    shown = [each for each in groups if each["rows"]]
    return {"groups": shown, "depths": list(_depths(view))} if shown else None


def _group(view: ReportView, part: PartVerdict) -> Content:
    rows = [
        _row(view, part.part, each)
        for outcome in (Outcome.REFUTED, Outcome.INCONCLUSIVE)
        for each in part.findings
        if each.outcome is outcome and each.firmware is not None
    ]
    whole = part.part.name == WHOLE
    return {
        "title": "" if whole else view.texts.of(dict(part.part.text)) or part.part.name,
        "rows": rows,
    }


def _row(view: ReportView, part: Part, finding: Finding) -> Content:
    texts, worst = view.texts, finding.worst
    margin = worst.margin
    limit = []
    if margin is not None:
        limit.append(texts("findings.margin", margin=numbers.level(margin)))
    if finding.software is not None and part.below_software:
        limit.append(texts("findings.software", software=tables.ends(finding.software)))
    longer = _longer(view, finding)
    queued = queueing(view, finding)
    misses = finding.firmware_with_misses
    return {
        "workload": work_text((finding.workload, finding.load)),
        "measure": texts.name("measure", finding.measure),
        "outcome": str(finding.outcome),
        "why": list(_why(view, part, finding)),
        "where": texts("page.comma").join(_places(view, finding)),
        "firmware": tables.ends(finding.firmware),
        "interval": tables.intervals(finding.firmware),
        "with_misses": tables.intervals(misses) or tables.ends(misses),
        "limit": limit,
        "plausible": tables.plausible(finding.plausible),
        "absolute": tables.extra_time(view, worst),
        "causes": _parts(view, longer) if longer else tables.extra(view, worst),
        "note": "" if queued is None else texts("findings.queueing", share=numbers.share(queued)),
    }


def _why(view: ReportView, part: Part, finding: Finding) -> Iterator[str]:
    """Say why a finding is open, what the model's own misses change, and the doubts about it."""
    texts, total = view.texts, len(finding.results)
    if finding.outcome is Outcome.INCONCLUSIVE:
        alpha = view.study.campaign.alpha
        limits = ["margin"] if finding.measure in part.margins else []
        limits += ["software"] if part.below_software else []
        open_ones = [each for each in finding.results if each.outcome is Outcome.INCONCLUSIVE]
        for name in limits:
            count = sum(_not_below(each, name, alpha) for each in open_ones)
            if count:
                yield texts(f"findings.open_{name}", count=count, total=total)
        if not open_ones:
            yield texts("findings.open_doubt")
    if finding.without_misses not in (None, finding.outcome):
        name = texts.name("outcome", str(finding.without_misses))
        yield texts("findings.without_misses", outcome=name)
    for each in finding.doubts:
        yield texts.name("doubt", str(each))


def _not_below(result: EnvironmentResult, limit: str, alpha: float) -> bool:
    """Whether a result is not shown to be below the margin, or the software."""
    if result.with_misses is not None or result.p_values is None:
        return True  # The probability values with the misses are not kept.
    return result.p_values[f"below-{limit}"] > alpha


def _longer(view: ReportView, finding: Finding) -> Mapping[str, float]:
    """Return what parts of the response times are longer in a finding's worst environment."""
    worst = finding.worst
    if finding.measure not in WAITING or worst.firmware is None:
        return {}
    cell = view.cell(worst.environment, worst.firmware.virtualization)
    return {} if cell is None else view.evidence.longer.get(cell.cell.position, {})


def _parts(view: ReportView, longer: Mapping[str, float], most: int = 3) -> str:
    """Name the parts of a response time that are longer, the largest first."""
    texts = view.texts
    added = sorted((each for each in longer.items() if each[1] > 0.0), key=lambda one: -one[1])
    total = sum(seconds for _, seconds in added)
    return texts("page.comma").join(
        f"{texts.name('wait', name)} {numbers.seconds(seconds)}"
        for name, seconds in added[:most]
        if seconds > 0.05 * total
    )


def queueing(view: ReportView, finding: Finding) -> float | None:
    """Return the share of a longer response that is a queue in the guest; None if not most of it.

    Operations that wait in the queue of the operating system's disk driver do not wait at the disk:
    the difference of both counts.
    """
    longer = _longer(view, finding)
    total = sum(longer.values())
    queued = longer.get("block_queue", 0.0) + min(longer.get("disk", 0.0), 0.0)
    return min(queued / total, 1.0) if total > 0.0 and queued > _MOST * total else None


def _depths(view: ReportView) -> Iterator[str]:
    """Explain the queues of the guests in findings, once for each operating system."""
    judged = view.study.verdict
    queued = distinct(
        each.worst.environment.os
        for each in (judged.findings if judged is not None else ())
        if queueing(view, each) is not None
    )
    values = {each["name"]: each["value"] for each in view.study.campaign.constants}
    for system in queued:
        yield view.texts(
            "findings.depths",
            os=view.texts.name("os", system),
            virtual=f"{values[f'os.{system}.vscsi_queue_depth']:g}",
            own=f"{values[f'os.{system}.fibre_channel_queue_depth']:g}",
        )


def _places(view: ReportView, finding: Finding) -> Iterator[str]:
    """Name the machines and systems of a finding."""
    yield from distinct(each.environment.machine for each in finding.results)
    yield from distinct(view.texts.name("os", each.environment.os) for each in finding.results)
