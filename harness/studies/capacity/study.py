"""Search for the capacity of every cell of a finished campaign."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from harness.campaign.cell import RunSpec
from harness.campaign.matrix import Entry
from harness.campaign.plan import replan
from harness.campaign.run_time import expected_seconds
from harness.errors import UserError
from harness.execution.dask import Cluster
from harness.execution.execute import Observer, kept
from harness.metrics.measures import Measures
from harness.results.capacities import Bounds, Capacities, CellCapacity, Searched
from harness.results.environment import Environment
from harness.results.record import FULL_SYSTEM
from harness.results.store import Store
from harness.runs.run_cell import run_cell
from harness.statistics.intervals import Interval
from harness.statistics.ratios import paired_ratios, ratio_bootstrap
from harness.studies.base import FinishedCampaign, selected_environments
from harness.studies.capacity.load import STEPS_PER_OCTAVE, at_load, factor
from harness.studies.capacity.search import Search
from harness.studies.capacity.slo import Limit
from harness.studies.runner import Runner

FOLDER = "capacity"
"""Where the runs are kept, below the campaign's directory."""

LOWEST, HIGHEST = -4 * STEPS_PER_OCTAVE, 3 * STEPS_PER_OCTAVE
"""Levels between a sixteenth of the campaign's load and eight times as much."""


@dataclass(frozen=True)
class CapacityCampaign(FinishedCampaign):
    """Finished campaign with the cells to be searched."""

    environments: Mapping[Environment, Mapping[str, Entry]]
    """Environment -> virtualization -> its place in the matrix, the baseline first."""
    limits_seconds: Mapping[Environment, float]


def finished_campaign(
    directory: Path, limit: Limit, replications: int, only: Sequence[str] = ()
) -> CapacityCampaign:
    """Read a finished campaign and plan it again.

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
        environments, selected = selected_environments(plan, only)
        # The baseline is searched whatever is selected.
        searched = {
            key: {FULL_SYSTEM: entries[FULL_SYSTEM], **others}
            for key, entries in environments.items()
            if FULL_SYSTEM in entries
            if (
                others := {
                    name: entry
                    for name, entry in entries.items()
                    if name != FULL_SYSTEM and entry.position in selected
                }
            )
        }
        limits = _limits(store, searched, limit)
    left_out = tuple(
        f"{key.title}: no run of {FULL_SYSTEM} has a result"
        for key in searched
        if key not in limits
    )
    if not limits:
        raise UserError(f"{directory}: nothing to search ({'; '.join(left_out)})")
    return CapacityCampaign(
        plan,
        record,
        min(replications, plan.maximum),
        left_out,
        {key: entries for key, entries in searched.items() if key in limits},
        limits,
    )


def _limits(
    store: Store, environments: Mapping[Environment, Mapping[str, Entry]], limit: Limit
) -> dict[Environment, float]:
    """Limit of each environment: as stated, or a multiple of what its baseline measured."""
    if limit.seconds is not None:
        return dict.fromkeys(environments, limit.seconds)
    positions = {key: entries[FULL_SYSTEM].position for key, entries in environments.items()}
    runs = store.measures(set(positions.values()))
    limits = {}
    for key, position in positions.items():
        measured = [each.quantiles for each in runs.get(position, {}).values() if each.quantiles]
        if measured:
            limits[key] = limit.times * median(each[limit.quantile] for each in measured)
    return limits


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
    """Why the search stopped; empty while it continues."""

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

    def record(self, measured: Measures | None) -> None:
        """Record the measures of the run that :meth:`next` returned; None if it failed."""
        level = self.search.level
        assert level is not None
        if measured is None:
            self.lost = f"a run at {factor(level):.3g} times the load failed"
            return
        # Without any response in all the time, the load is too much.
        value = measured.quantiles.get(self.quantile, math.inf)
        self.per_second[level] = measured.transactions / measured.measured_seconds
        self.search.record(level, passed=value <= self.limit_seconds and not measured.failed)


def study(
    finished: CapacityCampaign,
    directory: Path,
    limit: Limit,
    *,
    workers: int | Cluster,
    observer: Observer | None = None,
) -> Capacities:
    """Carry out the missing runs of all searches and conclude from them.

    All searches proceed together, one trial each at a time; the result is the same for any number
    of workers.

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
    trials = _trials(finished, limit)
    record = finished.study_record("capacity")
    with Store.start(directory / FOLDER, record) as store, kept(workers) as factory:
        runner = Runner(
            store, run_cell, lambda _: finished.plan.drawn, workers=factory, observer=observer
        )
        while active := [(trial, spec) for trial in trials if (spec := trial.next()) is not None]:
            measures = runner.measures([spec for _, spec in active])
            for trial, spec in active:
                trial.record(measures.get(spec.identity))
    return _concluded(finished, limit, trials, runner.made)


def _trials(finished: CapacityCampaign, limit: Limit) -> list[_Trial]:
    positions = {e.position for members in finished.environments.values() for e in members.values()}
    return [
        _Trial(
            spec,
            finished.limits_seconds[spec.cell.environment],
            limit.quantile,
            Search(LOWEST, HIGHEST, STEPS_PER_OCTAVE),
            {},
        )
        for spec in finished.plan.runs(0, finished.replications, positions)
    ]


def _concluded(
    finished: CapacityCampaign, limit: Limit, trials: Iterable[_Trial], made: int
) -> Capacities:
    by_cell: dict[int, list[_Trial]] = {}
    for trial in sorted(trials, key=lambda each: each.spec.replication):
        by_cell.setdefault(trial.spec.cell_position, []).append(trial)
    level = 1.0 - finished.record.alpha
    left_out = list(finished.left_out)
    environments = []
    for key, members in finished.environments.items():
        baseline = by_cell[members[FULL_SYSTEM].position]
        capacities = []
        for name, entry in members.items():
            own = by_cell[entry.position]
            lost = next((trial.lost for trial in own if trial.lost), "")
            if lost:
                left_out.append(f"{key.title}, {name}: {lost}")
                continue
            against = None if name == FULL_SYSTEM else baseline
            capacities.append(_capacity(name, own, against, level, finished.record.seed))
        environments.append(
            Searched(
                **key._asdict(),
                limit_seconds=finished.limits_seconds[key],
                capacities=tuple(capacities),
            )
        )
    return Capacities(
        identity=finished.record.identity,
        model=finished.record.model,
        quantile=limit.quantile,
        times_baseline=None if limit.seconds is not None else limit.times,
        step=factor(1),
        smallest=factor(LOWEST),
        largest=factor(HIGHEST),
        confidence=level,
        replications=finished.replications,
        runs=made,
        environments=tuple(environments),
        left_out=tuple(left_out),
    )


def _capacity(
    name: str, trials: Sequence[_Trial], baseline: Sequence[_Trial] | None, level: float, seed: int
) -> CellCapacity:
    loads = [math.nan if t.search.passed is None else factor(t.search.passed) for t in trials]
    sustained = [_sustained(trial) for trial in trials]
    none = not all(map(math.isfinite, sustained))
    of_baseline = None
    known: tuple[float | None, ...] = ()
    at_least = any(trial.search.failed is None for trial in trials)
    beyond = any(trial.search.failed is None for trial in baseline or ())
    if baseline is not None and not at_least and not beyond:
        ratios = paired_ratios(
            np.array(sustained)[:, np.newaxis], [_sustained(t) for t in baseline]
        )
        known = tuple(float(each) if math.isfinite(each) else None for each in ratios[:, 0])
        if np.isfinite(ratios).all():
            # Either of the two may be up to a step higher than it was found.
            of_baseline = _bounds(_interval(ratios, level, seed), 1 / factor(1), factor(1))
    return CellCapacity(
        virtualization=name,
        per_second=None if none else _bounds(_interval(sustained, level, seed), 1.0, factor(1)),
        load=None if none else _bounds(_interval(loads, level, seed), 1.0, factor(1)),
        at_least=at_least,
        of_baseline=of_baseline,
        ratios=known,
    )


def _sustained(trial: _Trial) -> float:
    passed = trial.search.passed
    return math.nan if passed is None else trial.per_second[passed]


def _interval(values: Sequence[float] | np.ndarray, level: float, seed: int) -> Interval:
    column = np.asarray(values, dtype=np.float64).reshape(-1, 1)
    (interval,) = ratio_bootstrap(column, seed=seed).intervals(level)
    return interval.transformed(math.exp)


def _bounds(interval: Interval, below: float, above: float) -> Bounds:
    """Widen an interval by a step of the grid."""
    low, high = interval.low * below, interval.high * above
    return Bounds(
        estimate=interval.estimate,
        low=low if low > 0.0 else None,
        high=high if math.isfinite(high) else None,
    )


_TRIALS = 7
"""Trials of a typical search: two steps, and four halvings of sixteen levels."""


def expected(finished: CapacityCampaign) -> tuple[int, float]:
    """Estimate the number of runs of the searches, and their processor time in seconds."""
    cells = [
        entry.cell
        for members in finished.environments.values()
        for entry in members.values()
        if entry.cell is not None
    ]
    each = finished.replications * _TRIALS
    # On average a trial is assumed to cost what the campaign's load costs.
    return each * len(cells), each * sum(map(expected_seconds, cells))
