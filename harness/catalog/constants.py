"""The values of all constants at once: what a model reads."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from harness.catalog.constant import Value

_EVENTS = "events.native."


def event_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the operating-system events that have a cost, from the names of all constants."""
    return tuple(name.removeprefix(_EVENTS) for name in names if name.startswith(_EVENTS))


class Constants(Mapping[str, Value]):
    """Plain values by name, in SI units: one draw of the catalog, or its nominal values.

    Parameters
    ----------
    values
        The value of each constant.
    points
        For constants that are tables: where each entry holds (bytes, mostly).
    """

    __slots__ = ("_points", "_values")

    def __init__(
        self, values: Mapping[str, Value], points: Mapping[str, tuple[float, ...]] | None = None
    ) -> None:
        self._values = {name: values[name] for name in sorted(values)}
        self._points = {name: at for name, at in sorted((points or {}).items()) if at}

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Constants: {len(self)} values, {self.digest()[:12]}>"

    def number(self, name: str) -> float:
        """Give a constant that is one number.

        Raises
        ------
        KeyError
            When there is no such constant.
        TypeError
            When it is a text, a truth value or a list.
        """
        value = self[name]
        if not isinstance(value, float):
            raise TypeError(f"{name} is no number: {value!r}")
        return value

    def text(self, name: str) -> str:
        """Give a constant that is a text; errors as for :meth:`number`."""
        value = self[name]
        if not isinstance(value, str):
            raise TypeError(f"{name} is no text: {value!r}")
        return value

    def flag(self, name: str) -> bool:
        """Give a constant that is a truth value; errors as for :meth:`number`."""
        value = self[name]
        if not isinstance(value, bool):
            raise TypeError(f"{name} is no truth value: {value!r}")
        return value

    def table(self, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Give a constant that is a table: where its entries hold, and the entries.

        Raises
        ------
        KeyError
            When there is no such constant, or it is no table.
        """
        value = self[name]
        entries = value if isinstance(value, tuple) else ()
        return self._points[name], tuple(map(float, entries))

    def interpolate(self, name: str, x: float) -> float:
        """Read a table between its points.

        Linear between two points; the first entry below the first point; the last two points'
        slope beyond the last, but never below zero.
        """
        at, entries = self.table(name)
        if x <= at[0] or len(at) == 1:
            return entries[0]
        right = min(bisect_left(at, x), len(at) - 1)
        if at[right] == x:
            return entries[right]
        left = right - 1
        slope = (entries[right] - entries[left]) / (at[right] - at[left])
        return max(0.0, entries[left] + slope * (x - at[left]))

    def changed(self, values: Mapping[str, Value]) -> "Constants":
        """Give the same with other values for some.

        Raises
        ------
        KeyError
            When a name is no constant's.
        """
        for name in values:
            if name not in self._values:
                raise KeyError(name)
        return Constants({**self._values, **values}, self._points)

    def multiplied(self, names: Iterable[str], factor: float) -> "Constants":
        """Give the same with some numbers, or all entries of some tables, times a factor."""
        found: dict[str, Value] = {}
        for name in names:
            value = self._values[name]
            entries = value if isinstance(value, tuple) else (value,)
            scaled = tuple(float(entry) * factor for entry in entries)
            found[name] = scaled if isinstance(value, tuple) else scaled[0]
        return self.changed(found)

    def digest(self) -> str:
        """Give a sha256 (hexadecimal) of everything in here, for the identity of a run."""
        digest = hashlib.sha256()
        for name, value in self._values.items():
            digest.update(f"{name}={value!r}@{self._points.get(name, ())!r}\n".encode())
        return digest.hexdigest()


class NotedConstants(Constants):
    """Constants that remember which of them were asked for.

    Attributes
    ----------
    read
        Names asked for so far.
    """

    __slots__ = ("read",)

    def __init__(self, constants: Constants) -> None:
        super().__init__(constants._values, constants._points)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Value:
        self.read.add(name)
        return super().__getitem__(name)
