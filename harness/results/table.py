"""Tables of columns, built row by row.

A table is a mapping from a column's name to its values, None where a row has none. Texts are kept
as they may be shown anywhere, without control characters.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeVar

from harness.printable import printable

Value = str | float | int | bool | None
T = TypeVar("T")
Row = Mapping[str, Value]
Table = dict[str, list[Value]]
"""Name -> one value for each row."""


class Section:
    """Neighbouring columns of a table, of which many rows have the same values.

    Attributes
    ----------
    rows
        The different rows, without control characters.
    places
        For each row of the table, which of them it has.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.places: list[int] = []
        self._known: dict[Hashable, int] = {}

    def add(self, key: Hashable, row: Callable[[], Row]) -> None:
        """Add a row; rows with the same key are the same, and only the first of them is made."""
        place = self._known.setdefault(key, len(self.rows))
        if place == len(self.rows):
            made = row()
            texts = {name: printable(each) for name, each in made.items() if type(each) is str}
            self.rows.append({**made, **texts})
        self.places.append(place)

    @property
    def names(self) -> list[str]:
        """Names of the columns; each stands where the first row has it."""
        return list(dict.fromkeys(chain.from_iterable(self.rows)))


class WideTable:
    """Table made of sections; of columns with the same name, the first one counts."""

    def __init__(self, sections: Iterable[Section]) -> None:
        self._parts: list[tuple[Section, list[str]]] = []
        self.names: list[str] = []
        for section in sections:
            own = [name for name in section.names if name not in set(self.names)]
            self._parts.append((section, own))
            self.names += own

    def columns(self) -> Table:
        """Return its columns."""
        table: Table = {}
        for section, names in self._parts:
            for name in names:
                values = [row.get(name) for row in section.rows]
                table[name] = [values[place] for place in section.places]
        return table

    def rows(self, convert: Callable[[Value], T]) -> Iterator[tuple[T | None, ...]]:
        """Yield its rows, each value converted, once for all rows that share it."""
        parts = []
        for section, names in self._parts:
            rows = []
            for row in section.rows:
                converted = dict(zip(row, map(convert, row.values()), strict=True))
                rows.append(tuple(map(converted.get, names)))
            parts.append(map(rows.__getitem__, section.places))
        for values in zip(*parts, strict=True):
            yield tuple(chain.from_iterable(values))


def table_of(rows: Iterable[Row]) -> Table:
    """Table of rows; a column stands where its first row has it."""
    section = Section()
    for number, row in enumerate(rows):
        section.add(number, lambda row=row: row)  # type: ignore[misc]
    return WideTable([section]).columns()
