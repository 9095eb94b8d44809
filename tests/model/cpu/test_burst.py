import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.cpu.burst import Burst, Interruptions, Thread, work
from harness.model.ledger import Account, Books, Cause, Ledger

parts = st.lists(st.tuples(st.sampled_from(list(map(int, Cause))), st.integers(0, 1000)))


def burst_of(some: list[tuple[int, int]]) -> Burst:
    return Burst(Ledger().open("payer"), work(*some))


@given(parts)
def test_work_adds_up_and_leaves_out_what_has_no_length(some):
    asked = work(*some)
    assert asked.ns == sum(ns for _, ns in some)
    assert asked.parts == [part for part in some if part[1]]


def booked_first(some: list[tuple[int, int]], ns: int) -> list[int]:
    """What the first nanoseconds of some work are booked as, by cause."""
    account = Account()
    work(*some).book_first(account, ns)
    return list(account.ns)


@given(parts, st.lists(st.integers(0, 300)))
def test_progress_books_every_nanosecond_once_and_in_order(some, steps):
    burst = burst_of(some)
    asked = burst.work
    whole, done = burst.ns, 0
    for wanted in steps:
        step = min(wanted, burst.ns)
        burst.progress(step)
        done += step
        assert burst.ns == burst.work.ns == whole - done
        assert list(burst.account.ns) == booked_first(some, done)
    burst.work.book(burst.account)
    for cause in Cause:
        assert burst.account.ns[cause] == sum(ns for each, ns in some if each == cause)
    # Others may have asked for the same work.
    assert asked.parts == [part for part in some if part[1]]


@given(parts, st.integers(0, 5000))
def test_the_first_nanoseconds_are_booked_in_order(some, ns):
    account = Account()
    asked = work(*some)
    asked.book_first(account, ns)
    expected, left = [0] * len(Cause), ns
    for cause, length in some:
        expected[cause] += min(length, left)
        left -= min(length, left)
    assert list(account.ns) == expected
    assert asked.ns == sum(ns for _, ns in some)


@given(parts, st.integers(-10, 5000))
def test_the_last_nanoseconds_are_taken_back_from_the_end(some, ns):
    account = Account()
    asked = work(*some)
    asked.book(account)
    taken = asked.take_back_last(account, ns)
    assert taken == max(0, min(ns, asked.ns))
    assert list(account.ns) == booked_first(some, asked.ns - taken)


@given(parts, parts, st.integers(0, 2000), st.integers(0, 3000))
def test_interruptions_take_back_what_lies_ahead(first, second, begin, now):
    """Booked in full when they began; each is taken back from its end."""
    payers = Account(), Account()
    interruptions = Interruptions()
    assert interruptions.end_ns() == -1
    ends = []
    end = begin
    for payer, some in zip(payers, (first, second), strict=True):
        end += work(*some).ns
        interruptions.add(end, payer, work(*some))
        ends.append(end)
        assert interruptions.end_ns() == end
    ahead = [
        max(0, min(work(*some).ns, end - now))
        for some, end in zip((first, second), ends, strict=True)
    ]
    assert interruptions.take_back(now, Books()) == sum(ahead)
    for payer, some, rest in zip(payers, (first, second), ahead, strict=True):
        assert list(payer.ns) == booked_first(some, work(*some).ns - rest)
    interruptions.clear()
    assert interruptions.end_ns() == -1
    assert interruptions.take_back(0, Books()) == 0


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), max_size=4))
def test_a_thread_asks_for_one_thing_after_the_other(demands):
    thread, account = Thread(), Account()
    for demand in demands:
        thread.compute(account, *demand)
        assert thread.ns == sum(demand)
        thread.progress(thread.ns // 2)
        thread.work.book(account)
    for place, cause in enumerate((Cause.USER, Cause.OS, Cause.EMULATION)):
        assert account.ns[cause] == sum(demand[place] for demand in demands)


def test_more_progress_than_work_is_an_error():
    burst = burst_of([(0, 10)])
    with pytest.raises(ValueError, match="10 ns"):
        burst.progress(11)


@given(parts, st.floats(0.1, 10.0))
def test_who_carries_on_pays_and_takes_so_many_times_as_long(some, ratio):
    burst = burst_of(some)
    first, second = burst.account, Ledger().open("heir")
    burst.carry(second, ratio)
    assert burst.work.parts == [
        (cause, round(ns * ratio)) for cause, ns in some if round(ns * ratio)
    ]
    burst.progress(burst.ns)
    assert first.total() == 0
    assert second.total() == sum(round(ns * ratio) for _, ns in some)
