"""Access to the results of a campaign, and progress of further runs around them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli.options import INTERRUPTED
from harness.cli.output import Screen, print_message

if TYPE_CHECKING:
    from harness.cli.tables.campaign import ProgressBar
    from harness.results.store import Store


@contextmanager
def open_store(directory: Path) -> Iterator["Store"]:
    """Open a store; at the end warn in one line of its parts that could not be read.

    Raises
    ------
    UserError
        If there is no readable store.
    """
    from harness.results.store import Store

    with Store.open(directory) as store:
        yield store
        if store.damaged:
            print_message(
                f"the store is damaged: {len(store.damaged)} parts could not be read and were left "
                f"out, the first is {store.damaged[0]}"
            )


@contextmanager
def study_progress(
    kept: Path, environments: int, runs: int, seconds: float, workers: int
) -> Iterator["ProgressBar"]:
    """Announce the runs of a study and show their progress.

    Parameters
    ----------
    kept
        The directory that keeps the runs.
    environments, runs
        Their numbers.
    seconds
        Time that the runs take with one worker.
    workers
        Number of processes.

    Raises
    ------
    typer.Exit
        At an interruption, with its exit code.
    """
    from harness.cli.format import duration
    from harness.cli.tables.campaign import ProgressBar

    print_message(
        f"{environments} environment{'s' * (environments != 1)}: about {runs} runs, expected "
        f"to take about {duration(seconds / workers)} with {workers} workers"
    )
    try:
        with ProgressBar(Screen(stderr=True), workers) as bar:
            yield bar
    except KeyboardInterrupt:
        print_message(
            f"interrupted; finished runs are kept in {kept}; the same command continues from there"
        )
        raise typer.Exit(INTERRUPTED) from None
