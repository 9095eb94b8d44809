"""Sensitivity study of a finished campaign."""

from functools import partial
from pathlib import Path

from harness.campaign.run_time import expected_seconds
from harness.execution.execute import Observer, kept
from harness.results.store import Store
from harness.studies.runner import Runner, moved, run_noting
from harness.studies.sensitivity.bisection import LIMIT
from harness.studies.sensitivity.break_even import study_break_evens
from harness.studies.sensitivity.campaign import SensitivityCampaign
from harness.studies.sensitivity.main_effects import HIGH, LOW, SHORTER, study_drivers
from harness.studies.sensitivity.result import Sensitivity

FOLDER = "sensitivity"
"""Where the runs are kept, below the campaign's directory."""

_POINTS = 64
"""Points of a typical design of an environment."""

_TRIALS = 4
"""Trials of a typical search."""


def expected(finished: SensitivityCampaign, *, each: bool) -> tuple[int, float]:
    """Estimate the number of runs of a study, and their processor time in seconds."""
    runs, seconds = 0.0, 0.0
    for environment in finished.environments:
        catalog = environment.entries[environment.baseline].context.catalog
        for name, entry in environment.entries.items():
            assert entry.cell is not None
            points = (_POINTS + 1) / SHORTER if name == environment.baseline else 0.0
            members = environment.firmware if name in environment.firmware else environment.software
            if name != environment.baseline:
                points = (_POINTS / len(members) + 1) / SHORTER
                level = "firmware" if name in environment.firmware else "software"
                # Of the costs of a level a workload reads about a third.
                singles = len(catalog.costs(level)) // 3 if each else int(level == "firmware")
                points += _TRIALS * finished.replications * (1 + singles)
            runs += points
            seconds += points * expected_seconds(entry.cell)
    return round(runs), seconds


def study(
    finished: SensitivityCampaign,
    directory: Path,
    *,
    workers: int,
    each: bool = False,
    observer: Observer | None = None,
) -> Sensitivity:
    """Carry out the missing runs of a study and conclude from them.

    Parameters
    ----------
    directory
        The campaign's; the runs are kept in :data:`FOLDER` below it, and taken from there.
    each
        Search the break-even of every single cost, not only of the one with the largest effect.

    Raises
    ------
    KeyboardInterrupt
        When SIGINT came; what was complete is kept.
    UserError
        If the store of the study cannot be used.
    """
    record = finished.study_record("sensitivity", finished.replications)
    with Store.start(directory / FOLDER, record) as store, kept(workers) as factory:
        runner = Runner(
            store,
            run_noting,
            partial(
                moved,
                next(iter(finished.environments[0].entries.values())).context.catalog.nominal(),
            ),
            workers=factory,
            observer=observer,
        )
        driven, reads = study_drivers(finished, runner)
        break_even = study_break_evens(finished, runner, reads, each=each)
    left_out = list(finished.left_out)
    if runner.failed:
        left_out.append(f"{runner.failed} runs of the study failed; comparisons leave them out")
    return Sensitivity(
        identity=finished.record.identity,
        model=finished.record.model,
        alpha=finished.record.alpha,
        margin=finished.record.margin,
        quantiles=(LOW, HIGH),
        replications=finished.replications,
        limit=LIMIT,
        runs=runner.made,
        driven=tuple(driven),
        break_even=tuple(break_even),
        left_out=tuple(left_out),
    )
