import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from watching import Watcher, wait_for

from harness.campaign.plan import make_plan
from harness.errors import UserError
from harness.execution.execute import Summary, execute
from harness.execution.process_pool import SerialExecutor
from harness.results.store import Failure, Store

RUNS = '''
"""Runs that do nothing, or go wrong; workers import them by name."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

from harness.results.run_result import RunResult

HERE = Path(__file__).parent


def note(spec):
    """Leave a trace of each attempt."""
    number = f"{spec.cell_position}-{spec.replication}"
    with (HERE / "attempts").open("a") as file:
        file.write(f"{number}\\n")
    return number


def quick(spec):
    note(spec)
    value = spec.cell_position + spec.replication / 100
    return RunResult([("value", {}, value)], {}, 0.0, 1.0, 1)


def constants(spec):
    return RunResult([("read", {"digest": spec.constants.digest()}, 1.0)], {}, 0.0, 1.0, 1)


def failing(spec):
    note(spec)
    if spec.cell_position == 1:
        raise RuntimeError("no\\nway")
    if spec.cell_position == 2:
        raise MemoryError
    return quick(spec)


def dying(spec):
    number = note(spec)
    if spec.cell_position == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if spec.cell_position == 2 and (HERE / "attempts").read_text().split().count(number) == 1:
        os._exit(7)
    return quick(spec)


def slow(spec):
    note(spec)
    time.sleep(0.02)
    return quick(spec)


def endless(spec):
    if spec.replication == 0:
        return quick(spec)
    (HERE / "stuck").write_text(str(os.getpid()))
    time.sleep(3600)
'''


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The functions above, importable in this process and in workers."""
    folder = tmp_path / "importable"
    folder.mkdir()
    (folder / "fake_runs.py").write_text(RUNS)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "fake_runs", raising=False)
    import fake_runs

    return fake_runs


def attempts(runs) -> list[str]:
    return (runs.HERE / "attempts").read_text().split()


def as_json(value):
    return json.loads(json.dumps(value))


def test_every_run_is_carried_out_once_and_kept(tmp_path, plan, runs):
    log = Watcher()
    specs = plan.runs()
    with Store.start(tmp_path / "out", plan.record()) as store:
        summary = execute(specs, store, runs.quick, workers=2, drawn=plan.drawn, observer=log)
        assert summary == Summary(done=len(specs))
        assert store.complete() == {spec.identity for spec in specs}
        for run, result in store.results():
            expected = run.cell.position + run.replication / 100
            assert result is not None
            assert result.samples == [("value", {}, expected)]
            assert store.drawn()[run.constants] == as_json(plan.drawn[run.constants])
        again = execute(specs, store, runs.quick, workers=2, drawn=plan.drawn)
        assert again == Summary(kept=len(specs))
    assert len(attempts(runs)) == len(specs)
    assert sorted(log.ended) == sorted((s.cell_position, s.replication, None) for s in specs)
    assert log.outstanding == len(specs)


def test_each_run_has_its_own_constants_although_they_travel_once(tmp_path, plan, runs):
    specs = plan.runs(0, 2)
    drawn = {spec.constants_digest for spec in specs}
    assert 1 < len(drawn) < len(specs)
    with Store.start(tmp_path / "out", plan.record()) as store:
        execute(specs, store, runs.constants, workers=2, drawn=plan.drawn)
        for run, result in store.results():
            assert result is not None
            assert result.samples == [("read", {"digest": run.constants}, 1.0)]
        assert len(store.complete()) == len(specs)


def test_runs_begin_in_the_order_given(tmp_path, plan, runs):
    specs = plan.runs()
    with Store.start(tmp_path / "out", plan.record()) as store:
        execute(specs, store, runs.quick, workers=1, drawn=plan.drawn)
    assert attempts(runs) == [f"{spec.cell_position}-{spec.replication}" for spec in specs]


def test_a_run_that_fails_is_a_row_with_its_reason_and_ends_nothing(tmp_path, plan, runs):
    log = Watcher()
    specs = plan.runs()
    with Store.start(tmp_path / "out", plan.record()) as store:
        summary = execute(specs, store, runs.failing, workers=2, drawn=plan.drawn, observer=log)
        assert (summary.done, summary.failed) == (len(specs) - 4, 4)
        failed = [run for run in store.runs() if run.failure is not None]
        assert [(run.cell.position, run.failure) for run in failed] == [
            (1, Failure.ERROR),
            (1, Failure.ERROR),
            (2, Failure.OUT_OF_MEMORY),
            (2, Failure.OUT_OF_MEMORY),
        ]
        assert failed[0].reason.startswith("RuntimeError (fake_runs.py, line ")
        assert failed[0].reason.endswith("): no way")
        assert (1, 0, Failure.ERROR) in log.ended
        # Another start tries what failed, and only that.
        mended = execute(specs, store, runs.quick, workers=SerialExecutor, drawn=plan.drawn)
        assert mended == Summary(done=4, kept=len(specs) - 4)
        assert store.counts() == {"complete": len(specs), "failed": 0}


UNSTARTABLE = (
    ("raise ImportError('no\\nlibrary')", "ImportError: no\nlibrary"),
    ("raise MemoryError", "MemoryError: "),
    ("os._exit(7)", "the last one ended with exit code 7"),
    ("os.kill(os.getpid(), signal.SIGKILL)", "the last one was killed by SIGKILL"),
)


@pytest.mark.parametrize(("code", "told"), UNSTARTABLE)
def test_workers_that_cannot_start_are_told_once_and_cost_no_run(tmp_path, plan, runs, code, told):
    with (runs.HERE / "fake_runs.py").open("a") as file:
        file.write(f"if multiprocessing.parent_process() is not None:\n    {code}\n")
    with Store.start(tmp_path / "out", plan.record()) as store:
        with pytest.raises(UserError, match=f"^worker processes cannot start: {told}$"):
            execute(plan.runs(), store, runs.quick, workers=1, drawn=plan.drawn)
        assert store.counts() == {"complete": 0, "failed": 0}


def test_a_worker_that_dies_costs_its_run_alone_and_only_if_it_dies_twice(tmp_path, plan, runs):
    specs = plan.runs()
    with Store.start(tmp_path / "out", plan.record()) as store:
        summary = execute(specs, store, runs.dying, workers=2, drawn=plan.drawn)
        failed = [run for run in store.runs() if run.failure is not None]
    assert [(run.cell.position, run.replication) for run in failed] == [(1, 0), (1, 1)]
    assert {run.failure for run in failed} == {Failure.WORKER_DIED}
    assert failed[0].reason == "the worker was killed by SIGKILL, twice"
    assert (summary.done, summary.failed) == (len(specs) - 2, 2)
    # Once if all goes well; quick() is called by the others and notes a run once more.
    made = attempts(runs)
    assert [made.count(number) for number in ("0-0", "1-0", "2-0", "3-1")] == [2, 2, 3, 2]


SCRIPT = """
import sys
from pathlib import Path
import fake_runs
from harness.execution.execute import execute
from harness.campaign.plan import make_plan
from harness.results.store import Store

if __name__ == "__main__":
    plan = make_plan(sys.argv[1], replications=int(sys.argv[4]))
    with Store.start(Path(sys.argv[2]), plan.record()) as store:
        run = getattr(fake_runs, sys.argv[3])
        summary = execute(plan.runs(), store, run, workers=2, drawn=plan.drawn)
        print(summary.done, summary.kept, summary.interrupted)
"""


@pytest.fixture
def start(tmp_path, runs, write):
    """Start a campaign in a process of its own, in the same directory each time."""
    script = runs.HERE / "script.py"
    script.write_text(SCRIPT)
    campaign = write()
    path = os.pathsep.join([str(runs.HERE), *filter(None, sys.path)])

    def begin(run: str, replications: int = 2) -> subprocess.Popen[str]:
        arguments = [str(campaign), str(tmp_path / "out"), run, str(replications)]
        return subprocess.Popen(
            [sys.executable, str(script), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    return begin


def stored(directory: Path) -> int:
    if not (directory / "store.sqlite").exists():
        return 0
    try:
        with Store.open(directory) as store:
            return store.counts()["complete"]
    except Exception:
        return 0


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_campaign_goes_on_without_duplicates(tmp_path, runs, start):
    needed = len(make_plan(str(tmp_path / "small.toml"), replications=8).runs())
    first = start("slow", 8)
    wait_for(lambda: stored(tmp_path / "out") >= 5)
    first.kill()
    first.communicate()
    kept = stored(tmp_path / "out")
    assert 5 <= kept < needed

    second = start("slow", 8)
    output, _ = second.communicate(timeout=120)
    assert output.split() == [str(needed - kept), str(kept), "False"]
    with Store.open(tmp_path / "out") as store:
        rows = [(run.cell.position, run.replication) for run in store.runs()]
        identities = {run.identity for run in store.runs()}
    assert len(rows) == len(set(rows)) == len(identities) == needed
    # Nothing but what was in flight was done twice: quick() notes a run a second time.
    made = attempts(runs)
    twice = [number for number in set(made) if made.count(number) > 2]
    assert len(twice) <= 2


def test_workers_end_with_a_killed_parent_even_in_the_middle_of_a_run(tmp_path, runs, start):
    parent = start("endless")
    stuck = runs.HERE / "stuck"
    wait_for(lambda: stuck.exists() and stuck.read_text())
    worker = int(stuck.read_text())
    assert running(worker)
    parent.kill()
    parent.communicate()
    wait_for(lambda: not running(worker))


def test_an_interruption_keeps_what_is_complete_and_waits_for_nothing(tmp_path, runs, start):
    parent = start("endless")
    stuck = runs.HERE / "stuck"
    complete = len(make_plan(str(tmp_path / "small.toml")).cells)
    wait_for(lambda: stuck.exists() and stored(tmp_path / "out") == complete)
    worker = int(stuck.read_text())
    parent.send_signal(signal.SIGINT)
    output, _ = parent.communicate(timeout=60)
    assert output.split() == [str(complete), "0", "True"]
    wait_for(lambda: not running(worker))
    assert stored(tmp_path / "out") == complete
