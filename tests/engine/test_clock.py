"""Simulated time: whole nanoseconds, in order."""

import math

import pytest
from greenlet import getcurrent
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.clock import Clock, to_ns


@given(st.lists(st.integers(0, 50), max_size=40))
def test_calls_go_off_in_order_of_time_and_those_of_one_time_as_they_were_made(delays):
    clock, seen = Clock(), []
    for number, delay in enumerate(delays):
        clock.call_in(delay, lambda number=number: seen.append((clock.now_ns, number)))
    clock.run_until(51)
    assert seen == sorted((delay, number) for number, delay in enumerate(delays))


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=40))
def test_what_was_called_off_stays_silent_and_disturbs_nothing_else(calls):
    clock, seen = Clock(), []
    for number, (delay, off) in enumerate(calls):
        alarm = clock.timer_in(delay, lambda number=number: seen.append(number))
        if off:
            alarm.cancel()
            alarm.cancel()
    clock.run_until(51)
    kept = [(delay, number) for number, (delay, off) in enumerate(calls) if not off]
    assert seen == [number for _, number in sorted(kept)]


def test_an_alarm_may_be_called_off_by_another_one_of_the_same_time_or_after_it_went_off():
    clock, seen = Clock(), []

    def call_off_second() -> None:
        second.cancel()

    first = clock.timer_in(5, call_off_second)
    second = clock.timer_in(5, lambda: seen.append("second"))
    clock.run_until(10)
    first.cancel()
    assert seen == []


def test_calls_made_on_the_way_are_carried_out_on_the_way():
    clock, seen = Clock(), []

    def chain() -> None:
        seen.append(clock.now_ns)
        clock.call_in(3, chain)

    clock.call_in(0, chain)
    clock.run_until(10)
    assert seen == [0, 3, 6, 9]


def test_what_is_due_at_the_end_stays_undone_until_time_goes_on():
    clock, seen = Clock(), []
    clock.call_in(10, lambda: seen.append(clock.now_ns))
    clock.run_until(10)
    assert (seen, clock.now_ns) == ([], 10)
    clock.run_until(11)
    assert (seen, clock.now_ns) == ([10], 11)


def test_time_passes_without_anything_to_do_and_never_backwards():
    clock = Clock()
    clock.run_until(7)
    clock.run_until(3)
    assert clock.now_ns == 7
    clock.run_until(7)
    assert clock.now_ns == 7


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**9), max_size=10))
def test_nanoseconds_are_exact_however_late_it_is(start, delays):
    clock, seen = Clock(), []
    clock.run_until(start)
    for delay in delays:
        clock.call_in(delay, lambda: seen.append(clock.now_ns))
    clock.run_until(start + 10**9 + 1)
    assert seen == sorted(start + delay for delay in delays)
    assert all(type(time) is int for time in seen)


@given(st.integers(0, 10**15))
def test_seconds_become_the_nearest_whole_nanosecond(ns):
    assert to_ns(ns / 10**9) == pytest.approx(ns, abs=ns * 2e-16 + 0.5)
    assert type(to_ns(ns / 10**9)) is int
    assert to_ns(1.5e-9) == 2
    assert to_ns(0.4e-9) == 0


def test_an_error_in_a_call_ends_the_run_where_it_happened():
    clock = Clock()
    clock.call_in(4, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        clock.run_until(10)
    assert clock.now_ns == 4


def test_processes_of_simpy_run_on_the_same_clock_as_plain_calls():
    clock, seen = Clock(), []

    def process():
        seen.append(("process", clock.now_ns))
        yield clock.timeout(5)
        seen.append(("process", clock.now_ns))

    clock.process(process())
    clock.call_in(2, lambda: seen.append(("call", clock.now_ns)))
    clock.run_until(10)
    assert seen == [("process", 0), ("call", 2), ("process", 5)]


def test_an_error_in_a_process_of_simpy_ends_the_run():
    clock = Clock()

    def process():
        yield clock.timeout(5)
        raise LookupError("lost")

    clock.process(process())
    with pytest.raises(LookupError, match="lost"):
        clock.run_until(10)


def test_the_hub_is_where_the_clock_was_made():
    assert Clock().hub is getcurrent()


def test_steps_carry_out_plain_calls_and_events_of_simpy_alike():
    clock, seen = Clock(), []

    def process():
        yield clock.timeout(4)
        seen.append(("process", clock.now_ns))

    clock.process(process())
    clock.call_in(3, lambda: seen.append(("call", clock.now_ns)))
    clock.call_in(5, lambda: seen.append(("call", clock.now_ns)))
    while clock.peek() < 10:
        clock.step()
    assert seen == [("call", 3), ("process", 4), ("call", 5)]
    assert (clock.now_ns, clock.peek()) == (5, math.inf)


def test_a_process_begins_before_plain_calls_of_the_same_time():
    clock, seen = Clock(), []

    def process():
        seen.append("process")
        yield clock.timeout(0)
        seen.append("then")

    clock.call_in(0, lambda: seen.append("call"))
    clock.process(process())
    clock.run_until(1)
    assert seen == ["process", "call", "then"]


def test_processes_wait_for_each_other():
    clock, seen = Clock(), []
    happened = clock.event()

    def one(ns):
        yield clock.timeout(ns)
        return ns

    def other():
        yield clock.all_of([clock.process(one(3)), clock.process(one(5))])
        seen.append(clock.now_ns)
        happened.succeed("done")

    def third():
        seen.append((yield happened))

    clock.process(third())
    clock.process(other())
    clock.run_until(10)
    assert seen == [5, "done"]
