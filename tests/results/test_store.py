"""The runs of a campaign, kept in a store: what goes in comes out."""

import contextlib
import json
import sqlite3
import zlib
from dataclasses import replace

import pytest
from stores import fill_store, result

from harness.errors import UserError
from harness.results.packed_result import pack
from harness.results.sqlite import FILE_NAME
from harness.results.store import Failure, Store


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
    fill_store(tmp_path, record)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    with Store.open(tmp_path) as store:
        assert len(list(store.runs())) == 6
        with pytest.raises(UserError, match="cannot be written"):
            store.add("new", 1, 5, "draw", {}, pack(result(0.0)))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_more_replications_are_the_same_campaign(tmp_path, record):
    fill_store(tmp_path, record)
    more = replace(record, replications={**record.replications, "minimum": 30, "maximum": 30})
    with Store.start(tmp_path, more) as store:
        assert len(store.complete()) == 6
    with Store.open(tmp_path) as store:
        assert store.campaign.replications["minimum"] == 30
    with Store.start(tmp_path, record):
        pass
    with Store.open(tmp_path) as store:
        assert store.campaign.replications["minimum"] == 30


@pytest.mark.parametrize("part", ["measures", "sample_values", "digests", "result"])
def test_a_damaged_result_is_skipped_and_named(tmp_path, record, part):
    fill_store(tmp_path, record)
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
    fill_store(tmp_path, record)
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        database.execute("DELETE FROM names")
    with Store.open(tmp_path) as store:
        assert list(store.results()) == []
        assert len(store.damaged) == 6
        assert len(list(store.runs())) == 6
        assert store.damaged == []


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
    fill_store(tmp_path, record)
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
