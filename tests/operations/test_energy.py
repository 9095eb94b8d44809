"""Energy against the model's formula, and switching machines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import NO_OVERHEAD, NOMINAL, keep_busy
from moving import (
    MIB,
    balanced,
    belongings,
    finish,
    migrated,
    movable,
    power6,
    reason,
    seconds,
    site_of,
    two,
)

from harness.operations.energy import EnergyMeter, PowerModel, SwitchOff, SwitchOn, busy_ns
from harness.operations.live_migration import Move
from harness.operations.operation import Status, carry_out

IDLE, BUSY, OFF = (NOMINAL.number(f"operations.power.{each}") for each in ("idle", "busy", "off"))


@given(st.integers(1, 64), st.floats(0.0, 1.0))
def test_power_lies_between_idle_and_busy_and_grows_with_the_machine(cores, fraction) -> None:
    model = PowerModel.of(NOMINAL, cores)
    assert model.watts(0.0) == pytest.approx(IDLE * cores / 4)
    assert model.watts(1.0) == pytest.approx(BUSY * cores / 4)
    assert model.watts(0.0) <= model.watts(fraction) <= model.watts(1.0) * (1 + 1e-12)
    assert model.watts(fraction, on=False) == OFF


@pytest.mark.parametrize(("cores", "threads"), [(4, 0), (4, 1), (4, 3), (8, 2)])
def test_energy_follows_from_the_busy_processors(cores, threads) -> None:
    site = site_of({"A": power6(movable("app", 3.0, 3), cores=cores)}, NO_OVERHEAD)
    machine = site.machines["A"]
    seconds(site, 5)
    meter = EnergyMeter(machine, site.constants)
    keep_busy(machine.partitions["app"], 0.01, threads)
    seconds(site, 40)
    watts = (IDLE + (BUSY - IDLE) * threads / cores) * cores / 4
    # The clocks tick so rarely that nothing else is done.
    assert meter.joules == pytest.approx(40 * watts, rel=1e-6)
    assert meter.on_seconds == pytest.approx(40)


def test_a_machine_that_is_off_takes_what_its_service_processor_takes() -> None:
    site = site_of({"A": power6()})
    machine = site.machines["A"]
    meter = EnergyMeter(machine, site.constants)
    assert finish(site, SwitchOff("A")) is Status.DONE
    before, begin_ns, used_ns = meter.joules, site.clock.now_ns, busy_ns(machine)
    seconds(site, 100)
    assert meter.joules - before == pytest.approx(100 * OFF)
    # Not even a clock ticks.
    assert busy_ns(machine) == used_ns
    process = carry_out(site, SwitchOn("A"))
    seconds(site, 29.9)
    assert process.is_alive
    assert machine.vios["vios1"].partition.down
    # It takes power from the moment at which it is switched on.
    assert meter.joules - before == pytest.approx(100 * OFF + 29.9 * IDLE, rel=1e-6)
    seconds(site, 0.2)
    assert process.value is Status.DONE
    assert not machine.vios["vios1"].partition.down
    assert meter.off_seconds == pytest.approx(100.0, abs=0.02)
    assert meter.off_seconds + meter.on_seconds == pytest.approx(site.clock.now_ns / 1e9)
    assert site.clock.now_ns - begin_ns == pytest.approx(130e9, rel=1e-3)
    assert balanced(site)


def test_a_machine_that_somebody_needs_stays_on() -> None:
    site = site_of(two(movable("app", memory_bytes=64 * MIB)))
    before = belongings(site)
    assert finish(site, SwitchOff("A")) is Status.REFUSED
    assert reason(site) == "app is on A"
    assert finish(site, SwitchOff("Z")) is Status.REFUSED
    assert finish(site, SwitchOn("A")) is Status.REFUSED
    assert reason(site) == "A is on already"
    process = carry_out(site, Move("app", "B"))
    seconds(site, 1.5)
    assert finish(site, SwitchOff("B")) is Status.REFUSED
    assert reason(site) == "app is being moved to or from B"
    while process.is_alive:
        seconds(site, 0.1)
    assert finish(site, SwitchOff("A")) is Status.DONE
    assert finish(site, SwitchOff("A")) is Status.REFUSED
    assert finish(site, Move("app", "A")) is Status.REFUSED
    assert reason(site) == "A is switched off"
    assert finish(site, SwitchOn("A")) is Status.DONE
    migrated(site, target="A")
    assert belongings(site) == before
