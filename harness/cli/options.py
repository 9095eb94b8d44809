"""What several commands have in common: arguments, options, exit codes, how an error is told."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from harness.campaign.schema.limits import REPLICATIONS, SEED, WORKERS
from harness.printable import one_line

CONFIRMED, REFUTED, ERROR, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes."""

CampaignArgument = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="A shipped name (smoke, carrier...) or a file.")
]
DirectoryArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The directory of a campaign's results.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=WORKERS.least,
        max=WORKERS.most,
        help="Processes at work; by default one for each core.",
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(min=SEED.least, max=SEED.most, help="Instead of the file's.")
]
ReplicationsOption = Annotated[
    int | None,
    typer.Option(min=REPLICATIONS.least, max=REPLICATIONS.most, help="Instead of the file's."),
]
OnlyOption = Annotated[
    list[str],
    typer.Option(metavar="FACTOR=VALUE", help="Only cells with this value; may be given again."),
]


def fail(message: str) -> NoReturn:
    """Tell what is wrong in one line and end with exit code 2."""
    print(f"vtax: {one_line(message)}", file=sys.stderr)
    raise typer.Exit(ERROR)


def warn_damaged(damaged: list[str] | tuple[str, ...]) -> None:
    """Tell in one line what of a store could not be read, if anything."""
    if damaged:
        print(
            f"vtax: the store is damaged: {len(damaged)} parts could not be read and were left "
            f"out, the first is {damaged[0]}",
            file=sys.stderr,
        )


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))
