import contextlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from watching import Watcher, wait_for

from harness.campaign.plan import make_plan
from harness.errors import UserError
from harness.execution import dask as cluster_module
from harness.execution.dask import Cluster, carry_out
from harness.execution.execute import Summary, execute
from harness.results.packed_result import PackedResult, pack
from harness.results.store import Failure, Store
from harness.runs.scenario.run import run
from workloads.loading import UserFile

RUNS = '''
"""Runs that leave a trace of each attempt; workers import them by name."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from harness.runs.scenario.run import run

HERE = Path(__file__).parent


def noted(spec):
    with (HERE / "attempts").open("a") as file:
        file.write(f"{spec.cell_position}-{spec.replication} {os.getpid()}\\n")
    return run(spec)


def slow(spec):
    time.sleep(0.3)
    return noted(spec)


def deadly(spec):
    if spec.cell_position == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return noted(spec)


def failing(spec):
    if spec.cell_position == 1:
        raise RuntimeError("no\\nway")
    return noted(spec)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("importable")
    (folder / "cluster_runs.py").write_text(RUNS)
    return folder


@pytest.fixture
def runs(folder, monkeypatch):
    (folder / "attempts").unlink(missing_ok=True)
    monkeypatch.syspath_prepend(folder)
    import cluster_runs

    return cluster_runs


class LocalCluster:
    """A scheduler and worker processes on the loopback, started as on any machine."""

    def __init__(self, folder: Path, directory: Path, allowed_failures: int) -> None:
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures),
        }
        self.directory = directory
        self.processes: list[subprocess.Popen[bytes]] = []
        file = directory / "scheduler.json"
        self._start("scheduler", "--port", "0", "--no-show", "--scheduler-file", str(file))
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        self.address: str = json.loads(file.read_text())["address"]

    def _start(self, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "dask",
                kind,
                "--host",
                "127.0.0.1",
                "--no-dashboard",
                *arguments,
            ],
            env=self.environment,
            cwd=self.directory,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def add_worker(self, *arguments: str) -> subprocess.Popen[bytes]:
        return self._start("worker", self.address, "--no-nanny", "--nthreads", "1", *arguments)

    def end(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def local(request, folder, tmp_path):
    """Start a scheduler; the parameter is how many workers a run may lose before it is given up."""
    cluster = LocalCluster(folder, tmp_path, getattr(request, "param", 3))
    try:
        yield cluster
    finally:
        cluster.end()


@contextlib.contextmanager
def connected(local: LocalCluster, workers: int):
    for _ in range(workers):
        local.add_worker()
    # A client is refused while there is no worker yet.
    clusters: list[Cluster] = []

    def connect() -> bool:
        with contextlib.suppress(UserError):
            clusters.append(Cluster(local.address))
        return bool(clusters)

    wait_for(connect)
    with clusters[0] as cluster:
        wait_for(lambda: cluster.size == workers)
        yield cluster


@pytest.fixture
def campaign(write, tmp_path):
    """Plan a campaign whose users come from a locustfile of its own, beside the campaign file."""
    folder = tmp_path / "campaign"
    folder.mkdir()
    (folder / "mine.py").write_text(
        "from pathlib import Path\n"
        "from workloads.cpu import IntegerCompute\n\n\n"
        "class Mine(IntegerCompute):\n"
        "    def on_start(self):\n"
        "        from steps.helper import NAMES\n"
        "        assert (Path(__file__).parent / 'data' / 'names.csv').read_text() == NAMES\n"
    )
    for name, text in (("steps/helper.py", "NAMES = 'a,b'\n"), ("data/names.csv", "a,b")):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    path = write(
        ("workloads/cpu.py:IntegerCompute", "mine.py:Mine"),
        ("[claim]", 'files = ["data/*"]\n\n[claim]'),
    )
    (folder / path.name).write_text(path.read_text())
    return make_plan(str(folder / path.name))


def results(store: Store) -> dict[str, PackedResult]:
    return {run.identity: pack(result) for run, result in store.results() if result is not None}


def attempts(runs) -> list[str]:
    return [line.split()[0] for line in (runs.HERE / "attempts").read_text().splitlines()]


def test_results_are_the_same_bytes_as_from_this_machine(tmp_path, campaign, local):
    specs = campaign.runs(0, 1)
    with Store.start(tmp_path / "here", campaign.record()) as store:
        execute(specs, store, run, workers=2, drawn=campaign.drawn)
        here = results(store)
    with (
        connected(local, 2) as cluster,
        Store.start(tmp_path / "there", campaign.record()) as store,
    ):
        summary = execute(specs, store, run, workers=cluster, drawn=campaign.drawn)
        assert summary == Summary(done=len(specs))
        assert results(store) == here
        again = execute(specs, store, run, workers=cluster, drawn=campaign.drawn)
        assert again == Summary(kept=len(specs))
    assert len(here) == len(specs)


@pytest.mark.slow
def test_a_lost_worker_costs_its_runs_in_flight_and_nothing_else(tmp_path, campaign, runs, local):
    specs = campaign.runs()
    with Store.start(tmp_path / "here", campaign.record()) as store:
        execute(specs, store, run, workers=2, drawn=campaign.drawn)
        here = results(store)
    with (
        connected(local, 2) as cluster,
        Store.start(tmp_path / "there", campaign.record()) as store,
    ):
        _, _, lost = local.processes

        def kill(kept: int) -> None:
            """Kill a worker when some runs are kept and others are in flight."""
            if kept == 3:
                lost.kill()
                lost.wait()

        watcher = Watcher(kill)
        summary = execute(
            specs, store, runs.slow, workers=cluster, drawn=campaign.drawn, observer=watcher
        )
        assert min(watcher.seconds) > 0
        assert {failure for *_, failure in watcher.ended} == {None}
        assert cluster.size == 1
        assert summary == Summary(done=len(specs))
        assert results(store) == here
    made = attempts(runs)
    assert set(made) == {f"{spec.cell_position}-{spec.replication}" for spec in specs}
    # What was kept before is never done again; of the lost worker's, one was at work.
    assert len(made) - len(set(made)) <= 1


@pytest.mark.parametrize("local", [0], indirect=True)
@pytest.mark.slow
def test_a_run_that_fails_or_kills_its_workers_is_a_row_and_ends_nothing(
    tmp_path, campaign, runs, local
):
    specs = campaign.runs(0, 1)
    with connected(local, 2) as cluster, Store.start(tmp_path / "out", campaign.record()) as store:
        failing = execute(specs, store, runs.failing, workers=cluster, drawn=campaign.drawn)
        assert (failing.done, failing.failed) == (len(specs) - 1, 1)
        (failed,) = (run for run in store.runs() if run.failure is not None)
        assert (failed.cell.position, failed.failure) == (1, Failure.ERROR)
        assert failed.reason.endswith("): no way")
        assert failed.reason.startswith("RuntimeError (cluster_runs.py, line ")
        deadly = execute(specs, store, runs.deadly, workers=cluster, drawn=campaign.drawn)
        assert deadly == Summary(failed=1, kept=len(specs) - 1)
        (failed,) = (run for run in store.runs() if run.failure is not None)
        assert failed.failure == Failure.WORKER_DIED
        assert failed.reason == "it lost 1 worker"
        local.processes[1].kill()
        local.processes[2].kill()
        wait_for(lambda: cluster.size == 0)
        with pytest.raises(UserError, match="no worker is left"):
            execute(specs, store, run, workers=cluster, drawn=campaign.drawn)


def test_a_cluster_that_is_of_no_use_is_told_in_one_line(local, monkeypatch):
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 2.0)
    with pytest.raises(UserError, match="no Dask scheduler answers there"):
        Cluster("tcp://127.0.0.1:1")
    with pytest.raises(UserError, match="no Dask scheduler answers there"):
        Cluster("nonsense://")
    with pytest.raises(UserError, match="the cluster has no worker"):
        Cluster(local.address)


@pytest.mark.slow
def test_a_scheduler_that_goes_away_loses_nothing_that_was_kept(tmp_path, campaign, runs, local):
    specs = campaign.runs(0, 1)

    def kill(_: int) -> None:
        local.processes[0].kill()
        local.processes[0].wait()

    with connected(local, 2) as cluster, Store.start(tmp_path / "out", campaign.record()) as store:
        with pytest.raises(UserError, match="the scheduler has gone; what is complete is kept"):
            watcher = Watcher(kill)
            execute(
                specs, store, runs.slow, workers=cluster, drawn=campaign.drawn, observer=watcher
            )
        kept = store.counts()["complete"]
        assert 1 <= kept < len(specs)
        rest = execute(specs, store, run, workers=2, drawn=campaign.drawn)
        assert rest == Summary(done=len(specs) - kept, kept=kept)


def test_a_worker_of_another_version_is_refused(campaign):
    spec = replace(campaign.runs(0, 1)[0], model="another")
    _, outcome = carry_out(run, spec, ())
    assert outcome == (Failure.ERROR, "its worker has another version of vtax")


@pytest.mark.parametrize("name", ["mine.py", "../mine.py", "users/../../mine.py"])
def test_the_users_files_are_laid_where_their_paths_lead(campaign, name):
    own = next(spec for spec in campaign.runs(0, 1) if spec.cell.workload == "mine")
    content = b"from workloads.cpu import IntegerCompute\nclass Mine(IntegerCompute):\n    pass\n"
    partition = own.cell.nominal_system.partitions[0]
    moved = replace(partition.groups[0], user=f"{name}:Mine")
    system = replace(own.cell.nominal_system, partitions=(replace(partition, groups=(moved,)),))
    spec = replace(
        own,
        cell=replace(own.cell, nominal_system=system, drawn_demands=()),
        files=(UserFile(name, sha256(content).hexdigest()),),
    )
    _, outcome = carry_out(run, spec, ((name, content),))
    assert isinstance(outcome, PackedResult)


def test_a_file_that_changes_after_planning_is_not_sent(campaign):
    own = next(spec for spec in campaign.runs(0, 1) if spec.cell.workload == "mine")
    assert [name for name, _ in cluster_module._files(own)] == [
        "data/names.csv",
        "mine.py",
        "steps/helper.py",
    ]
    (own.base / "steps" / "helper.py").write_text("NAMES = 'c'\n")
    with pytest.raises(UserError, match=r"steps/helper\.py: has changed since"):
        cluster_module._files(own)


def test_workers_that_order_sets_of_texts_by_themselves_are_named(local, monkeypatch):
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    local.environment.pop("PYTHONHASHSEED", None)
    with connected(local, 1) as cluster:
        assert len(cluster.unordered_workers()) == 1
        local.environment["PYTHONHASHSEED"] = "0"
        local.add_worker()
        wait_for(lambda: cluster.size == 2)
        assert len(cluster.unordered_workers()) == 1
