"""``vtax explain``: how the overhead of one cell comes about."""

from typing import Annotated

import typer

from harness.cli.options import DirectoryArgument, OnlyOption, warn_damaged
from harness.cli.output import Screen, print_json


def explain_cell(
    directory: DirectoryArgument,
    only: OnlyOption = [],  # noqa: B006 (typer reads it, nothing changes it)
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show how the overhead of a cell comes about.

    The events, the cost of each, the waiting times, and every constant with its source.
    """
    from harness.analysis.breakdown.breakdown import explain
    from harness.campaign.selectors import chosen_cell
    from harness.cli.tables.breakdown import explanation_text
    from harness.results.store import Store

    with Store.open(directory) as store:
        found = explain(store, chosen_cell(store.campaign, only))
        warn_damaged(store.damaged)
    if as_json:
        print_json(found.to_json())
    else:
        Screen().print(explanation_text(found))
