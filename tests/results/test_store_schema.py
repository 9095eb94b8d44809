"""What is read from a store has its types."""

import contextlib
import json
import sqlite3
import zlib
from dataclasses import replace

import pytest
from stores import fill_store

from harness.errors import UserError
from harness.results.sqlite import FILE_NAME
from harness.results.store import Store


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
    fill_store(tmp_path, record)
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
