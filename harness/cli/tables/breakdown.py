"""An explanation for a terminal: tables that can be followed with a pocket calculator."""

import math
from collections.abc import Mapping

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.analysis.breakdown.accounts import WAITS
from harness.analysis.breakdown.breakdown import AccountLine, ConstantLine, EventLine, Explanation
from harness.analysis.overhead import percent
from harness.catalog.constant import Status
from harness.cli.tables.catalog import STATUS_TEXTS

_NAMES = 24
"""Characters that names keep in a narrow terminal, where numbers need no more."""

_MEASURES = {"slowdown": "slowdown", "processor-time": "processor time per transaction"}


def explanation_text(found: Explanation) -> RenderableType:
    """Show an explanation; all times are microseconds for one transaction."""
    parts: list[RenderableType] = [*map(Text, _head(found)), Text("")]
    parts += [_accounts(found), _events(found), _waits(found), _constants(found)]
    parts += [Text(f"note: {note}") for note in found.notes]
    return Group(*parts)


def _head(found: Explanation) -> list[str]:
    count = len(found.replications)
    runs = f"{count} replications" if count > 1 else "1 replication"
    lines = [found.cell.title]
    if found.baseline is not None:
        lines.append(f"beside {found.baseline.title}")
    for name, each in found.overheads.items():
        interval = each.interval
        low, high = percent(interval.low), percent(interval.high)
        span = "interval unknown" if math.isinf(interval.high) else f"{low} to {high}"
        level = percent(interval.level)
        lines.append(
            f"overhead in {_MEASURES[name]}: {percent(interval.estimate)} ({level}: {span})"
        )
    lines.append(
        f"means over {runs} of {found.transactions:,.0f} transactions; times in microseconds per "
        "transaction"
    )
    return lines


def _table(title: str, *columns: str) -> Table:
    """Make a table whose first column is text and whose others are numbers."""
    table = Table(
        title=Text(title, "bold"),
        title_justify="left",
        box=SIMPLE,
        pad_edge=False,
        collapse_padding=True,
    )
    for number, name in enumerate(columns):
        if number:
            table.add_column(name, justify="right", overflow="fold")
        else:
            table.add_column(name, min_width=_NAMES, overflow="fold")
    return table


def _accounts(found: Explanation) -> Table:
    extra = None if found.baseline_seconds is None else found.seconds - found.baseline_seconds
    columns = ["cause", "here"]
    if extra is not None:
        columns += ["baseline", "difference", "share of extra"]
    table = _table("Processor time by cause, as the ledger booked it", *columns)
    for line in found.accounts:
        row = [line.cause, _us(line.seconds)]
        if extra is not None and line.difference is not None:
            share = f"{100 * line.difference / extra + 0.0:.1f} %" if extra > 0 else "-"
            row += [_us(line.baseline_seconds or 0.0), _us(line.difference, sign=True), share]
        table.add_row(*row)
    row = ["all", _us(found.seconds)]
    if extra is not None:
        row += [_us(found.baseline_seconds or 0.0), _us(extra, sign=True), ""]
    table.add_row(*row, style="bold")
    return table


def _events(found: Explanation) -> Table:
    columns = ["event [constants]", "many", "each", "product"]
    if found.baseline is not None:
        columns += ["baseline", "product"]
    table = _table("Events x what each costs, beside what was booked", *columns)
    numbers = {each.name: number for number, each in enumerate(found.constants, 1)}
    for account in found.accounts:
        if account.events:
            table.add_row(Text(account.cause, "bold"))
            for line in account.events:
                table.add_row(*_event(line, numbers))
            for number, (name, seconds) in enumerate(_sums(account), 1):
                table.add_row(f"  {name}", "", "", seconds, style="dim", end_section=number == 3)
    return table


def _event(line: EventLine, numbers: Mapping[str, int]) -> list[Text | str]:
    marks = ", ".join(str(numbers[name]) for name in line.constants if name in numbers)
    row: list[Text | str] = [
        Text.assemble(f"  {line.event} ", (f"[{marks}]", "dim")),
        _count(line.count),
        _us(line.each_seconds),
        _us(line.seconds),
    ]
    if line.baseline_count is not None:
        row += [_count(line.baseline_count), _us(line.baseline_seconds or 0.0)]
    return row


def _sums(account: AccountLine) -> list[tuple[str, str]]:
    total = math.fsum(line.seconds for line in account.events)
    return [
        ("all products", _us(total)),
        ("booked by the ledger", _us(account.seconds)),
        ("left unexplained", _us(account.unexplained, sign=True)),
    ]


def _waits(found: Explanation) -> Table:
    columns = ["part", "here"]
    baseline = found.baseline_response_seconds
    if baseline is not None:
        columns += ["baseline", "difference"]
    table = _table("Response time = work + waits", *columns)
    for line in found.waits:
        row = [WAITS[line.name], _us(line.seconds)]
        if line.baseline_seconds is not None:
            difference = line.seconds - line.baseline_seconds
            row += [_us(line.baseline_seconds), _us(difference, sign=True)]
        table.add_row(*row)
    row = ["mean response time", _us(found.response_seconds)]
    if baseline is not None:
        row += [_us(baseline), _us(found.response_seconds - baseline, sign=True)]
    table.add_row(*row, style="bold")
    table.caption = Text(
        "Left over are the edges of the measured time and, below zero, what went on at the same "
        "time (stages of a stream) or for no transaction (clock ticks that wait).",
        "dim",
    )
    table.caption_justify = "left"
    return table


def _constants(found: Explanation) -> Table:
    title = "What the costs are made of"
    table = Table(title=Text(title, "bold"), title_justify="left", box=SIMPLE, pad_edge=False)
    table.add_column("", justify="right")
    for name in ("constant and source", "stated (range)", "drawn here", "status"):
        table.add_column(name, overflow="fold")
    for number, each in enumerate(found.constants, 1):
        status, colour = STATUS_TEXTS[Status(each.status)]
        stated = each.published
        if each.published_range:
            stated += f" ({each.published_range})"
        who = Group(Text(each.name), Text(each.source, "dim"))
        drawn = Text(_drawn(each))
        table.add_row(f"[{number}]", who, Text(stated), drawn, Text(status, colour))
    return table


def _drawn(constant: ConstantLine) -> str:
    if constant.drawn is None:
        return "the whole table" if constant.published_range else "as stated"
    low, high = (_amount(each, constant.unit) for each in constant.drawn)
    return low if low == high else f"{low} to {high}"


def _amount(value: float, unit: str) -> str:
    if unit == "s":
        return f"{_us(value)} us"
    return f"{_count(value)} {unit}".rstrip()


def _count(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _us(seconds: float, *, sign: bool = False) -> str:
    """Write a time in microseconds with four digits; a difference to the nanosecond."""
    value = seconds * 1e6
    if abs(value) < 1:
        if sign:
            return f"{value:+.3f}" if abs(value) >= 5e-4 else "0"
        return f"{value:.4g}" if abs(value) >= 1e-6 else "0"
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:+,.{decimals}f}" if sign else f"{value:,.{decimals}f}"
