import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from harness.errors import UserError
from harness.files import PREFIX
from harness.results.packed_result import pack
from harness.results.run_result import RunResult
from harness.results.sqlite import FILE_NAME, why
from harness.results.store import Failure, Store


def result(value: float, size: int = 0) -> RunResult:
    filler = {"filler": os.urandom(size).hex()}
    return RunResult([("a", {}, value), ("b", filler, 0.0)], {}, 1.0, 2.0, 3)


def fill(directory: Path, record, count: int = 6, size: int = 0) -> None:
    with Store.start(directory, record) as store:
        for number in range(count):
            cell, replication = number % 3, number // 3
            where = (f"run-{number}", cell, replication, "draw", {"hypervisor.wake": 1e-6})
            store.add(*where, pack(result(float(number), size)))


@pytest.fixture
def record(plan):
    return plan.record()


def test_what_goes_in_comes_out_in_the_order_of_the_matrix(tmp_path, record):
    directory = tmp_path / "results" / "deep"
    with Store.start(directory, record) as store:
        for cell, replication in [(2, 1), (0, 1), (2, 0), (0, 0)]:
            number = 10.0 * cell + replication
            draw = (f"draw-{replication}", {"hypervisor.wake": replication / 1e6})
            store.add(f"run-{number}", cell, replication, *draw, pack(result(number)))
        store.add("run-x", 1, 0, "draw-0", {}, (Failure.ERROR, "boom"))

    with Store.open(directory) as store:
        rows = list(store.results())
        assert store.damaged == []
        assert store.campaign == record
        parameters = [cell.parameters for cell in record.cells]
        assert [cell.parameters for cell in store.campaign.cells] == json.loads(
            json.dumps(parameters)
        )
        assert store.counts() == {"complete": 4, "failed": 1}
        assert store.complete() == {"run-0.0", "run-1.0", "run-20.0", "run-21.0"}
        assert store.drawn() == {
            "draw-0": {"hypervisor.wake": 0.0},
            "draw-1": {"hypervisor.wake": 1e-6},
        }
    assert [(run.cell.position, run.replication) for run, _ in rows] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (2, 0),
        (2, 1),
    ]
    assert [result.samples[0][2] for _, result in rows if result] == [0.0, 1.0, 20.0, 21.0]
    failed, nothing = rows[2]
    assert (failed.failure, failed.reason, failed.measures) == (Failure.ERROR, "boom", None)
    assert nothing is None


def test_a_single_result_is_found_by_its_runs_identity(tmp_path, record):
    with Store.start(tmp_path, record) as store:
        store.add("run-a", 0, 0, "draw", {}, pack(result(7.0)))
        store.add("run-b", 1, 0, "draw", {}, (Failure.ERROR, "boom"))
        assert store.result("run-a").samples[0] == ("a", {}, 7.0)
        assert store.result("run-b") is None
        assert store.result("run-c") is None


def test_a_result_takes_the_place_of_a_failure_and_never_of_a_result(tmp_path, record):
    where = ("run", 0, 0, "draw", {})
    with Store.start(tmp_path, record) as store:
        store.add(*where, (Failure.WORKER_DIED, "killed"))
        store.add(*where, (Failure.ERROR, "boom"))
        assert store.counts() == {"complete": 0, "failed": 1}
        store.add(*where, pack(result(1.0)))
        assert store.counts() == {"complete": 1, "failed": 0}
        with pytest.raises(sqlite3.IntegrityError):
            store.add(*where, pack(result(2.0)))
        with pytest.raises(sqlite3.IntegrityError):
            store.add("another", *where[1:], pack(result(2.0)))
        assert [each.samples[0][2] for _, each in store.results() if each] == [1.0]


def test_reading_writes_nothing(tmp_path, record):
    fill(tmp_path, record)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    with Store.open(tmp_path) as store:
        assert len(list(store.runs())) == 6
        with pytest.raises(UserError, match="cannot be written"):
            store.add("new", 1, 5, "draw", {}, pack(result(0.0)))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_the_store_is_in_wal_mode(tmp_path, record):
    fill(tmp_path, record)
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_more_replications_are_the_same_campaign(tmp_path, record):
    fill(tmp_path, record)
    more = replace(record, replications={**record.replications, "minimum": 30, "maximum": 30})
    with Store.start(tmp_path, more) as store:
        assert len(store.complete()) == 6
    with Store.open(tmp_path) as store:
        assert store.campaign.replications["minimum"] == 30
    with Store.start(tmp_path, record):
        pass
    with Store.open(tmp_path) as store:
        assert store.campaign.replications["minimum"] == 30


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "other"}, "holds another campaign, 'small'"),
        ({"seed": 6}, "holds 'small' with seed 5, not 6"),
        ({"model": "other"}, "holds 'small' by another version of the model"),
        ({"constants": ()}, "holds 'small' with another catalog"),
        ({}, "holds 'small' with other settings"),
    ],
)
def test_another_campaign_in_the_directory_is_told_and_left_alone(
    tmp_path, record, change, message
):
    fill(tmp_path, record)
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(UserError) as caught:
        Store.start(tmp_path, replace(record, identity="other", **change))
    assert str(caught.value).startswith(f"{tmp_path}: {message}; choose another --out")
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_two_processes_do_not_share_a_directory(tmp_path, record):
    with Store.start(tmp_path, record):
        with pytest.raises(UserError, match="another vtax is at work there"):
            Store.start(tmp_path, record)
        with Store.open(tmp_path) as reader:  # but anyone may read
            assert reader.campaign.name == "small"
    Store.start(tmp_path, record).close()


def test_directories_that_cannot_be_written_are_told(tmp_path, record):
    file = tmp_path / "file"
    file.write_text("")
    for directory in (file, file / "below", Path("/proc/vtax")):
        with pytest.raises(UserError, match=f"^{directory}: cannot be made or opened"):
            Store.start(directory, record)


@contextmanager
def without_privileges():
    """Be nobody for a while, where one is root, who may write anywhere."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_directory_without_permission_is_told(record):
    # Not below tmp_path, whose parents nobody but its owner may pass.
    with TemporaryDirectory() as directory:
        Path(directory).chmod(0o555)
        with (
            without_privileges(),
            pytest.raises(UserError, match="not writable; choose another --out"),
        ):
            Store.start(Path(directory), record)


def test_a_missing_store_is_told_and_not_made(tmp_path):
    with pytest.raises(UserError, match=r"no campaign there \(store.sqlite is missing\)"):
        Store.open(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_store_is_told(tmp_path, record, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(UserError, match="the store is damaged"):
        Store.open(tmp_path)
    if content:
        with pytest.raises(UserError, match="the store is damaged"):
            Store.start(tmp_path, record)
        assert (tmp_path / FILE_NAME).read_bytes() == content


@pytest.mark.parametrize("part", ["measures", "sample_values", "digests", "result"])
def test_a_damaged_result_is_skipped_and_named(tmp_path, record, part):
    fill(tmp_path, record)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    (packed,) = connection.execute(f"SELECT {part} FROM runs WHERE identity = 'run-4'").fetchone()
    broken = packed[:-1] + bytes([packed[-1] ^ 1])
    connection.execute(f"UPDATE runs SET {part} = ? WHERE identity = 'run-4'", (broken,))
    wrong = zlib.compress(b'{"requests": []}')
    connection.execute(f"UPDATE runs SET {part} = ? WHERE identity = 'run-5'", (wrong,))
    connection.commit()
    connection.close()
    with Store.open(tmp_path) as store:
        intact = [run.identity for run, _ in store.results()]
        assert intact == ["run-0", "run-3", "run-1", "run-2"]
        assert [text.partition(":")[0] for text in store.damaged] == [
            "cell 1 replication 1",
            "cell 2 replication 1",
        ]
        assert len(list(store.runs())) == (4 if part == "measures" else 6), "what else is needed"


def test_runs_whose_names_of_samples_are_lost_are_named(tmp_path, record):
    fill(tmp_path, record)
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        database.execute("DELETE FROM names")
    with Store.open(tmp_path) as store:
        assert list(store.results()) == []
        assert len(store.damaged) == 6
        assert len(list(store.runs())) == 6
        assert store.damaged == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"drawn_demands": 1.0}, "parameters.drawn_demands"),
        ({"nominal_system": []}, "parameters.nominal_system"),
        ({"scenario": {"name": "x", "element": "dlpar"}}, "parameters.scenario.title"),
        ({"groups": [{"name": "x", "users": "2"}]}, "parameters.groups.0.users"),
        ({"nominal_system": {"partitions": [3]}}, "parameters.nominal_system.machine"),
    ],
)
def test_a_cell_whose_parameters_are_of_another_type_is_named(tmp_path, record, change, where):
    fill(tmp_path, record)
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        (packed,) = database.execute("SELECT cell FROM cells WHERE position = 1").fetchone()
        cell = json.loads(zlib.decompress(packed))
        cell["parameters"] |= change
        packed = zlib.compress(json.dumps(cell).encode())
        database.execute("UPDATE cells SET cell = ? WHERE position = 1", (packed,))
    with Store.open(tmp_path) as store:
        assert [cell.position for cell in store.campaign.cells][:3] == [0, 2, 3]
        assert {run.cell.position for run in store.runs()} == {0, 2}
        assert store.damaged[0].startswith(f"cell 1: {where}")
        assert len(store.damaged) == 3


@pytest.mark.parametrize(
    ("real", "where"),
    [
        ({"machine": 1, "targets": {}}, "real.machine"),
        ({"machine": {}, "targets": {"native": 1}}, "real.targets.native"),
        ({"machine": {}, "targets": {}, "predictions": [{}]}, "real.predictions.0.workload"),
    ],
)
def test_what_is_known_of_a_machine_has_its_types(tmp_path, record, real, where):
    Store.start(tmp_path, replace(record, real=real)).close()
    with pytest.raises(UserError, match=rf"the store is damaged \({where}: "):
        Store.open(tmp_path)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (1, r"written by an older version .* run the campaign again, in another directory$"),
        (1000, r"written by a newer version .* install that one$"),
    ],
)
def test_a_store_of_another_version_is_no_damaged_one(tmp_path, record, number, message):
    fill(tmp_path, record)
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute(f"PRAGMA user_version = {number}")
    for open_it in (lambda: Store.open(tmp_path), lambda: Store.start(tmp_path, record)):
        with pytest.raises(UserError, match=message) as caught:
            open_it()
        assert "damaged" not in str(caught.value)
        assert "move it away" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (sqlite3.SQLITE_FULL, "cannot be written, the disk is full"),
        (sqlite3.SQLITE_READONLY, "cannot be written, it is read-only"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "cannot be written, it is read-only"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "another process has locked it"),
        (sqlite3.SQLITE_IOERR_WRITE, "cannot be read or written, the disk reports an error"),
        (sqlite3.SQLITE_NOTADB, "the store is damaged, or is no store of vtax"),
        (sqlite3.SQLITE_CORRUPT, "the store is damaged"),
    ],
)
def test_the_database_says_what_is_wrong(code, told):
    error = sqlite3.OperationalError("words")
    error.sqlite_errorcode = code
    assert why(error) == f"{told} (words)"


def test_a_full_disk_is_told_and_keeps_what_was_kept(tmp_path, record):
    fill(tmp_path, record)
    with Store.start(tmp_path, record) as store:
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(UserError, match="cannot be written, the disk is full"):
            for number in range(100):
                row = (f"further-{number}", 0, 100 + number, "x")
                store.add(*row, {}, (Failure.ERROR, os.urandom(400).hex()))
    with Store.open(tmp_path) as store:
        runs = [run.identity for run in store.runs()]
    assert runs[:2] == ["run-0", "run-3"]
    assert not store.damaged


def test_another_process_that_writes_is_told(tmp_path, record):
    fill(tmp_path, record)
    with (
        Store.start(tmp_path, record) as store,
        contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as other,
    ):
        store._connection.execute("PRAGMA busy_timeout = 1")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UserError, match="another process has locked it"):
            store.add("more", 0, 100, "x", {}, (Failure.ERROR, "no"))


def test_a_log_is_read_where_nothing_can_be_written(tmp_path, record, monkeypatch):
    """What was added last stands in the log only."""
    fill(tmp_path, record)
    copy = tmp_path / "copy"
    copy.mkdir()
    with Store.start(tmp_path, record) as store:
        store.add("last", 0, 100, "x", {}, (Failure.ERROR, "told"))
        for path in tmp_path.glob("store.sqlite*"):
            shutil.copyfile(path, copy / path.name)
    (copy / "store.sqlite-shm").unlink()
    before = sorted(copy.iterdir())
    left = Path(tempfile.mkdtemp(prefix=PREFIX, dir=tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode, **_: mode == os.R_OK)
    with Store.open(copy) as store:
        assert "last" in [run.identity for run in store.runs()]
    assert sorted(copy.iterdir()) == before
    assert not left.exists(), "what a killed process left"
    assert not list(tmp_path.glob(f"{PREFIX}*"))


@pytest.mark.parametrize("seed", range(8))
def test_intact_rows_of_a_damaged_file_stay_readable(tmp_path, record, seed):
    """Whole pages are overwritten, wherever they are; whatever is read is right."""
    fill(tmp_path, record, count=60, size=3000)
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    page = 4096
    pages = len(content) // page
    first_of_runs = pages // 2
    victim = first_of_runs + seed * (pages - first_of_runs - 1) // 8
    content[victim * page : (victim + 1) * page] = b"\xa5" * page
    path.write_bytes(content)

    with Store.open(tmp_path) as store:
        found = list(store.results())
        damaged = list(store.damaged)

    assert len(found) + len(damaged) >= 59
    assert len(found) >= 45
    assert damaged
    for run, result in found:
        assert result is not None
        assert result.samples[0][2] == float(run.identity.removeprefix("run-"))
    with pytest.raises(UserError, match=r"the store is damaged .*intact runs can still be read"):
        Store.start(tmp_path, record)


def test_a_truncated_file_keeps_its_first_rows(tmp_path, record):
    fill(tmp_path, record, count=60, size=3000)
    path = tmp_path / FILE_NAME
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    with Store.open(tmp_path) as store:
        found = list(store.runs())
        assert store.damaged
    assert 20 <= len(found) < 60


KILLED = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from harness.campaign.plan import make_plan
from harness.results.run_result import RunResult
from harness.results.packed_result import pack
from harness.results.store import Store
record = make_plan(sys.argv[1]).record()
with Store.start(Path(sys.argv[2]), record) as store:
    for number in range(10):
        result = RunResult([("a", {}, float(number))], {}, 1.0, 2.0, 3)
        store.add(f"run-{number}", number, 0, "draw", {}, pack(result))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_committed_survives_kill_9(tmp_path, write):
    directory = tmp_path / "results"
    done = subprocess.run([sys.executable, "-c", KILLED, str(write()), str(directory)], check=False)
    assert done.returncode == -9
    with Store.open(directory) as store:
        assert [run.identity for run in store.runs()] == [f"run-{number}" for number in range(10)]


def test_rows_of_some_cells_are_read_without_the_others(synthetic, tmp_path):
    true = {
        name: {"response": 1.1, "processor": 1.1} for name in ("shared-uncapped", "hosted-vmware")
    }
    synthetic(true=true, replications=2).fill(tmp_path).close()
    with Store.open(tmp_path) as store:
        every = list(store.runs())
        chosen = {every[0].cell.position, every[-1].cell.position}
        names = [run.identity for run in store.runs(chosen)]
        assert names == [run.identity for run in every if run.cell.position in chosen]
        assert 0 < len(names) < len(every)
        assert list(store.runs(())) == []
        measured = {run.cell.position for run in every if run.failure is None}
        assert store.measured() == measured


def test_what_is_found_out_about_a_machine_stays_with_the_campaign(tmp_path, record):
    fill(tmp_path, record)
    cells = tuple(replace(cell, infeasible="it does not boot") for cell in record.cells)
    real = {"machine": {"kernel": "1"}, "targets": {}}
    known = replace(record, cells=cells, real=real, starts="2026-01-01")
    with Store.start(tmp_path, record) as store:
        store.amend(known)
        assert store.campaign == known
        with pytest.raises(ValueError, match="another campaign"):
            store.amend(replace(known, identity="another"))
    with Store.open(tmp_path) as store:
        assert store.campaign == known
        assert len(list(store.runs())) == 6, "its runs are still there"
    with Store.start(tmp_path, record) as store:
        assert store.campaign == known, "also for who goes on with it"


def test_parameters_keep_the_order_in_which_they_were_written(tmp_path, plan):
    record = plan.record()
    with Store.start(tmp_path / "out", record):
        pass
    with Store.open(tmp_path / "out") as store:
        held = [json.dumps(cell.parameters) for cell in store.campaign.cells]
    assert held == [json.dumps(cell.parameters) for cell in record.cells]
