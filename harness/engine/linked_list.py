"""Doubly linked lists whose items carry the links themselves.

Joining, and leaving at either end or in the midst, take the same short time whatever the length.
Nothing is allocated. An item is in one list at a time.
"""

from typing import Generic, TypeVar, cast

from mypy_extensions import i64


class Node:
    """Something that can be an item of a :class:`LinkedList`."""

    def __init__(self) -> None:
        self.before: Node | None = None
        self.after: Node | None = None


Item = TypeVar("Item", bound=Node)


class LinkedList(Generic[Item]):
    """A queue with two ends.

    Attributes
    ----------
    first, last
        Its ends; None while it is empty.
    length
        The number of its items.
    """

    def __init__(self) -> None:
        self.first: Item | None = None
        self.last: Item | None = None
        self.length: i64 = 0

    def append(self, item: Item) -> None:
        """Join at the end."""
        self.length += 1
        last = self.last
        item.before = last
        if last is None:
            self.first = item
        else:
            last.after = item
        self.last = item

    def appendleft(self, item: Item) -> None:
        """Join before all others."""
        self.length += 1
        first = self.first
        item.after = first
        if first is None:
            self.last = item
        else:
            first.before = item
        self.first = item

    def popleft(self) -> Item:
        """Take out the first item; there must be one."""
        first = self.first
        assert first is not None
        self.remove(first)
        return first

    def remove(self, item: Item) -> None:
        """Take out an item of this list."""
        self.length -= 1
        before, after = item.before, item.after
        if before is None:
            self.first = cast("Item | None", after)
        else:
            before.after = after
            item.before = None
        if after is None:
            self.last = cast("Item | None", before)
        else:
            after.before = before
            item.after = None

    def after(self, item: Item) -> Item | None:
        """Return the item behind an item of this list; None behind the last one."""
        return cast("Item | None", item.after)

    def before(self, item: Item) -> Item | None:
        """Return the item in front of an item of this list; None in front of the first one."""
        return cast("Item | None", item.before)

    def extend(self, other: "LinkedList[Item]") -> None:
        """Join all items of another list at the end, which is empty afterwards."""
        first = other.first
        if first is None:
            return
        last = self.last
        first.before = last
        if last is None:
            self.first = first
        else:
            last.after = first
        self.last = other.last
        self.length += other.length
        other.first = other.last = None
        other.length = 0

    def items(self) -> list[Item]:
        """Return all items in order."""
        items: list[Item] = []
        item = self.first
        while item is not None:
            items.append(item)
            item = cast("Item | None", item.after)
        return items
