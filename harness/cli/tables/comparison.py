"""The comparison of two campaigns in the terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from harness.analysis.comparison import Comparison, Direction
from harness.analysis.measured_values import shown_first
from harness.cli.format import interval, number, percent
from harness.cli.tables.table import block, notes, table

_STYLES = {
    Direction.WORSE: "bold red",
    Direction.BETTER: "bold green",
    Direction.UNKNOWN: "",
    Direction.SAME: "",
}
_WORDS = {
    Direction.WORSE: "became worse",
    Direction.BETTER: "became better",
    Direction.UNKNOWN: "show no change",
    Direction.SAME: "are unchanged",
}
_MOST = 12
"""Rows of a direction that are shown."""


def changes_text(comparison: Comparison) -> RenderableType:
    """Show what changed, the worst first, and what differs between the campaigns."""
    counts = {each: comparison.count(each) for each in Direction}
    parts: list[RenderableType] = [
        Text(
            f"{comparison.first.name} ({comparison.first.outcome or 'no claim'}) -> "
            f"{comparison.second.name} ({comparison.second.outcome or 'no claim'})"
        ),
        Text.assemble(
            (comparison.summary, _STYLES[comparison.direction] or "bold"),
            f": of {sum(counts.values())} overheads, outcomes and checks ",
            Text(", ").join(
                Text(f"{counts[each]} {_WORDS[each]}", style=_STYLES[each]) for each in Direction
            ),
            ".",
        ),
    ]
    if comparison.measured:
        parts[1:] = [Text(comparison.summary, style="bold"), *_measured(comparison)]
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
            text += "met" if check.second else "not met"
            parts.append(Text(text, style=_STYLES[check.direction]))
    differences = [
        (each.name, each.first or "-", each.second or "-")
        for each in (*comparison.settings, *comparison.constants)
    ]
    if differences:
        columns = ("setting or constant", "first", "second")
        parts.append(table("What differs between the campaigns", columns, differences))
    for title, only in (("first", comparison.only_first), ("second", comparison.only_second)):
        if only:
            more = f" and {len(only) - _MOST} more" if len(only) > _MOST else ""
            parts += notes([f"only in the {title}: {'; '.join(only[:_MOST])}{more}"])
    return Group(*parts)


def _measured(comparison: Comparison) -> list[RenderableType]:
    """Show the values of two imports, those first that differ."""
    rows = [
        (
            each.first.partition,
            each.first.name,
            number(each.first.mean),
            number(each.second.mean),
            "" if each.low is None or each.high is None else f"{each.low:.4g} to {each.high:.4g}",
            each.direction,
        )
        for each in shown_first(comparison.measured)
    ]
    columns = ("partition", "value", ">first", ">second", "difference", "second is")
    return [
        table("Measured values", columns, rows, names=("value",)),
        *notes(
            [
                "the systems' own counters; the work that they did is not known, so that higher is "
                "neither better nor worse"
            ]
        ),
    ]


def _overheads(comparison: Comparison, direction: Direction) -> list[RenderableType]:
    changes = [each for each in comparison.changes if each.direction is direction]
    if not changes:
        return []
    changes.sort(key=lambda each: -abs(each.interval.estimate))
    shown: list[RenderableType] = [Text(f"Overheads that became {direction}:", "bold")]
    for each in changes[:_MOST]:
        change = f"{'+' if each.interval.estimate > 0 else ''}{interval(each.interval, percent)}"
        head = f"{each.first.environment.title}, {each.first.virtualization}, {each.first.measure}"
        values = f"{interval(each.first, percent)} -> {interval(each.second, percent)}"
        shown.append(block(Text(head), values, Text(f"change {change}", _STYLES[direction])))
    if len(changes) > _MOST:
        shown.append(Text(f"and {len(changes) - _MOST} more; --json lists all"))
    return shown
