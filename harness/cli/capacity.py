"""``vtax capacity``: the highest load within a response-time limit, cell by cell."""

from typing import Annotated

import typer

from harness.campaign.schema.limits import REPLICATIONS
from harness.cli.options import (
    DirectoryArgument,
    OnlyOption,
    WorkersOption,
    cores,
)
from harness.cli.output import Screen
from harness.cli.studies import study_progress


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
    from harness.cli.tables.capacity import capacity_text
    from harness.studies.capacity.slo import limit_of
    from harness.studies.capacity.study import expected, finished_campaign, study

    wanted = limit_of(limit)
    workers = workers or cores()
    finished = finished_campaign(directory, wanted, replications, only)
    runs, seconds = expected(finished)
    kept = directory / "capacity"
    with study_progress(kept, len(finished.environments), runs, seconds, workers) as bar:
        result = study(finished, directory, wanted, workers=workers, observer=bar)
    Screen().print(capacity_text(result))
    print(result.write(directory))
    print(f"next: vtax report {directory}")
