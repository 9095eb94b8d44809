"""``lslparutil``: cycles of partitions."""

import pytest
from measured_files import LSLPARUTIL, hmc_sample

from harness.imports.lslparutil import read_lslparutil
from harness.imports.recording import key

PHYSC = key("vtax_partition_physc_cores")


def test_each_partition_is_a_recording():
    app, db = read_lslparutil(LSLPARUTIL)

    assert (app.partition, db.partition) == ("app", "db")
    assert app.facts == {
        "type": "shared",
        "mode": "uncapped",
        "entitlement_cores": 1.5,
        "virtual_processors": 2.0,
        "weight": 128.0,
        "memory_bytes": 8192 * 2**20,
    }
    (interval,) = app.intervals
    assert interval.seconds == 300.0
    assert interval.values[PHYSC] == pytest.approx(0.5)
    assert db.intervals[0].values[PHYSC] == pytest.approx(0.05)
    assert app.unknown == {"resource pool": 1, "event state_change": 1, "attribute idle_cycles": 4}
    assert app.broken_lines == 1


def test_values_under_a_line_of_names():
    text = (
        "time,lpar_name,time_cycles,capped_cycles,uncapped_cycles\n"
        "12/12/2013 16:05:00,app,3000,1300,200\n12/12/2013 16:00:00,app,1000,500,0\n1,2\n"
    )
    (app,) = read_lslparutil(text)

    assert app.intervals[0].values[PHYSC] == pytest.approx(0.5)
    assert app.broken_lines == 1


def test_counters_that_go_back_have_no_interval():
    (app,) = read_lslparutil(
        hmc_sample("12/12/2013 16:05:00", "app", 3000, 10, 0)
        + hmc_sample("12/12/2013 16:00:00", "app", 1000, 500, 0)
    )

    assert not app.intervals and "restart" in app.notes[0]
