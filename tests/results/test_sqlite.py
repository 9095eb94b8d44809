"""The file of a store: who may open it, what keeps it from being written, and its damages."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from stores import fill_store

from harness.errors import UserError
from harness.files import PREFIX
from harness.results.sqlite import FILE_NAME, why
from harness.results.store import Failure, Store


def test_the_store_is_in_wal_mode(tmp_path, record):
    fill_store(tmp_path, record)
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


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
def test_another_campaign_in_the_directory_is_reported_and_left_alone(
    tmp_path, record, change, message
):
    fill_store(tmp_path, record)
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


def test_directories_that_cannot_be_written_are_reported(tmp_path, record):
    file = tmp_path / "file"
    file.write_text("")
    for directory in (file, file / "below", Path("/proc/vtax")):
        with pytest.raises(UserError, match=f"^{directory}: cannot be made or opened"):
            Store.start(directory, record)


@contextmanager
def without_privileges():
    """Give up the privileges of root for a while: root may write anywhere."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_directory_without_permission_is_reported(record):
    # Not below tmp_path, whose parents nobody but its owner may pass.
    with TemporaryDirectory() as directory:
        Path(directory).chmod(0o555)
        with (
            without_privileges(),
            pytest.raises(UserError, match="not writable; choose another --out"),
        ):
            Store.start(Path(directory), record)


def test_a_missing_store_is_reported_and_not_made(tmp_path):
    with pytest.raises(UserError, match=r"no campaign there \(store.sqlite is missing\)"):
        Store.open(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_store_is_reported(tmp_path, record, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(UserError, match="the store is damaged"):
        Store.open(tmp_path)
    if content:
        with pytest.raises(UserError, match="the store is damaged"):
            Store.start(tmp_path, record)
        assert (tmp_path / FILE_NAME).read_bytes() == content


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (1, r"written by an older version .* run the campaign again, in another directory$"),
        (1000, r"written by a newer version .* install that one$"),
    ],
)
def test_a_store_of_another_version_is_no_damaged_one(tmp_path, record, number, message):
    fill_store(tmp_path, record)
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute(f"PRAGMA user_version = {number}")
    for open_it in (lambda: Store.open(tmp_path), lambda: Store.start(tmp_path, record)):
        with pytest.raises(UserError, match=message) as caught:
            open_it()
        assert "damaged" not in str(caught.value)
        assert "move it away" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
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
def test_the_database_says_what_is_wrong(code, message):
    error = sqlite3.OperationalError("words")
    error.sqlite_errorcode = code
    assert why(error) == f"{message} (words)"


def test_a_full_disk_is_reported_and_keeps_what_was_kept(tmp_path, record):
    fill_store(tmp_path, record)
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


def test_another_process_that_writes_is_reported(tmp_path, record):
    fill_store(tmp_path, record)
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
    fill_store(tmp_path, record)
    copy = tmp_path / "copy"
    copy.mkdir()
    with Store.start(tmp_path, record) as store:
        store.add("last", 0, 100, "x", {}, (Failure.ERROR, "boom"))
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
    fill_store(tmp_path, record, count=60, size=3000)
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
    fill_store(tmp_path, record, count=60, size=3000)
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
