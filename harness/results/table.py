"""Table of columns, built row by row.

A table is a mapping from a column's name to its values, None where a row has none. Texts are kept
as they may be shown anywhere, without control characters.
"""

from collections.abc import Iterable, Mapping

from harness.printable import printable

Value = str | float | int | bool | None
Table = dict[str, list[Value]]
"""Name -> one value for each row."""


def add_row(table: Table, number: int, row: Mapping[str, Value]) -> None:
    """Add a row to a table of ``number`` rows; a new column stands behind the others."""
    for name, value in row.items():
        column = table.setdefault(name, [])
        column.extend([None] * (number - len(column)))
        column.append(printable(value) if isinstance(value, str) else value)


def fill(table: Table, rows: int) -> Table:
    """Give all columns the length of ``rows``, and return the table."""
    for column in table.values():
        column.extend([None] * (rows - len(column)))
    return table


def table_of(rows: Iterable[Mapping[str, Value]]) -> Table:
    """Table of rows; a column stands where its first row has it."""
    table: Table = {}
    count = 0
    for row in rows:
        add_row(table, count, row)
        count += 1
    return fill(table, count)
