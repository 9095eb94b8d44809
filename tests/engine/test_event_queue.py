"""Both queues of events, held against a sorted list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.event import Event
from harness.engine.event_queue import NEVER, EventQueue, HeapqEventQueue, NativeEventQueue

QUEUES = [HeapqEventQueue, NativeEventQueue]


def check_first(queue: EventQueue, time: int, order: int, event: Event) -> None:
    assert queue.next_ns() == time
    assert queue.pop_before(time) is None
    assert queue.pop_before(time + 1) is event
    assert queue.popped_ns == time


@pytest.mark.parametrize("kind", QUEUES)
@given(steps=st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=200))
def test_events_come_out_by_time_and_those_of_one_time_by_number(
    kind: type[EventQueue], steps: list[int | None]
):
    """None takes the first event out; a number puts one in at that time."""
    queue, expected = kind(), []
    for number, time in enumerate(steps):
        if time is not None:
            # Every seventh comes before all others of its time.
            order = number if number % 7 else number - (1 << 41)
            event = Event()
            queue.push(time, order, event)
            expected.append((time, order, event))
            expected.sort(key=lambda entry: entry[:2])
        elif expected:
            check_first(queue, *expected.pop(0))
        else:
            assert queue.pop_before(NEVER) is None
    for entry in expected:
        check_first(queue, *entry)
    assert queue.next_ns() == NEVER


@pytest.mark.parametrize("kind", QUEUES)
def test_an_empty_queue_has_no_event_to_give(kind: type[EventQueue]):
    queue = kind()
    assert queue.pop_before(NEVER) is None
    queue.push(3, 1, Event())
    assert queue.pop_before(NEVER) is not None
    assert queue.pop_before(NEVER) is None


@pytest.mark.parametrize("kind", QUEUES)
def test_times_and_numbers_may_be_large(kind: type[EventQueue]):
    queue, events = kind(), [Event() for _ in range(4)]
    for event, time, number in zip(
        events, (10**18, 10**18, 0, 10**18), (7, (1 << 41) - 1, 5, 8), strict=True
    ):
        queue.push(time, number, event)
    assert [queue.pop_before(NEVER) for _ in events] == [events[2], events[0], events[3], events[1]]


@given(st.integers(1, 300))
def test_a_queue_keeps_nothing_of_what_it_gave_out(count: int):
    queue = NativeEventQueue()
    for number in range(count):
        queue.push(number % 5, number, Event())
    for _ in range(count):
        queue.pop_before(NEVER)
    assert queue.next_ns() == NEVER
    assert all(event is None for event in queue._events)
    assert sorted(queue._vacant) == list(range(count))
