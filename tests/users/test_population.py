"""Locust users on the simulated clock."""

import ast
import importlib
import inspect
import random as global_random
from itertools import pairwise
from pathlib import Path

import pytest
from locust import User, between, constant_pacing, constant_throughput, task
from locust.env import Environment
from locust.user.task import TaskSet
from modelling import (
    FULL_SYSTEM,
    HOSTED,
    MS,
    NO_OVERHEAD,
    NO_REFILL,
    NO_TICKS,
    OUTSIDE,
    UNCAPPED,
    WIRE,
    build,
    partition,
    system,
)

from harness.campaign.random_streams import stream_seed
from harness.engine.clock import Clock
from harness.model.config import UserGroup
from harness.model.machine import Machine
from harness.users.population import UserPopulation, locust_on
from workloads.user import Demand, PartitionUser, transaction

LOCUST = Path(inspect.getfile(User)).parent.parent


def one_core(*overrides: dict[str, object]) -> Machine:
    machine = system(partition("app", 1, virtualization=FULL_SYSTEM, disks=1), cores=1)
    return build(machine, NO_OVERHEAD, {"os.aix-5.3.timeslice": 1e4}, *overrides)


class Recorder:
    """Everything that Locust's request event says."""

    def __init__(self) -> None:
        self.environment = Environment(catch_exceptions=False)
        self.listening = True
        self.requests: list[tuple[str, float, BaseException | None]] = []
        self.environment.events.request.add_listener(self._on_request)

    def _on_request(self, name, response_time, exception, **_) -> None:
        if self.listening:
            self.requests.append((name, response_time, exception))


def drive(
    machine: Machine,
    cls: type[PartitionUser],
    *,
    until_ns: int,
    users: int = 1,
    think: float = 0.0,
    arrivals: float | None = None,
    seed: int = 1,
) -> Recorder:
    recorder = Recorder()
    population = UserPopulation(machine.clock, recorder.environment, seed)
    with locust_on(machine.clock):
        app = machine.partitions["app"]
        group = UserGroup("g", "", users, arrivals, think)
        population.add(cls, Demand(), group, app)
        try:
            machine.clock.run_until(until_ns)
            recorder.listening = False
        finally:
            population.dismiss()
    return recorder


class Works(PartitionUser):
    @task
    @transaction
    def work(self) -> None:
        self.partition.compute(0.001)


# What is patched


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
    # A Markov chain's choices are not ours to make; it is a task set that nobody has to use.
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


# Waiting


def test_a_user_works_and_thinks_in_simulated_time():
    class Thinks(Works):
        wait_time = lambda self: 0.009  # noqa: E731

    machine = one_core()
    recorder = drive(machine, Thinks, until_ns=1000 * MS)
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
    drive(machine, Noted, until_ns=1000 * MS)
    assert len(times) in (50, 51)
    gaps = [b - a for a, b in pairwise(times[1:])]
    assert all(gap == pytest.approx(20 * MS, abs=2) for gap in gaps)


def test_chance_comes_from_the_users_own_stream():
    class Waits(Works):
        wait_time = between(0.001, 0.1)

    def run() -> list[float]:
        global_random.seed(global_random.random())
        return [
            time for _, time, _ in drive(one_core(), Waits, until_ns=500 * MS, users=3).requests
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
    drive(one_core(), Waits, until_ns=500 * MS, users=3)
    assert global_random.getstate() == before


def test_a_user_that_drives_no_partition_is_told_so():
    class Plain(User):
        @task
        def nothing(self) -> None: ...

    with locust_on(Clock()), pytest.raises(TypeError, match="Plain drives no partition"):
        TaskSet(Plain(Environment()))._sleep(1.0)


# Tasks


def test_tasks_are_chosen_by_weight_and_nested_task_sets_work():
    class Mixed(PartitionUser):
        @task(3)
        @transaction
        def often(self) -> None:
            self.partition.compute(0.0001)

        @task
        class Nested(TaskSet):
            @task
            def inner(self) -> None:
                _inner(self.user)
                self.interrupt(reschedule=False)

    @transaction
    def _inner(user: PartitionUser) -> None:
        user.partition.compute(0.0001)

    names = [name for name, _, _ in drive(one_core(), Mixed, until_ns=400 * MS).requests]
    assert set(names) == {"often", "_inner"}
    assert names.count("often") / len(names) == pytest.approx(0.75, abs=0.03)


def test_the_start_and_the_end_of_a_user_may_use_the_partition():
    seen: list[str] = []

    class Greets(Works):
        def on_start(self) -> None:
            self.partition.compute(0.002)
            seen.append("hello")

        def on_stop(self) -> None:
            seen.append("goodbye")
            self.partition.compute(0.002)
            seen.append("never")

    drive(one_core({"os.aix-5.3.timeslice": 0.01}), Greets, until_ns=50 * MS, users=2)
    assert seen == ["hello", "hello", "goodbye", "goodbye"]


def test_an_error_in_a_task_ends_the_run():
    class Fails(PartitionUser):
        @task
        def work(self) -> None:
            self.partition.compute(0.001)
            raise LookupError("what the locustfile did wrong")

    with pytest.raises(LookupError, match="did wrong"):
        drive(one_core(), Fails, until_ns=100 * MS)


def test_a_partition_that_fails_fails_the_transaction_not_the_user():
    class Unlucky(PartitionUser):
        count = 0

        @task
        @transaction
        def work(self) -> None:
            self.partition.compute(0.001)
            self.count += 1
            if self.count % 2:
                raise ConnectionResetError("the other side is gone")

    requests = drive(one_core(), Unlucky, until_ns=100 * MS).requests
    assert len(requests) > 80
    assert [exception is not None for _, _, exception in requests[:4]] == [True, False] * 2
    assert isinstance(requests[0][2], ConnectionResetError)


def test_reading_a_disk_that_is_not_there_is_an_error_of_the_campaign_and_ends_the_run():
    class Reads(PartitionUser):
        @task
        @transaction
        def work(self) -> None:
            self.partition.read(4096)

    machine = build(system(partition("app", 1), cores=1))
    with pytest.raises(ValueError, match="app has 0 disks"):
        drive(machine, Reads, until_ns=100 * MS)


def test_locusts_own_way_to_measure_counts_simulated_time():
    class Measures(PartitionUser):
        @task
        def work(self) -> None:
            context = {"user": self}
            with self.environment.events.request.measure("m", "unit", context=context):
                self.partition.compute(0.003)

    requests = drive(one_core(), Measures, until_ns=100 * MS).requests
    assert {(name, round(time, 6)) for name, time, _ in requests} == {("unit", 3.0)}


# Verbs


def test_every_verb_blocks_until_its_work_is_done():
    steps: list[tuple[str, float]] = []

    class Everything(PartitionUser):
        @task
        def work(self) -> None:
            partition = self.partition
            for name, verb in (
                ("wait", lambda: partition.wait(0.25)),
                ("compute", lambda: partition.compute(0.001, {"calls": 5.0})),
                ("read", lambda: partition.read(8192, 65536)),
                ("write", lambda: partition.write(8192, 65536)),
                ("sequence", lambda: partition.read(131072)),
                ("send", lambda: partition.send(10**6, OUTSIDE)),
                ("receive", lambda: partition.receive(10**6, OUTSIDE)),
                ("exchange", lambda: partition.exchange(64, 64, OUTSIDE)),
                ("serve", lambda: partition.serve(64, 64, 0.001, {"calls": 5.0})),
            ):
                start = partition.now()
                verb()
                steps.append((name, partition.now() - start))
            partition.wait(1e6)

    app = partition("app", 1, disks=1, ethernet=WIRE)
    drive(build(system(app, cores=1), NO_TICKS, NO_REFILL), Everything, until_ns=2000 * MS)
    took = dict(steps)
    assert list(took) == [
        "wait", "compute", "read", "write", "sequence", "send", "receive", "exchange", "serve",
    ]  # fmt: skip
    assert took["wait"] == 0.25
    assert took["compute"] == pytest.approx(0.001, rel=0.01)
    assert took["read"] > 0.002 > took["write"] > 0.0002
    assert took["sequence"] == pytest.approx(131072 / (132.6 * 2**20), rel=0.01)
    assert 0.009 > took["receive"] > 0.0084
    assert took["send"] > 0.008
    assert took["exchange"] > 60e-6
    assert took["serve"] == pytest.approx(took["exchange"] + took["compute"], rel=0.01)


# Open arrivals


def test_arrivals_are_poisson_and_do_not_wait_for_each_other():
    recorder = drive(one_core(), Works, until_ns=20_000 * MS, arrivals=300.0)
    # Six thousand expected, with a standard deviation of 77.
    assert len(recorder.requests) == pytest.approx(6000, abs=250)


def test_response_times_count_from_the_arrival_so_that_a_stall_shows():
    """One stall of a second: whoever arrives in it has waited for the rest of it."""

    class Stalls(PartitionUser):
        @task
        @transaction
        def work(self) -> None:
            first = not stalled
            stalled.append(True)
            self.partition.compute(1.0 if first else 0.0001)

    stalled: list[bool] = []
    requests = drive(one_core(), Stalls, until_ns=5000 * MS, arrivals=100.0).requests
    late = sorted((time for _, time, _ in requests if time > 10.0), reverse=True)
    # A hundred arrived during the stall, evenly spread: on average half a second late.
    assert len(late) == pytest.approx(100, abs=30)
    assert sum(late) / len(late) == pytest.approx(500, abs=120)
    closed_stalled, stalled[:] = list(stalled), []
    closed = drive(one_core(), Stalls, until_ns=5000 * MS, users=1, think=0.01).requests
    assert closed_stalled
    assert sum(time > 10.0 for _, time, _ in closed) == 1


def test_users_that_are_done_serve_later_arrivals():
    machine = one_core()
    recorder = Recorder()
    population = UserPopulation(machine.clock, recorder.environment, 1)
    with locust_on(machine.clock):
        group = UserGroup("g", "", arrivals_per_second=200.0)
        population.add(Works, Demand(), group, machine.partitions["app"])
        machine.clock.run_until(10_000 * MS)
        # At a fifth of the capacity hardly more than a few are under way at a time.
        assert len(population._greenlets) < 12 < 1800 < len(recorder.requests)
        population.dismiss()


# Common random numbers


def first_demands(machine: Machine, arrivals: float | None, count: int) -> dict[object, list]:
    """What each user, or each arrival, asked for first, whatever became of it."""
    asked: dict[object, list] = {}

    class Draws(PartitionUser):
        @task
        @transaction
        def work(self) -> None:
            if arrivals is None:
                key: object = id(self)
                asked.setdefault(key, [])
            else:
                key = round(self.intended_start_seconds * 1e9)
                asked[key] = []
            demand = self.vary(0.002, 2.0)
            asked[key].append(demand)
            self.partition.compute(demand)

    until = machine.clock.now_ns + 600 * MS
    drive(machine, Draws, until_ns=until, users=4, think=0.005, arrivals=arrivals)
    if arrivals is None:
        return dict(enumerate(sorted(draws[:count] for draws in asked.values())))
    return {key: asked[key] for key in sorted(asked)[:count]}


@pytest.mark.parametrize("arrivals", [None, 150.0])
def test_every_virtualization_sees_the_same_arrivals_and_demands(arrivals):
    machines = [
        build(system(partition("app", 1, virtualization=FULL_SYSTEM), cores=1)),
        build(system(partition("app", 0.3, 1, UNCAPPED), cores=1)),
        build(system(partition("app", 1, virtualization=HOSTED), cores=1, flavour="uml")),
    ]
    seen = [first_demands(machine, arrivals, 12) for machine in machines]
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) >= 4
    assert len({demand for draws in seen[0].values() for demand in draws}) > 10


def test_users_of_two_groups_and_of_one_draw_from_streams_of_their_own():
    drawn: dict[object, list[float]] = {}

    class Draws(PartitionUser):
        @task
        def work(self) -> None:
            drawn.setdefault((*self.labels, id(self)), []).append(self.random.random())
            self.partition.compute(0.001)

    machine = one_core()
    population = UserPopulation(machine.clock, Environment(catch_exceptions=False), 1)
    with locust_on(machine.clock):
        for name in ("one", "two"):
            population.add(Draws, Demand(), UserGroup(name, "", 3), machine.partitions["app"])
        machine.clock.run_until(30 * MS)
        population.dismiss()
    firsts = [draws[0] for draws in drawn.values()]
    assert len(set(firsts)) == len(firsts) == 6


def test_streams_differ_between_users_groups_replications_and_seeds():
    seeds = {
        stream_seed(seed, replication, group, user)
        for seed in (1, 2)
        for replication in (0, 1)
        for group in ("a", "b", "a/b")
        for user in (0, 1, "arrivals")
    }
    assert len(seeds) == 36
    assert stream_seed("a", "b") != stream_seed("ab")
    assert stream_seed(1, 0, "app1/load", 3) == 16641738003937624250


def test_closed_users_begin_apart_from_each_other():
    starts: list[int] = []
    machine = one_core()

    class Starts(Works):
        def on_start(self) -> None:
            starts.append(machine.clock.now_ns)

    drive(machine, Starts, until_ns=200 * MS, users=20, think=0.1)
    assert len(set(starts)) == 20
    assert max(starts) > 50 * MS
