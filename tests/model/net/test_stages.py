"""Streams in segments through stages, and what a protocol stack charges."""

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.clock import Clock
from harness.model.ledger import Cause
from harness.model.net.stages import StackCosts, stream, travel

SEGMENT = 16384


class Stages:
    """A row of stages, each of which works on one piece at a time and writes down what it did."""

    def __init__(self, delays: list[int]) -> None:
        self.clock = Clock()
        self.passed: list[list[int]] = [[] for _ in delays]
        self.busy = [False] * len(delays)
        self.waiting: list[list[tuple[int, object]]] = [[] for _ in delays]
        self.under_way = 0
        self.most_under_way = 0
        self.delays = delays
        self.row = [self._stage(index) for index in range(len(delays))]

    def _stage(self, index: int):
        def stage(size: int, done) -> None:
            if index == 0:
                assert not self.busy[0], "the sender works on one segment at a time"
                self.under_way += size
                self.most_under_way = max(self.most_under_way, self.under_way)
            self.waiting[index].append((size, done))
            if not self.busy[index]:
                self._begin(index)

        return stage

    def _begin(self, index: int) -> None:
        self.busy[index] = True
        size, done = self.waiting[index].pop(0)

        def finished() -> None:
            self.busy[index] = False
            self.passed[index].append(size)
            if index == len(self.delays) - 1:
                self.under_way -= size
            if self.waiting[index]:
                self._begin(index)
            done()

        self.clock.call_in(self.delays[index], finished)


@settings(max_examples=200)
@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=4),
    st.integers(1, 400_000),
    st.sampled_from([SEGMENT, 4 * SEGMENT, 5 * SEGMENT + 1, 16 * SEGMENT, 100]),
)
def test_every_byte_passes_every_stage_once_within_the_window(delays, size, window):
    stages = Stages(delays)
    ended: list[int] = []
    stream(stages.row, size, SEGMENT, window, lambda: ended.append(stages.clock.now_ns))
    stages.clock.run_until(10**9)
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
    ended: list[int] = []
    stream(
        stages.row, 50 * SEGMENT, SEGMENT, 4 * SEGMENT, lambda: ended.append(stages.clock.now_ns)
    )
    stages.clock.run_until(10**9)
    assert ended == [10 + 50 * 100 + 10]


def test_with_a_window_of_one_segment_every_piece_waits_for_the_one_before():
    stages = Stages([10, 100, 10])
    ended: list[int] = []
    stream(stages.row, 50 * SEGMENT, SEGMENT, SEGMENT, lambda: ended.append(stages.clock.now_ns))
    stages.clock.run_until(10**9)
    assert ended == [50 * 120]


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5), st.integers(1, 10**6))
def test_one_piece_takes_all_stages_in_turn(delays, size):
    stages = Stages(delays)
    ended: list[int] = []
    travel(stages.row, size, lambda: ended.append(stages.clock.now_ns))
    stages.clock.run_until(10**9)
    assert ended == [sum(delays)]
    assert stages.passed == [[size]] * len(delays)


@given(st.integers(1, 10**6), st.integers(100, 65_000))
def test_a_stack_charges_bytes_packets_and_messages(size, payload):
    costs = StackCosts(
        per_byte=((int(Cause.OS), 2.0), (int(Cause.SWITCH), 0.5)),
        per_packet=((int(Cause.OS), 700.0),),
        message_parts=((int(Cause.HYPERVISOR), 90),),
        exchange_parts=((int(Cause.OS), 5000),),
        payload_bytes=payload,
    )
    packets = -(-size // payload)

    def total(work, cause: Cause) -> int:
        return sum(ns for each, ns in work[0] if each == cause)

    streaming, small = costs.stream_work(size), costs.small_work(size)
    assert total(streaming, Cause.OS) == 2 * size + 700 * packets
    assert total(streaming, Cause.SWITCH) == round(0.5 * size)
    assert total(streaming, Cause.HYPERVISOR) == total(small, Cause.HYPERVISOR) == 90
    assert total(small, Cause.OS) == 5000 + 2 * size
    assert streaming[1] == sum(ns for _, ns in streaming[0])
