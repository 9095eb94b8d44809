"""The section on the limits of a study, as far as its data show them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.catalog.constant import Status
from harness.validation.row import Kind
from reports import format as numbers
from reports.view import ReportView

_STATUSES = tuple(Status)


def limits(view: ReportView) -> dict[str, Any]:
    """Show the limits of the study."""
    every = view.study.campaign.constants
    counts = Counter(each["status"] for each in every)
    return {
        "points": list(_points(view)),
        "counts": {status: counts[status] for status in _STATUSES},
        "levels": list(_levels(view)),
    }


def _points(view: ReportView) -> Iterator[tuple[str, str]]:
    """Choose the points that apply to this campaign."""
    texts = view.texts
    if view.real:
        yield from texts.titled("limits.real_points")
        return
    if any(name.startswith("hosted") for name in view.shown_virtualizations):
        yield texts("limits.hosted_title"), texts("limits.hosted")
    every = view.study.campaign.constants
    counts = Counter(each["status"] for each in every)
    yield (
        texts("limits.constants_title"),
        texts(
            "limits.constants",
            total=len(every),
            assumed=counts["assumed"],
            recalled=counts["recalled"],
            verified=counts["verified"],
        ),
    )
    predicted = [
        row
        for row in (view.evidence.validation.rows if view.evidence.validation else ())
        if row.kind is Kind.PREDICTION
    ]
    relative = [row for row in predicted if row.expected and not row.not_modelled]
    if relative:
        worst = max(relative, key=lambda row: abs(row.error))
        yield (
            texts("limits.predictions_title"),
            texts(
                "limits.predictions",
                missed=sum(row.missed for row in predicted),
                total=sum(not row.not_modelled for row in predicted),
                error=numbers.overhead(worst.error),
                case=texts.said(worst.case),
                measure=texts.said(worst.measure),
            ),
        )
    yield from texts.titled("limits.points")


def _levels(view: ReportView) -> Iterator[dict[str, Any]]:
    """List the constants of the costs of each level, by status."""
    known = {each["name"]: each for each in view.study.campaign.constants}
    claim = view.claim or {}
    for level in ("firmware", "software"):
        virtualizations = [name for name in claim.get(level, ()) if name in view.evidence.used]
        names = sorted({each for name in virtualizations for each in view.evidence.used[name]})
        constants = [known[name] for name in names if name in known]
        if constants:
            yield {
                "level": level,
                "virtualizations": ", ".join(virtualizations),
                "total": len(constants),
                "counts": _counts(constants),
                "rows": sorted(constants, key=lambda each: -_STATUSES.index(each["status"])),
            }


def _counts(constants: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    counts = Counter(each["status"] for each in constants)
    return [(status, counts[status]) for status in reversed(_STATUSES)]
