import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.cpu.burst import Burst, work
from harness.model.ledger import Cause, Ledger

parts = st.lists(st.tuples(st.sampled_from(list(map(int, Cause))), st.integers(0, 1000)))


def burst_of(some: list[tuple[int, int]]) -> Burst:
    return Burst(Ledger().open("payer"), work(*some), lambda: None)


@given(parts)
def test_work_adds_up_and_leaves_out_what_has_no_length(some):
    kept, ns = work(*some)
    assert ns == sum(ns for _, ns in some)
    assert list(kept) == [part for part in some if part[1]]


@given(parts, st.lists(st.integers(0, 300)))
def test_progress_books_every_nanosecond_once_and_in_order(some, steps):
    burst = burst_of(some)
    whole, done = burst.ns, 0
    for wanted in steps:
        step = min(wanted, burst.ns)
        expected = burst.split(step)
        before = list(burst.account)
        burst.progress(step)
        done += step
        assert burst.ns == whole - done
        assert sum(burst.account) == done
        for cause in Cause:
            booked = sum(ns for each, ns in expected if each == cause)
            assert burst.account[cause] - before[cause] == booked
    for cause, ns in burst.parts:
        burst.account[cause] += ns
    for cause in Cause:
        assert burst.account[cause] == sum(ns for each, ns in some if each == cause)


@given(parts, st.integers(0, 5000))
def test_splitting_books_nothing_and_follows_the_order(some, done_ns):
    burst = burst_of(some)
    taken = burst.split(done_ns)
    assert sum(burst.account) == 0
    assert sum(ns for _, ns in taken) == min(done_ns, burst.ns)
    # Whatever has begun, all before it is complete.
    lengths = [(taken_ns, ns) for (_, taken_ns), (_, ns) in zip(taken, burst.parts, strict=True)]
    unfinished = [index for index, (a, b) in enumerate(lengths) if a < b]
    if unfinished:
        assert all(a == 0 for a, _ in lengths[unfinished[0] + 1 :])


def test_more_progress_than_work_is_an_error():
    burst = burst_of([(0, 10)])
    with pytest.raises(ValueError, match="10 ns"):
        burst.progress(11)


@given(parts, st.floats(0.1, 10.0))
def test_who_carries_on_pays_and_takes_so_many_times_as_long(some, ratio):
    burst = burst_of(some)
    first, second = burst.account, Ledger().open("heir")
    burst.carry(second, ratio)
    assert list(burst.parts) == [
        (cause, round(ns * ratio)) for cause, ns in some if round(ns * ratio)
    ]
    burst.progress(burst.ns)
    assert sum(first) == 0
    assert sum(second) == sum(round(ns * ratio) for _, ns in some)
