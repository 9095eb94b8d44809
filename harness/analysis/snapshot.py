"""Snapshot of a campaign's results, small enough to keep beside its report and compare later."""

import math
from typing import Annotated

from pydantic import Field, ValidationError

from harness.analysis.environment import EnvironmentResult
from harness.analysis.overhead import Overhead
from harness.analysis.study import Study
from harness.errors import UserError
from harness.results.result_file import EnvironmentRecord, Finite, Record, first_error

Positive = Annotated[float, Field(allow_inf_nan=False, gt=0.0)]


class OverheadRecord(EnvironmentRecord):
    """The overhead of one virtualization in one environment, in one measure."""

    measure: str
    virtualization: str
    estimate: Finite
    """The overhead: 0.05 is 5 % more than the baseline."""
    low: Finite | None
    """End of its interval; None if nothing is known about it."""
    high: Finite | None
    range_low: Finite | None = None
    """End of the prediction interval of one machine; None if nothing is known."""
    range_high: Finite | None = None
    ratios: tuple[Positive | None, ...]
    """Ratio to the baseline of each replication; None where one of the two has no result."""


class VerdictRecord(EnvironmentRecord):
    """Outcome of the claim in one environment, in one measure."""

    part: str = ""
    """Part of the claim."""
    measure: str
    outcome: str
    """A member of :class:`harness.statistics.verdict.Outcome`."""


class CheckRecord(Record):
    """An expectation of a scenario."""

    scenario: str
    name: dict[str, str]
    """Language -> what is expected, in words."""
    passed: bool
    """In every run."""


class CampaignSnapshot(Record):
    """Campaign, its settings and all that was concluded from its runs."""

    name: str
    title: dict[str, str]
    """Language -> title."""
    identity: str
    """Of the campaign, as :class:`harness.results.record.CampaignRecord` has it."""
    model: str
    versions: dict[str, str]
    seed: int
    margin: Finite
    alpha: Annotated[float, Field(gt=0.0, lt=1.0)]
    replications: int
    """How many at least."""
    complete: int
    """How many runs have a result."""
    failed: int
    outcome: str | None
    """None if the campaign neither makes a claim nor has scenarios."""
    constants: dict[str, str]
    """Name -> value with unit, range and status, as text."""
    overheads: tuple[OverheadRecord, ...]
    outcomes: tuple[VerdictRecord, ...]
    checks: tuple[CheckRecord, ...]


def snapshot(study: Study) -> CampaignSnapshot:
    """Take the snapshot of a study.

    Raises
    ------
    UserError
        If the store holds values that no campaign has.
    """
    campaign = study.campaign
    try:
        return CampaignSnapshot(
            name=campaign.name,
            title=campaign.title,
            identity=campaign.identity,
            model=campaign.model,
            versions=campaign.versions,
            seed=campaign.seed,
            margin=campaign.margin,
            alpha=campaign.alpha,
            replications=int(campaign.replications["minimum"]),
            complete=study.complete,
            failed=len(study.failed),
            outcome=None if study.outcome is None else str(study.outcome),
            constants={
                each["name"]: f"{each['published']} ({each['published_range']}), {each['status']}"
                if each.get("published_range")
                else f"{each['published']}, {each['status']}"
                for each in campaign.constants
            },
            overheads=tuple(
                _overhead_record(result, overhead)
                for result in study.environments
                for overhead in result.all.values()
            ),
            outcomes=tuple(
                VerdictRecord(
                    **result.environment._asdict(),
                    part=result.part,
                    measure=result.measure,
                    outcome=str(result.outcome),
                )
                for result in (() if study.verdict is None else study.verdict.environments)
            ),
            checks=()
            if study.elements is None
            else tuple(
                CheckRecord(scenario=row.scenario, name=row.name, passed=row.passed)
                for row in study.elements.rows
            ),
        )
    except ValidationError as error:
        raise UserError(_message(error, f"campaign {campaign.name!r}")) from None


def read_snapshot(text: bytes, where: str) -> CampaignSnapshot:
    """Read a snapshot from JSON.

    Raises
    ------
    UserError
        If that is not what it holds; ``where`` says which file it is.
    """
    try:
        return CampaignSnapshot.model_validate_json(text)
    except ValidationError as error:
        raise UserError(_message(error, where)) from None


def _message(error: ValidationError, where: str) -> str:
    return f"{where}: not the findings of a campaign ({first_error(error, 'the file')})"


def _overhead_record(result: EnvironmentResult, overhead: Overhead) -> OverheadRecord:
    interval = overhead.interval
    known = math.isfinite(interval.high)
    bounded = math.isfinite(overhead.range.high)
    return OverheadRecord(
        **result.environment._asdict(),
        measure=result.measure,
        virtualization=overhead.virtualization,
        estimate=interval.estimate,
        low=interval.low if known else None,
        high=interval.high if known else None,
        range_low=overhead.range.low if bounded else None,
        range_high=overhead.range.high if bounded else None,
        ratios=overhead.ratios,
    )
