"""Results of the scenarios of a campaign, by element of System p virtualization.

A row is one expectation with the measured value. The first replication uses the stated constants of
the catalog, the others draw them from their ranges. A row passes if it passes in every run; one
whose runs lie on both sides of its limit is inconclusive. Where a statistic of all runs is
expected, it alone decides.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from harness.results.record import CellRecord
from harness.results.run_result import Check, OperationEvent, Point, RunResult
from harness.statistics.verdict import Outcome

ELEMENTS: dict[str, dict[str, str]] = {
    "systems": {"en": "p5 machines and their operating systems", "ja": "p5 と対応 OS"},
    "plm": {"en": "Partition Load Manager", "ja": "Partition Load Manager"},
    "dlpar": {"en": "Dynamic LPAR", "ja": "ダイナミック LPAR"},
    "vlan": {"en": "Virtual LAN", "ja": "仮想 LAN"},
    "virtual-io": {"en": "Virtual I/O", "ja": "仮想 I/O"},
    "micro-partitioning": {"en": "Micro-Partitioning", "ja": "マイクロパーティショニング"},
    "hypervisor": {"en": "POWER Hypervisor", "ja": "POWER ハイパーバイザー"},
    "capacity-on-demand": {"en": "Capacity on Demand", "ja": "キャパシティ・オン・デマンド"},
    "mobility": {"en": "Live Partition Mobility", "ja": "ライブ・パーティション・モビリティ"},
    "isolation": {"en": "Isolation", "ja": "障害の分離"},
    "physical": {"en": "Physical partitioning", "ja": "物理区画"},
}
"""Element -> language -> name, in the order of the report."""


@dataclass(frozen=True)
class Row:
    """Expectation and what all runs measured."""

    scenario: str
    element: str
    name: dict[str, str]
    """Language -> what is expected, in words."""
    expected: float | str
    """In the unit; a constant's value is that of the first run."""
    measured: float | str | None
    """The first run's value in the unit, or the statistic of the values of all runs; None if there
    was nothing to measure."""
    lowest: float | None
    highest: float | None
    """Over all runs, where the value is a number."""
    relation: str
    """``equals``, ``at-least`` or ``at-most``."""
    tolerance: float
    unit: str
    passed: bool
    """In every run, or by the statistic of all runs."""
    passed_runs: int
    runs: int
    detail: str
    source: str
    """Where the expected value is published."""
    assumed: tuple[str, ...]
    """Unpublished constants that the outcome depends on."""
    values: tuple[float | str | None, ...] = ()
    """What each run measured, in the order of the replications."""
    over_runs: str = ""
    """The statistic of these that must fulfil the expectation; empty if each of them must."""

    @property
    def outcome(self) -> Outcome:
        """Inconclusive if runs lie on both sides of a tolerance or of a limit.

        Where an exact value is expected, a status or a count, one run that differs refutes.
        """
        if self.passed:
            return Outcome.CONFIRMED
        if self.over_runs:
            return Outcome.INCONCLUSIVE if self.measured is None else Outcome.REFUTED
        exact = self.relation == "equals" and not self.tolerance
        if exact or not self.passed_runs or self.lowest is None:
            return Outcome.REFUTED
        return Outcome.INCONCLUSIVE


@dataclass(frozen=True)
class ScenarioResult:
    """Result of one scenario."""

    name: str
    title: dict[str, str]
    """Language -> what was done, in words."""
    element: str
    position: int
    """Of its cell in the campaign."""
    machine: str
    virtualization: str
    rows: tuple[Row, ...]
    runs: int
    """How many runs are complete."""
    failed: tuple[str, ...]
    """Why runs have no result."""
    timeline: tuple[Point, ...]
    """Of the first run: seconds, name, labels, value."""
    operations: tuple[OperationEvent, ...]
    """Of the first run."""

    @property
    def passed(self) -> bool:
        """Whether every expectation was met in every run."""
        return bool(self.rows) and not self.failed and all(row.passed for row in self.rows)

    @property
    def outcome(self) -> Outcome:
        """Confirmed if every expectation was met, refuted if one was not, else inconclusive."""
        if any(row.outcome is Outcome.REFUTED for row in self.rows):
            return Outcome.REFUTED
        return Outcome.CONFIRMED if self.passed else Outcome.INCONCLUSIVE

    def series(self, name: str) -> dict[str, tuple[tuple[float, float], ...]]:
        """Return the samples of a name: partition or machine -> (seconds, value)."""
        found: dict[str, list[tuple[float, float]]] = {}
        for seconds, sampled, labels, value in self.timeline:
            if sampled == name:
                of = labels.get("partition", labels.get("site", ""))
                found.setdefault(of, []).append((seconds, value))
        return {of: tuple(points) for of, points in found.items()}


@dataclass(frozen=True)
class ScenarioResults:
    """All scenarios of a campaign."""

    scenarios: tuple[ScenarioResult, ...]
    """In the order of the campaign; those without a run have no rows."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows."""
        return tuple(row for scenario in self.scenarios for row in scenario.rows)

    @property
    def outcome(self) -> Outcome:
        """Confirmed if every expectation was met, refuted if one was not, else inconclusive."""
        if any(row.outcome is Outcome.REFUTED for row in self.rows):
            return Outcome.REFUTED
        complete = all(scenario.passed for scenario in self.scenarios)
        return Outcome.CONFIRMED if complete and self.scenarios else Outcome.INCONCLUSIVE

    def of(self, element: str) -> tuple[ScenarioResult, ...]:
        """Return the scenarios of an element."""
        return tuple(each for each in self.scenarios if each.element == element)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the rows as JSON holds them."""
        return [{**asdict(row), "outcome": str(row.outcome)} for row in self.rows]


def scenario_results(
    cells: Sequence[CellRecord],
    runs: Mapping[int, Mapping[int, RunResult]],
    failures: Mapping[int, Sequence[str]],
) -> ScenarioResults | None:
    """Results of all scenarios; None if the campaign has none.

    Parameters
    ----------
    cells
        All cells of the campaign.
    runs
        Position of a cell -> replication -> result.
    failures
        Position of a cell -> why runs have no result.
    """
    scenarios = [
        _result(cell, cell.scenario, runs.get(cell.position, {}), failures.get(cell.position, ()))
        for cell in cells
        if cell.scenario is not None
    ]
    return ScenarioResults(tuple(scenarios)) if scenarios else None


def _result(
    cell: CellRecord,
    script: Mapping[str, Any],
    runs: Mapping[int, RunResult],
    failures: Sequence[str],
) -> ScenarioResult:
    results = [runs[replication] for replication in sorted(runs)]
    first = results[0] if results else None
    checks = zip(*(result.checks for result in results), strict=True)
    return ScenarioResult(
        name=script["name"],
        title=dict(script["title"]),
        element=script["element"],
        position=cell.position,
        machine=cell.machine,
        virtualization=cell.virtualization,
        rows=tuple(row_of(script["name"], script["element"], each) for each in checks),
        runs=len(results),
        failed=tuple(failures),
        timeline=() if first is None else tuple(first.timeline),
        operations=() if first is None else tuple(first.operations),
    )


OVER_RUNS: Mapping[str, str] = {
    "mean": "mean of",
    "deviation": "standard deviation of",
    "p50": "median of",
    "p95": "95th percentile of",
    "p99": "99th percentile of",
}
"""Statistics of the values of all runs, in words."""


def statistic(name: str, values: Sequence[float]) -> float | None:
    """Return a statistic of the values of all runs; None if there are too few values."""
    if name == "deviation":
        return float(np.std(values, ddof=1)) if len(values) > 1 else None
    if not values:
        return None
    if name == "mean":
        return math.fsum(values) / len(values)
    return float(np.quantile(values, int(name.removeprefix("p")) / 100))


def row_of(scenario: str, element: str, checks: Sequence[Check]) -> Row:
    """Put together what the runs of one expectation measured."""
    first = checks[0]
    numbers = [each.measured for each in checks if isinstance(each.measured, float | int)]
    passed_runs = sum(each.passed for each in checks)
    measured, passed = first.measured, passed_runs == len(checks)
    if first.over_runs:
        measured = statistic(first.over_runs, numbers) if len(numbers) == len(checks) else None
        passed = measured is not None and first.holds(measured)
    return Row(
        scenario=scenario,
        element=element,
        name=dict(first.name),
        expected=first.expected,
        measured=measured,
        values=tuple(each.measured for each in checks),
        over_runs=first.over_runs,
        lowest=min(numbers, default=None),
        highest=max(numbers, default=None),
        relation=first.relation,
        tolerance=first.tolerance,
        unit=first.unit,
        passed=passed,
        passed_runs=passed_runs,
        runs=len(checks),
        detail=f"{OVER_RUNS[first.over_runs]} {len(checks)} runs"
        if first.over_runs
        else first.detail,
        source=first.source,
        assumed=first.assumed,
    )
