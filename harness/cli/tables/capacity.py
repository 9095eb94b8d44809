"""Capacities in the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.studies.capacity.result import Bounds, Capacities, CellCapacity


def capacity_text(found: Capacities) -> RenderableType:
    """Show what each cell bears, and what of the baseline's capacity that is."""
    table = Table(
        title=f"The highest load at which {found.quantile} of the response time stays within its "
        "limit",
        title_justify="left",
    )
    for name in ("environment", "limit", "virtualization", "transactions/s", "of the baseline's"):
        table.add_column(name, overflow="fold")
    for each in found.environments:
        environment = each.environment.title
        limit = f"{each.limit_seconds * 1e3:.3g} ms"
        for one in each.capacities:
            table.add_row(
                Text(environment), Text(limit), Text(one.virtualization), _rate(one), _ratio(one)
            )
            environment = limit = ""
    notes = [Text(f"note: left out: {each}") for each in found.left_out]
    return Group(table, *notes)


def _rate(one: CellCapacity) -> Text:
    if one.per_second is None:
        return Text("less than the smallest load tried")
    return Text(("at least " if one.at_least else "") + _bounded(one.per_second, ".4g"))


def _ratio(one: CellCapacity) -> Text:
    return Text("" if one.of_baseline is None else _bounded(one.of_baseline, ".3g"))


def _bounded(bounds: Bounds, style: str) -> str:
    low = "?" if bounds.low is None else f"{bounds.low:{style}}"
    high = "?" if bounds.high is None else f"{bounds.high:{style}}"
    return f"{bounds.estimate:{style}} ({low} to {high})"
