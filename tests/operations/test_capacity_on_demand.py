"""Capacity on Demand: activated under load, metered by the published rules, and refused."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import CAPPED, DEDICATED, NO_OVERHEAD, UNCAPPED, keep_busy, partition, system, total
from operating import SECOND, carried_out, site_with

from harness.catalog import Value
from harness.model.machine import Machine
from harness.operations.capacity_on_demand import (
    ActivatePermanently,
    ActivateReserve,
    EnableUtility,
    StartTrial,
    TurnOff,
    TurnOn,
)
from harness.operations.dlpar import MoveCores, MoveUnits
from harness.operations.operation import Operation, Site, Status

SHORT: Mapping[str, Value] = {
    "operations.cod.activation_time": 0.5,
    "operations.cod.on_off.period": 2.0,
    "operations.cod.reserve.period": 4.0,
    "operations.cod.reserve.sample": 0.5,
    "operations.cod.trial.period": 6.0,
    "operations.cod.utility.period": 1.0,
    "operations.dlpar.processor_time": 0.1,
}
"""Days of seconds."""


def site_of(
    generation: str = "POWER5",
    cores: int = 6,
    active: int = 2,
    virtual_processors: int = 6,
    *overrides: Mapping[str, Value],
    virtualization=UNCAPPED,
) -> tuple[Site, Machine]:
    """A machine of which some cores are active, and one partition that could use them all."""
    app = partition("app", 1.0, virtual_processors, virtualization)
    configuration = system(app, cores=cores)
    hardware = replace(configuration.machine, generation=generation, active_cores=active)
    return site_with(replace(configuration, machine=hardware), NO_OVERHEAD, SHORT, *overrides)


def at(site: Site, seconds: float) -> None:
    site.clock.run_until(round(seconds * SECOND))


def charges(site: Site, kind: str) -> list[tuple[float, int]]:
    return [(c.seconds, c.quantity) for c in site.on_demand_of("p5").charges if c.kind == kind]


def busy_cores(machine: Machine, seconds: float) -> float:
    app = machine.partitions["app"].partition
    before, start = app.occupied_ns(), machine.clock.now_ns
    machine.clock.run_until(start + round(seconds * SECOND))
    return (app.occupied_ns() - before) / (machine.clock.now_ns - start)


# Activation


@pytest.mark.parametrize(
    ("generation", "activate"),
    [
        ("POWER5", ActivatePermanently("p5", 2)),
        ("POWER5+", TurnOn("p5", 2)),
        ("POWER5", ActivateReserve("p5", 2)),
        ("POWER5", StartTrial("p5", 2)),
        ("POWER6", EnableUtility("p5", 2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_activated_cores_are_used_at_once_by_who_is_uncapped(generation, activate: Operation):
    site, machine = site_of(generation)
    keep_busy(machine.partitions["app"], 0.01, 6)
    assert busy_cores(machine, 0.5) == pytest.approx(2)
    assert carried_out(site, activate) == (Status.DONE, "")
    assert site.timeline[-1].seconds == pytest.approx(1.0)
    assert len(machine.capacity.inactive) == 2
    assert busy_cores(machine, 0.5) == pytest.approx(4)
    assert total(machine) == 6 * site.clock.now_ns


def test_what_is_activated_permanently_can_be_given_to_partitions_and_is_paid_once():
    site, machine = site_of()
    assert machine.capacity.free_cores == 1
    carried_out(site, ActivatePermanently("p5", 3))
    assert machine.capacity.free_cores == 4
    assert carried_out(site, MoveUnits(3.5, None, "app"))[0] is Status.DONE
    at(site, 60)
    (charge,) = site.on_demand_of("p5").charges
    assert (charge.kind, charge.quantity, charge.unit) == ("permanent", 3, "cores")


def test_without_a_pool_activated_cores_wait_for_an_owner():
    site, machine = site_of(virtual_processors=1, virtualization=DEDICATED)
    assert carried_out(site, MoveCores(2, None, "app"))[1] == "only 1 cores are free"
    carried_out(site, ActivatePermanently("p5", 1))
    assert carried_out(site, MoveCores(2, None, "app"))[0] is Status.DONE
    keep_busy(machine.partitions["app"], 0.01, 6)
    assert busy_cores(machine, 0.5) == pytest.approx(3)
    assert total(machine) == 6 * site.clock.now_ns


@pytest.mark.parametrize(
    ("activate", "generation"),
    [(ActivateReserve("p5", 2), "POWER5"), (EnableUtility("p5", 2), "POWER6")],
    ids=["reserve", "utility"],
)
def test_no_partition_can_be_entitled_to_lent_cores(activate, generation):
    site, machine = site_of(generation)
    carried_out(site, activate)
    assert machine.capacity.free_cores == 1
    assert carried_out(site, MoveUnits(1.5, None, "app")) == (
        Status.REFUSED,
        "only 1.00 processing units are free",
    )


# On/Off


def test_on_off_charges_every_day_begun_for_every_core():
    site, machine = site_of()
    carried_out(site, TurnOn("p5", 2))
    at(site, 3.0)
    carried_out(site, TurnOn("p5", 1))
    at(site, 5.6)
    carried_out(site, TurnOff("p5", 2))
    assert len(machine.capacity.inactive) == 3
    at(site, 29.0)
    carried_out(site, TurnOff("p5", 1))
    bill = charges(site, "on-off")
    # A day has 2 s. Two cores are on from 0.5 s, another from 3.5 s; at 6.1 s that one and one of
    # the first two go, and the last one at 29.5 s.
    assert bill[:6] == [(0.5, 2), (2.5, 2), (3.5, 1), (4.5, 2), (5.5, 1), (6.5, 1)]
    assert site.on_demand_of("p5").billed("on-off") == 8 + 12
    at(site, 60)
    assert charges(site, "on-off") == bill
    assert not site.on_demand_of("p5").turned_on


def test_what_partitions_are_entitled_to_is_not_turned_off():
    site, _ = site_of()
    carried_out(site, TurnOn("p5", 1))
    carried_out(site, MoveUnits(1.5, None, "app"))
    reason = "only 0.5 cores of p5 are free: partitions are entitled to the rest"
    assert carried_out(site, TurnOff("p5", 1)) == (Status.REFUSED, reason)
    carried_out(site, MoveUnits(0.5, "app", None))
    assert carried_out(site, TurnOff("p5", 1))[0] is Status.DONE


# Reserve


def test_the_reserve_is_drawn_on_only_while_all_other_cores_are_busy():
    site, machine = site_of()
    carried_out(site, ActivateReserve("p5", 2))
    keep_busy(machine.partitions["app"], 0.01, 1)
    at(site, 5.0)
    assert charges(site, "reserve") == []
    keep_busy(machine.partitions["app"], 0.01, 1)
    at(site, 5.4)
    assert charges(site, "reserve") == []
    at(site, 9.4)
    # Two cores of two are busy: the rule asks for no more. The day (4 s) goes on.
    assert charges(site, "reserve") == [(5.5, 1)]
    at(site, 10.2)
    assert charges(site, "reserve") == [(5.5, 1), (9.5, 1)]
    keep_busy(machine.partitions["app"], 0.01, 2)
    at(site, 13.4)
    assert charges(site, "reserve") == [(5.5, 1), (9.5, 1), (10.5, 1)]


def test_a_reserve_that_is_used_up_is_taken_back_when_its_last_day_is_over():
    site, machine = site_of("POWER5", 6, 2, 6, {"operations.cod.reserve.prepaid": 3.0})
    keep_busy(machine.partitions["app"], 0.01, 6)
    carried_out(site, ActivateReserve("p5", 2))
    at(site, 4.9)
    assert charges(site, "reserve") == [(1.0, 2)]
    at(site, 5.4)
    # At 5 s one day is left for two cores: one of them has to go at once.
    assert charges(site, "reserve") == [(1.0, 2), (5.0, 1)]
    assert len(machine.capacity.inactive) == 3
    assert busy_cores(machine, 0.5) == pytest.approx(3)
    at(site, 9.4)
    assert len(machine.capacity.inactive) == 4
    assert machine.capacity.lent_cores == 0
    assert machine.capacity.free_cores == 1
    assert carried_out(site, ActivateReserve("p5", 1)) == (
        Status.REFUSED,
        "the 3 prepaid processor-days of p5 are used up",
    )
    assert total(machine) == 6 * site.clock.now_ns


# Trial


def test_a_trial_ends_after_its_days_and_is_not_repeated():
    site, machine = site_of()
    carried_out(site, StartTrial("p5", 2))
    at(site, 6.4)
    assert len(machine.capacity.inactive) == 2
    at(site, 6.6)
    assert len(machine.capacity.inactive) == 4
    assert site.timeline[-1].reason == "over: deactivated"
    assert carried_out(site, StartTrial("p5", 1)) == (Status.REFUSED, "p5 has had its trial")


def test_only_days_with_the_power_on_count():
    site, machine = site_of()
    carried_out(site, StartTrial("p5", 2))
    at(site, 2.0)
    machine.power.switch(False)
    at(site, 5.0)
    machine.power.switch(True)
    at(site, 9.4)
    assert len(machine.capacity.inactive) == 2
    at(site, 9.6)
    assert len(machine.capacity.inactive) == 4


def test_a_trial_waits_for_cores_that_partitions_are_entitled_to():
    site, machine = site_of()
    carried_out(site, StartTrial("p5", 2))
    carried_out(site, MoveUnits(2.0, None, "app"))
    at(site, 8.0)
    assert len(machine.capacity.inactive) == 2
    assert site.timeline[-1].status is Status.FAILED
    carried_out(site, MoveUnits(1.0, "app", None))
    at(site, 9.0)
    assert len(machine.capacity.inactive) == 4
    assert machine.capacity.free_cores == 0


# Utility


@settings(max_examples=25)
@given(st.integers(0, 400), st.integers(1, 3))
def test_a_minute_is_charged_for_each_utility_core_used_for_a_tenth_of_it(hundredths, utility):
    """A capped partition uses exactly its entitlement, which says what is to be charged."""
    app = partition("app", max(0.1, hundredths / 100), max(1, ceil(hundredths / 100)), CAPPED)
    configuration = system(app, cores=5)
    hardware = replace(configuration.machine, generation="POWER6", active_cores=5 - utility)
    site, machine = site_with(replace(configuration, machine=hardware), NO_OVERHEAD, SHORT)
    carried_out(site, EnableUtility("p5", utility))
    if hundredths >= 10:
        keep_busy(machine.partitions["app"], 0.01, len(app_vps(machine)))
    at(site, 2.6)
    beyond = (hundredths if hundredths >= 10 else 0) - 100 * (5 - utility)
    expected = 0
    if beyond > 0:
        expected = min(utility, floor(beyond / 100) + (beyond % 100 >= 10))
    assert charges(site, "utility") == ([(1.5, expected), (2.5, expected)] if expected else [])


def app_vps(machine: Machine) -> list[object]:
    return list(machine.partitions["app"].partition.vps)


# Refused


@pytest.mark.parametrize(
    ("operation", "generation", "reason"),
    [
        (ActivatePermanently("p6", 1), "POWER5", "there is no machine p6"),
        (
            ActivatePermanently("p5", 0),
            "POWER5",
            "0 cores cannot be activated; 1 is the least and the step",
        ),
        (ActivatePermanently("p5", 5), "POWER5", "only 4 cores of p5 are inactive"),
        (TurnOn("p5", 5), "POWER5", "only 4 cores of p5 are inactive"),
        (TurnOff("p5", 1), "POWER5", "0 On/Off cores of p5 are on, not 1"),
        (StartTrial("p5", 5), "POWER5", "only 4 cores of p5 are inactive"),
        (
            EnableUtility("p5", 1),
            "POWER5+",
            "Utility Capacity on Demand is for POWER6, and p5 is a POWER5+",
        ),
        (
            ActivateReserve("p5", 1),
            "POWER6",
            "Reserve Capacity on Demand is for POWER5, and p5 is a POWER6",
        ),
    ],
)
def test_what_the_rules_forbid_is_refused(operation, generation, reason):
    site, machine = site_of(generation)
    assert carried_out(site, operation) == (Status.REFUSED, reason)
    assert len(machine.capacity.inactive) == 4
    assert not site.on_demand_of("p5").charges


def test_who_has_all_cores_active_has_none_to_activate():
    site, _ = site_of(cores=2)
    assert carried_out(site, TurnOn("p5", 1)) == (Status.REFUSED, "all cores of p5 are active")


@pytest.mark.parametrize(
    ("operation", "generation"),
    [(ActivateReserve("p5", 1), "POWER5"), (EnableUtility("p5", 1), "POWER6")],
)
def test_lent_cores_need_a_shared_pool(operation, generation):
    site, _ = site_of(generation, virtual_processors=1, virtualization=DEDICATED)
    reason = "p5 has no shared processor pool: nobody could use the cores"
    assert carried_out(site, operation) == (Status.REFUSED, reason)


def test_the_bill_adds_up_by_kind():
    site, _ = site_of()
    carried_out(site, ActivatePermanently("p5", 1))
    carried_out(site, TurnOn("p5", 2))
    at(site, 4.0)
    state = site.on_demand_of("p5")
    assert [state.billed(kind) for kind in ("permanent", "on-off", "trial")] == [1, 4, 0]
    units = {(charge.kind, charge.unit) for charge in state.charges}
    assert units == {("permanent", "cores"), ("on-off", "processor-days")}
