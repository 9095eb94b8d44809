"""The search for the capacity of every cell of a finished campaign."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from harness.analysis.environment import Environment
from harness.campaign.cell import RunSpec, sha256_of
from harness.campaign.matrix import Entry, selected_entries
from harness.campaign.plan import Plan, replan
from harness.campaign.run_time import expected_seconds
from harness.errors import UserError
from harness.execution.dask import Cluster
from harness.execution.execute import Observer, execute
from harness.metrics.measures import Measures
from harness.results.record import FULL_SYSTEM, CampaignRecord
from harness.results.store import Store
from harness.runs.run_cell import run_cell
from harness.statistics.intervals import Interval
from harness.statistics.ratios import paired_ratios, ratio_bootstrap
from harness.studies.capacity.load import STEPS_PER_OCTAVE, at_load, factor
from harness.studies.capacity.result import Bounds, Capacities, ResourceAllocation, Searched
from harness.studies.capacity.search import Search
from harness.studies.capacity.slo import Limit

FOLDER = "capacity"
"""Where the runs are kept, below the campaign's directory."""

LOWEST, HIGHEST = -4 * STEPS_PER_OCTAVE, 3 * STEPS_PER_OCTAVE
"""Levels between a sixteenth of the campaign's load and eight times as much."""


@dataclass(frozen=True)
class FinishedCampaign:
    """A finished campaign and what of it is to be searched."""

    plan: Plan
    record: CampaignRecord
    environments: Mapping[Environment, Mapping[str, Entry]]
    """Environment -> virtualization -> place in the matrix, the baseline first."""
    limits_seconds: Mapping[Environment, float]
    replications: int
    left_out: tuple[str, ...]


def ground(
    directory: Path, limit: Limit, replications: int, only: Sequence[str] = ()
) -> FinishedCampaign:
    """Read a finished campaign and plan it once more.

    Raises
    ------
    UserError
        If there is no campaign with a matrix and a baseline, or it is not the one that would be run
        today: its file, a catalog or the model has changed.
    """
    with Store.open(directory) as store:
        record = store.campaign
        if record.real is not None:
            raise UserError(
                f"{directory}: was measured on real targets; capacity is searched on models"
            )
        plan = replan(store, directory)
        environments = _environments(plan, only)
        limits, left_out = _limits(store, environments, limit)
    if not limits:
        raise UserError(f"{directory}: nothing to search ({'; '.join(left_out)})")
    environments = {key: members for key, members in environments.items() if key in limits}
    replications = min(replications, plan.maximum)
    return FinishedCampaign(plan, record, environments, limits, replications, left_out)


def _environments(plan: Plan, only: Sequence[str]) -> dict[Environment, dict[str, Entry]]:
    """Group the cells; ``only`` chooses among them, but the baseline is always there."""
    matrix = [entry for entry in plan.matrix if not entry.scenario and entry.cell is not None]
    chosen = selected_entries(matrix, only) if only else matrix
    wanted = {(entry.position) for entry in chosen if entry.virtualization != FULL_SYSTEM}
    found: dict[Environment, dict[str, Entry]] = {}
    for entry in matrix:
        assert entry.cell is not None
        found.setdefault(entry.cell.environment, {})[entry.virtualization] = entry
    return {
        key: {FULL_SYSTEM: members[FULL_SYSTEM]}
        | {name: entry for name, entry in members.items() if entry.position in wanted}
        for key, members in found.items()
        if FULL_SYSTEM in members and any(each.position in wanted for each in members.values())
    }


def _limits(
    store: Store, environments: Mapping[Environment, Mapping[str, Entry]], limit: Limit
) -> tuple[dict[Environment, float], tuple[str, ...]]:
    """Set each environment's limit: what is stated, or from what its baseline measured."""
    if limit.seconds is not None:
        return dict.fromkeys(environments, limit.seconds), ()
    positions = {members[FULL_SYSTEM].position: key for key, members in environments.items()}
    measured: dict[Environment, list[float]] = {key: [] for key in environments}
    for run in store.runs():
        key = positions.get(run.cell.position)
        if key is not None and run.result is not None:
            found = run.result.measures()
            measured[key] += [found.quantiles[limit.quantile]] * bool(found.quantiles)
    limits = {key: limit.times * median(values) for key, values in measured.items() if values}
    left_out = tuple(
        f"{_title(key)}: no run of {FULL_SYSTEM} has a result"
        for key in measured
        if key not in limits
    )
    return limits, left_out


def _title(environment: Environment) -> str:
    machine, os, workload, load = environment
    return " / ".join((machine, os, workload, *(f"{name} = {value}" for name, value in load)))


@dataclass(eq=False)
class _Trial:
    """The search in one replication of one cell."""

    spec: RunSpec
    limit_seconds: float
    quantile: str
    search: Search
    per_second: dict[int, float]
    """Level -> transactions per second there."""
    lost: str = ""
    """Why the search could not go on; empty if it did."""

    def next(self) -> RunSpec | None:
        """Return the next run; None when the search has ended."""
        level = None if self.lost else self.search.level
        if level is None:
            return None
        number = self.spec.replication * (HIGHEST - LOWEST + 1) + level - LOWEST
        return replace(
            self.spec,
            cell=at_load(self.spec.cell, level),
            replication=number,
            arrivals=self.spec.streams,
        )

    def tell(self, measured: Measures | None) -> None:
        """Take note of what the run that :meth:`next` returned has measured."""
        level = self.search.level
        assert level is not None
        if measured is None:
            self.lost = f"a run at {factor(level):.3g} times the load failed"
            return
        # Without any response in all the time, the load is too much.
        value = measured.quantiles.get(self.quantile, math.inf)
        self.per_second[level] = measured.transactions / measured.measured_seconds
        self.search.tell(level, passed=value <= self.limit_seconds and not measured.failed)


def study(
    ground: FinishedCampaign,
    directory: Path,
    limit: Limit,
    *,
    workers: int | Cluster,
    observer: Observer | None = None,
) -> Capacities:
    """Carry out what is missing of all searches and conclude from them.

    All searches go on together, a trial each at a time; the result is the same for any number of
    workers.

    Parameters
    ----------
    directory
        The campaign's; the runs are kept in :data:`FOLDER` below it, and taken from there.

    Raises
    ------
    KeyboardInterrupt
        When SIGINT came; what was complete is kept.
    UserError
        If the store of the search cannot be used.
    """
    trials = _trials(ground, limit)
    record = replace(
        ground.record,
        name=f"{ground.record.name}-capacity",
        identity=sha256_of(["capacity", ground.record.identity]),
    )
    made = 0
    with Store.start(directory / FOLDER, record) as store:
        while True:
            active = [(trial, spec) for trial in trials if (spec := trial.next()) is not None]
            if not active:
                break
            unique = {spec.identity: spec for _, spec in active}
            summary = execute(
                list(unique.values()),
                store,
                run_cell,
                workers=workers,
                drawn=ground.plan.drawn,
                observer=observer,
            )
            if summary.interrupted:
                raise KeyboardInterrupt
            made += len(unique)
            for trial, spec in active:
                trial.tell(_measured(store, spec.identity))
    return _concluded(ground, limit, trials, made)


def _trials(ground: FinishedCampaign, limit: Limit) -> list[_Trial]:
    positions = {e.position for members in ground.environments.values() for e in members.values()}
    return [
        _Trial(
            spec,
            ground.limits_seconds[spec.cell.environment],
            limit.quantile,
            Search(LOWEST, HIGHEST, STEPS_PER_OCTAVE),
            {},
        )
        for spec in ground.plan.runs(0, ground.replications, positions)
    ]


def _measured(store: Store, identity: str) -> Measures | None:
    result = store.result(identity)
    if result is None:
        return None
    return result.measures()


def _concluded(
    ground: FinishedCampaign, limit: Limit, trials: Iterable[_Trial], made: int
) -> Capacities:
    by_cell: dict[int, list[_Trial]] = {}
    for trial in sorted(trials, key=lambda each: each.spec.replication):
        by_cell.setdefault(trial.spec.cell_position, []).append(trial)
    level = 1.0 - ground.record.alpha
    left_out = list(ground.left_out)
    environments = []
    for key, members in ground.environments.items():
        baseline = by_cell[members[FULL_SYSTEM].position]
        capacities = []
        for name, entry in members.items():
            own = by_cell[entry.position]
            lost = next((trial.lost for trial in own if trial.lost), "")
            if lost:
                left_out.append(f"{_title(key)}, {name}: {lost}")
                continue
            against = None if name == FULL_SYSTEM else baseline
            capacities.append(_capacity(name, own, against, level, ground.record.seed))
        machine, os, workload, load = key
        environments.append(
            Searched(
                machine=machine,
                os=os,
                workload=workload,
                load=load,
                limit_seconds=ground.limits_seconds[key],
                capacities=tuple(capacities),
            )
        )
    return Capacities(
        identity=ground.record.identity,
        model=ground.record.model,
        quantile=limit.quantile,
        times_baseline=None if limit.seconds is not None else limit.times,
        step=factor(1),
        smallest=factor(LOWEST),
        largest=factor(HIGHEST),
        confidence=level,
        replications=ground.replications,
        runs=made,
        environments=tuple(environments),
        left_out=tuple(left_out),
    )


def _capacity(
    name: str, trials: Sequence[_Trial], baseline: Sequence[_Trial] | None, level: float, seed: int
) -> ResourceAllocation:
    loads = [math.nan if t.search.passed is None else factor(t.search.passed) for t in trials]
    borne = [_borne(trial) for trial in trials]
    none = not all(map(math.isfinite, borne))
    of_baseline = None
    at_least = any(trial.search.failed is None for trial in trials)
    beyond = any(trial.search.failed is None for trial in baseline or ())
    if baseline is not None and not at_least and not beyond:
        ratios = paired_ratios(np.array(borne)[:, np.newaxis], [_borne(t) for t in baseline])
        if np.isfinite(ratios).all():
            # Either of the two may be up to a step higher than it was found.
            of_baseline = _bounds(_interval(ratios, level, seed), 1 / factor(1), factor(1))
    return ResourceAllocation(
        virtualization=name,
        per_second=None if none else _bounds(_interval(borne, level, seed), 1.0, factor(1)),
        load=None if none else _bounds(_interval(loads, level, seed), 1.0, factor(1)),
        at_least=at_least,
        of_baseline=of_baseline,
    )


def _borne(trial: _Trial) -> float:
    passed = trial.search.passed
    return math.nan if passed is None else trial.per_second[passed]


def _interval(values: Sequence[float] | np.ndarray, level: float, seed: int) -> Interval:
    column = np.asarray(values, dtype=np.float64).reshape(-1, 1)
    (interval,) = ratio_bootstrap(column, seed=seed).intervals(level)
    return interval.transformed(math.exp)


def _bounds(interval: Interval, below: float, above: float) -> Bounds:
    """Widen an interval by what the grid leaves open."""
    low, high = interval.low * below, interval.high * above
    return Bounds(
        estimate=interval.estimate,
        low=low if low > 0.0 else None,
        high=high if math.isfinite(high) else None,
    )


_TRIALS = 7
"""Trials that a search mostly takes: two steps, and four halvings of sixteen levels."""


def expected(ground: FinishedCampaign) -> tuple[int, float]:
    """Guess how many runs the searches take, and how much processor time in seconds."""
    cells = [
        entry.cell
        for members in ground.environments.values()
        for entry in members.values()
        if entry.cell is not None
    ]
    each = ground.replications * _TRIALS
    # On average a trial is taken to cost what the campaign's load costs.
    return each * len(cells), each * sum(map(expected_seconds, cells))
