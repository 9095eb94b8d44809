"""``vtax capacity``: the highest load within a response-time limit, cell by cell."""

import sys
from typing import Annotated

import typer

from harness.campaign.schema.limits import REPLICATIONS
from harness.cli.options import (
    INTERRUPTED,
    DirectoryArgument,
    OnlyOption,
    WorkersOption,
    cores,
)
from harness.cli.output import Screen


def search_capacity(
    directory: DirectoryArgument,
    limit: Annotated[
        str,
        typer.Option(
            metavar="LIMIT",
            help="A quantile of the response time and what it must not exceed: a multiple of the "
            "baseline's at the campaign's load ('p95 2 x'), or a time ('p99 20 ms').",
        ),
    ] = "p95 2 x",
    replications: Annotated[
        int,
        typer.Option(
            min=REPLICATIONS.least,
            max=REPLICATIONS.most,
            help="In how many replications each cell is searched.",
        ),
    ] = 5,
    workers: WorkersOption = None,
    only: OnlyOption = [],  # noqa: B006
) -> None:
    """Find the highest load that each cell sustains.

    A load is sustained while the response time stays within a limit.

    The runs are kept in DIR/capacity; interrupted, the same command goes on from there. The result
    is DIR/capacity.json, which 'vtax report DIR' shows.
    """
    from harness.cli.tables.campaign import ProgressBar, duration
    from harness.cli.tables.capacity import capacity_text
    from harness.studies.capacity.result import write
    from harness.studies.capacity.slo import limit_of
    from harness.studies.capacity.study import expected, ground, study

    wanted = limit_of(limit)
    workers = workers or cores()
    start = ground(directory, wanted, replications, only)
    runs, seconds = expected(start)
    print(
        f"vtax: {len(start.environments)} environments: about {runs} runs, expected to take about "
        f"{duration(seconds / workers)} with {workers} workers",
        file=sys.stderr,
    )
    try:
        with ProgressBar(Screen(stderr=True), workers) as bar:
            found = study(start, directory, wanted, workers=workers, observer=bar)
    except KeyboardInterrupt:
        print(
            f"vtax: interrupted; what was run is kept in {directory / 'capacity'}, and the same "
            "command goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED) from None
    path = write(found, directory)
    Screen().print(capacity_text(found))
    print(path)
    print(f"next: vtax report {directory}")
