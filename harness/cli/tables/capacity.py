"""Capacities in the terminal."""

from rich.console import Group, RenderableType

from harness.cli.format import amount, interval
from harness.cli.tables.table import notes, table
from harness.studies.capacity.result import Capacities, CellCapacity


def capacity_text(result: Capacities) -> RenderableType:
    """Show the capacity of each cell, and its ratio to that of the baseline."""
    title = (
        f"The highest load at which {result.quantile} of the response time stays within its limit"
    )
    columns = ("environment", "limit", "virtualization", "transactions/s", "of the baseline's")
    rows = [
        (
            "" if number else each.environment.title,
            "" if number else amount(each.limit_seconds, "s"),
            one.virtualization,
            _rate(one),
            "" if one.of_baseline is None else interval(one.of_baseline),
        )
        for each in result.environments
        for number, one in enumerate(each.capacities)
    ]
    left_out = (f"left out: {each}" for each in result.left_out)
    return Group(table(title, columns, rows), *notes(left_out))


def _rate(one: CellCapacity) -> str:
    if one.per_second is None:
        return "less than the smallest load tried"
    return ("at least " if one.at_least else "") + interval(one.per_second)
