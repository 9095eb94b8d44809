"""Switching machines off and on, and their energy.

The power of these machines at a given load is not published: the model is a straight line between
idle and busy, its constants are assumed and have wide ranges. They stand for a machine of four
cores; the power of a larger one while it is on is assumed to grow with its cores.
"""

from dataclasses import dataclass

from harness.catalog import Constants
from harness.model.cpu.reconfiguration import crash, restart
from harness.model.machine import Machine
from harness.operations.operation import Operation, RefusedError, Site, Steps


@dataclass(frozen=True, slots=True)
class PowerModel:
    """Power of a machine, in watts."""

    idle_watts: float
    busy_watts: float
    """With all cores busy."""
    off_watts: float

    @classmethod
    def of(cls, constants: Constants, cores: int) -> "PowerModel":
        """Make the model of a machine with so many cores."""
        scale = cores / constants.number("operations.power.cores")
        return cls(
            constants.number("operations.power.idle") * scale,
            constants.number("operations.power.busy") * scale,
            constants.number("operations.power.off"),
        )

    def watts(self, busy_fraction: float, *, on: bool = True) -> float:
        """Return the power at a mean busy fraction of all cores."""
        if not on:
            return self.off_watts
        return self.idle_watts + (self.busy_watts - self.idle_watts) * busy_fraction


class EnergyMeter:
    """Measures the energy of one machine from the moment at which the meter is made."""

    def __init__(self, machine: Machine, constants: Constants) -> None:
        self.machine = machine
        self.model = PowerModel.of(constants, len(machine.processors))
        self._start_ns = machine.clock.now_ns
        self._start_off_ns = machine.power.off_ns
        self._start_busy_ns = busy_ns(machine)

    @property
    def on_seconds(self) -> float:
        """Time that the machine has been on; starting counts."""
        passed_ns = self.machine.clock.now_ns - self._start_ns
        return passed_ns / 1e9 - self.off_seconds

    @property
    def off_seconds(self) -> float:
        """Time that the machine has been off."""
        return (self.machine.power.off_ns - self._start_off_ns) / 1e9

    @property
    def joules(self) -> float:
        """Energy so far; the busy part is exact, as the ledger is."""
        model = self.model
        busy_core_seconds = (busy_ns(self.machine) - self._start_busy_ns) / 1e9
        busy_seconds = busy_core_seconds / len(self.machine.processors)
        return (
            model.idle_watts * self.on_seconds
            + (model.busy_watts - model.idle_watts) * busy_seconds
            + model.off_watts * self.off_seconds
        )


def busy_ns(machine: Machine) -> int:
    """Processor time that a machine has spent on anything at all."""
    accounts, _ = machine.balance()
    return sum(sum(account.values()) for account in accounts.values())


@dataclass(frozen=True, slots=True)
class SwitchOff(Operation):
    """Switch off a machine on which nothing runs but its Virtual I/O Servers."""

    machine: str
    text = "switch {self.machine} off"

    def check(self, site: Site) -> None:
        """Refuse a machine that partitions need."""
        machine = site.machine_named(self.machine)
        if not machine.power.on:
            raise RefusedError(f"{self.machine} is off already")
        if machine.partitions:
            raise RefusedError(f"{next(iter(machine.partitions))} is on {self.machine}")
        if machine.capacity.moving:
            name = min(machine.capacity.moving)
            raise RefusedError(f"{name} is being moved to or from {self.machine}")

    def perform(self, site: Site) -> Steps:
        """Do it: it takes no time that is modelled."""
        yield site.pause(0.0)
        self.check(site)
        machine = site.machine_named(self.machine)
        for vios in machine.vios.values():
            vios.hold(crash(vios.partition))
        machine.power.switch(False)


@dataclass(frozen=True, slots=True)
class SwitchOn(Operation):
    """Switch on a machine; it takes partitions once its Virtual I/O Servers are up."""

    machine: str
    text = "switch {self.machine} on"

    def check(self, site: Site) -> None:
        """Refuse a machine that is on."""
        if site.machine_named(self.machine).power.on:
            raise RefusedError(f"{self.machine} is on already")

    def perform(self, site: Site) -> Steps:
        """Do it; the machine takes power from the beginning."""
        machine = site.machine_named(self.machine)
        machine.power.switch(True)
        yield site.pause(site.constants.number("operations.power.start_time"))
        for vios in machine.vios.values():
            restart(vios.partition)
            vios.resume()
