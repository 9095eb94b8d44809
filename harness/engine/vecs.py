"""Arrays of native integers for compiled modules; interpreted modules use plain lists.

mypyc makes native code of ``vec[i64]`` and its functions, and needs nothing of this module then.
"""

from typing import Any

__all__ = ["append", "vec"]

vec = list


def append(items: list[Any], item: Any) -> list[Any]:
    """Add an item at the end; the result takes the place of the array."""
    items.append(item)
    return items
