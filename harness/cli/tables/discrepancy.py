"""Discrepancy factors in the terminal."""

from rich.console import Group, RenderableType

from harness.cli.format import number, span
from harness.cli.tables.table import notes, table
from harness.results.discrepancy import Discrepancy


def discrepancy_text(result: Discrepancy) -> RenderableType:
    """Show the factor of each mechanism, and how many published figures it comes from."""
    rows = (
        (
            each.mechanism,
            ", ".join(each.costs),
            span(each.low, each.high, number),
            str(len(each.misses)),
        )
        for each in result.factors
    )
    columns = ("mechanism", "costs", ">factor", ">figures missed")
    shown = table("How wrong the model's costs may be, by published figures", columns, rows)
    lines = [
        f"no cost of the model moves this missed figure: {each}" for each in result.unexplained
    ]
    return Group(shown, *notes([*lines, *(f"left out: {each}" for each in result.left_out)]))
