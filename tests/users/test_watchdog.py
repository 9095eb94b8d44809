"""A run whose simulated time stands still because of a user's code is ended, by name and line."""

import _thread
import re
import threading

import pytest
from driving import drive
from locust import task
from locust.user.task import TaskSet

from harness.errors import UserError
from harness.users import watchdog
from workloads.user import PartitionUser, transaction


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "STALL_SECONDS", 0.4)
    monkeypatch.setattr(watchdog, "AGAIN_SECONDS", 0.4)
    monkeypatch.setattr(watchdog, "_limit", [])


class Spins(PartitionUser):
    @task
    @transaction
    def turn(self) -> None:
        self.partition.compute(0.001)
        while True:
            pass


class Swallows(PartitionUser):
    @task
    def turn(self) -> None:
        while True:
            try:
                while True:
                    pass
            except Exception:
                pass


class Waits(PartitionUser):
    @task
    def turn(self) -> None:
        lock = _thread.allocate_lock()
        lock.acquire()
        lock.acquire()


class Backtracks(PartitionUser):
    """C code that lets no other thread run."""

    @task
    def turn(self) -> None:
        re.match("(a+)+$", "a" * 40 + "b")


class TakesNoTime(PartitionUser):
    @task
    def turn(self) -> None:
        while True:
            self.partition.compute(0)


class WaitsForNoTime(PartitionUser):
    @task
    def turn(self) -> None:
        while True:
            self.partition.wait(0)


class NeverStarts(PartitionUser):
    def on_start(self) -> None:
        while True:
            pass

    @task
    def turn(self) -> None: ...


class Interrupts(PartitionUser):
    @task
    class Inner(TaskSet):
        def on_start(self) -> None:
            self.interrupt()

        @task
        def turn(self) -> None: ...


def ended(cls: type[PartitionUser]) -> str:
    with pytest.raises(UserError) as caught:
        drive(cls)
    return str(caught.value)


@pytest.mark.parametrize("cls", [Spins, Swallows, Waits, Backtracks])
def test_a_task_that_does_not_return_is_ended_by_name_and_line(cls):
    why = ended(cls)
    assert why.startswith("test_watchdog.py:")
    assert f": {cls.__name__}, turn: calls no verb and does not return" in why


@pytest.mark.parametrize("cls", [TakesNoTime, WaitsForNoTime])
def test_verbs_that_take_no_time_are_ended_too(cls):
    why = ended(cls)
    assert why.startswith("test_watchdog.py:")
    assert f": {cls.__name__}, turn: calls verbs that take no time" in why


def test_what_is_not_a_task_is_named_as_well():
    assert ": NeverStarts, on_start: " in ended(NeverStarts)
    assert "Interrupts" in ended(Interrupts)


@pytest.mark.parametrize("cls", [Spins, Swallows, TakesNoTime])
def test_it_ends_a_run_in_another_thread_than_the_main_one(cls):
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(ended(cls)))
    thread.start()
    thread.join()
    assert f": {cls.__name__}, turn: " in found[0]


def test_after_the_first_time_it_waits_less(monkeypatch):
    monkeypatch.setattr(watchdog, "AGAIN_SECONDS", 0.1)
    assert "stood still for 0.4 s" in ended(Spins)
    assert "stood still for 0.1 s" in ended(Spins)


def test_a_user_without_work_and_think_time_is_not_stopped():
    class Nothing(PartitionUser):
        @task
        @transaction
        def turn(self) -> None: ...

    assert drive(Nothing).completed > 100
