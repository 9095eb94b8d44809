"""Preparation of a machine for a campaign: its targets, costs of events, predictions."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.campaign.plan import Plan
from harness.errors import UserError
from harness.real.calibration.costs import read_costs
from harness.real.calibration.file import calibrate
from harness.real.campaign.partition import ROUNDS
from harness.real.campaign.workload_predictor import WorkloadPredictor
from harness.real.microbenchmarks import EVENTS
from harness.real.programs.shipped import PROGRAM_BY_NAME
from harness.real.target.cgroup import UnavailableError
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.pool import TargetPool
from harness.results.record import NATIVE
from harness.results.store import Store

COSTS = "machine.toml"
"""Name of the file of costs, in the directory of the campaign's results."""

MINIMUM_BLOCKS, MAXIMUM_BLOCKS, BATCH_SECONDS, MAXIMUM_SECONDS = 4, 8, 0.04, 90.0
"""Limits of the calibration in a campaign. They are lower than those of ``vtax calibrate``, because
a campaign also measures the programs themselves."""

Show = Callable[[str], None]
"""Function that shows in a few words what is being done."""


def programs_of(plan: Plan) -> dict[str, str]:
    """Return the program of each workload that runs one of the shipped programs."""
    named = {
        cell.workload: str(group.demand.get("program", ""))
        for cell in plan.cells
        for group in cell.groups
    }
    return {workload: name for workload, name in named.items() if name in PROGRAM_BY_NAME}


def prepare_machine(
    plan: Plan, store: Store, pool: TargetPool, missing: Mapping[str, str], show: Show
) -> None:
    """Find the targets that work, the costs of events in them and predictions; store all.

    Parameters
    ----------
    plan, store
        The campaign and its results.
    pool
        Starts the targets.
    missing
        Reason why a program is unavailable, by its name.

    Raises
    ------
    UserError
        If the native target cannot be measured, or a file cannot be written.
    """
    unavailable: dict[str, str] = {}
    for name in dict.fromkeys((NATIVE, *(cell.virtualization for cell in plan.cells))):
        show(f"starting {name}")
        unavailable.update(pool.probe([name]))
    if NATIVE in unavailable:
        raise UserError(f"{NATIVE}: {unavailable[NATIVE]}")
    costs, rounds_per_second = calibrated(plan.seed, store.directory, pool, unavailable, show)
    expected = predicted(plan, store.directory, pool, rounds_per_second, show)
    programs = programs_of(plan)
    cells = tuple(
        replace(
            cell,
            infeasible=unavailable.get(cell.virtualization)
            or missing.get(programs.get(cell.workload, "")),
        )
        for cell in store.campaign.cells
    )
    real: dict[str, Any] = {
        "machine": costs["calibration"]["machine"],
        "targets": costs["targets"],
        "rounds_per_second": rounds_per_second,
        **expected,
    }
    # Samples in Prometheus start at the time of measurement, not at that of simulated time.
    starts = str(real["machine"]["measured_at"])
    store.amend(replace(store.campaign, cells=cells, real=real, starts=starts))


def calibrated(
    seed: int, directory: Path, pool: TargetPool, unavailable: Mapping[str, str], show: Show
) -> tuple[dict[str, Any], float]:
    """Calibrate all running targets, and write their costs to a file.

    Returns
    -------
    tuple
        Content of the file, and rounds of computing per second natively.
    """
    show(f"calibrating: {len(EVENTS)} events in {len(pool.up)} targets")
    calibration, costs = calibrate(
        pool.up,
        unavailable,
        directory / COSTS,
        lambda text: show(f"calibrating: {text}"),
        seed=seed,
        minimum=MINIMUM_BLOCKS,
        maximum=MAXIMUM_BLOCKS,
        batch_seconds=BATCH_SECONDS,
        maximum_seconds=MAXIMUM_SECONDS,
    )
    for name, reason in calibration.failures.items():
        pool.lost(name, reason)
    computing = calibration.estimate(NATIVE, "compute")
    if computing is None or computing.processor_seconds.low <= 0.0:
        raise UserError(f"{NATIVE}: the cost of computing is within noise")
    return costs, ROUNDS / computing.processor_seconds.estimate


def predicted(
    plan: Plan, directory: Path, pool: TargetPool, rounds_per_second: float, show: Show
) -> dict[str, Any]:
    """Predict every work of a plan, in the form of the store.

    Returns
    -------
    dict
        ``predictions``; ``unpredicted``, the reason of each workload without one; ``outputs``, size
        and digest of each program's native output.
    """
    try:
        costs = read_costs(directory / COSTS)
    except UserError as reason:  # no cost is above noise
        names = dict.fromkeys(cell.workload for cell in plan.cells)
        unknown = dict.fromkeys(names, str(reason))
        return {"predictions": [], "unpredicted": unknown, "outputs": {}}
    predictor = WorkloadPredictor(costs, rounds_per_second, pool.scratch(), directory, show)
    found: list[dict[str, Any]] = []
    unpredicted: dict[str, str] = {}
    for spec in plan.runs(0, 1):
        if spec.cell.virtualization != NATIVE:
            continue
        try:
            rows = list(predictor.predictions(spec, pool.running(NATIVE).target))
            if not rows:
                unpredicted[spec.cell.workload] = "not all of what it does was calibrated"
            found.extend(rows)
        except TargetError as failure:
            pool.lost(NATIVE, str(failure))
            unpredicted[spec.cell.workload] = str(failure)
        except (RefusalError, UserError, UnavailableError) as reason:
            unpredicted[spec.cell.workload] = str(reason)
    outputs = {name: list(output) for name, output in predictor.outputs.items()}
    return {"predictions": found, "unpredicted": unpredicted, "outputs": outputs}
