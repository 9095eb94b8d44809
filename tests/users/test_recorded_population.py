"""Recorded users do what the same Locust users do live."""

import re
import textwrap
from contextlib import chdir
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from locustfiles import SHARED
from modelling import (
    FULL_SYSTEM,
    HOSTED,
    WIRE,
    group,
    partition,
    sharing,
    spec,
    system,
)

from harness.campaign.cell import UserMode
from harness.model.config import SystemConfiguration, UserGroup
from harness.runs.run_cell import run_cell, run_live, run_recorded
from harness.users.recorder import NotRecordableError
from harness.users.recording import RecordingCache

SHIPPED = (
    group("workloads/cpu.py:CommercialTransaction", 3, name="cpu", processor=0.002, forks=0.1),
    group("workloads/cpu.py:IntegerCompute", 2, name="think", processor=0.001, think=0.002),
    group("workloads/cpu.py:CommercialTransaction", name="open", arrivals=90.0, processor=0.003),
    group("workloads/disk.py:RandomTransfers", 2, name="random", size=8192, reads=0.5),
    group("workloads/disk.py:SequentialTransfers", name="serial", arrivals=60.0, size=4096),
    group("workloads/network.py:Streaming", 1, name="stream", size=300_000, think=0.003),
    group("workloads/network.py:Receiving", 1, name="receive", size=100_000),
    group("workloads/network.py:RequestResponse", 2, name="ask", request=64, response=2000),
    group(
        "workloads/network.py:Service",
        2,
        name="serve",
        request=200,
        response=4000,
        processor=0.001,
        variation=0.5,
        calls=20.0,
    ),
    group("workloads/network.py:Service", name="echo", arrivals=200.0, request=64, response=64),
    group(
        "workloads/noisy_neighbours.py:MemoryHog",
        1,
        name="pages",
        working_set=8 << 20,
        memory=4 << 20,
    ),
    group("workloads/noisy_neighbours.py:ForkBomb", 1, name="forks"),
)


def one(*groups: UserGroup) -> SystemConfiguration:
    part = partition("all", virtualization=FULL_SYSTEM, disks=1, ethernet=WIRE, groups=groups)
    return system(part, cores=1)


def guests(*groups: UserGroup) -> SystemConfiguration:
    parts = [
        partition(name, 1, virtualization=HOSTED, disks=1, ethernet=WIRE, groups=groups)
        for name in ("left", "right")
    ]
    return system(*parts, cores=1, flavour="vmware")


MACHINES = (one, sharing, guests)


def in_file(folder: Path, tasks: str, *, base: str = "PartitionUser", before: str = "") -> None:
    """Write a locustfile with a user class ``Own``."""
    folder.joinpath("own.py").write_text(
        "from locust import SequentialTaskSet, TaskSet, constant_pacing, events, task\n"
        "from locust.exception import StopUser\n"
        "from workloads.user import PartitionUser, transaction\n"
        f"{before}\n"
        f"class Own({base}):\n{textwrap.indent(textwrap.dedent(tasks), '    ')}\n"
    )


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("load", SHIPPED, ids=lambda load: load.name)
def test_a_recording_gives_the_result_of_live_users(machine, load):
    run = spec(machine(load), duration=0.4, warm_up=None)
    live = run_live(run).to_json()
    cache = RecordingCache()
    assert run_recorded(run, cache).to_json() == live
    assert cache.steps > 0
    assert run_recorded(run, cache).to_json() == live


def test_all_groups_together_do_what_they_do_live():
    run = spec(sharing(*SHIPPED), duration=0.5, warm_up=0.1)
    assert run_recorded(run, RecordingCache()).to_json() == run_live(run).to_json()


@settings(max_examples=20)
@given(
    most_steps=st.sampled_from([0, 1, 100, 1000, 10_000]),
    order=st.permutations([*MACHINES, *MACHINES]),
    durations=st.lists(st.sampled_from([0.05, 0.2, 0.6]), min_size=6, max_size=6),
    seeds=st.lists(st.integers(1, 2), min_size=6, max_size=6),
)
def test_what_was_recorded_before_and_the_bound_of_the_cache_change_nothing(
    most_steps, order, durations, seeds
):
    cache = RecordingCache(most_steps)
    for machine, duration, seed in zip(order, durations, seeds, strict=True):
        run = spec(machine(*SHIPPED[:6]), duration=duration, seed=seed)
        assert run_recorded(run, cache).to_json() == _live(machine, duration, seed)
        assert cache.steps <= most_steps


@cache
def _live(machine, duration, seed):
    return run_live(spec(machine(*SHIPPED[:6]), duration=duration, seed=seed)).to_json()


FINE = {
    "two tasks": """
        @task(2)
        @transaction
        def short(self):
            self.partition.compute(self.random.random() / 1000)

        @task
        @transaction
        def long(self):
            self.partition.wait(0.001)
            self.partition.compute(0.002, {"forks": 1.0, "calls": self.random.randrange(3)})
        """,
    "fails now and then": """
        @task
        @transaction
        def work(self):
            self.partition.compute(0.001)
            if self.random.random() < 0.3:
                raise TimeoutError
        """,
    "begins with work": """
        def on_start(self):
            self.partition.compute(0.01)
            self.turns = 0

        @task
        @transaction
        def work(self):
            self.turns += 1
            self.partition.compute(0.0001 * self.turns)
        """,
    "transactions within one another": """
        @transaction
        def inner(self):
            self.partition.compute(0.001)

        @task
        @transaction
        def outer(self):
            self.inner()
            self.partition.compute(0.002)
            self.inner()
        """,
    "sleeps": """
        @task
        @transaction
        def work(self):
            import time
            time.sleep(0.002)
            self.partition.compute(0.001)
        """,
    "task sets": """
        @task
        class Shop(SequentialTaskSet):
            @task
            @transaction
            def look(self):
                self.user.partition.compute(0.001)

            @task
            @transaction
            def buy(self):
                self.user.partition.compute(0.002)
                if self.user.random.random() < 0.5:
                    self.interrupt()
        """,
    "does nothing at all": """
        @task
        @transaction
        def work(self):
            pass
        """,
}


@pytest.mark.parametrize("tasks", FINE.values(), ids=FINE)
def test_users_of_ones_own_that_depend_on_themselves_are_recorded(tasks, tmp_path):
    in_file(tmp_path, tasks)
    for machine in MACHINES:
        run = spec(machine(group("own.py:Own", 3)), duration=0.3, base=tmp_path)
        live = run_live(run)
        assert live.requests > 10
        assert run_recorded(run, RecordingCache()).to_json() == live.to_json()


WORK = """
    @task
    @transaction
    def work(self):
        {}
        self.partition.compute(0.001)
    """

NOT_ALONE = {
    "now": (WORK.format("self.partition.now()"), "reads the time"),
    "time": (WORK.format("import time; time.time()"), "reads the time"),
    "perf_counter": (WORK.format("import time; time.perf_counter_ns()"), "reads the time"),
    "name": (WORK.format("self.partition.name"), "reads the name of its partition"),
    "parallel": (
        WORK.format("self.partition.parallel(lambda: self.partition.wait(0.01))"),
        "does several things at once",
    ),
    "random": (WORK.format("import random; random.random()"), "that all users share"),
    "numpy": (WORK.format("import numpy; numpy.random.rand()"), "that all users share"),
    "fires": (
        WORK.format(
            "self.environment.events.request.fire(request_type='x', name='x', response_time=1.0, "
            "response_length=0, exception=None, context={'user': self})"
        ),
        "reports requests by itself",
    ),
    "listens": (
        WORK.format("events.request.add_listener(lambda **_: None)"),
        "listens to requests",
    ),
    "stops": (WORK.format("raise StopUser"), "stops by itself"),
    "fails for good": (WORK.format("1 / 0"), "division by zero"),
    "wrong argument": (WORK.format("self.partition.compute(-1)"), "processor_seconds=-1"),
    "pace": (
        "wait_time = constant_pacing(0.01)\n" + textwrap.dedent(WORK.format("")),
        "reads the time",
    ),
}


@pytest.mark.parametrize(("tasks", "reason"), NOT_ALONE.values(), ids=NOT_ALONE)
def test_users_that_depend_on_more_are_not_recorded(tasks, reason, tmp_path):
    in_file(tmp_path, tasks)
    run = spec(one(group("own.py:Own", 3)), duration=0.3, base=tmp_path)
    with pytest.raises((NotRecordableError, ZeroDivisionError), match=reason):
        run_recorded(run, RecordingCache())


@pytest.mark.parametrize("tasks", [value for value, _ in NOT_ALONE.values()], ids=NOT_ALONE)
def test_users_that_cannot_be_recorded_run_live_with_the_reason(tasks, tmp_path):
    in_file(tmp_path, tasks)
    run = spec(one(group("own.py:Own", 3)), duration=0.3, base=tmp_path)
    recorded = replace(run, users=UserMode.RECORDED)
    assert recorded.identity == run.identity
    try:
        live = run_cell(run)
    except Exception as error:
        with pytest.raises(type(error), match=re.escape(str(error))):
            run_cell(recorded)
        return
    result = run_cell(recorded)
    assert result.live_reason
    assert replace(result, live_reason="").to_json() == live.to_json()


def test_state_that_users_share_is_found_when_both_ways_are_compared(tmp_path):
    (tmp_path / "shared.py").write_text(SHARED)
    run = spec(one(group("shared.py:Shared", 3)), duration=0.3, base=tmp_path)
    result = run_cell(replace(run, users=UserMode.COMPARED))
    assert "other users" in result.live_reason
    assert replace(result, live_reason="") == run_live(run)


def test_users_that_share_nothing_pass_the_comparison():
    run = spec(sharing(*SHIPPED), duration=0.3)
    result = run_cell(replace(run, users=UserMode.COMPARED))
    assert result.live_reason == ""
    assert result == run_live(run)


def test_a_user_that_changes_when_it_is_run_again_is_not_recorded(tmp_path):
    in_file(
        tmp_path,
        WORK.format(
            "import pathlib; self.partition.compute(float(pathlib.Path('length').read_text()))"
        ),
    )
    tmp_path.joinpath("length").write_text("0.001")
    cache = RecordingCache()
    load = group(f"{tmp_path}/own.py:Own", 1)
    with chdir(tmp_path):
        run_recorded(spec(one(load), duration=0.05), cache)
        tmp_path.joinpath("length").write_text("0.002")
        with pytest.raises(NotRecordableError, match="when it is run again"):
            run_recorded(spec(one(load), duration=10.0), cache)


def test_an_arrival_that_never_ends_is_not_recorded(tmp_path):
    in_file(tmp_path, WORK.format("while True: self.partition.compute(0.001)"))
    run = spec(one(group("own.py:Own", arrivals=10.0)), duration=0.3, base=tmp_path)
    with pytest.raises(NotRecordableError, match="does not end"):
        run_recorded(run, RecordingCache())
