"""Judgement of a campaign's claim with the model's own misses drawn beside the constants.

Every run of the claim's cells is repeated with the same arrivals and draw of the constants, and
with the costs of each missed mechanism multiplied by its factor. The factors of a draw are the same
for all cells.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.analysis.environment import EnvironmentResult, Runs, environment_results
from harness.analysis.overhead import CAPACITY, Overhead
from harness.campaign.cell import RunSpec, sha256_of
from harness.campaign.plan import replan
from harness.campaign.run_time import expected_seconds
from harness.catalog import Constants
from harness.errors import UserError
from harness.execution.execute import Observer, kept
from harness.metrics.measures import Measures
from harness.results.capacities import Capacities
from harness.results.discrepancy import Discrepancy, Ends, Factor, JudgedWithMisses
from harness.results.store import Store
from harness.runs.run_cell import run_cell
from harness.statistics.intervals import finite
from harness.statistics.latin_hypercube import latin_hypercube
from harness.studies.base import FinishedCampaign
from harness.studies.discrepancy.factors import factors_of, unexplained, validation_rows
from harness.studies.runner import Runner, moved, with_constants
from harness.validation.mechanism import expanded
from harness.validation.row import Row

FOLDER = "discrepancy"
"""Where the runs are kept, below the campaign's directory."""


@dataclass(frozen=True)
class DiscrepancyCampaign(FinishedCampaign):
    """Finished campaign with the runs of its claim, and the factors to be drawn."""

    factors: tuple[Factor, ...]
    unexplained: tuple[str, ...]
    specs: tuple[RunSpec, ...]
    """Runs of the claim's cells as the campaign made them."""
    runs: Runs
    """Their measures."""
    capacities: Capacities | None


def finished_campaign(directory: Path, rows: Sequence[Row] | None = None) -> DiscrepancyCampaign:
    """Read a finished campaign and plan it again.

    Parameters
    ----------
    rows
        The validation table; None: that in the campaign's directory.

    Raises
    ------
    UserError
        If there is no campaign with a claim, or no validation table of this model; or the campaign
        is not the one that would be run today: its file, a catalog or the model has changed.
    """
    with Store.open(directory) as store:
        record = store.campaign
        if record.claim is None:
            raise UserError(f"{directory}: campaign {record.name!r} makes no claim to study")
        if record.real is not None:
            raise UserError(f"{directory}: was measured on real targets, which have no model")
        table = validation_rows(directory) if rows is None else rows
        minimum, maximum = (int(record.replications[name]) for name in ("minimum", "maximum"))
        plan = replan(store, directory, minimum if minimum == maximum else None)
        names = {*record.claim["firmware"], *record.claim["software"]}
        positions = {
            cell.position
            for cell in record.cells
            if cell.scenario is None
            and cell.infeasible is None
            and cell.virtualization in {*names, record.baseline_of(cell.environment)}
        }
        runs = store.measures(positions)
        capacities = Capacities.read_of(directory, record.identity)
    specs = tuple(
        spec
        for spec in plan.runs(0, max(plan.minimum, plan.maximum), positions)
        if spec.replication in runs.get(spec.cell_position, {})
    )
    if not specs:
        raise UserError(f"{directory}: no run of the claim has a result")
    return DiscrepancyCampaign(
        plan=plan,
        record=record,
        replications=1 + max(spec.replication for spec in specs),
        left_out=(),
        factors=factors_of(table),
        unexplained=unexplained(table),
        specs=specs,
        runs=runs,
        capacities=capacities,
    )


@dataclass
class _Draws:
    """Constants of each draw with the costs of the missed mechanisms multiplied."""

    finished: DiscrepancyCampaign
    _made: dict[tuple[int, int], Constants] = field(default_factory=dict)

    def __post_init__(self) -> None:
        finished = self.finished
        names = [f"{each.mechanism} {', '.join(each.costs)}" for each in finished.factors]
        seed = random.Random(f"{finished.record.seed} discrepancy").getrandbits(63)
        draws = -(-finished.replications // finished.record.per_draw)
        self._factors = [
            [
                each.low * (each.high / each.low) ** row[name]
                for each, name in zip(finished.factors, names, strict=True)
            ]
            for row in latin_hypercube(names, draws, seed)
        ]

    def constants(self, spec: RunSpec) -> Constants:
        """Return the constants of a run of the campaign, with the factors of its draw."""
        draw = spec.replication // self.finished.record.per_draw
        key = (draw, id(spec.constants))
        if key not in self._made:
            made = spec.constants
            for each, factor in zip(self.finished.factors, self._factors[draw], strict=True):
                if factor != 1.0:
                    made = made.multiplied(expanded(each.costs, made), factor)
            self._made[key] = made
        return self._made[key]


def expected(finished: DiscrepancyCampaign) -> tuple[int, float]:
    """Return the number of runs of a study, and estimate their processor time in seconds."""
    return len(finished.specs), sum(expected_seconds(spec.cell) for spec in finished.specs)


def study(
    finished: DiscrepancyCampaign,
    directory: Path,
    *,
    workers: int,
    observer: Observer | None = None,
) -> Discrepancy:
    """Carry out the missing runs of a study and judge the claim with them.

    Parameters
    ----------
    directory
        The campaign's; the runs are kept in :data:`FOLDER` below it, and taken from there.

    Raises
    ------
    KeyboardInterrupt
        When SIGINT came; what was complete is kept.
    UserError
        If the store of the study cannot be used.
    """
    draws = _Draws(finished)
    specs = [
        (spec, with_constants(spec, draws.constants(spec), spec.replication))
        for spec in finished.specs
    ]
    new = [repeated for spec, repeated in specs if repeated.identity != spec.identity]
    stated = finished.plan.matrix[0].context.catalog.nominal()
    drawn = sha256_of([each.model_dump() for each in finished.factors])
    record = finished.study_record("discrepancy", int(drawn, 16))
    with Store.start(directory / FOLDER, record) as store, kept(workers) as factory:
        runner = Runner(
            store,
            run_cell,
            lambda some: moved(stated, some),
            workers=factory,
            observer=observer,
        )
        measured = runner.measures(new)
    runs: dict[int, dict[int, Measures]] = {}
    for spec, repeated in specs:
        where = spec.cell_position, spec.replication
        if repeated.identity == spec.identity:
            runs.setdefault(where[0], {})[where[1]] = finished.runs[where[0]][where[1]]
        elif repeated.identity in measured:
            runs.setdefault(where[0], {})[where[1]] = measured[repeated.identity]
    left_out = [*finished.left_out]
    if runner.failed:
        left_out.append(f"{runner.failed} runs of the study failed, and comparisons leave them out")
    matrix = tuple(cell for cell in finished.record.cells if cell.scenario is None)
    campaign = replace(finished.record, cells=matrix)
    judged = environment_results(campaign, runs, finished.capacities).judged
    if any(each.measure == CAPACITY for each in judged):
        left_out.append("capacities were searched without the model's own misses")
    return Discrepancy(
        identity=finished.record.identity,
        model=finished.record.model,
        positions=tuple(sorted(finished.runs)),
        campaign_runs=len(finished.specs),
        runs=runner.made,
        factors=finished.factors,
        unexplained=finished.unexplained,
        judged=tuple(map(_judged, judged)),
        left_out=tuple(left_out),
    )


def _judged(result: EnvironmentResult) -> JudgedWithMisses:
    assert result.outcome is not None
    return JudgedWithMisses(
        **result.environment._asdict(),
        part=result.part,
        measure=result.measure,
        outcome=result.outcome,
        reason=result.reason,
        firmware=_ends(result.firmware),
        software=_ends(result.software),
        plausible=result.plausible,
    )


def _ends(overhead: Overhead | None) -> Ends | None:
    if overhead is None:
        return None
    interval = overhead.interval
    return Ends(
        virtualization=overhead.virtualization,
        estimate=interval.estimate,
        low=finite(interval.low),
        high=finite(interval.high),
    )
