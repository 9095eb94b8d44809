"""All rows of the validation table, worked out by several processes."""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

from harness.validation import calibrated_figures as calibration
from harness.validation import invariants, schedules
from harness.validation import predicted_figures as prediction
from harness.validation import queueing_theory as theory
from harness.validation.row import Row

Part = tuple[str, int, bool]
"""A kind of work, its number, and whether it is to be quick."""

_SCHEDULES = (schedules.weight_rows, schedules.gap_rows)


def parts(quick: bool) -> list[Part]:
    """List all that has to be done, in the order of the table."""
    counts = {
        "queue": len(theory.QUEUES),
        "schedule": len(_SCHEDULES),
        "calibration": len(calibration.PARTS),
        "prediction": len(prediction.predictions()),
        "invariant": len(invariants.INVARIANTS),
    }
    return [(kind, index, quick) for kind, count in counts.items() for index in range(count)]


def work_out(part: Part) -> list[Row]:
    """Work out one part; the result depends on nothing but the part."""
    kind, index, quick = part
    if kind == "queue":
        return theory.queue_rows(theory.QUEUES[index], quick)
    if kind == "schedule":
        return _SCHEDULES[index](quick)
    if kind == "calibration":
        return calibration.PARTS[index]()
    if kind == "prediction":
        draws = prediction.QUICK_DRAWS if quick else prediction.DRAWS
        return [prediction.row_of(prediction.predictions()[index], draws)]
    return [invariants.row_of(invariants.INVARIANTS[index], quick)]


def validate(
    quick: bool, workers: int, progress: Callable[[int, int], object] = lambda done, total: None
) -> Iterator[Row]:
    """Work out all rows and give them in the order of the table.

    Parameters
    ----------
    quick
        Shorter runs with wider intervals.
    workers
        Processes at work; the rows are the same for any number.
    progress
        Told how many parts are done, of how many.
    """
    todo = parts(quick)
    progress(0, len(todo))
    with contextlib.ExitStack() as stack:
        results: Iterator[list[Row]]
        try:
            context = multiprocessing.get_context("spawn")
            results = stack.enter_context(ProcessPoolExecutor(workers, context)).map(work_out, todo)
        except OSError:
            # Its locks need /dev/shm, which some machines have not or let nobody write to.
            results = map(work_out, todo)
        for done, rows in enumerate(results, 1):
            progress(done, len(todo))
            yield from rows
