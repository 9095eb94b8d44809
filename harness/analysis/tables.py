"""Tidy tables of a campaign: a row for each run, and a row for each overhead.

Units are in the names of the columns.
"""

from collections.abc import Mapping

from harness.analysis.environment import EnvironmentResult
from harness.analysis.study import Study
from harness.results.environment import Environment
from harness.results.record import CampaignRecord
from harness.results.store import Store, StoredRun
from harness.results.table import Table, Value, table_of
from harness.statistics.intervals import finite
from harness.statistics.verdict import Outcome, conclude


def run_table(store: Store) -> Table:
    """Table with a row for each run: which cell and replication it is, and what it measured.

    Runs are in the order of the matrix. A run that failed has no measures. Numbers of partitions
    are sums over all partitions.
    """
    return table_of(_run_row(store.campaign, run) for run in store.runs())


def overhead_table(study: Study) -> Table:
    """Table with a row for each environment, virtualization and measure.

    ``estimate``, ``low`` and ``high`` are the overhead relative to the baseline and its interval
    (0.05 is 5 % more). ``range_low`` and ``range_high`` are the ends of the prediction interval of
    one machine. ``constants_spread`` and ``chance_spread`` are standard deviations of the logarithm
    of the ratio: between draws of the constants, and between replications with one draw; empty
    where each draw has one replication. ``n`` is the number of draws of the constants. ``outcome``
    is that of the claim in this environment and measure, in all of its parts; empty where the claim
    says nothing about it.
    """
    levels = study.campaign.levels
    judged: dict[tuple[Environment, str], list[Outcome]] = {}
    for result in () if study.verdict is None else study.verdict.environments:
        if result.outcome is not None:
            key = (result.environment, result.measure)
            judged.setdefault(key, []).append(result.outcome)
    outcomes = {key: conclude(found) for key, found in judged.items()}
    return table_of(
        _overhead_row(study.campaign.name, levels, outcomes, result, virtualization)
        for result in study.environments
        for virtualization in result.all
    )


def _run_row(campaign: CampaignRecord, run: StoredRun) -> dict[str, Value]:
    cell = run.cell
    row: dict[str, Value] = {
        "campaign": campaign.name,
        "cell": cell.position,
        "scenario": None if cell.scenario is None else cell.scenario["name"],
        **cell.factors,
        "replication": run.replication,
        "status": "complete" if run.failure is None else "failed",
        "failure": None if run.failure is None else f"{run.failure}: {run.reason}",
    }
    if run.measures is not None:
        row |= run.measures.flat()
    return row


def _overhead_row(
    campaign: str,
    levels: Mapping[str, str],
    outcomes: Mapping[tuple[Environment, str], Outcome],
    result: EnvironmentResult,
    virtualization: str,
) -> dict[str, Value]:
    overhead = result.all[virtualization]
    outcome = outcomes.get((result.environment, result.measure))
    spread = overhead.spread
    return {
        "campaign": campaign,
        "machine": result.environment.machine,
        "os": result.environment.os,
        "workload": result.environment.workload,
        **{f"load.{name}": value for name, value in result.environment.load},
        "virtualization": virtualization,
        "level": levels.get(virtualization),
        "measure": result.measure,
        "estimate": finite(overhead.interval.estimate),
        "low": finite(overhead.interval.low),
        "high": finite(overhead.interval.high),
        "confidence": overhead.interval.level,
        "range_low": finite(overhead.range.low),
        "range_high": finite(overhead.range.high),
        "constants_spread": None if spread is None else spread.constants,
        "chance_spread": None if spread is None else spread.chance,
        "n": overhead.interval.samples,
        "warnings": " ".join(overhead.interval.warnings) or None,
        "outcome": None if outcome is None else str(outcome),
    }
