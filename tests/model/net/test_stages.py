"""Streams in segments through stages, and what a protocol stack charges."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.clock import Clock
from harness.engine.event import Call
from harness.model.ledger import Cause
from harness.model.net.stages import Piece, Route, StackCosts, Stage, stream

pytestmark = pytest.mark.interpreted

SEGMENT = 16384


class Stages:
    """A row of stages, each of which works on one piece at a time and writes down what it did."""

    def __init__(self, delays: list[int]) -> None:
        self.clock = Clock()
        self.passed: list[list[int]] = [[] for _ in delays]
        self.under_way = 0
        self.most_under_way = 0
        self.route: Route = [
            OneAtATime(self, index, delay, last=index == len(delays) - 1)
            for index, delay in enumerate(delays)
        ]


class OneAtATime(Stage):
    """A stage that takes the same time for each piece."""

    def __init__(self, row: Stages, index: int, delay: int, *, last: bool) -> None:
        self.row = row
        self.index = index
        self.delay = delay
        self.last = last
        self.busy = False
        self.waiting: list[Piece] = []

    def enter(self, piece: Piece) -> None:
        if self.index == 0:
            assert not self.busy, "the sender works on one segment at a time"
            self.row.under_way += piece.size_bytes
            self.row.most_under_way = max(self.row.most_under_way, self.row.under_way)
        self.waiting.append(piece)
        if not self.busy:
            self.begin()

    def begin(self) -> None:
        self.busy = True
        piece = self.waiting.pop(0)

        def finished() -> None:
            self.busy = False
            self.row.passed[self.index].append(piece.size_bytes)
            if self.last:
                self.row.under_way -= piece.size_bytes
            if self.waiting:
                self.begin()
            piece.fire()

        self.row.clock.call_in(self.delay, finished)


def send(stages: Stages, size: int, segment: int, window: int) -> list[int]:
    """Send a message; the list fills with the time of its end."""
    ended: list[int] = []
    done = Call(lambda: ended.append(stages.clock.now_ns))
    stream(stages.route, size, segment, window, done, [])
    stages.clock.run_until(10**9)
    return ended


@settings(max_examples=200)
@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=4),
    st.integers(1, 400_000),
    st.sampled_from([SEGMENT, 4 * SEGMENT, 5 * SEGMENT + 1, 16 * SEGMENT, 100]),
)
def test_every_byte_passes_every_stage_once_within_the_window(delays, size, window):
    stages = Stages(delays)
    ended = send(stages, size, SEGMENT, window)
    assert len(ended) == 1
    for passed in stages.passed:
        assert sum(passed) == size
        assert len(passed) == -(-size // SEGMENT)
        assert max(passed) <= SEGMENT
    assert stages.most_under_way <= max(window, SEGMENT)
    # No faster than its slowest stage, no slower than one segment at a time.
    segments = -(-size // SEGMENT)
    assert segments * max(delays) <= ended[0] <= segments * sum(delays)


def test_with_a_window_that_is_large_enough_stages_work_at_the_same_time():
    stages = Stages([10, 100, 10])
    assert send(stages, 50 * SEGMENT, SEGMENT, 4 * SEGMENT) == [10 + 50 * 100 + 10]


def test_with_a_window_of_one_segment_every_piece_waits_for_the_one_before():
    stages = Stages([10, 100, 10])
    assert send(stages, 50 * SEGMENT, SEGMENT, SEGMENT) == [50 * 120]


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5), st.integers(1, 10**6))
def test_one_piece_takes_all_stages_in_turn(delays, size):
    stages = Stages(delays)
    assert send(stages, size, size, 1) == [sum(delays)]
    assert stages.passed == [[size]] * len(delays)


@given(st.integers(1, 10**6), st.integers(100, 65_000), st.booleans())
def test_a_stack_charges_bytes_packets_and_messages(size, payload, segment):
    costs = StackCosts(
        per_byte=((int(Cause.OS), 2.0), (int(Cause.SWITCH), 0.5)),
        per_packet=((int(Cause.OS), 700.0),),
        per_acknowledgement=((int(Cause.WORLD_SWITCH), 300.0),),
        packets_per_acknowledgement=2.0,
        interrupt_parts=((int(Cause.HYPERVISOR), 90),),
        interrupts_per_packet=0.25,
        exchange_parts=((int(Cause.OS), 5000),),
        payload_bytes=payload,
    )
    packets = size / payload if segment else max(1, size / payload)

    def total(work, cause: Cause) -> int:
        return sum(ns for each, ns in work.parts if each == cause)

    streaming, small = costs.stream_work(size, segment), costs.small_work(size, interrupt=True)
    assert costs.packets(size, segment) == packets
    assert total(streaming, Cause.OS) == 2 * size + round(700 * packets)
    assert total(streaming, Cause.SWITCH) == round(0.5 * size)
    assert total(streaming, Cause.HYPERVISOR) == round(90 * packets / 4)
    assert total(small, Cause.HYPERVISOR) == 90
    assert total(costs.small_work(size, interrupt=False), Cause.HYPERVISOR) == 0
    assert total(small, Cause.OS) == 5000 + 2 * size
    assert total(streaming, Cause.WORLD_SWITCH) == round(300 * packets / 2)
    assert total(small, Cause.WORLD_SWITCH) == 0
    assert streaming.ns == sum(ns for _, ns in streaming.parts)
