"""``vtax explain``: the causes of the overhead of one cell."""

from harness.cli.options import DirectoryArgument, JsonOption, OnlyOption
from harness.cli.output import Screen, print_json
from harness.cli.studies import open_store


def explain_cell(
    directory: DirectoryArgument,
    only: OnlyOption = [],  # noqa: B006 (typer reads it, nothing changes it)
    as_json: JsonOption = False,
) -> None:
    """Show the causes of the overhead of a cell.

    Events, the cost of each, waiting times, and every constant with its source.
    """
    from harness.analysis.breakdown.breakdown import explain
    from harness.campaign.selectors import chosen_cell
    from harness.cli.tables.breakdown import explanation_text

    with open_store(directory) as store:
        breakdown = explain(store, chosen_cell(store.campaign, only, store.measured()))
    if as_json:
        print_json(breakdown.to_json())
    else:
        Screen().print(explanation_text(breakdown))
