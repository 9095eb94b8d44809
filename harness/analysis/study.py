"""Analysis of a store: overheads with intervals, and the verdict on the claim.

Overheads are computed in :mod:`harness.analysis.overhead` and tested in
:mod:`harness.analysis.environment`. docs/statistics.md has the error rates of the verdict.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Any

from harness.analysis.cell_summary import CellSummary, ResponseDistribution, summarise
from harness.analysis.claim import Part, parts_of
from harness.analysis.environment import (
    EnvironmentResult,
    Runs,
    environment_results,
)
from harness.analysis.finding import Finding, findings
from harness.analysis.misses import with_misses
from harness.analysis.notes import study_notes
from harness.analysis.overhead import MEASURES, Overhead
from harness.analysis.scenario_results import ScenarioResults, scenario_results
from harness.errors import UserError
from harness.metrics.measures import Measures
from harness.results.capacities import Capacities
from harness.results.discrepancy import Discrepancy
from harness.results.record import CampaignRecord, CellRecord
from harness.results.run_result import RunResult
from harness.results.store import Store, StoredRun
from harness.statistics.intervals import Interval
from harness.statistics.verdict import Outcome, conclude
from harness.units import percent

__all__ = [
    "MEASURES",
    "CellSummary",
    "EnvironmentResult",
    "Interval",
    "MeasureVerdict",
    "Outcome",
    "Overhead",
    "ResponseDistribution",
    "Study",
    "Verdict",
    "analyse",
    "study",
]


@dataclass(frozen=True)
class MeasureVerdict:
    """The verdict for one measure of a part of the claim."""

    measure: str
    outcome: Outcome
    worst: EnvironmentResult | None
    environments: tuple[EnvironmentResult, ...]
    without_misses: Outcome | None = None
    """Outcome without the model's own misses; None where they were not studied."""


@dataclass(frozen=True)
class PartVerdict:
    """The verdict on a part of the claim."""

    part: Part
    outcome: Outcome
    measures: tuple[MeasureVerdict, ...]
    findings: tuple[Finding, ...]
    """Independent findings, in the order of measures and workloads."""
    without_misses: Outcome | None = None
    """Outcome without the model's own misses; None where they were not studied."""

    def count(self, outcome: Outcome) -> int:
        """Return how many findings have an outcome."""
        return sum(each.outcome is outcome for each in self.findings)


@dataclass(frozen=True)
class Verdict:
    """The verdict on a campaign's claim."""

    campaign: str
    claim_text: dict[str, str]
    """Language -> the claim in words."""
    alpha: float
    margin: float
    outcome: Outcome
    parts: tuple[PartVerdict, ...]
    """All of which the claim needs; a single one if it is not divided."""
    worst: EnvironmentResult | None
    """The environment with the strongest evidence against the claim."""
    environments: tuple[EnvironmentResult, ...]
    """All environments of all measures of all parts."""
    failed_runs: int
    infeasible: tuple[str, ...]
    """Cells that the machine cannot hold, and why."""
    notes: tuple[str, ...]
    without_misses: Outcome | None = None
    """Outcome without the model's own misses; None where they were not studied."""
    misses: Discrepancy | None = None
    """Study of these misses: :attr:`outcome` and the parts' include them."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Independent findings of all parts."""
        return tuple(each for part in self.parts for each in part.findings)

    def count(self, outcome: Outcome) -> int:
        """Return how many findings, in all parts, have an outcome."""
        return sum(part.count(outcome) for part in self.parts)

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return the verdict as JSON holds it; what is unknown or without bound is None."""
        return {
            "campaign": self.campaign,
            "claim": _in(language, self.claim_text),
            "alpha": self.alpha,
            "margin": self.margin,
            "outcome": str(self.outcome),
            "without_misses": _text_or_none(self.without_misses),
            "counts": {str(each): self.count(each) for each in Outcome},
            "misses": None if self.misses is None else _misses_json(self.misses),
            "parts": [
                {
                    "part": each.part.name,
                    "text": _in(language, each.part.text),
                    "outcome": str(each.outcome),
                    "without_misses": _text_or_none(each.without_misses),
                    "counts": {str(one): each.count(one) for one in Outcome},
                    "measures": [
                        {
                            "measure": one.measure,
                            "margin": each.part.margins.get(one.measure),
                            "outcome": str(one.outcome),
                            "worst_environment": _json(one.worst),
                        }
                        for one in each.measures
                    ],
                    "findings": [one.to_json() for one in each.findings],
                }
                for each in self.parts
            ],
            "worst_environment": _json(self.worst),
            "environments": [each.to_json() for each in self.environments],
            "failed_runs": self.failed_runs,
            "infeasible": list(self.infeasible),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """Return the outcome, and the number of findings with it."""
        counts = ", ".join(f"{each} in {self.count(each)}" for each in Outcome)
        return f"{self.outcome}: {counts} of {len(self.findings)} findings"

    def _repr_html_(self) -> str:
        """Table for a notebook: the outcome of each part and measure, and its worst environment."""
        rows = [
            (
                part.part.name,
                each.measure,
                str(each.outcome),
                *(
                    str(
                        sum(
                            one.outcome is outcome and one.measure == each.measure
                            for one in part.findings
                        )
                    )
                    for outcome in Outcome
                ),
                ""
                if each.worst is None
                else f"{' / '.join(each.worst.environment[:3])}: {each.worst.reason}",
            )
            for part in self.parts
            for each in part.measures
        ]
        head = ("part", "measure", "outcome", *map(str, Outcome), "worst environment")
        lines = [
            f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row)}</tr>"
            for tag, row in (("th", head), *(("td", row) for row in rows))
        ]
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return (
            f"<p>{escape(self.claim_text.get('en', self.campaign))}<br>"
            f"<b>{escape(str(self.outcome))}</b> (alpha "
            f"{percent(self.alpha)}, {self.failed_runs} failed runs)</p>"
            f"<table>{''.join(lines)}</table><ul>{notes}</ul>"
        )


def _text_or_none(outcome: Outcome | None) -> str | None:
    return None if outcome is None else str(outcome)


def _misses_json(misses: Discrepancy) -> dict[str, Any]:
    return {
        "factors": [each.model_dump(mode="json") for each in misses.factors],
        "unexplained": list(misses.unexplained),
    }


def _in(language: str, text: Mapping[str, str]) -> str:
    return text.get(language, text.get("en", ""))


@dataclass(frozen=True)
class Study:
    """Everything concluded from the runs of a campaign."""

    campaign: CampaignRecord
    verdict: Verdict | None
    """None if the campaign makes no claim."""
    environments: tuple[EnvironmentResult, ...]
    """Every environment and every measure, compared; the verdict has them judged."""
    runs: Runs = field(repr=False)
    """Measures of all complete runs of the matrix."""
    failed: tuple[StoredRun, ...]
    """Runs without a result."""
    infeasible: tuple[CellRecord, ...]
    complete: int
    """How many runs have a result."""
    planned: int
    """How many runs the campaign needs: the first replications of every cell, and those that were
    made beyond them."""
    damaged: tuple[str, ...]
    """What could not be read."""
    notes: tuple[str, ...]
    """What a reader must know before relying on the rest, in plain words."""
    elements: ScenarioResults | None = None
    """Results of the campaign's scenarios; None if it has none."""
    live: tuple[tuple[str, str], ...] = ()
    """Workloads whose users ran live because they cannot be recorded, and why."""

    @cached_property
    def cells(self) -> tuple[CellSummary, ...]:
        """Summaries of the cells with at least one complete run, in the order of the matrix."""
        campaign = self.campaign
        summaries = (
            summarise(
                cell,
                self.runs.get(cell.position, {}),
                level=1.0 - campaign.alpha,
                seed=campaign.seed,
            )
            for cell in campaign.cells
        )
        return tuple(each for each in summaries if each is not None)

    @property
    def outcome(self) -> Outcome | None:
        """The verdict on the claim and on what scenarios expect; None without either."""
        found = [part.outcome for part in (self.verdict, self.elements) if part is not None]
        return conclude(found) if found else None


def analyse(store: Store, elsewhere: Runs | None = None) -> Study:
    """Analyse all runs of a store.

    Parameters
    ----------
    store
        The runs, their failures, and the checks of scenarios.
    elsewhere
        Measures of the runs of the matrix, instead of those in the store: from Prometheus, for
        instance.

    Raises
    ------
    UserError
        If ``elsewhere`` lacks runs that the store has.
    """
    runs: dict[int, dict[int, Measures]] = {}
    lacking = complete = 0
    scenarios: dict[int, dict[int, RunResult]] = {}
    failed = []
    live: dict[tuple[str, str], None] = {}
    staged = {cell.position for cell in store.campaign.cells if cell.scenario is not None}
    for run, result in store.results(unpacked=staged):
        if run.measures is None:
            failed.append(run)
            continue
        if run.reason:
            live[run.cell.workload, run.reason] = None
        if result is not None:
            scenarios.setdefault(run.cell.position, {})[run.replication] = result
            continue
        if elsewhere is not None:
            complete += 1
            lacking += run.replication not in elsewhere.get(run.cell.position, {})
            continue
        runs.setdefault(run.cell.position, {})[run.replication] = run.measures
    if lacking:
        raise UserError(
            f"--prometheus: lacks {lacking} of {complete} runs; 'vtax observe {store.directory}' "
            "serves them all"
        )
    found = study(
        store.campaign,
        elsewhere or runs,
        failed,
        store.damaged,
        scenarios,
        Capacities.read_of(store.directory, store.campaign.identity),
        Discrepancy.read_of(store.directory, store.campaign.identity),
    )
    return replace(found, live=tuple(live))


def study(
    campaign: CampaignRecord,
    runs: Runs,
    failed: Sequence[StoredRun] = (),
    damaged: Sequence[str] = (),
    scenarios: Mapping[int, Mapping[int, RunResult]] | None = None,
    capacities: Capacities | None = None,
    misses: Discrepancy | None = None,
) -> Study:
    """Conclude from the measures of runs, the results of scenarios and what studies found.

    Parameters
    ----------
    misses
        The claim judged with the model's own misses; its outcomes are those of the verdict.
    """
    scenarios = scenarios or {}
    whole = campaign
    matrix = tuple(cell for cell in whole.cells if cell.scenario is None)
    campaign = replace(whole, cells=matrix)
    results = environment_results(campaign, runs, capacities)
    infeasible = tuple(cell for cell in campaign.cells if cell.infeasible is not None)
    planned = _planned(whole, runs, scenarios, failed)
    complete = sum(map(len, runs.values())) + sum(map(len, scenarios.values()))
    notes = study_notes(campaign, results, runs, planned, complete, failed, len(damaged), misses)
    judged = with_misses(results.judged, misses)
    failures: dict[int, list[str]] = {}
    for run in failed:
        failures.setdefault(run.cell.position, []).append(f"{run.failure}: {run.reason}")
    return Study(
        campaign=whole,
        verdict=_verdict(campaign, judged, misses, len(failed), infeasible, notes),
        environments=results.compared,
        runs=runs,
        failed=tuple(failed),
        infeasible=infeasible,
        complete=complete,
        planned=planned,
        damaged=tuple(damaged),
        notes=notes,
        elements=scenario_results(whole.cells, scenarios, failures),
    )


def _planned(
    campaign: CampaignRecord,
    runs: Runs,
    scenarios: Mapping[int, Mapping[int, RunResult]],
    failed: Sequence[StoredRun],
) -> int:
    """Count the first replications of every cell, and those that were made beyond them."""
    first = range(int(campaign.replications["minimum"]))
    planned = {cell.position: set(first) for cell in campaign.cells if cell.infeasible is None}
    for made in (runs, scenarios):
        for position, replications in made.items():
            planned.setdefault(position, set()).update(replications)
    for run in failed:
        planned.setdefault(run.cell.position, set()).add(run.replication)
    return sum(map(len, planned.values()))


def _verdict(
    campaign: CampaignRecord,
    judged: Sequence[EnvironmentResult],
    misses: Discrepancy | None,
    failed_runs: int,
    infeasible: Sequence[CellRecord],
    notes: tuple[str, ...],
) -> Verdict | None:
    claim = campaign.claim
    if claim is None:
        return None
    parts = tuple(_part_verdict(part, judged, misses) for part in parts_of(campaign))
    every = tuple(each for part in parts for one in part.measures for each in one.environments)
    return Verdict(
        campaign=campaign.name,
        claim_text=dict(claim.get("text") or {}),
        alpha=campaign.alpha,
        margin=campaign.margin,
        outcome=conclude(each.outcome for each in parts),
        parts=parts,
        worst=_worst(every),
        environments=every,
        failed_runs=failed_runs,
        infeasible=tuple(f"{cell.title}: {cell.infeasible}" for cell in infeasible),
        notes=notes,
        without_misses=_without(parts, misses),
        misses=misses,
    )


def _part_verdict(
    part: Part, judged: Sequence[EnvironmentResult], misses: Discrepancy | None
) -> PartVerdict:
    measures: list[MeasureVerdict] = []
    found: list[Finding] = []
    for name in part.measures:
        members = tuple(each for each in judged if (each.part, each.measure) == (part.name, name))
        groups = findings(members)
        found += groups
        outcome = conclude(each.outcome for each in groups)
        without = _without(groups, misses)
        measures.append(MeasureVerdict(name, outcome, _worst(members), members, without))
    return PartVerdict(
        part=part,
        outcome=conclude(each.outcome for each in measures),
        measures=tuple(measures),
        findings=tuple(found),
        without_misses=_without(measures, misses),
    )


def _without(
    conclusions: Iterable[Finding | MeasureVerdict | PartVerdict], misses: Discrepancy | None
) -> Outcome | None:
    """Conclude without the misses; None where they were not studied."""
    if misses is None:
        return None
    return conclude(each.without_misses or each.outcome for each in conclusions)


def _worst(environments: Sequence[EnvironmentResult]) -> EnvironmentResult | None:
    """Return the strongest evidence against the claim: by outcome, then by overhead."""
    order = {Outcome.CONFIRMED: 0, Outcome.INCONCLUSIVE: 1, Outcome.REFUTED: 2}

    def against(result: EnvironmentResult) -> tuple[int, float]:
        overhead = -math.inf if result.firmware is None else result.firmware.interval.estimate
        return (order[result.outcome or Outcome.INCONCLUSIVE], overhead)

    return max(environments, key=against, default=None)


def _json(result: EnvironmentResult | None) -> dict[str, Any] | None:
    return None if result is None else result.to_json()
