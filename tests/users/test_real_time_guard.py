"""Users' code on the simulated clock: what works there, and what is refused with its line."""

import _thread
import asyncio
import contextlib
import os
import queue
import select
import selectors
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gevent
import gevent.event
import gevent.pool
import gevent.queue
import pytest
from driving import drive
from greenlet import greenlet
from locust import task
from locust.exception import StopTest, StopUser
from modelling import MS, OUTSIDE

from harness.errors import UserError
from workloads.user import PartitionUser, transaction

HERE = r"test_real_time_guard\.py:\d+: "


def user(body, **members) -> type[PartitionUser]:
    """A user whose task does something."""

    @transaction
    def work(self) -> None:
        body(self.partition)

    return type("Mine", (PartitionUser,), {"tasks": [work], **members})


def refused(body, **members) -> str:
    with pytest.raises(UserError) as caught:
        drive(user(body, **members))
    return str(caught.value)


# Verbs

WRONG = {
    "compute": lambda p: p.compute(-0.001),
    "wait": lambda p: p.wait(-0.002),
    "read": lambda p: p.read(-1),
    "write": lambda p: p.write(4096, -4096),
    "send": lambda p: p.send(0.5, OUTSIDE),
    "receive": lambda p: p.receive(10, None),
    "exchange": lambda p: p.exchange(64, float("nan"), OUTSIDE),
    "serve": lambda p: p.serve(64, 64, -0.001),
}


@pytest.mark.parametrize("verb", WRONG)
def test_a_wrong_argument_of_any_verb_ends_the_run_with_its_line(verb):
    assert refused(WRONG[verb]).startswith("test_real_time_guard.py:")
    assert f": {verb}(" in refused(WRONG[verb])


@pytest.mark.parametrize("verb", WRONG)
def test_a_wrong_argument_cannot_be_caught(verb):
    def body(partition) -> None:
        with contextlib.suppress(BaseException):
            WRONG[verb](partition)
        partition.wait(0.01)

    assert f": {verb}(" in refused(body)


def test_a_think_time_below_zero_ends_the_run():
    why = refused(lambda p: p.compute(0.001), wait_time=lambda self: -0.001)
    assert why.startswith("test_real_time_guard.py:")
    assert "Mine: wait_time() returned -0.001" in why


# Several at once

FOREIGN = {
    "pool": lambda p: gevent.pool.Pool(3).spawn(p.compute, 0.001),
    "spawn": lambda p: gevent.spawn(p.compute, 0.001),
    "later": lambda p: gevent.spawn_later(0.001, p.compute, 0.001),
    "greenlet": lambda p: greenlet(lambda: p.compute(0.001)).switch(),
    "thread": lambda p: threading.Thread(target=p.compute, args=(0.001,)).start(),
    "executor": lambda p: ThreadPoolExecutor(2).submit(p.compute, 0.001),
}


@pytest.mark.parametrize("way", FOREIGN)
def test_verbs_elsewhere_are_refused_and_told_what_is_possible(way):
    why = refused(FOREIGN[way])
    assert "self.partition.parallel(...)" in why or "waits for a thread" in why
    assert why.startswith("test_real_time_guard.py:")


def test_things_done_at_once_take_as_long_as_the_longest():
    took: list[float] = []

    def body(partition) -> None:
        start = partition.now()
        partition.parallel(
            lambda: partition.wait(0.02),
            lambda: partition.compute(0.004),
            lambda: partition.wait(0.005),
        )
        took.append(partition.now() - start)

    drive(user(body))
    assert took
    assert took == [pytest.approx(0.02)] * len(took)


def test_things_done_at_once_share_the_processor_and_end_together():
    done = drive(user(lambda p: p.parallel(*[lambda: p.compute(0.005)] * 2)))
    (kind,) = done.transactions.values()
    assert kind.response.count == 9
    assert kind.response.sum_ns / 9 == pytest.approx(10 * MS)


def test_things_done_at_once_all_end_before_the_first_error_is_raised():
    ended: list[str] = []

    def fail() -> None:
        raise ConnectionResetError("gone")

    def body(partition) -> None:
        def later() -> None:
            partition.wait(0.01)
            ended.append("later")

        try:
            partition.parallel(fail, later)
        finally:
            ended.append("raised")

    observed = drive(user(body))
    assert ended[:4] == ["later", "raised"] * 2
    (kind,) = observed.transactions.values()
    assert kind.failed > 5


def test_nothing_at_once_is_done_at_once():
    assert drive(user(lambda p: (p.parallel(), p.wait(0.01)))).completed == 9


# Sleeping


LOCUSTFILE: dict[str, Any] = {}
exec("from time import sleep", LOCUSTFILE)  # as a locustfile, when users are known already


@pytest.mark.parametrize(
    "rest", [LOCUSTFILE["sleep"], time.sleep, gevent.sleep], ids=["from time", "time", "gevent"]
)
def test_sleeping_is_simulated_time(rest):
    observed = drive(user(lambda p: rest(20.0)), until_ns=10_000_000 * MS)
    assert observed.completed == 499
    (kind,) = observed.transactions.values()
    assert kind.response.sum_ns == 499 * 20_000 * MS


def test_sleeping_for_a_time_that_is_none_is_refused():
    assert "wait(seconds=-1)" in refused(lambda p: time.sleep(-1))


def test_who_is_no_user_sleeps_as_ever():
    before = time.monotonic()
    time.sleep(0.01)
    gevent.sleep(0.01)
    assert time.monotonic() - before >= 0.02


# Real waiting


async def nothing() -> None:
    await asyncio.sleep(0)


def run_loop() -> None:
    steps = nothing()
    try:
        asyncio.run(steps)
    finally:
        steps.close()


REAL = {
    "gevent's event": lambda: gevent.event.Event().wait(0.01),
    "gevent's queue": lambda: gevent.queue.Queue().get(timeout=0.01),
    "event": lambda: threading.Event().wait(0.01),
    "queue": lambda: queue.Queue().get(timeout=0.01),
    "socket": lambda: socket.create_connection(("127.0.0.1", 9)),
    "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "program": lambda: subprocess.run(["true"], check=True),
    "shell": lambda: os.system("true"),
    "asyncio": run_loop,
}


@pytest.mark.parametrize("what", REAL)
def test_real_waiting_and_the_network_are_refused(what):
    assert refused(lambda p: REAL[what]()).startswith("test_real_time_guard.py:")


def test_files_may_be_written(tmp_path: Path):
    def body(partition) -> None:
        partition.compute(0.01)
        with (tmp_path / "seen.txt").open("a") as file:
            file.write("x")

    assert drive(user(body)).completed == 9
    assert (tmp_path / "seen.txt").read_text() == "x" * 9


def test_all_is_as_before_after_a_run():
    before = threading.Thread.start, threading.Condition.wait, asyncio.events.new_event_loop
    drive(user(lambda p: p.compute(0.01)))
    after = threading.Thread.start, threading.Condition.wait, asyncio.events.new_event_loop
    assert after == before
    assert threading.Event().wait(0.001) is False
    asyncio.run(nothing())


# What Locust would pass over


def test_an_error_of_a_listener_ends_the_run(caplog):
    class Listens(PartitionUser):
        def on_start(self) -> None:
            self.environment.events.request.add_listener(lambda **_: [].pop())

        @task
        @transaction
        def work(self) -> None:
            self.partition.compute(0.001)

    with pytest.raises(UserError, match=HERE + "a listener of Locust's events raised IndexError"):
        drive(Listens)
    assert not caplog.records


def test_an_error_in_on_start_ends_the_run_without_a_traceback(caplog):
    def on_start(self) -> None:
        raise LookupError("nowhere")

    with pytest.raises(LookupError, match="nowhere"):
        drive(user(lambda p: p.compute(0.001), on_start=on_start))
    assert not caplog.records


@pytest.mark.parametrize("stop", [StopUser, StopTest])
def test_a_run_that_all_users_leave_says_so(stop):
    def body(partition) -> None:
        partition.compute(0.001)
        raise stop

    assert refused(body).startswith("no user is left: all 1 of Mine stopped")


def test_a_run_that_one_of_two_users_leaves_goes_on():
    left: list[bool] = []

    def body(partition) -> None:
        partition.compute(0.01)
        if not left:
            left.append(True)
            raise StopUser

    # The transaction that a user left is one, too.
    assert drive(user(body), users=2).completed == 9


# Clocks and locks


@pytest.mark.parametrize("name", ["time", "monotonic", "perf_counter"])
def test_clocks_of_the_module_time_tell_simulated_time(name):
    def tell() -> float:
        return getattr(time, name)()

    def tell_ns() -> int:
        return getattr(time, f"{name}_ns")()

    took: list[tuple[float, int]] = []

    def body(partition) -> None:
        before, before_ns = tell(), tell_ns()
        partition.wait(0.02)
        took.append((tell() - before, tell_ns() - before_ns))

    real = tell()
    assert drive(user(body)).completed == 4
    assert took == [(pytest.approx(0.02), 20 * MS)] * 4
    assert tell() >= real


def test_a_library_that_kept_a_clock_reads_the_real_one_afterwards():
    kept: list[Any] = []
    drive(user(lambda partition: (kept.append(time.monotonic), partition.wait(0.09))))
    assert kept[0]() == pytest.approx(time.monotonic(), abs=1.0)


def test_other_threads_have_the_real_clock():
    seen: list[float] = []
    asked, answered = threading.Event(), threading.Event()

    def read() -> None:
        asked.wait()
        seen.append(time.monotonic())
        answered.set()

    other = threading.Thread(target=read)
    other.start()
    real = time.monotonic()

    def body(partition) -> None:
        asked.set()
        other.join()
        partition.wait(0.09)

    drive(user(body))
    assert seen[0] >= real > 1.0


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore"])
def test_a_lock_that_is_free_is_taken_and_one_that_is_not_is_refused(kind):
    made: list[Any] = []

    def body(partition) -> None:
        if not made:
            made.append(getattr(threading, kind)())
        with made[0]:
            pass
        partition.compute(0.01)

    assert drive(user(body), users=2).completed == 9

    def holds(partition) -> None:
        made or made.append(getattr(threading, kind)())
        with made[0]:
            partition.compute(0.01)

    made.clear()
    with pytest.raises(UserError, match=HERE + "Mine waits for"):
        drive(user(holds), users=2)


WAITS = {
    "a lock for a time": lambda: (lock := threading.Lock()).acquire() and lock.acquire(timeout=9),
    "select": lambda: select.select([], [], [], 9),
    "poll": lambda: select.poll(),  # noqa: PLW0108
    "selectors": lambda: selectors.SelectSelector().select(9),
    "a signal": lambda: signal.sigtimedwait([signal.SIGUSR1], 9),
    "input": lambda: input(),  # noqa: PLW0108
    "a timeout": lambda: gevent.Timeout(9).start(),
    "a timer": lambda: signal.setitimer(signal.ITIMER_REAL, 9),
    "a thread": lambda: _thread.start_new_thread(print, ()),
}


@pytest.mark.parametrize("what", WAITS)
def test_real_waiting_is_refused(what):
    assert refused(lambda _: WAITS[what]()).startswith("test_real_time_guard.py:")
