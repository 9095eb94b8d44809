"""Arguments, options and exit codes that several commands have in common."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.campaign.schema.limits import REPLICATIONS, SEED, WORKERS, WholeRange

CONFIRMED, REFUTED, ERROR, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes."""


def within(limits: WholeRange, help_: str) -> Any:
    """Return an option with a whole number within limits."""
    return typer.Option(min=limits.least, max=limits.most, help=help_)


CampaignArgument = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="A shipped name (smoke, carrier...) or a file.")
]
DirectoryArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The results of a campaign.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WorkersOption = Annotated[int | None, within(WORKERS, "Processes; by default one for each core.")]
SeedOption = Annotated[int | None, within(SEED, "Replaces the one of the file.")]
ReplicationsOption = Annotated[int | None, within(REPLICATIONS, "Replace those of the file.")]
OnlyOption = Annotated[
    list[str],
    typer.Option(metavar="FACTOR=VALUE", help="Only cells with this value; can be repeated."),
]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))
