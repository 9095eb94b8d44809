"""Tables of columns, built row by row.

A table is a mapping from a column's name to its values, None where a row has none. Texts are kept
as they may be shown anywhere, without control characters.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType

from harness.printable import printable

Value = str | float | int | bool | None
Row = Mapping[str, Value]
Table = dict[str, list[Value]]
"""Name -> one value for each row."""

_NOTHING: Row = MappingProxyType({})


class Section:
    """Neighbouring columns of a table, of which many rows have the same values.

    Attributes
    ----------
    rows
        The different rows, without control characters.
    places
        For each row of the table, which of them it has.
    changes
        For each row of the table, the values that it has instead; of columns of these rows.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.places: list[int] = []
        self.changes: list[Row] = []
        self._known: dict[Hashable, int] = {}

    def add(self, key: Hashable, row: Callable[[], Row], changes: Row = _NOTHING) -> None:
        """Add a row; rows with the same key are the same, and only the first of them is made.

        ``changes`` are numbers that this row has instead of those of the others.
        """
        place = self._known.setdefault(key, len(self.rows))
        if place == len(self.rows):
            made = row()
            texts = {name: printable(each) for name, each in made.items() if type(each) is str}
            self.rows.append({**made, **texts} if texts else made)
        self.places.append(place)
        self.changes.append(changes)

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
                table[name] = [
                    changes.get(name, values[place])
                    for place, changes in zip(section.places, section.changes, strict=True)
                ]
        return table

    def lines(self, text: Callable[[Value], str], separator: str) -> Iterator[str]:
        """Yield its rows as texts, made once for all rows that share a section's values."""
        parts = [_lines(*part, text, separator) for part in self._parts if part[1]]
        yield from map(separator.join, zip(*parts, strict=True))


def cells(values: Iterable[Value], text: Callable[[Value], str]) -> list[str]:
    """Return values as texts; most of a table are fractions, so that these have no call each."""
    return [repr(each) if type(each) is float else text(each) for each in values]


def _lines(
    section: Section, names: Sequence[str], text: Callable[[Value], str], separator: str
) -> Iterator[str]:
    rows = (cells(map(row.get, names), text) for row in section.rows)
    if not any(section.changes):
        lines = list(map(separator.join, rows))
        yield from (lines[place] for place in section.places)
        return
    column = {name: number for number, name in enumerate(names)}
    known = list(rows)
    for place, changes in zip(section.places, section.changes, strict=True):
        values = known[place].copy()
        for name in changes.keys() & column.keys():
            (values[column[name]],) = cells([changes[name]], text)
        yield separator.join(values)


def table_of(rows: Iterable[Row]) -> Table:
    """Table of rows; a column stands where its first row has it."""
    section = Section()
    for number, row in enumerate(rows):
        section.add(number, lambda row=row: row)  # type: ignore[misc]
    return WideTable([section]).columns()
