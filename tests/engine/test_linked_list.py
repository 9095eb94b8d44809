"""Linked lists, held against collections.deque."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from harness.engine.linked_list import LinkedList, Node


def check(queue: LinkedList[Node], expected: deque[Node]) -> None:
    assert queue.items() == list(expected)
    assert queue.length == len(expected)
    backwards, item = [], queue.last
    while item is not None:
        backwards.append(item)
        item = queue.before(item)
    assert backwards == list(reversed(expected))
    assert queue.first is (expected[0] if expected else None)
    assert queue.last is (expected[-1] if expected else None)
    following = [*list(expected)[1:], None][: len(expected)]
    assert [queue.after(item) for item in expected] == following


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "appendleft", "popleft", "remove", "extend"]), st.integers(0, 99)
    ),
    max_size=60,
)


@given(STEPS)
def test_items_join_and_leave_as_in_a_deque(steps: list[tuple[str, int]]):
    queue, expected = LinkedList[Node](), deque[Node]()
    other, others = LinkedList[Node](), deque[Node]()
    for step, number in steps:
        if step == "append":
            # Half of them in another list, which joins later.
            item, (into, twin) = Node(), ((queue, expected), (other, others))[number % 2]
            into.append(item)
            twin.append(item)
        elif step == "appendleft":
            item = Node()
            queue.appendleft(item)
            expected.appendleft(item)
        elif step == "extend":
            queue.extend(other)
            expected.extend(others)
            others.clear()
        elif expected and step == "popleft":
            item = queue.popleft()
            assert item is expected.popleft()
            assert item.before is item.after is None
        elif expected and step == "remove":
            item = expected[number % len(expected)]
            queue.remove(item)
            expected.remove(item)
            assert item.before is item.after is None
        check(queue, expected)
        check(other, others)


@given(st.lists(st.integers(0, 1), max_size=20))
def test_who_has_left_one_list_may_join_another(numbers: list[int]):
    lists, expected = (LinkedList[Node](), LinkedList[Node]()), (deque[Node](), deque[Node]())
    items = [Node() for _ in range(3)]
    for item in items:
        lists[0].append(item)
        expected[0].append(item)
    for number in numbers:
        if expected[number]:
            item = lists[number].popleft()
            assert item is expected[number].popleft()
            lists[1 - number].append(item)
            expected[1 - number].append(item)
        check(lists[0], expected[0])
        check(lists[1], expected[1])
