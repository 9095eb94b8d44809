"""What is told of the machine, on systems that offer more and less than this one."""

import os

import pytest

from harness.real.host import interference as condition
from harness.real.host.interference import DISTURBED_SHARE, CpuAccounting, Interference


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A system that offers nothing, until a test puts something there."""
    for name in ("_STAT", "_FREQUENCY", "_PROCESSORS", "_LOAD", "_ZONES"):
        monkeypatch.setattr(condition, name, tmp_path / name)
    return tmp_path


def test_what_others_take_is_what_neither_we_nor_idling_took():
    processors = os.cpu_count() or 1
    before = CpuAccounting(busy=100.0, steal=5.0, own=30.0, time=1000.0)
    ours_only = CpuAccounting(busy=101.0, steal=5.0, own=31.0, time=1001.0)
    assert ours_only.others_since(before) == 0
    assert ours_only.stolen_since(before) == 0
    shared = CpuAccounting(busy=101.0, steal=5.25, own=30.5, time=1001.0)
    assert shared.others_since(before) * processors == pytest.approx(0.5, abs=0.011)
    assert shared.stolen_since(before) * processors == pytest.approx(0.25)


def test_what_a_system_does_not_offer_is_absent_and_not_zero(system):
    before, after = (CpuAccounting.now(os.getpid()) for _ in range(2))
    found = after.condition_since(before)
    assert found == Interference(None, None, None, None, None)
    assert found.disturbed is None
    assert found.row()["disturbed"] is None


def test_a_kernel_that_knows_no_steal_still_tells_what_is_busy(system):
    (system / "_STAT").write_text("cpu  100 0 50 1000 7 1 2\ncpu0 1 1 1 1 1 1 1\n")
    told = CpuAccounting.now(os.getpid())
    assert told.busy == pytest.approx(153 * condition.TICK_SECONDS)
    assert told.steal is None
    assert Interference(0.2, None).disturbed


def test_what_a_system_offers_is_told_in_units_of_the_si(system):
    (system / "_PROCESSORS").write_text("model name : x\ncpu MHz\t\t: 2300.5\ncpu MHz : 1\n")
    assert condition.frequency_hertz() == pytest.approx(2.3005e9)
    (system / "_FREQUENCY").write_text("3100000\n")
    assert condition.frequency_hertz() == pytest.approx(3.1e9)
    (system / "_LOAD").write_text("0.75 0.50 0.25 1/100 4242\n")
    assert condition.load() == 0.75
    for zone, text in (("thermal_zone0", "41000"), ("thermal_zone1", "N/A"), ("cooling", "9")):
        (system / "_ZONES" / zone).mkdir(parents=True)
        (system / "_ZONES" / zone / "temp").write_text(text)
    (system / "_ZONES/thermal_zone2").mkdir()
    assert condition.temperatures_celsius() == {"thermal_zone0": 41.0}


def test_steal_and_other_programs_disturb_together():
    half = 0.6 * DISTURBED_SHARE
    assert Interference(half, half).disturbed
    assert Interference(half, 0.0).disturbed is False
    assert Interference(None, 2 * half).disturbed
    assert Interference(half, half).row().keys() == {
        "others",
        "stolen",
        "load",
        "frequency_hertz",
        "temperature_celsius",
        "disturbed",
    }


def test_this_machine_is_read():
    before = CpuAccounting.now(os.getpid())
    sum(range(2_000_000))
    found = CpuAccounting.now(os.getpid()).condition_since(before)
    assert found.others is not None and found.others >= 0
    assert found.load is not None and found.load >= 0
    assert found.disturbed in (True, False)
