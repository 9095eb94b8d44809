"""What is replaced in Locust: its clock, its sleep and its chance."""

import ast
import importlib
import inspect
import random as global_random
from itertools import pairwise
from pathlib import Path

import pytest
from driving import Works, drive_machine, one_core
from locust import User, between, constant_pacing, constant_throughput, task
from locust.env import Environment
from locust.user.task import TaskSet
from modelling import MS

from harness.engine.clock import Clock
from harness.users.population import locust_on
from workloads.user import PartitionUser, transaction

LOCUST = Path(inspect.getfile(User)).parent.parent


PATCHED = {
    ("locust.event", "time"),
    ("locust.user.task", "time"),
    ("locust.user.task", "perf_counter"),
    ("locust.user.task", "random"),
    ("locust.user.users", "time"),
    ("locust.user.wait_time", "perf_counter"),
    ("locust.user.wait_time", "random"),
}


def names_now() -> dict[tuple[str, str], object]:
    return {
        (module, name): getattr(importlib.import_module(module), name) for module, name in PATCHED
    } | {("TaskSet", "_sleep"): TaskSet._sleep}


def test_all_that_was_replaced_in_locust_is_put_back_whatever_happens():
    before = names_now()
    with pytest.raises(RuntimeError), locust_on(Clock()):
        assert all(value is not before[key] for key, value in names_now().items())
        raise RuntimeError
    assert names_now() == before


def test_two_clocks_one_after_the_other_each_have_their_own_time():
    for moment in (5, 9):
        clock = Clock()
        clock.run_until(moment * 10**9)
        with locust_on(clock):
            assert importlib.import_module("locust.user.wait_time").perf_counter() == moment


READS_TIME = {"time", "datetime", "perf_counter", "monotonic", "sleep"}


def test_locust_reads_time_and_chance_only_where_they_are_replaced():
    """A new Locust that reads the clock somewhere else in a user's way must not go unnoticed."""
    sources = [*sorted((LOCUST / "user").glob("*.py")), LOCUST / "event.py", LOCUST / "env.py"]
    found = set()
    for path in sources:
        module = ".".join(["locust", *path.relative_to(LOCUST).with_suffix("").parts])
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import) or (
                isinstance(node, ast.ImportFrom) and node.module in ("time", "random", "datetime")
            ):
                names = [alias.asname or alias.name for alias in node.names]
            else:
                continue
            found |= {(module, name) for name in names if name in READS_TIME | {"random"}}
    # A Markov chain's choices are not ours to make; users need not use it.
    known = PATCHED | {("locust.user.markov_taskset", "random")}
    assert found == known


def test_gevents_sleep_is_used_in_one_place_only():
    calls = [
        path.name
        for path in sorted((LOCUST / "user").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "sleep"
    ]
    assert calls == ["task.py"]


def test_a_user_works_and_thinks_in_simulated_time():
    class Thinks(Works):
        wait_time = lambda self: 0.009  # noqa: E731

    machine = one_core()
    recorder = drive_machine(machine, Thinks, until_ns=1000 * MS)
    assert 99 <= len(recorder.requests) <= 100
    assert {round(time, 6) for _, time, _ in recorder.requests} == {1.0}


@pytest.mark.parametrize("pace", [constant_pacing(0.02), constant_throughput(50)])
def test_pacing_counts_simulated_time(pace):
    class Paced(Works):
        wait_time = pace

    times: list[int] = []
    machine = one_core()

    class Noted(Paced):
        @task
        @transaction
        def work(self) -> None:
            times.append(machine.clock.now_ns)
            self.partition.compute(0.001 if len(times) % 3 else 0.005)

    Noted.tasks = [Noted.work]
    drive_machine(machine, Noted, until_ns=1000 * MS)
    assert len(times) in (50, 51)
    gaps = [b - a for a, b in pairwise(times[1:])]
    assert all(gap == pytest.approx(20 * MS, abs=2) for gap in gaps)


def test_chance_comes_from_the_users_own_stream():
    class Waits(Works):
        wait_time = between(0.001, 0.1)

    def run() -> list[float]:
        global_random.seed(global_random.random())
        return [
            time
            for _, time, _ in drive_machine(one_core(), Waits, until_ns=500 * MS, users=3).requests
        ]

    state = global_random.getstate()
    first = run()
    global_random.seed(12345)
    assert run() == first
    global_random.setstate(state)


def test_a_users_chance_leaves_the_worlds_alone():
    class Waits(Works):
        wait_time = between(0.001, 0.1)

    global_random.seed(7)
    before = global_random.getstate()
    drive_machine(one_core(), Waits, until_ns=500 * MS, users=3)
    assert global_random.getstate() == before


def test_a_user_that_drives_no_partition_is_refused():
    class Plain(User):
        @task
        def nothing(self) -> None: ...

    with locust_on(Clock()), pytest.raises(TypeError, match="Plain drives no partition"):
        TaskSet(Plain(Environment()))._sleep(1.0)


def test_locusts_own_way_to_measure_counts_simulated_time():
    class Measures(PartitionUser):
        @task
        def work(self) -> None:
            context = {"user": self}
            with self.environment.events.request.measure("m", "unit", context=context):
                self.partition.compute(0.003)

    requests = drive_machine(one_core(), Measures, until_ns=100 * MS).requests
    assert {(name, round(time, 6)) for name, time, _ in requests} == {("unit", 3.0)}
