"""``vtax capacity``: the highest load within a response-time limit, cell by cell."""

from typing import Annotated

import typer

from harness.campaign.schema.limits import REPLICATIONS
from harness.cli.options import (
    DirectoryArgument,
    OnlyOption,
    WorkersOption,
    cores,
    within,
)
from harness.cli.output import Screen
from harness.cli.studies import study_progress


def search_capacity(
    directory: DirectoryArgument,
    limit: Annotated[
        str,
        typer.Option(
            metavar="LIMIT",
            help="Response-time limit: 'p95 2 x' or 'p99 20 ms'.",
        ),
    ] = "p95 2 x",
    replications: Annotated[
        int, within(REPLICATIONS, "Replications of the search of each cell.")
    ] = 5,
    workers: WorkersOption = None,
    only: OnlyOption = [],  # noqa: B006
) -> None:
    """Find the highest load that each cell sustains.

    A load is sustained while a quantile of the response time stays within a limit. The limit is a
    multiple of the baseline's quantile at the load of the campaign ('p95 2 x'), or a time ('p99
    20 ms').

    The runs are kept in DIR/capacity; after an interruption the same command continues. The result
    is DIR/capacity.json; 'vtax report DIR' shows it.
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
