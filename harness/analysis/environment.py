"""Comparison of the virtualizations of each environment, and its test against the claim."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.claim import Part, measures_of, parts_of
from harness.analysis.doubts import Doubt, doubts_about
from harness.analysis.environment_result import EnvironmentResult as EnvironmentResult
from harness.analysis.overhead import (
    CAPACITY,
    MEASURES,
    Overhead,
    capacity_overhead,
    overheads,
)
from harness.metrics.measures import Measures
from harness.results.capacities import Capacities
from harness.results.environment import Environment
from harness.results.record import CampaignRecord, CellRecord
from harness.statistics.ratios import Share, paired_ratios, ratio_bootstrap, share
from harness.statistics.verdict import Evidence, Judgement, Outcome, judge
from harness.units import percent

Array = NDArray[np.float64]
Runs = Mapping[int, Mapping[int, Measures]]
"""Position of the cell -> replication -> measures of its run."""


@dataclass(frozen=True)
class Results:
    """What the cells of a campaign say, environment by environment."""

    compared: tuple[EnvironmentResult, ...]
    """Every environment and measure, without outcomes."""
    judged: tuple[EnvironmentResult, ...]
    """Every part of the claim, in the environments and measures that it is about."""


def environment_results(
    campaign: CampaignRecord, runs: Runs, capacities: Capacities | None = None
) -> Results:
    """Compare the cells of every environment in every measure, and judge those of the claim.

    Parameters
    ----------
    capacities
        Those of the campaign's cells; None if they were not searched.
    """
    parts = parts_of(campaign)
    cells = _grouped(campaign.cells)
    compared = [
        result
        for environment, members in cells.items()
        for result in (
            *_compared(MEASURES, environment, members, campaign, runs),
            *_capacity(environment, members, campaign, capacities),
        )
    ]
    claim = campaign.claim
    if claim is None:
        return Results(tuple(compared), ())
    found = {(each.environment, each.measure): each for each in compared}
    claimed = [
        (part, found.get(key := (environment, measure)) or EnvironmentResult(*key, None, None, {}))
        for part in parts
        for measure in part.measures
        for environment in cells
        if part.concerns(environment)
    ]
    missing = [
        _missing(each, part, cells[each.environment], campaign, runs) for part, each in claimed
    ]
    evidence = [
        _evidence(result, part, claim, campaign, complete=not lacking)
        for (part, result), lacking in zip(claimed, missing, strict=True)
    ]
    judgements = judge(evidence, campaign.alpha)
    judged = (
        replace(
            result,
            part=part.name,
            outcome=judgement.outcome,
            reason=_reason(result, part, judgement, lacking, campaign),
            margin=part.margins.get(result.measure),
            p_values={
                "below-margin": judgement.confirming_margin,
                "below-software": judgement.confirming_software,
                "above-margin": judgement.refuting_margin,
                "above-software": judgement.refuting_software,
            },
            plausible=_plausible(result, part, claim, 1.0 - campaign.alpha),
            doubts=_doubts(result, part, cells[result.environment], campaign, runs),
        )
        for (part, result), judgement, lacking in zip(claimed, judgements, missing, strict=True)
    )
    return Results(tuple(compared), tuple(judged))


@dataclass(frozen=True)
class Confirmation:
    """Test of one part and measure of one environment, independent of the others."""

    result: EnvironmentResult
    margin: float
    """Largest probability value for lying below the margin; 0 if the part names none."""
    software: float
    """Largest probability value for lying below the software level; 0 if it is not asked for."""


def confirmations(
    campaign: CampaignRecord, cells: Sequence[CellRecord], runs: Runs
) -> tuple[Confirmation, ...]:
    """Test one environment in every part and measure of the claim that runs have.

    It is confirmed exactly if no value exceeds the campaign's alpha: confirming needs no
    allowance for other environments. Where a part of the claim was not measured, the values are 1.

    Parameters
    ----------
    campaign
        One with a claim.
    cells
        The cells of the environment.
    runs
        Their measures.
    """
    claim = campaign.claim
    assert claim is not None
    (environment,) = {cell.environment for cell in cells}
    parts = [part for part in parts_of(campaign) if part.concerns(environment)]
    names = [name for name in measures_of(tuple(parts)) if name in MEASURES]
    compared = {
        result.measure: result for result in _compared(names, environment, cells, campaign, runs)
    }
    tests = []
    for part in parts:
        for name in part.measures:
            if name not in compared:
                continue
            result = compared[name]
            lacking = _missing(result, part, cells, campaign, runs)
            evidence = _evidence(result, part, claim, campaign, complete=not lacking)
            margin = max(evidence.below_margin, default=0.0) if evidence.complete else 1.0
            software = max(evidence.below_software, default=0.0) if evidence.complete else 1.0
            tests.append(Confirmation(replace(result, part=part.name), margin, software))
    return tuple(tests)


_UNCLAIMED = ("slowdown", "processor-time")
"""Measures that decide where there is no claim to name them."""


def deciding(campaign: CampaignRecord, results: Results) -> list[EnvironmentResult]:
    """Return what a campaign must know precisely: what decides its claim, in measures of runs.

    Each result has the deciding overheads only: the firmware's. Without a claim, every overhead in
    slowdown and processor time.
    """
    if campaign.claim is None:
        return [each for each in results.compared if each.measure in _UNCLAIMED]
    claimed = {
        (each.environment, each.measure): replace(
            each, all={each.firmware.virtualization: each.firmware}
        )
        for each in results.judged
        if each.firmware is not None and each.measure in MEASURES
    }
    return list(claimed.values())


def _compared(
    names: Sequence[str],
    environment: Environment,
    cells: Sequence[CellRecord],
    campaign: CampaignRecord,
    runs: Runs,
) -> Iterator[EnvironmentResult]:
    """Yield a comparison of the cells of one environment with their baseline for each measure."""
    measured = {cell.virtualization: runs.get(cell.position, {}) for cell in cells}
    baseline = measured.pop(campaign.baseline_of(environment), {})
    for name, found in overheads(
        names,
        measured,
        baseline,
        level=1.0 - campaign.alpha,
        seed=campaign.seed,
        per_draw=campaign.per_draw,
    ).items():
        yield _result(environment, name, found, campaign)


def _capacity(
    environment: Environment,
    cells: Sequence[CellRecord],
    campaign: CampaignRecord,
    capacities: Capacities | None,
) -> Iterator[EnvironmentResult]:
    """Yield the comparison of capacities of one environment, if they were searched."""
    for searched in () if capacities is None else capacities.environments:
        if searched.environment != environment or capacities is None:
            continue
        known = {each.virtualization: each for each in searched.capacities}
        found = {
            cell.virtualization: overhead
            for cell in cells
            if cell.virtualization in known
            and (
                overhead := capacity_overhead(
                    cell.virtualization,
                    known[cell.virtualization].ratios,
                    capacities.step,
                    level=1.0 - campaign.alpha,
                    seed=campaign.seed,
                    per_draw=campaign.per_draw,
                )
            )
        }
        yield _result(environment, CAPACITY, found, campaign)


def _result(
    environment: Environment,
    measure: str,
    found: dict[str, Overhead],
    campaign: CampaignRecord,
) -> EnvironmentResult:
    claim = campaign.claim or {"firmware": [], "software": []}
    firmware = [found[each] for each in claim["firmware"] if each in found]
    software = [found[each] for each in claim["software"] if each in found]
    return EnvironmentResult(
        environment,
        measure=measure,
        firmware=max(firmware, key=_estimate, default=None),
        software=min(software, key=_estimate, default=None),
        all=found,
    )


def _grouped(cells: Iterable[CellRecord]) -> dict[Environment, list[CellRecord]]:
    environments: dict[Environment, list[CellRecord]] = {}
    for cell in cells:
        environments.setdefault(cell.environment, []).append(cell)
    return environments


def _estimate(overhead: Overhead) -> float:
    return overhead.interval.estimate


def _missing(
    result: EnvironmentResult,
    part: Part,
    cells: Sequence[CellRecord],
    campaign: CampaignRecord,
    runs: Runs,
) -> list[str]:
    """List what a part of the claim needs and was not measured.

    A virtualization that the machine cannot hold is no part of the claim there, unless its whole
    level is not possible.
    """
    claim, baseline = campaign.claim or {}, campaign.baseline_of(result.environment)
    measured = {cell.virtualization: runs.get(cell.position) for cell in cells}
    if not measured.get(baseline):
        return [f"{baseline}, which all others are compared with"]
    idle = {name: why for name, found in measured.items() if found and (why := _idle(found))}
    if baseline in idle:
        return [f"{baseline} ({idle[baseline]})"]
    impossible = {cell.virtualization for cell in cells if cell.infeasible is not None}
    if result.measure == CAPACITY and not result.all:
        return ["the capacity; 'vtax capacity' searches it"]
    missing = []
    for level in ("firmware", "software") if part.below_software else ("firmware",):
        possible = [each for each in claim[level] if each not in impossible]
        missing += [
            f"{each} ({idle[each]})" if each in idle else each
            for each in possible
            if each not in result.all
        ]
        if claim[level] and not possible:
            missing.append(f"the {level} level (this machine cannot hold it)")
    return missing


def _idle(runs: Mapping[int, Measures]) -> str:
    """Return why no run of a cell can be compared; empty if one can."""
    reasons = [run.nothing_done for _, run in sorted(runs.items())]
    return reasons[0] if all(reasons) else ""


def _evidence(
    result: EnvironmentResult,
    part: Part,
    claim: Mapping[str, Any],
    campaign: CampaignRecord,
    *,
    complete: bool,
) -> Evidence:
    """Test one environment: each firmware virtualization, alone and against each software one."""
    firmware, pairs = _columns(result, part, claim)
    comparable = [ratios for ratios in pairs if np.isfinite(ratios).any()]
    margin, seed = part.margins.get(result.measure), campaign.seed
    below_margin: tuple[float, ...] = ()
    above_margin: tuple[float, ...] = ()
    if margin is not None:
        bound, grid = math.log1p(margin), _resolution(result)
        below_margin = _tested(firmware, bound - grid, seed)[0] or (1.0,)
        above_margin = _tested(firmware, bound + grid, seed)[1]
    below_software, above_software = _tested(comparable, 0.0, seed)
    return Evidence(
        below_margin=below_margin,
        below_software=below_software,
        above_margin=above_margin,
        above_software=above_software,
        complete=complete and len(comparable) == len(pairs),
    )


def _doubts(
    result: EnvironmentResult,
    part: Part,
    cells: Sequence[CellRecord],
    campaign: CampaignRecord,
    runs: Runs,
) -> tuple[Doubt, ...]:
    """Return the doubts about what decides a part of the claim: the cells of its levels."""
    claim = campaign.claim or {}
    names = [*claim["firmware"], *(claim["software"] if part.below_software else ())]
    deciding = [result.all[name] for name in names if name in result.all]
    baseline = campaign.baseline_of(result.environment)
    positions = [cell.position for cell in cells if cell.virtualization in {baseline, *names}]
    measured = [] if result.measure == CAPACITY else [runs.get(each, {}) for each in positions]
    target, firmware = campaign.replications.get("half_width"), result.firmware
    wide = (
        target is not None
        and firmware is not None
        and result.measure in MEASURES
        and firmware.half_width > target
    )
    return doubts_about(deciding, measured, wide=wide)


def _columns(
    result: EnvironmentResult, part: Part, claim: Mapping[str, Any]
) -> tuple[list[Array], list[Array]]:
    """Return each firmware virtualization's ratios, to the baseline and to each software one."""
    columns = {name: overhead.column() for name, overhead in result.all.items()}
    firmware = [columns[each] for each in claim["firmware"] if each in columns]
    software = [columns[each] for each in claim["software"] if each in columns]
    pairs = [paired_ratios(one, other) for one in firmware for other in software]
    return firmware, pairs if part.below_software else []


def _resolution(result: EnvironmentResult) -> float:
    """Logarithm of the step of the grid on which the ratios of a measure are known."""
    return max((each.resolution for each in result.all.values()), default=0.0)


def _plausible(
    result: EnvironmentResult, part: Part, claim: Mapping[str, Any], level: float
) -> Share | None:
    """Return the share of draws of the constants with which the part holds."""
    firmware, pairs = _columns(result, part, claim)
    margin = part.margins.get(result.measure)
    bounded = [(column, 1.0) for column in pairs]
    if margin is not None:
        bounded += [(column, 1.0 + margin) for column in firmware]
    if not bounded:
        return None
    table = np.column_stack([column / bound for column, bound in bounded])
    table = table[np.isfinite(table).all(axis=1)]
    return share(int((table < 1.0).all(axis=1).sum()), len(table), level) if len(table) else None


def _tested(
    columns: Sequence[Array], bound: float, seed: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return probability values for lying below, and above, a bound of the log ratio."""
    if not columns:
        return (), ()
    bootstrap = ratio_bootstrap(np.column_stack(columns), seed=seed)
    return tuple(bootstrap.p_below(bound).tolist()), tuple(bootstrap.p_above(bound).tolist())


def _reason(
    result: EnvironmentResult,
    part: Part,
    judgement: Judgement,
    missing: Sequence[str],
    campaign: CampaignRecord,
) -> str:
    """Give the reason of an outcome in one sentence."""
    alpha, firmware, software = campaign.alpha, result.firmware, result.software
    if firmware is None:
        return f"Not measured: {', '.join(missing)}."
    bound = part.margins.get(result.measure)
    margin = "" if bound is None else f"the margin of {percent(bound)}"
    other = ""
    if software is not None and part.below_software:
        other = f"{software.virtualization} ({_described(software)})"
    if judgement.outcome is Outcome.CONFIRMED:
        parts = [f"less than {each}" for each in (margin, other) if each]
    elif judgement.outcome is Outcome.REFUTED:
        parts = []
        if judgement.refuting_margin <= alpha:
            parts.append(f"more than {margin}")
        if judgement.refuting_software <= alpha:
            parts.append(f"more than {other}")
    else:
        parts = [f"not measured: {', '.join(missing)}"] if missing else []
        if judgement.confirming_margin > alpha:
            parts.append(f"not shown to be less than {margin}")
        if judgement.confirming_software > alpha and other:
            parts.append(f"not shown to be less than {other}")
    return f"{firmware.virtualization} costs {_described(firmware)}: {'; '.join(parts)}."


def _described(overhead: Overhead) -> str:
    interval = overhead.interval
    estimate, low, high = map(percent, (interval.estimate, interval.low, interval.high))
    return f"{estimate}, {percent(interval.level)} interval {low} to {high}"
