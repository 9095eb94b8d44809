"""``vtax sensitivity``: which constants drive the overheads, and what would flip the verdict."""

from typing import Annotated

import typer

from harness.cli.options import (
    DirectoryArgument,
    OnlyOption,
    WorkersOption,
    cores,
)
from harness.cli.output import Screen
from harness.cli.studies import study_progress


def study_sensitivity(
    directory: DirectoryArgument,
    workers: WorkersOption = None,
    only: OnlyOption = [],  # noqa: B006
    per_constant: Annotated[
        bool,
        typer.Option("--per-constant", help="Find the break-even of every cost (slow)."),
    ] = False,
) -> None:
    """Find which constants drive each overhead.

    The study also finds the factor of the costs at which a verdict changes.

    DIR holds a finished campaign with a claim. The runs of the study are kept in DIR/sensitivity;
    after an interruption the same command continues. The result is DIR/sensitivity.json; 'vtax
    report DIR' shows it.
    """
    from harness.cli.tables.sensitivity import sensitivity_text
    from harness.studies.sensitivity.campaign import finished_campaign
    from harness.studies.sensitivity.study import expected, study

    workers = workers or cores()
    finished = finished_campaign(directory, only)
    runs, seconds = expected(finished, each=per_constant)
    kept = directory / "sensitivity"
    with study_progress(kept, len(finished.environments), runs, seconds, workers) as bar:
        result = study(finished, directory, workers=workers, each=per_constant, observer=bar)
    Screen().print(sensitivity_text(result))
    print(result.write(directory))
    print(f"next: vtax report {directory}")
