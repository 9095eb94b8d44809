"""Analysis of a store: overheads with intervals, and the verdict on the claim.

Overheads are computed in :mod:`harness.analysis.overhead` and tested in
:mod:`harness.analysis.environment`. docs/statistics.md has the error rates of the verdict.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Any

from harness.analysis.cell_summary import CellSummary, ResponseDistribution, summarise
from harness.analysis.environment import EnvironmentResult, Runs, deciding, environment_results
from harness.analysis.overhead import MEASURES, Concern, Overhead
from harness.analysis.scenario_results import ScenarioResults, scenario_results
from harness.errors import UserError
from harness.metrics.measures import NO_TRANSACTION, NO_WORK, Measures
from harness.results.record import CampaignRecord, CellRecord
from harness.results.run_result import RunResult
from harness.results.store import Store, StoredRun
from harness.statistics.intervals import Caution, Interval
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
    """The verdict for one measure of the claim."""

    measure: str
    outcome: Outcome
    worst: EnvironmentResult | None
    environments: tuple[EnvironmentResult, ...]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a campaign's claim."""

    campaign: str
    claim_text: dict[str, str]
    """Language -> the claim in words."""
    alpha: float
    margin: float
    outcome: Outcome
    measures: tuple[MeasureVerdict, ...]
    worst: EnvironmentResult | None
    """The environment with the strongest evidence against the claim."""
    environments: tuple[EnvironmentResult, ...]
    """All environments of all measures."""
    failed_runs: int
    infeasible: tuple[str, ...]
    """Cells that the machine cannot hold, and why."""
    notes: tuple[str, ...]

    def count(self, outcome: Outcome, *, robust: bool = False) -> int:
        """Return how many environments, in all measures, have an outcome.

        With ``robust`` only those in which it holds for one machine with constants of its own.
        """
        return sum(
            each.outcome is outcome and (each.robust or not robust) for each in self.environments
        )

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return the verdict as JSON holds it; what is unknown or without bound is None."""
        return {
            "campaign": self.campaign,
            "claim": self.claim_text.get(language, self.claim_text.get("en", "")),
            "alpha": self.alpha,
            "margin": self.margin,
            "outcome": str(self.outcome),
            "counts": {
                str(each): {"all": self.count(each), "robust": self.count(each, robust=True)}
                for each in Outcome
            },
            "measures": [
                {
                    "measure": each.measure,
                    "outcome": str(each.outcome),
                    "worst_environment": _json(each.worst),
                }
                for each in self.measures
            ],
            "worst_environment": _json(self.worst),
            "environments": [each.to_json() for each in self.environments],
            "failed_runs": self.failed_runs,
            "infeasible": list(self.infeasible),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """Return the outcome, and the number of combinations of environment and measure with it."""
        counts = ", ".join(f"{each} in {self.count(each)}" for each in Outcome)
        total = len(self.environments)
        return f"{self.outcome}: {counts} of {total} combinations of environment and measure"

    def _repr_html_(self) -> str:
        """Table for a notebook: the outcome of each measure and its worst environment."""
        rows = [
            (
                each.measure,
                str(each.outcome),
                *(str(sum(one.outcome is o for one in each.environments)) for o in Outcome),
                ""
                if each.worst is None
                else f"{' / '.join(each.worst.environment[:3])}: {each.worst.reason}",
            )
            for each in self.measures
        ]
        head = ("measure", "outcome", *map(str, Outcome), "worst environment")
        lines = [
            f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row)}</tr>"
            for tag, row in (("th", head), *(("td", row) for row in rows))
        ]
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return (
            f"<p>{escape(self.claim_text.get('en', self.campaign))}<br>"
            f"<b>{escape(str(self.outcome))}</b> (margin {percent(self.margin)}, alpha "
            f"{percent(self.alpha)}, {self.failed_runs} failed runs)</p>"
            f"<table>{''.join(lines)}</table><ul>{notes}</ul>"
        )


@dataclass(frozen=True)
class Study:
    """Everything concluded from the runs of a campaign."""

    campaign: CampaignRecord
    verdict: Verdict | None
    """None if the campaign makes no claim."""
    environments: tuple[EnvironmentResult, ...]
    """Every environment and every measure, those of the claim with their outcome."""
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
    found = study(store.campaign, elsewhere or runs, failed, store.damaged, scenarios)
    return replace(found, live=tuple(live))


def study(
    campaign: CampaignRecord,
    runs: Runs,
    failed: Sequence[StoredRun] = (),
    damaged: Sequence[str] = (),
    scenarios: Mapping[int, Mapping[int, RunResult]] | None = None,
) -> Study:
    """Conclude from the measures of runs and the results of scenarios."""
    scenarios = scenarios or {}
    whole = campaign
    matrix = tuple(cell for cell in whole.cells if cell.scenario is None)
    campaign = replace(whole, cells=matrix)
    environments = environment_results(campaign, runs)
    infeasible = tuple(cell for cell in campaign.cells if cell.infeasible is not None)
    planned = _planned(whole, runs, scenarios, failed)
    complete = sum(map(len, runs.values())) + sum(map(len, scenarios.values()))
    notes = _notes(campaign, environments, runs, planned, complete, failed, len(damaged))
    failures: dict[int, list[str]] = {}
    for run in failed:
        failures.setdefault(run.cell.position, []).append(f"{run.failure}: {run.reason}")
    return Study(
        campaign=whole,
        verdict=_verdict(campaign, environments, len(failed), infeasible, notes),
        environments=environments,
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
    environments: Sequence[EnvironmentResult],
    failed_runs: int,
    infeasible: Sequence[CellRecord],
    notes: tuple[str, ...],
) -> Verdict | None:
    claim = campaign.claim
    if claim is None:
        return None
    measures = []
    for name in claim["measures"]:
        members = tuple(each for each in environments if each.measure == name)
        outcome = conclude(each.outcome for each in members if each.outcome is not None)
        measures.append(MeasureVerdict(name, outcome, _worst(members), members))
    every = tuple(each for one in measures for each in one.environments)
    return Verdict(
        campaign=campaign.name,
        claim_text=dict(claim.get("text") or {}),
        alpha=campaign.alpha,
        margin=campaign.margin,
        outcome=conclude(each.outcome for each in measures),
        measures=tuple(measures),
        worst=_worst(every),
        environments=every,
        failed_runs=failed_runs,
        infeasible=tuple(f"{cell.title}: {cell.infeasible}" for cell in infeasible),
        notes=notes,
    )


def _worst(environments: Sequence[EnvironmentResult]) -> EnvironmentResult | None:
    """Return the strongest evidence against the claim: by outcome, then by overhead."""
    order = {Outcome.CONFIRMED: 0, Outcome.INCONCLUSIVE: 1, Outcome.REFUTED: 2}

    def against(result: EnvironmentResult) -> tuple[int, float]:
        overhead = -math.inf if result.firmware is None else result.firmware.interval.estimate
        return (order[result.outcome or Outcome.INCONCLUSIVE], overhead)

    return max(environments, key=against, default=None)


def _notes(
    campaign: CampaignRecord,
    environments: Sequence[EnvironmentResult],
    runs: Runs,
    planned: int,
    complete: int,
    failed: Sequence[StoredRun],
    damaged: int,
) -> tuple[str, ...]:
    """Return what a reader must know before relying on the numbers."""
    if campaign.imported is not None:
        return tuple(campaign.imported["notes"])
    notes = []
    if complete + len(failed) < planned:
        notes.append(
            f"{planned - complete - len(failed)} of {planned} planned runs were not made yet."
        )
    if failed:
        notes.append(
            f"{len(failed)} runs failed; comparisons use the replications that both sides have."
        )
        first = failed[0]
        notes.append(f"First failed run: {first.cell.title}: {first.reason}")
    if damaged:
        notes.append(f"{damaged} parts of the store are damaged and were left out.")
    measured = sum(map(len, runs.values()))
    unsettled = sum(not run.warm_up_trustworthy for cell in runs.values() for run in cell.values())
    if unsettled:
        notes.append(
            f"In {unsettled} of {measured} runs no end of the warm-up was found within the first "
            "half; what they measured may contain some of it."
        )
    for what, reason in (
        ("without a completed transaction", NO_TRANSACTION),
        ("that used no processor time beyond clock ticks", NO_WORK),
    ):
        idle = [
            cell.title
            for cell in campaign.cells
            if any(run.nothing_done == reason for run in runs.get(cell.position, {}).values())
        ]
        if idle:
            notes.append(f"Runs {what}: {'; '.join(idle)}.")
    if campaign.cells and not any(
        cell.virtualization == campaign.baseline for cell in campaign.cells
    ):
        notes.append(f"There is no {campaign.baseline} baseline, so there are no overheads.")
    found = [overhead for each in environments for overhead in each.all.values()]
    for warning, meaning in _MEANINGS.items():
        count = sum(warning in overhead.interval.warnings for overhead in found)
        if count:
            notes.append(f"{count} of {len(found)} comparisons: {meaning}")
    target = campaign.replications.get("half_width")
    needed = [one for each in environments for one in deciding(campaign, each)]
    if target is not None and any(each.half_width > target for each in needed):
        wide = sum(each.half_width > target for each in needed)
        kind = "comparisons of the claim" if campaign.claim else "comparisons"
        notes.append(
            f"The target half-width of {percent(target)} was not reached in {wide} of "
            f"{len(needed)} {kind}."
        )
    return tuple(notes)


_MEANINGS: dict[str, str] = {
    Caution.SINGLE_SAMPLE: "a single replication: the uncertainty is unknown.",
    Caution.FEW_SAMPLES: "fewer than 10 replications, too few to see skewed values.",
    Caution.NO_VARIATION: "all replications agree exactly; the interval has no width.",
    Concern.MIX_DIFFERS: "the baseline completed another mix of transactions.",
    Concern.WORK_MISSING: "some of the baseline's work was never completed, and is left out.",
}


def _json(result: EnvironmentResult | None) -> dict[str, Any] | None:
    return None if result is None else result.to_json()
