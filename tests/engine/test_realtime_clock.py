"""Simulated time paced by the wall clock. No test measures real time: the wall clock is a fake."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.clock import Clock
from harness.engine.realtime_clock import RealtimeClock

S = 10**9


class Wall:
    """A clock on the wall that somebody sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@contextmanager
def pacing(clock: RealtimeClock) -> Iterator[None]:
    own = gevent.spawn(clock.pace)
    clock.hub = own
    try:
        settle()
        yield
        assert not own.dead
    finally:
        own.kill()


def settle() -> None:
    """Let every greenlet go as far as it can."""
    for _ in range(5):
        gevent.sleep(0)


def record(clock: Clock, into: list[tuple[int, str]], name: str) -> Callable[[], None]:
    return lambda: into.append((clock.now_ns, name))


def test_nothing_happens_before_its_time_on_the_wall():
    wall = Wall()
    clock = RealtimeClock(2.0, wall)
    seen: list[tuple[int, str]] = []
    for second in (1, 2, 3, 4, 5):
        clock.call_in(second * S, record(clock, seen, str(second)))
    with pacing(clock):
        assert seen == []
        wall.seconds += 1.5
        clock.wake()
        settle()
        assert [name for _, name in seen] == ["1", "2", "3"]
        assert clock.now_ns == 3 * S


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20))
def test_a_paced_clock_does_what_a_free_one_does(calls):
    def run(clock: Clock) -> list[tuple[int, str]]:
        seen: list[tuple[int, str]] = []
        for number, (first, second) in enumerate(calls):

            def act(name=str(number), second=second) -> None:
                record(clock, seen, name)()
                clock.call_in(second, record(clock, seen, f"{name}'"))

            clock.call_in(first, act)
        if isinstance(clock, RealtimeClock):
            wall = clock._wall
            with pacing(clock):
                for _ in range(10):
                    wall.seconds += 11e-9  # type: ignore[attr-defined]
                    clock.wake()
                    settle()
        else:
            clock.run_until(101)
        return seen

    assert run(RealtimeClock(1.0, Wall())) == run(Clock())


def test_a_late_clock_skips_nothing_and_shows_how_late_it_is():
    wall = Wall()
    clock = RealtimeClock(2.0, wall)
    seen: list[tuple[int, float]] = []
    for second in (2, 4, 6):
        clock.call_in(second * S, lambda: seen.append((clock.now_ns, clock.late_seconds)))
    with pacing(clock):
        assert clock.late_seconds == clock.worst_late_seconds == 0
        wall.seconds += 10.0  # 20 s of simulated time
        assert clock.late_seconds == 9.0
        clock.wake()
        settle()
        # At 2 s the next thing is that of 4 s, which is due 8 s ago on the wall; in the end none.
        assert seen == [(2 * S, 8.0), (4 * S, 7.0), (6 * S, 0.0)]
        assert clock.late_seconds == 0
        assert clock.worst_late_seconds == 9.0


def test_the_present_is_the_walls_but_nothing_that_is_due_is_passed_over():
    wall = Wall()
    clock = RealtimeClock(1.0, wall)
    clock.call_in(5 * S, lambda: None)
    with pacing(clock):
        wall.seconds += 3.0
        clock.sync()
        assert clock.now_ns == 3 * S
        wall.seconds += 4.0
        clock.sync()
        assert clock.now_ns == 5 * S


def test_who_comes_from_outside_begins_at_the_present_and_is_woken_in_time():
    wall = Wall()
    clock = RealtimeClock(1.0, wall)
    clock.call_in(1000 * S, lambda: None)
    woken: list[int] = []

    def visit() -> None:
        clock.wait_for(lambda done: clock.call_in(2 * S, done))
        woken.append(clock.now_ns)

    with pacing(clock):
        wall.seconds += 3.0
        gevent.spawn(visit)
        settle()
        wall.seconds += 1.9
        clock.wake()
        settle()
        assert woken == []
        wall.seconds += 0.1
        clock.wake()
        settle()
        assert woken == [5 * S]


def test_who_is_woken_has_its_turn_at_that_moment_before_anything_else():
    wall = Wall()
    clock = RealtimeClock(1.0, wall)
    order: list[tuple[int, str]] = []

    def user() -> None:
        for _ in range(3):
            clock.wait_for(lambda done: clock.call_in(S, lambda: (done(), note("after"))))
            note("user")

    def note(name: str) -> None:
        order.append((clock.now_ns // S, name))

    gevent.spawn(user)
    settle()
    with pacing(clock):
        wall.seconds += 100.0
        clock.wake()
        settle()
    assert order == [(n, name) for n in (1, 2, 3) for name in ("user", "after")]


def test_a_user_that_waits_for_something_real_does_not_hold_time_up():
    wall = Wall()
    clock = RealtimeClock(1.0, wall)
    real = Event()
    seen: list[tuple[int, str]] = []

    def user() -> None:
        clock.wait_for(lambda done: clock.call_in(S, done))
        real.wait()
        clock.wait_for(lambda done: clock.call_in(S, done))
        record(clock, seen, "user")()

    gevent.spawn(user)
    settle()
    clock.call_in(2 * S, record(clock, seen, "other"))
    with pacing(clock):
        wall.seconds += 10.0
        clock.wake()
        settle()
        assert seen == [(2 * S, "other")]
        real.set()
        settle()
        wall.seconds += 1.0
        clock.wake()
        settle()
        assert seen == [(2 * S, "other"), (11 * S, "user")]


def test_a_user_that_is_killed_or_ends_in_its_turn_does_not_hold_time_up():
    wall = Wall()
    clock = RealtimeClock(1.0, wall)
    seen: list[tuple[int, str]] = []

    def user() -> None:
        clock.wait_for(lambda done: clock.call_in(S, done))
        record(clock, seen, "ends")()

    gevent.spawn(user)
    killed = gevent.spawn(user)
    settle()
    killed.kill()
    clock.call_in(2 * S, record(clock, seen, "other"))
    with pacing(clock):
        wall.seconds += 10.0
        clock.wake()
        settle()
    assert seen == [(S, "ends"), (2 * S, "other")]


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_time_does_not_stand_still_or_run_backwards(speed):
    with pytest.raises(ValueError, match="speed"):
        RealtimeClock(speed)
