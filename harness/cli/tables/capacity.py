"""Capacities in the terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from harness.cli.format import amount, interval
from harness.cli.tables.table import notes, table
from harness.results.capacities import Capacities, CellCapacity


def capacity_text(result: Capacities) -> RenderableType:
    """Show the capacity of each cell, and its ratio to that of the baseline."""
    title = (
        f"The highest load at which {result.quantile} of the response time stays within its limit"
    )
    parts: list[RenderableType] = [Text(title, "bold")]
    for each in result.environments:
        rows = (
            (
                one.virtualization,
                _rate(one),
                "" if one.of_baseline is None else interval(one.of_baseline),
            )
            for one in each.capacities
        )
        limit = amount(each.limit_seconds, "s")
        columns = ("virtualization", "transactions/s", "of the baseline's")
        parts.append(table(f"{each.environment.title}, limit {limit}", columns, rows))
    left_out = (f"left out: {each}" for each in result.left_out)
    return Group(*parts, *notes(left_out))


def _rate(one: CellCapacity) -> str:
    if one.per_second is None:
        return "less than the smallest load tried"
    return ("at least " if one.at_least else "") + interval(one.per_second)
