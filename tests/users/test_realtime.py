"""A cell in real time: the same as a virtual run, with users that come and go."""

import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from gevent.event import Event
from gevent.pool import Group
from locust.env import Environment
from locust.user.task import TaskSet
from modelling import group, sharing, spec
from scipy import stats

from harness.campaign.cell import RunSpec
from harness.campaign.plan import make_plan
from harness.engine.clock import to_ns
from harness.errors import PartitionDownError, UserError
from harness.metrics.collector import Samples, expose
from harness.metrics.families import RESPONSE
from harness.metrics.mark import COUNTERS, Mark, mark
from harness.metrics.observer import Observation
from harness.model.config import UserGroup
from harness.results.run_result import RunResult
from harness.runs.run_cell import result_since, run_cell
from harness.users.realtime import RealtimeSimulation, live_spec

ALL_VERBS = (
    group("workloads/cpu.py:CommercialTransaction", 3, name="cpu", processor=0.002, forks=0.1),
    group("workloads/disk.py:RandomTransfers", name="disk", arrivals=80.0, size=8192),
    group("workloads/carrier.py:RecordBatch", 1, name="records", processor=0.001, think=0.002),
    group("workloads/network.py:Streaming", 1, name="out", size=300_000, think=0.003),
    group("workloads/network.py:Receiving", 1, name="in", size=200_000, think=0.003),
    group("workloads/network.py:RequestResponse", 2, name="ask", request=100, response=900),
)


def cell(*groups: UserGroup, duration: float = 0.3) -> RunSpec:
    return spec(sharing(*groups), duration=duration, warm_up=0.0)


def counted(observation: Observation) -> Samples:
    return {
        (family.sample_name, tuple(sorted(zip(family.labels, labels, strict=True)))): float(value)
        for family in COUNTERS
        for labels, value in family.read(observation)
    }


def run_live(
    run: RunSpec, speed: float, begin: Callable[[RealtimeSimulation, Environment], None]
) -> Samples:
    """Let a cell run in real time until its duration is over, and read its counters."""
    environment = Environment()
    live = RealtimeSimulation(run, environment, speed)
    stop = Event()
    found: Samples = {}

    def end() -> None:
        found.update(counted(live.observation))
        for key, kind in live.observation.transactions.items():
            found[RESPONSE, tuple(zip("pgn", key, strict=True))] = kind.response.sum_ns
        stop.set()

    begin(live, environment)
    with live:
        live.clock.call_in(to_ns(run.cell.duration_seconds), end)
        live.join(stop)
    return found


def all_at_once(live: RealtimeSimulation, environment: Environment) -> None:
    """Start the campaign's users at the beginning of simulated time, as a virtual run does."""
    users = Group()
    for cls in environment.user_classes:
        for _ in range(cls.fixed_count or cls.weight):
            cls(environment).start(users)


@pytest.mark.parametrize("groups", [[each] for each in ALL_VERBS] + [list(ALL_VERBS)])
def test_the_same_users_from_the_same_moment_see_what_a_virtual_run_does(groups):
    """Not only on average: every counter is the same, to the nanosecond."""
    run = cell(*groups)
    live = run_live(run, 50.0, all_at_once)
    virtual = run_cell(run)
    expected: Samples = {}
    for name, labels, value in virtual.samples:
        if name.endswith("_total"):
            expected[name, tuple(sorted(labels.items()))] = value
    for key, digest in virtual.digests.items():
        partition_, group_, name = re.fullmatch("([^/]*)/(.*)/([^/]*)", key).groups()
        labels = tuple(zip("pgn", (partition_, group_, name), strict=True))
        expected[RESPONSE, labels] = digest.sum_ns
    assert sum(digest.count for digest in virtual.digests.values()) > 20
    assert live == expected


def measured(result: RunResult) -> dict[str, float]:
    digests = list(result.digests.values())
    count = sum(digest.count for digest in digests)
    busy = sum(
        value
        for name, labels, value in result.samples
        if name == "vtax_processor_seconds_total" and labels["cause"] != "idle"
    )
    return {
        "transactions per second": count / result.measured_seconds,
        "mean response": sum(digest.sum_ns for digest in digests) / count,
        "processor time": busy / count,
    }


def test_under_locusts_own_runner_a_cell_agrees_with_virtual_runs_within_their_interval():
    """Users begin when Locust gets round to it; what is measured later is of the same kind."""
    run = cell(*ALL_VERBS[:2], duration=2.0)
    run = replace(run, cell=replace(run.cell, warm_up_seconds=0.5))
    environment = Environment()
    live = RealtimeSimulation(run, environment, 20.0)
    start: list[Mark] = []
    with live:
        runner = environment.create_local_runner()
        runner.start(live.users, spawn_rate=100)
        runner.spawning_greenlet.join()
        at_work(live, 20 * live.users)
        live.clock.call_in(to_ns(0.5), lambda: start.append(mark(live.observation)))
        completed_within(live, 2.5)
        found = measured(result_since(live.observation, start[0], True))
        assert runner.user_count == live.users
        # What Locust shows is what we count.
        assert environment.stats.total.num_requests == live.observation.completed
        runner.quit()
    virtual = [measured(run_cell(replace(run, seed=seed))) for seed in range(2, 12)]
    for name, value in found.items():
        values = np.array([each[name] for each in virtual])
        width = values.std(ddof=1) * math.sqrt(1 + 1 / len(values))
        low, high = stats.t.interval(0.9999, len(values) - 1, values.mean(), width)
        assert low < value < high, name


def at_work(live: RealtimeSimulation, number: int) -> None:
    """Let simulated time pass until that many more transactions have ended.

    How much of it passes before Locust has begun its users depends on the machine.
    """
    wanted = live.observation.completed + number
    while live.observation.completed < wanted:
        completed_within(live, 0.05)


def completed_within(live: RealtimeSimulation, seconds: float) -> int:
    """Let simulated time pass and count the transactions that end meanwhile."""
    stop = Event()
    before = live.observation.completed
    live.clock.sync()
    live.clock.call_in(to_ns(seconds), stop.set)
    live.clock.wake()
    live.join(stop)
    return live.observation.completed - before


def test_users_can_be_added_and_stopped_and_their_work_goes_with_them():
    run = cell(group("workloads/cpu.py:IntegerCompute", 2, processor=0.001))
    environment = Environment()
    with RealtimeSimulation(run, environment, 50.0) as live:
        runner = environment.create_local_runner()

        def users(number: int) -> None:
            runner.start(number, spawn_rate=100)
            runner.spawning_greenlet.join()

        assert completed_within(live, 1.0) == 0
        users(2)
        at_work(live, 2)
        assert completed_within(live, 1.0) > 100
        users(6)
        assert runner.user_count == 6
        assert sum(runner.user_classes_count.values()) == 6
        runner.stop()
        assert runner.user_count == 0
        completed_within(live, 0.1)
        assert completed_within(live, 1.0) == 0
        users(1)
        at_work(live, 1)
        assert completed_within(live, 1.0) > 100
        runner.quit()


def test_one_locust_user_stands_for_all_arrivals_of_a_group():
    run = cell(ALL_VERBS[1])
    environment = Environment()
    with RealtimeSimulation(run, environment, 50.0) as live:
        runner = environment.create_local_runner()
        assert live.users == 2
        for _ in range(2):
            runner.start(live.users, spawn_rate=100)
            runner.spawning_greenlet.join()
            at_work(live, 20)
            # 160 arrivals a second on average; how long it took depends on the machine.
            begin_ns = live.clock.now_ns
            completed = completed_within(live, 1.0)
            expected = 160.0 * (live.clock.now_ns - begin_ns) / 1e9
            assert abs(completed - expected) < 8.0 * expected**0.5
            runner.stop()
            completed_within(live, 0.3)
            assert completed_within(live, 1.0) == 0
        runner.quit()


def test_a_user_that_fails_is_locusts_to_show_and_the_simulation_goes_on(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from locust import task\n"
        "from workloads.user import PartitionUser, transaction\n"
        "class Mine(PartitionUser):\n"
        "    @task\n"
        "    @transaction\n"
        "    def fail(self):\n"
        "        self.partition.compute(0.001)\n"
        "        raise ValueError('no')\n"
    )
    run = replace(cell(group("mine.py:Mine", 1), ALL_VERBS[0]), base=tmp_path)
    environment = Environment()
    errors: list[BaseException] = []
    environment.events.user_error.add_listener(lambda exception, **_: errors.append(exception))
    with RealtimeSimulation(run, environment, 50.0) as live:
        environment.create_local_runner().start(live.users, spawn_rate=100)
        while len(errors) <= 10:
            completed_within(live, 0.05)
        # The others go on.
        at_work(live, 10)
        environment.runner.quit()
    assert all(str(error) == "no" for error in errors)


def test_a_partition_that_is_down_refuses_after_its_patience():
    environment = Environment()
    failures: list[tuple[float, BaseException | None]] = []
    environment.events.request.add_listener(
        lambda response_time, exception, **_: failures.append((response_time, exception))
    )
    with RealtimeSimulation(
        cell(group("workloads/cpu.py:IntegerCompute", 1, processor=0.001)), environment, 50.0
    ) as live:
        for modelled in live.machine.partitions.values():
            modelled.partition.down = True
        environment.create_local_runner().start(live.users, spawn_rate=100)
        while len(failures) < 6:
            completed_within(live, 0.5)
        environment.runner.quit()
    assert [each for each, _ in failures] == pytest.approx([1000.0] * len(failures))
    assert all(isinstance(error, PartitionDownError) for _, error in failures)


def test_everything_that_was_replaced_in_locust_is_put_back():
    before = TaskSet._sleep
    with RealtimeSimulation(cell(ALL_VERBS[0]), Environment()):
        assert TaskSet._sleep is not before
    assert TaskSet._sleep is before


def test_live_metrics_have_the_names_of_an_export_and_say_of_which_cell_they_are():
    run = cell(ALL_VERBS[0])
    run = replace(run, cell=replace(run.cell, load=(("users per core", "4"),)))
    environment = Environment()
    with RealtimeSimulation(run, environment, 3.0, campaign="study") as live:
        samples = expose(live.registry)
    labels = {
        "machine": "test",
        "os": "aix-5.3",
        "virtualization": "test",
        "workload": "test",
        "load_users_per_core": "4",
    }
    assert run.cell.environment.labels(virtualization=run.cell.virtualization) == labels
    labels["campaign"] = "study"
    assert all(labels.items() <= dict(own).items() for _, own in samples)
    names = {name for name, _ in samples}
    assert {"vtax_simulated_seconds_total", "vtax_processors"} <= names
    assert samples["vtax_pacing_speed_ratio", tuple(sorted(labels.items()))] == 3.0
    assert {"vtax_pacing_late_seconds", "vtax_pacing_worst_late_seconds"} <= names


def test_the_first_cell_with_wanted_users_is_chosen_at_the_catalogs_stated_values():
    plan = make_plan("smoke", only=["virtualization=hosted-vmware"])
    spec_ = live_spec(plan, lambda user: user.endswith(":CommercialTransaction"))
    assert (spec_.cell.virtualization, spec_.cell.workload) == ("hosted-vmware", "commercial")
    assert spec_.constants.digest() == plan.matrix[0].context.catalog.nominal().digest()


def test_what_cannot_be_watched_is_refused_in_one_line():
    with pytest.raises(UserError, match="no cell among those chosen"):
        live_spec(make_plan("smoke"), lambda user: False)
    with pytest.raises(UserError, match="scenarios only"):
        live_spec(make_plan("dlpar"))
    with pytest.raises(UserError, match="no users"):
        RealtimeSimulation(cell(), Environment())
