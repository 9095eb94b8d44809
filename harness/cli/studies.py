"""Progress of the commands that carry out further runs: ``vtax sensitivity``, ``vtax capacity``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli.options import INTERRUPTED
from harness.cli.output import Screen

if TYPE_CHECKING:
    from harness.cli.tables.campaign import ProgressBar


@contextmanager
def study_progress(
    kept: Path, environments: int, runs: int, seconds: float, workers: int
) -> Iterator["ProgressBar"]:
    """Announce the runs of a study and show their progress.

    Parameters
    ----------
    kept
        The directory that keeps the runs; an interruption names it.
    environments, runs
        How many there are.
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

    print(
        f"vtax: {environments} environment{'s' * (environments != 1)}: about {runs} runs, expected "
        f"to take about {duration(seconds / workers)} with {workers} workers",
        file=sys.stderr,
    )
    try:
        with ProgressBar(Screen(stderr=True), workers) as bar:
            yield bar
    except KeyboardInterrupt:
        print(
            f"vtax: interrupted; what was run is kept in {kept}, and the same command goes on from "
            "there",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED) from None
