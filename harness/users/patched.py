"""Attributes of modules and classes, replaced for a while."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def patched(*replacements: tuple[Any, str, object]) -> Iterator[None]:
    """Replace attributes; undone at the end.

    Parameters
    ----------
    replacements
        An object, the name of its attribute and the value, each.
    """
    before = [(place, name, getattr(place, name)) for place, name, _ in replacements]
    _set(replacements)
    try:
        yield
    finally:
        _set(before)


def _set(attributes: Iterable[tuple[Any, str, object]]) -> None:
    for place, name, value in attributes:
        setattr(place, name, value)
