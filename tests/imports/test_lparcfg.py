"""``/proc/ppc64/lparcfg``: settings and increases."""

import pytest
from measured_files import LPARCFG, LPARCFG_LATER

from harness.imports.lparcfg import read_lparcfg
from harness.imports.recording import key


def test_two_snapshots_are_an_interval():
    (recording,) = read_lparcfg(LPARCFG + LPARCFG_LATER)

    assert recording.facts == {
        "type": "shared",
        "mode": "uncapped",
        "entitlement_cores": 1.5,
        "virtual_processors": 2.0,
        "weight": 128.0,
        "pool_processors": 4.0,
        "machine": "IBM,9133-55A",
    }
    (interval,) = recording.intervals
    # The wheel turns in 10 ms and 2,070,000 ticks: 207 MHz.
    assert interval.seconds == pytest.approx(10.0)
    assert interval.values[key("vtax_partition_physc_cores")] == pytest.approx(0.5)
    assert interval.values[key("vtax_partition_dispatched_seconds_total")] == pytest.approx(5.0)
    assert interval.values[key("vtax_partition_dispatches_total")] == pytest.approx(1000)
    assert any("207 MHz" in note for note in recording.notes)
    assert recording.unknown["setting partition_id"] == 2


def test_clock_of_the_time_base_may_be_stated():
    (recording,) = read_lparcfg("timebase        : 414000000\n" + LPARCFG + LPARCFG_LATER)

    assert recording.intervals[0].seconds == pytest.approx(5.0)


def test_without_a_clock_counts_are_left_out_and_after_a_restart_everything():
    without = (LPARCFG + LPARCFG_LATER).replace("DisWheRotPer=2070000\n", "")
    (recording,) = read_lparcfg(without)
    (restarted,) = read_lparcfg(LPARCFG_LATER + LPARCFG)

    (interval,) = recording.intervals
    assert interval.values == {key("vtax_partition_physc_cores"): pytest.approx(0.5)}
    assert interval.seconds is None
    assert not restarted.intervals and "went back" in restarted.notes[0]


def test_early_versions_state_the_pool_in_processors():
    (recording,) = read_lparcfg(LPARCFG.replace("pool_capacity=400", "pool_capacity=4"))

    assert recording.facts["pool_processors"] == 4.0
