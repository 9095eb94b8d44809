"""How the command line shows two campaigns side by side."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.analysis.comparison import Change, Comparison, Direction
from harness.analysis.overhead import percent
from harness.analysis.snapshot import OverheadRecord

_STYLES = {
    Direction.WORSE: "bold red",
    Direction.BETTER: "bold green",
    Direction.UNKNOWN: "",
    Direction.SAME: "",
}
_WORDS = {
    Direction.WORSE: "worse",
    Direction.BETTER: "better",
    Direction.UNKNOWN: "cannot be told",
    Direction.SAME: "same",
}
_MOST = 12
"""Rows of a kind that are shown; a page has all of them."""


def changes_text(comparison: Comparison) -> RenderableType:
    """Show what changed, the worst first, and what differs between the campaigns."""
    counts = {each: comparison.count(each) for each in Direction}
    lines = [
        Text(
            f"{comparison.first.name} ({comparison.first.outcome or 'no claim'}) -> "
            f"{comparison.second.name} ({comparison.second.outcome or 'no claim'})"
        ),
        Text.assemble(
            (comparison.summary, _STYLES[comparison.direction] or "bold"),
            ": ",
            Text(", ").join(
                Text(f"{counts[each]} {_WORDS[each]}", style=_STYLES[each]) for each in Direction
            ),
        ),
    ]
    parts: list[RenderableType] = list(lines)
    for direction in (Direction.WORSE, Direction.BETTER):
        parts += _overheads(comparison, direction)
    for outcome in comparison.outcomes:
        if outcome.direction is not Direction.SAME:
            where = f"{outcome.environment.title}, {outcome.measure}"
            text = f"claim, {where}: {outcome.first} -> {outcome.second}"
            parts.append(Text(text, style=_STYLES[outcome.direction]))
    for check in comparison.checks:
        if check.direction is not Direction.SAME:
            text = f"scenario {check.scenario}, {check.name.get('en', '')}: now "
            text += "passed" if check.second else "not passed"
            parts.append(Text(text, style=_STYLES[check.direction]))
    if comparison.settings or comparison.constants:
        table = Table(title="what differs between the campaigns")
        for name in ("setting or constant", "first", "second"):
            table.add_column(name, overflow="fold")
        for each in (*comparison.settings, *comparison.constants):
            table.add_row(Text(each.name), Text(each.first or "-"), Text(each.second or "-"))
        parts.append(table)
    for title, only in (("first", comparison.only_first), ("second", comparison.only_second)):
        if only:
            more = f" and {len(only) - _MOST} more" if len(only) > _MOST else ""
            parts.append(Text(f"note: only in the {title}: {'; '.join(only[:_MOST])}{more}"))
    return Group(*parts)


def _overheads(comparison: Comparison, direction: Direction) -> list[RenderableType]:
    found = [each for each in comparison.changes if each.direction is direction]
    if not found:
        return []
    found.sort(key=lambda each: -abs(each.interval.estimate))
    table = Table(title=Text(f"overheads that became {_WORDS[direction]}"))
    for name in ("environment", "virtualization", "measure", "first", "second", "change"):
        table.add_column(name, overflow="fold")
    for each in found[:_MOST]:
        table.add_row(
            Text(each.first.environment.title),
            Text(each.first.virtualization),
            Text(each.first.measure),
            Text(_measured(each.first)),
            Text(_measured(each.second)),
            Text(_change(each), style=_STYLES[direction]),
        )
    if len(found) > _MOST:
        return [table, Text(f"and {len(found) - _MOST} more; --json lists all")]
    return [table]


def _measured(measured: OverheadRecord) -> str:
    if measured.low is None or measured.high is None:
        return percent(measured.estimate)
    return f"{percent(measured.estimate)} ({percent(measured.low)} to {percent(measured.high)})"


def _change(change: Change) -> str:
    interval = change.interval
    sign = "+" if interval.estimate > 0 else ""
    return (
        f"{sign}{percent(interval.estimate)} ({percent(interval.low)} to {percent(interval.high)})"
    )
