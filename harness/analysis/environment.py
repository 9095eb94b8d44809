"""Comparison of the virtualizations of each environment, and its test against the claim."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.overhead import MEASURES, Overhead, overheads
from harness.metrics.measures import Measures
from harness.results.environment import Environment
from harness.results.record import CampaignRecord, CellRecord
from harness.statistics.intervals import finite
from harness.statistics.ratios import paired_ratios, ratio_bootstrap, ratio_ranges
from harness.statistics.verdict import Evidence, Judgement, Outcome, judge
from harness.units import percent

Array = NDArray[np.float64]
Runs = Mapping[int, Mapping[int, Measures]]
"""Position of the cell -> replication -> measures of its run."""


@dataclass(frozen=True)
class EnvironmentResult:
    """One measure in one environment."""

    environment: Environment
    measure: str
    firmware: Overhead | None
    """Highest overhead of the claim's firmware virtualizations; None if none was measured."""
    software: Overhead | None
    """Lowest overhead of the claim's software virtualizations; None if none was measured."""
    all: dict[str, Overhead]
    """Every virtualization that was measured, in the order of the matrix; without the baseline."""
    outcome: Outcome | None = None
    """None if the claim is not about this measure."""
    reason: str = ""
    """Reason of the outcome, in one sentence."""
    p_values: dict[str, float] | None = None
    """``below-margin`` and ``below-software``: the largest, all of which confirming needs.
    ``above-margin`` and ``above-software``: the smallest, adjusted for all environments and
    measures, one of which refuting needs."""
    parts: dict[str, bool] | None = None
    """``margin`` and ``software``: whether that part of the outcome holds for one machine with
    constants of its own, too. Confirmed: the range of every firmware overhead, or of every ratio
    to the software level, lies below. Refuted: one of them lies above. Empty if inconclusive."""

    @property
    def robust(self) -> bool:
        """Whether the outcome holds for one machine with any constants like one draw, too."""
        parts = (self.parts or {}).values()
        if self.outcome is Outcome.CONFIRMED:
            return all(parts)
        return self.outcome is Outcome.REFUTED and any(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON holds it; what is unknown or without bound is None."""
        return {
            **self.environment.to_json(),
            "measure": self.measure,
            "firmware": _overhead_json(self.firmware),
            "software": _overhead_json(self.software),
            "outcome": None if self.outcome is None else str(self.outcome),
            "robust": None if self.outcome is None else self.robust,
            "reason": self.reason,
            "p_values": self.p_values,
        }


def environment_results(campaign: CampaignRecord, runs: Runs) -> tuple[EnvironmentResult, ...]:
    """Compare the cells of every environment in every measure, and judge those of the claim."""
    claim = campaign.claim
    cells = _grouped(campaign.cells)
    results = [
        result
        for environment, members in cells.items()
        for result in _compared(MEASURES, environment, members, campaign, runs)
    ]
    if claim is None:
        return tuple(results)
    claimed = [each for each in results if each.measure in claim["measures"]]
    missing = [_missing(each, cells[each.environment], campaign, runs) for each in claimed]
    evidence = [
        _evidence(result, claim, campaign, complete=not lacking)
        for result, lacking in zip(claimed, missing, strict=True)
    ]
    judgements = judge(evidence, campaign.alpha)
    judged = {
        (result.environment, result.measure): replace(
            result,
            outcome=judgement.outcome,
            reason=_reason(result, judgement, lacking, campaign),
            p_values={
                "below-margin": judgement.confirming_margin,
                "below-software": judgement.confirming_software,
                "above-margin": judgement.refuting_margin,
                "above-software": judgement.refuting_software,
            },
            parts=_parts(result, claim, campaign, judgement.outcome),
        )
        for result, judgement, lacking in zip(claimed, judgements, missing, strict=True)
    }
    return tuple(judged.get((each.environment, each.measure), each) for each in results)


@dataclass(frozen=True)
class Confirmation:
    """Test of one measure of one environment, independent of the others."""

    result: EnvironmentResult
    margin: float
    """Largest probability value for lying below the margin."""
    software: float
    """Largest probability value for lying below the software level; 0 if the claim names none."""


def confirmations(
    campaign: CampaignRecord, cells: Sequence[CellRecord], runs: Runs
) -> tuple[Confirmation, ...]:
    """Test one environment in every measure of the claim.

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
    tests = []
    for result in _compared(claim["measures"], environment, cells, campaign, runs):
        lacking = _missing(result, cells, campaign, runs)
        evidence = _evidence(result, claim, campaign, complete=not lacking)
        margin = max(evidence.below_margin, default=1.0) if evidence.complete else 1.0
        software = max(evidence.below_software, default=0.0) if evidence.complete else 1.0
        tests.append(Confirmation(result, margin, software))
    return tuple(tests)


_UNCLAIMED = ("slowdown", "processor-time")
"""Measures that decide where there is no claim to name them."""


def deciding(campaign: CampaignRecord, result: EnvironmentResult) -> list[Overhead]:
    """Return the overheads that a campaign must know precisely: those that decide its claim.

    Without a claim, every overhead in slowdown and processor time.
    """
    if campaign.claim is None:
        return list(result.all.values()) if result.measure in _UNCLAIMED else []
    return [result.firmware] if result.outcome is not None and result.firmware else []


def _compared(
    names: Sequence[str],
    environment: Environment,
    cells: Sequence[CellRecord],
    campaign: CampaignRecord,
    runs: Runs,
) -> Iterator[EnvironmentResult]:
    """Yield a comparison of the cells of one environment with their baseline for each measure."""
    claim = campaign.claim or {"firmware": [], "software": []}
    measured = {cell.virtualization: runs.get(cell.position, {}) for cell in cells}
    baseline = measured.pop(campaign.baseline, {})
    level, seed = 1.0 - campaign.alpha, campaign.seed
    for name, found in overheads(names, measured, baseline, level=level, seed=seed).items():
        firmware = [found[each] for each in claim["firmware"] if each in found]
        software = [found[each] for each in claim["software"] if each in found]
        yield EnvironmentResult(
            environment,
            measure=name,
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
    result: EnvironmentResult, cells: Sequence[CellRecord], campaign: CampaignRecord, runs: Runs
) -> list[str]:
    """List the parts of the claim that were not measured.

    A virtualization that the machine cannot hold is no part of the claim there, unless its whole
    level is not possible.
    """
    claim, baseline = campaign.claim or {}, campaign.baseline
    measured = {cell.virtualization: runs.get(cell.position) for cell in cells}
    if not measured.get(baseline):
        return [f"{baseline}, which all others are compared with"]
    idle = {name: why for name, found in measured.items() if found and (why := _idle(found))}
    if baseline in idle:
        return [f"{baseline} ({idle[baseline]})"]
    impossible = {cell.virtualization for cell in cells if cell.infeasible is not None}
    missing = []
    for level in ("firmware", "software"):
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
    claim: Mapping[str, Any],
    campaign: CampaignRecord,
    *,
    complete: bool,
) -> Evidence:
    """Test one environment: each firmware virtualization, alone and against each software one."""
    firmware, pairs = _columns(result, claim)
    comparable = [ratios for ratios in pairs if np.isfinite(ratios).any()]
    below_margin, above_margin = _tested(firmware, math.log1p(campaign.margin), campaign.seed)
    below_software, above_software = _tested(comparable, 0.0, campaign.seed)
    return Evidence(
        below_margin=below_margin,
        below_software=below_software,
        above_margin=above_margin,
        above_software=above_software,
        complete=complete and len(comparable) == len(pairs),
    )


def _columns(
    result: EnvironmentResult, claim: Mapping[str, Any]
) -> tuple[list[Array], list[Array]]:
    """Return each firmware virtualization's ratios, to the baseline and to each software one."""
    columns = {name: overhead.column() for name, overhead in result.all.items()}
    firmware = [columns[each] for each in claim["firmware"] if each in columns]
    software = [columns[each] for each in claim["software"] if each in columns]
    return firmware, [paired_ratios(one, other) for one in firmware for other in software]


def _parts(
    result: EnvironmentResult,
    claim: Mapping[str, Any],
    campaign: CampaignRecord,
    outcome: Outcome,
) -> dict[str, bool]:
    """Return which parts of an outcome hold for one machine with constants of its own."""
    if outcome is Outcome.INCONCLUSIVE:
        return {}
    level = 1.0 - campaign.alpha
    firmware, pairs = _columns(result, claim)
    comparable = [ratios for ratios in pairs if np.isfinite(ratios).any()]
    found = {}
    for part, columns, bound in (
        ("margin", firmware, math.log1p(campaign.margin)),
        ("software", comparable, 0.0),
    ):
        ranges = ratio_ranges(np.column_stack(columns), level) if columns else ()
        if outcome is Outcome.CONFIRMED:
            found[part] = all(each.high < bound for each in ranges)
        else:
            found[part] = any(each.low > bound for each in ranges)
    return found


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
    judgement: Judgement,
    missing: Sequence[str],
    campaign: CampaignRecord,
) -> str:
    """Give the reason of an outcome in one sentence."""
    alpha, firmware, software = campaign.alpha, result.firmware, result.software
    if firmware is None:
        return f"Not measured: {', '.join(missing)}."
    margin = f"the margin of {percent(campaign.margin)}"
    other = "" if software is None else f"{software.virtualization} ({_described(software)})"
    if judgement.outcome is Outcome.CONFIRMED:
        parts = [f"less than {margin}"]
        if other:
            parts.append(f"less than {other}")
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


def _overhead_json(overhead: Overhead | None) -> dict[str, Any] | None:
    if overhead is None:
        return None
    interval = overhead.interval
    return {
        "virtualization": overhead.virtualization,
        "overhead": interval.estimate,
        "low": interval.low,
        "high": finite(interval.high),
        "range_low": overhead.range.low,
        "range_high": finite(overhead.range.high),
        "level": interval.level,
        "samples": interval.samples,
        "warnings": [str(warning) for warning in interval.warnings],
    }
