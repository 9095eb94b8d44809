"""The breakdown of a cell in the terminal: the sums of the tables can be checked by hand."""

import math
from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.analysis.breakdown.accounts import WAITS
from harness.analysis.breakdown.breakdown import AccountLine, ConstantLine, EventLine, Explanation
from harness.catalog.constant import Status
from harness.cli.format import amount, interval, number, percent
from harness.cli.format import microseconds as _us
from harness.cli.tables.catalog import STATUS_TEXTS
from harness.cli.tables.table import add_row, block, notes, table

_MEASURES = {"slowdown": "slowdown", "processor-time": "processor time per transaction"}


def explanation_text(breakdown: Explanation) -> RenderableType:
    """Show an explanation; all times are microseconds for one transaction."""
    parts: list[RenderableType] = [*map(Text, _head(breakdown)), Text("")]
    parts += [_accounts(breakdown), _events(breakdown), _waits(breakdown), _constants(breakdown)]
    return Group(*parts, *notes(breakdown.notes))


def _head(breakdown: Explanation) -> list[str]:
    count = len(breakdown.replications)
    runs = f"{count} replications" if count > 1 else "1 replication"
    lines = [breakdown.cell.title]
    if breakdown.monitor:
        lines.append(f"monitor: {breakdown.monitor}")
    if breakdown.baseline is not None:
        lines.append(f"baseline: {breakdown.baseline.title}")
    for name, each in breakdown.overheads.items():
        overhead, level = interval(each.interval, percent), percent(each.interval.level)
        lines.append(f"overhead in {_MEASURES[name]}: {overhead}, {level} interval")
    lines.append(
        f"means over {runs}, with {breakdown.transactions:,.0f} transactions in each on average; "
        "times in microseconds per transaction"
    )
    return lines


def _accounts(breakdown: Explanation) -> Table:
    extra = (
        None
        if breakdown.baseline_seconds is None
        else breakdown.seconds - breakdown.baseline_seconds
    )
    columns = ["cause", ">here"]
    if extra is not None:
        columns += [">baseline", ">difference", ">share of extra"]
    shown = table("Processor time by cause, from the ledger", columns)
    for line in breakdown.accounts:
        row = [line.cause, _us(line.seconds)]
        if extra is not None and line.difference is not None:
            share = f"{100 * line.difference / extra + 0.0:.1f} %" if extra > 0 else "-"
            row += [_us(line.baseline_seconds or 0.0), _us(line.difference, sign=True), share]
        add_row(shown, *row)
    row = ["all", _us(breakdown.seconds)]
    if extra is not None:
        row += [_us(breakdown.baseline_seconds or 0.0), _us(extra, sign=True), ""]
    add_row(shown, *row, style="bold")
    return shown


def _events(breakdown: Explanation) -> Table:
    columns = ["event [constants]", ">number", ">each", ">product"]
    if breakdown.baseline is not None:
        columns += [">baseline", ">product"]
    shown = table("Events x cost of each, and the time in the ledger", columns)
    numbers = {each.name: mark for mark, each in enumerate(breakdown.constants, 1)}
    for account in breakdown.accounts:
        if account.events:
            add_row(shown, Text(account.cause, "bold"))
            for line in account.events:
                add_row(shown, *_event(line, numbers))
            sums = _sums(account)
            for name, seconds in sums.items():
                last = name == next(reversed(sums))
                add_row(shown, f"  {name}", "", "", seconds, style="dim", end_section=last)
    return shown


def _event(line: EventLine, numbers: Mapping[str, int]) -> list[Text | str]:
    marks = ", ".join(str(numbers[name]) for name in line.constants if name in numbers)
    row: list[Text | str] = [
        Text.assemble(f"  {line.event} ", (f"[{marks}]", "dim")),
        number(line.count),
        _us(line.each_seconds),
        _us(line.seconds),
    ]
    if line.baseline_count is not None:
        row += [number(line.baseline_count), _us(line.baseline_seconds or 0.0)]
    return row


def _sums(account: AccountLine) -> dict[str, str]:
    return {
        "sum of the products": _us(math.fsum(line.seconds for line in account.events)),
        "in the ledger": _us(account.seconds),
        "unexplained": _us(account.unexplained, sign=True),
    }


def _waits(breakdown: Explanation) -> Table:
    columns = ["part", ">here"]
    baseline = breakdown.baseline_response_seconds
    if baseline is not None:
        columns += [">baseline", ">difference"]
    shown = table("Response time = work + waits", columns)
    for line in breakdown.waits:
        row = [WAITS[line.name], _us(line.seconds)]
        if line.baseline_seconds is not None:
            difference = line.seconds - line.baseline_seconds
            row += [_us(line.baseline_seconds), _us(difference, sign=True)]
        add_row(shown, *row)
    row = ["mean response time", _us(breakdown.response_seconds)]
    if baseline is not None:
        row += [_us(baseline), _us(breakdown.response_seconds - baseline, sign=True)]
    add_row(shown, *row, style="bold")
    shown.caption = Text(
        "The rest is transactions at the edges of the measured time; below zero, work at the same "
        "time (stages of a stream) or outside transactions (clock ticks that wait).",
        "dim",
    )
    shown.caption_justify = "left"
    return shown


def _constants(breakdown: Explanation) -> RenderableType:
    parts: list[RenderableType] = [Text("Constants of the costs, and their sources", "bold")]
    for mark, each in enumerate(breakdown.constants, 1):
        stated = f" ({each.published_range})" if each.published_range else ""
        head = Text.assemble(
            (f"[{mark}] ", "dim"), each.name, "  ", STATUS_TEXTS[Status(each.status)]
        )
        values = Text(f"stated {each.published}{stated}; drawn here: {_drawn(each)}")
        parts.append(block(head, values, each.source))
    return Group(*parts)


def _drawn(constant: ConstantLine) -> str:
    if constant.drawn is None:
        return "the whole table" if constant.published_range else "as stated"
    low, high = (
        f"{_us(each)} us" if constant.unit == "s" else amount(each, constant.unit)
        for each in constant.drawn
    )
    return low if low == high else f"{low} to {high}"
