"""All rows of the validation table, computed by several processes."""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from operator import call

from harness.validation import calibrated_figures as calibration
from harness.validation import invariants, predicted_figures, prediction, schedules
from harness.validation import queueing_theory as theory
from harness.validation.io_invariants import IO_INVARIANTS
from harness.validation.row import Row

Part = Callable[[], list[Row]]


def parts(quick: bool) -> list[Part]:
    """Return functions that compute the rows, in the order of the table; they can be pickled."""
    draws = prediction.QUICK_DRAWS if quick else prediction.DRAWS
    return [
        *(partial(theory.queue_rows, queue, quick) for queue in theory.QUEUES),
        partial(schedules.weight_rows, quick),
        schedules.gap_rows,
        *calibration.PARTS,
        *(
            partial(predicted_figures.rows_of, index, draws)
            for index in range(len(predicted_figures.predictions()))
        ),
        *(
            partial(invariants.rows_of, law, quick)
            for law in (*invariants.INVARIANTS, *IO_INVARIANTS)
        ),
    ]


def validate(
    quick: bool, workers: int, progress: Callable[[int, int], object] = lambda done, total: None
) -> Iterator[Row]:
    """Compute all rows; yield them in the order of the table.

    Parameters
    ----------
    quick
        Shorter runs with wider intervals.
    workers
        Number of processes; the rows do not depend on it.
    progress
        Called with the number of finished parts and that of all.
    """
    todo = parts(quick)
    progress(0, len(todo))
    with contextlib.ExitStack() as stack:
        results: Iterator[list[Row]]
        try:
            context = multiprocessing.get_context("spawn")
            results = stack.enter_context(ProcessPoolExecutor(workers, context)).map(call, todo)
        except OSError:
            # Its locks need /dev/shm, which is missing or read-only on some machines.
            results = map(call, todo)
        for done, rows in enumerate(results, 1):
            progress(done, len(todo))
            yield from rows
