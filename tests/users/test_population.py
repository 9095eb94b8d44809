"""Locust users on the simulated clock."""

import pytest
from driving import Recorder, Works, drive_machine, one_core
from locust import task
from locust.env import Environment
from locust.user.task import TaskSet
from modelling import FULL_SYSTEM, HOSTED, MS, UNCAPPED, build, partition, system

from harness.model.config import UserGroup
from harness.model.machine import Machine
from harness.users.population import UserPopulation, locust_on
from workloads.user import Demand, PartitionUser, transaction


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

    names = [name for name, _, _ in drive_machine(one_core(), Mixed, until_ns=400 * MS).requests]
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

    drive_machine(one_core({"os.aix-5.3.timeslice": 0.01}), Greets, until_ns=50 * MS, users=2)
    assert seen == ["hello", "hello", "goodbye", "goodbye"]


def test_an_error_in_a_task_ends_the_run():
    class Fails(PartitionUser):
        @task
        def work(self) -> None:
            self.partition.compute(0.001)
            raise LookupError("what the locustfile did wrong")

    with pytest.raises(LookupError, match="did wrong"):
        drive_machine(one_core(), Fails, until_ns=100 * MS)


def test_arrivals_are_poisson_and_do_not_wait_for_each_other():
    recorder = drive_machine(one_core(), Works, until_ns=20_000 * MS, arrivals=300.0)
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
    requests = drive_machine(one_core(), Stalls, until_ns=5000 * MS, arrivals=100.0).requests
    late = sorted((time for _, time, _ in requests if time > 10.0), reverse=True)
    # A hundred arrived during the stall, evenly spread: on average half a second late.
    assert len(late) == pytest.approx(100, abs=30)
    assert sum(late) / len(late) == pytest.approx(500, abs=120)
    closed_stalled, stalled[:] = list(stalled), []
    closed = drive_machine(one_core(), Stalls, until_ns=5000 * MS, users=1, think=0.01).requests
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
    drive_machine(machine, Draws, until_ns=until, users=4, think=0.005, arrivals=arrivals)
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


def test_closed_users_begin_apart_from_each_other():
    starts: list[int] = []
    machine = one_core()

    class Starts(Works):
        def on_start(self) -> None:
            starts.append(machine.clock.now_ns)

    drive_machine(machine, Starts, until_ns=200 * MS, users=20, think=0.1)
    assert len(set(starts)) == 20
    assert max(starts) > 50 * MS
