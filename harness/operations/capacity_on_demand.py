"""Capacity on Demand: activating installed cores while the machine runs, and paying for them.

How each kind is charged: IBM REDP-9117 p.53 and IBM's pages on Capacity on Demand. All periods
come from the catalog. What is not published and assumed: how long an activation takes, and over
how short a time use of the pool has to be 100 % for the reserve to be drawn on.
"""

import math
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

from harness.engine.clock import to_ns
from harness.model.cpu.shared_pool import SharedPool
from harness.model.machine import Machine
from harness.operations.on_demand_bill import Charge, OnDemand
from harness.operations.operation import RefusedError, Site, Status, Steps, TimedOperation

PERMANENT, ON_OFF, RESERVE = "permanent", "on-off", "reserve"
TRIAL, UTILITY = "trial", "utility"
_POWER5, _POWER6 = ("POWER5", "POWER5+"), ("POWER6",)
_BUSY = 1e-6
"""How far from 100 % busy still counts as 100 %: the time of a few clock ticks of the model."""


@dataclass(frozen=True, slots=True)
class _Cores(TimedOperation):
    """What all kinds have in common."""

    machine: str
    cores: int
    time = "operations.cod.activation_time"


class _Activation(_Cores):
    """Activates inactive cores."""

    lent: ClassVar[bool] = False
    """Whether the cores only join the shared pool: no partition can be entitled to them."""

    def check(self, site: Site) -> None:
        """Refuse more cores than are inactive."""
        self._inactive(site)

    def _inactive(self, site: Site) -> Machine:
        """Return the machine; refuse if it has too few inactive cores."""
        machine = site.machine_named(self.machine)
        step = round(site.constants.number("operations.cod.step"))
        if self.cores < 1 or self.cores % step:
            raise RefusedError(
                f"{self.cores} cores cannot be activated; {step} is the least and the step"
            )
        inactive = len(machine.capacity.inactive)
        if not inactive:
            raise RefusedError(f"all cores of {self.machine} are active")
        if self.cores > inactive:
            raise RefusedError(f"only {inactive} cores of {self.machine} are inactive")
        return machine

    def change(self, site: Site) -> None:
        """Activate the cores and begin to charge them."""
        capacity = site.machine_named(self.machine).capacity
        if self.lent:
            capacity.lent_cores += self.cores
        capacity.activate(self.cores)
        self._charge(site, site.on_demand_of(self.machine))

    def _charge(self, site: Site, state: OnDemand) -> None:
        raise NotImplementedError


class ActivatePermanently(_Activation):
    """Buy cores (Capacity Upgrade on Demand)."""

    text = "activate {self.cores} cores of {self.machine} permanently"

    def _charge(self, site: Site, state: OnDemand) -> None:
        _charge(site, self.machine, PERMANENT, self.cores, "cores")


class TurnOn(_Activation):
    """Turn cores on under On/Off Capacity on Demand: every day begun is billed for each core."""

    text = "turn {self.cores} On/Off cores of {self.machine} on"

    def _charge(self, site: Site, state: OnDemand) -> None:
        number = next(n for n in count() if n not in state.turned_on)
        state.turned_on[number] = self.cores
        site.clock.process(_bill_days(site, self.machine, number))


class TurnOff(_Cores):
    """Turn On/Off cores off again, those first that were turned on last."""

    text = "turn {self.cores} On/Off cores of {self.machine} off"

    def check(self, site: Site) -> None:
        """Refuse cores that are not on or that partitions are entitled to."""
        machine = site.machine_named(self.machine)
        on = sum(site.on_demand_of(self.machine).turned_on.values())
        if not 1 <= self.cores <= on:
            raise RefusedError(f"{on} On/Off cores of {self.machine} are on, not {self.cores}")
        free = machine.capacity.free_cores
        if free < self.cores - 1e-9:
            raise RefusedError(
                f"only {max(0.0, free):g} cores of {self.machine} are free: partitions are "
                "entitled to the rest"
            )

    def change(self, site: Site) -> None:
        """Deactivate the cores."""
        turned_on, left = site.on_demand_of(self.machine).turned_on, self.cores
        for number in sorted(turned_on, reverse=True):
            taken = min(left, turned_on[number])
            turned_on[number] -= taken
            left -= taken
            if not turned_on[number]:
                del turned_on[number]
        site.machine_named(self.machine).capacity.deactivate(self.cores)


class ActivateReserve(_Activation):
    """Put reserve cores into the shared pool, paid for in advance by the processor-day.

    No partition can be entitled to them: uncapped ones use them once all other cores are busy.
    """

    text = "activate {self.cores} reserve cores of {self.machine}"
    lent = True

    def check(self, site: Site) -> None:
        """Refuse without inactive cores, a shared pool or days left."""
        machine = self._inactive(site)
        if machine.configuration.machine.generation not in _POWER5:
            raise RefusedError(_other_generation(self.machine, machine, "Reserve", "POWER5"))
        _pool(self.machine, machine)
        if not _days_left(site, self.machine):
            prepaid = round(site.constants.number("operations.cod.reserve.prepaid"))
            raise RefusedError(
                f"the {prepaid} prepaid processor-days of {self.machine} are used up"
            )

    def _charge(self, site: Site, state: OnDemand) -> None:
        state.reserve_cores += self.cores
        if state.reserve_cores == self.cores:
            site.clock.process(_meter_reserve(site, self.machine, state))


class StartTrial(_Activation):
    """Try cores for a number of power-on days, once."""

    text = "try {self.cores} cores of {self.machine}"

    def check(self, site: Site) -> None:
        """Refuse a second trial, and more cores than are inactive."""
        site.machine_named(self.machine)
        if site.on_demand_of(self.machine).billed(TRIAL):
            raise RefusedError(f"{self.machine} has had its trial")
        self._inactive(site)

    def _charge(self, site: Site, state: OnDemand) -> None:
        _charge(site, self.machine, TRIAL, self.cores, "cores")
        site.clock.process(_end_trial(site, self.machine, self.cores))


class EnableUtility(_Activation):
    """Put utility cores into the shared pool: minutes are charged in which they are used."""

    text = "enable {self.cores} utility cores of {self.machine}"
    lent = True

    def check(self, site: Site) -> None:
        """Refuse without inactive cores or a shared pool, or on the wrong generation."""
        machine = site.machine_named(self.machine)
        if machine.configuration.machine.generation not in _POWER6:
            raise RefusedError(_other_generation(self.machine, machine, "Utility", "POWER6"))
        self._inactive(site)
        _pool(self.machine, machine)

    def _charge(self, site: Site, state: OnDemand) -> None:
        state.utility_cores += self.cores
        if state.utility_cores == self.cores:
            site.clock.process(_meter_utility(site, self.machine, state))


# What they have in common


def _pool(name: str, machine: Machine) -> SharedPool:
    if machine.pool is None:
        raise RefusedError(f"{name} has no shared processor pool: nobody could use the cores")
    return machine.pool


def _other_generation(name: str, machine: Machine, kind: str, generation: str) -> str:
    found = machine.configuration.machine.generation
    return f"{kind} Capacity on Demand is for {generation}, and {name} is a {found}"


def _charge(site: Site, machine: str, kind: str, quantity: int, unit: str) -> None:
    charge = Charge(site.clock.now_ns / 1e9, kind, quantity, unit)
    site.on_demand_of(machine).charges.append(charge)


# Metering


def _bill_days(site: Site, machine: str, number: int) -> Steps:
    """Charge a processor-day for every core of a batch, at the beginning of each day."""
    turned_on = site.on_demand_of(machine).turned_on
    while number in turned_on:
        _charge(site, machine, ON_OFF, turned_on[number], "processor-days")
        yield site.pause(site.constants.number("operations.cod.on_off.period"))


def _days_left(site: Site, machine: str) -> int:
    prepaid = round(site.constants.number("operations.cod.reserve.prepaid"))
    return prepaid - site.on_demand_of(machine).billed(RESERVE)


def _meter_reserve(site: Site, name: str, state: OnDemand) -> Steps:
    """Deduct a day for each reserve core that is used and has no day running."""
    constants = site.constants
    threshold = constants.number("operations.cod.reserve.threshold")
    day_ns = to_ns(constants.number("operations.cod.reserve.period"))
    machine = site.machines[name]
    paid_until: list[int] = []
    meter = _Meter(machine)
    while state.reserve_cores:
        yield site.pause(constants.number("operations.cod.reserve.sample"))
        now = site.clock.now_ns
        used = meter.cores_used()
        base = len(_pool(name, machine).processors) - state.reserve_cores
        paid_until = [until for until in paid_until if until > now]
        if used >= base * threshold - _BUSY * max(1, base):
            beyond = math.ceil(used - base - _BUSY)
            needed = min(state.reserve_cores, max(1, beyond)) - len(paid_until)
            days = min(max(0, needed), _days_left(site, name))
            if days:
                _charge(site, name, RESERVE, days, "processor-days")
                paid_until.extend([now + day_ns] * days)
        if not _days_left(site, name) and len(paid_until) < state.reserve_cores:
            # What is used up is taken back as soon as the days that are running are over.
            back = state.reserve_cores - len(paid_until)
            state.reserve_cores -= back
            machine.capacity.deactivate(back)
            machine.capacity.lent_cores -= back
            site.record(
                f"{back} reserve cores of {name}",
                Status.DONE,
                "prepaid processor-days are used up: deactivated",
            )


def _meter_utility(site: Site, name: str, state: OnDemand) -> Steps:
    """Charge the minutes in which utility cores were used on top of all others."""
    minute = site.constants.number("operations.cod.utility.period")
    threshold = site.constants.number("operations.cod.utility.threshold")
    machine = site.machines[name]
    meter = _Meter(machine)
    while state.utility_cores:
        yield site.pause(minute)
        base = len(_pool(name, machine).processors) - state.utility_cores
        beyond = meter.cores_used() - base
        if beyond < threshold - _BUSY:
            continue
        full = math.floor(beyond + _BUSY)
        used = full + (beyond - full >= threshold - _BUSY)
        charged = min(state.utility_cores, used)
        _charge(site, name, UTILITY, charged, "processor-minutes")


class _Meter:
    """Reads how many cores of the shared pool were busy since the last reading."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.used_ns, self.at_ns = self._read()

    def _read(self) -> tuple[dict[str, int], int]:
        pool = self.machine.pool
        assert pool is not None
        return {p.name: p.occupied_ns() for p in pool.partitions}, self.machine.clock.now_ns

    def cores_used(self) -> float:
        """Return the mean number of busy cores."""
        before, since_ns = self.used_ns, self.at_ns
        self.used_ns, self.at_ns = self._read()
        # Who has come meanwhile counts from the next reading on.
        busy = sum(ns - before[name] for name, ns in self.used_ns.items() if name in before)
        return busy / (self.at_ns - since_ns)


def _end_trial(site: Site, name: str, cores: int) -> Steps:
    """Take the cores back after so much power-on time, once no partition is entitled to them."""
    machine = site.machines[name]
    began_ns = site.clock.now_ns - machine.power.off_ns
    period_ns = to_ns(site.constants.number("operations.cod.trial.period"))
    while (left := began_ns + period_ns + machine.power.off_ns - site.clock.now_ns) > 0:
        yield site.pause(left / 1e9)
    text = f"trial of {cores} cores of {name}"
    if machine.capacity.free_cores < cores - 1e-9:
        site.record(text, Status.FAILED, "over, but partitions are still entitled to the cores")
    while machine.capacity.free_cores < cores - 1e-9:
        yield site.pause(site.constants.number("operations.cod.activation_time"))
    machine.capacity.deactivate(cores)
    site.record(text, Status.DONE, "over: deactivated")
