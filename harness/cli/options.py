"""Arguments, options and exit codes that several commands have in common."""

import os
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign.schema.limits import REPLICATIONS, SEED, WORKERS

CONFIRMED, REFUTED, ERROR, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes."""

CampaignArgument = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="A shipped name (smoke, carrier...) or a file.")
]
DirectoryArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The results of a campaign.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=WORKERS.least,
        max=WORKERS.most,
        help="Processes; by default one for each core.",
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(min=SEED.least, max=SEED.most, help="Replaces the one of the file.")
]
ReplicationsOption = Annotated[
    int | None,
    typer.Option(min=REPLICATIONS.least, max=REPLICATIONS.most, help="Replace those of the file."),
]
OnlyOption = Annotated[
    list[str],
    typer.Option(metavar="FACTOR=VALUE", help="Only cells with this value; can be repeated."),
]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))
