"""``vtax explain``: how the overhead of one cell comes about."""

import json
from typing import Annotated

import typer
from rich.console import Console

from harness.commands.options import DirectoryArgument, warn_damaged


def explain_cell(
    directory: DirectoryArgument,
    cell: Annotated[
        list[str],
        typer.Option(
            metavar="FACTOR=VALUE",
            help="The cell with this value; again for further factors, or a cell's title.",
        ),
    ] = [],  # noqa: B006 (typer reads it, nothing changes it)
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show how the overhead of a cell comes about.

    The events, the cost of each, the waiting times, and every constant with its source.
    """
    from harness.campaign.choosing import chosen_cell
    from harness.campaign.store import Store
    from harness.display_explanation import explanation_text
    from harness.explanation.explanation import explain

    with Store.open(directory) as store:
        found = explain(store, chosen_cell(store.campaign, cell))
        warn_damaged(store.damaged)
    if as_json:
        print(json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        Console().print(explanation_text(found))
