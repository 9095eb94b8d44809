"""Makes operations of a scenario's actions."""

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from pathlib import Path

from harness.campaign.schema.actions import Actions, Dlpar, Fault, Fleet, Load
from harness.model.config import UserGroup
from harness.model.machine import Machine
from harness.model.routing import UnreachableError
from harness.operations.capacity_on_demand import (
    ActivatePermanently,
    ActivateReserve,
    EnableUtility,
    StartTrial,
    TurnOff,
    TurnOn,
)
from harness.operations.dlpar import ChangeSharing, MoveAdapter, MoveCores, MoveMemory, MoveUnits
from harness.operations.faults import AdapterFailure, GuestPanic, HostPanic, ViosPanic
from harness.operations.fleet import Balance, Consolidate, Evacuate
from harness.operations.live_migration import Move
from harness.operations.npiv import AttachFibreChannel
from harness.operations.operation import Operation, RefusedError, Site, Steps
from harness.operations.plm.manager import PartitionLoadManager
from harness.operations.plm.policy_file import read_policy
from harness.users.population import UserPopulation, group_title


@dataclass(frozen=True, slots=True)
class SendMessage(Operation):
    """Send a message and wait until it has arrived."""

    source: str
    target: str
    size_bytes: int
    text = "send {self.size_bytes} bytes from {self.source} to {self.target}"

    def check(self, site: Site) -> None:
        """Refuse if there is no way."""
        try:
            site.machine_of(self.source).network.route(self.source, "send", self.target)
        except UnreachableError as error:
            raise RefusedError(str(error)) from None

    def perform(self, site: Site) -> Steps:
        """Send it."""
        arrived = site.clock.event()
        modelled = site.machine_of(self.source).partitions[self.source]
        modelled.send(self.size_bytes, self.target, arrived.succeed)
        yield arrived


class Users:
    """The users of a scenario's partitions, whose number can change."""

    def __init__(
        self, population: UserPopulation, base: Path, memory_needs: dict[str, int]
    ) -> None:
        self.population = population
        self.base = base
        self.memory_needs = memory_needs
        self._groups: dict[tuple[str, str], tuple[Machine, UserGroup]] = {}
        self._users: dict[tuple[str, str], int] = {}
        self._made: dict[tuple[str, str], int] = {}

    def add(self, machine: Machine, partition: str, group: UserGroup) -> None:
        """Add the users of a group at the beginning."""
        key = partition, group.name
        self._groups[key] = machine, group
        self._users[key] = self._made[key] = 0
        if group.arrivals_per_second is None:
            self.set_users(partition, group.name, group.users or 0)
        else:
            self.population.add_group(group, machine.partitions[partition], self.base)

    def set_users(self, partition: str, group: str, users: int) -> None:
        """Change the number of closed users of a group."""
        key = partition, group
        machine, table = self._groups[key]
        before, self._users[key] = self._users[key], users
        if users < before:
            self.population.retire(partition, group_title(*key), before - users)
            return
        added = replace(table, users=users - before)
        modelled = machine.partitions[partition]
        self.population.add_group(added, modelled, self.base, first=self._made[key])
        self._made[key] += users - before

    def set_arrivals(self, partition: str, group: str, per_second: float) -> None:
        """Let a group's transactions arrive at another rate."""
        self.population.change_arrivals(partition, group_title(partition, group), per_second)


@dataclass(frozen=True, slots=True)
class Workload(Operation):
    """Change how much work there is: done at once."""

    users: Users
    load: Load

    def describe(self) -> str:
        """Say what changes."""
        load = self.load
        if load.users is not None:
            return f"{load.of}: {load.users} users of {load.group}"
        return f"{load.of}: {load.group} arrives {load.arrivals:g} times a second"

    def check(self, site: Site) -> None:
        """Accept it."""

    def perform(self, site: Site) -> Steps:
        """Do it."""
        load = self.load
        if load.users is not None:
            self.users.set_users(load.of, str(load.group), load.users)
        else:
            self.users.set_arrivals(load.of, str(load.group), load.arrivals or 0.0)
        yield site.pause(0.0)


@dataclass(frozen=True, slots=True)
class MemoryNeed(Operation):
    """Change how much memory a partition's programs need: done at once."""

    needs: dict[str, int]
    of: str
    size_bytes: int

    def describe(self) -> str:
        """Say what changes."""
        return f"{self.of}: programs need {self.size_bytes / 2**20:g} MiB"

    def check(self, site: Site) -> None:
        """Accept it; paging of missing memory is not modelled."""

    def perform(self, site: Site) -> Steps:
        """Do it."""
        self.needs[self.of] = self.size_bytes
        yield site.pause(0.0)


_COD: dict[str | None, Callable[[str, int], Operation]] = {
    "permanent": ActivatePermanently,
    "on-off": TurnOn,
    "reserve": ActivateReserve,
    "trial": StartTrial,
    "utility": EnableUtility,
    None: TurnOff,
}


def _fleet(fleet: Fleet) -> Operation:
    if fleet.maintain is not None:
        return Evacuate(fleet.maintain, fleet.duration or 0.0)
    if fleet.balance is not None:
        return Balance(fleet.threshold, fleet.sampling, tuple(fleet.balance))
    return Consolidate(fleet.return_after, tuple(fleet.consolidate or ()))


def _fault(fault: Fault, vios: Container[str]) -> Operation:
    if fault.host is not None:
        return HostPanic(fault.host)
    machine, name = _place(fault.of or fault.panic)
    if fault.adapter is not None:
        return AdapterFailure(str(name), fault.adapter, fault.repair, machine)
    return ViosPanic(str(name), machine) if fault.panic in vios else GuestPanic(str(name))


def results_of(operation: Operation) -> dict[str, float]:
    """Return the results of an operation, in SI units."""
    if isinstance(operation, Move):
        migrations = [operation.migration] if operation.migration is not None else []
    elif isinstance(operation, Evacuate | Balance | Consolidate):
        migrations = operation.migrations
    else:
        return {}
    results = {
        "migrations": float(len(migrations)),
        "passes": float(sum(len(each.passes) for each in migrations)),
        "bytes": float(sum(each.transferred_bytes for each in migrations)),
        "missing-bytes": float(sum(each.missing_bytes for each in migrations)),
        "faults": float(sum(each.faults for each in migrations)),
        "duration": sum(each.duration_seconds for each in migrations),
        "downtime": max((each.downtime_seconds for each in migrations), default=0.0),
        "paging": sum(each.paging_seconds for each in migrations),
        "rate": 0.0,
        "source-vios-cores": 0.0,
        "target-vios-cores": 0.0,
    }
    passing = sum(one.seconds for each in migrations for one in each.passes)
    if passing > 0:
        sent = sum(one.size_bytes for each in migrations for one in each.passes)
        results["rate"] = sent / passing
        moving = passing + results["paging"]
        for side in ("source", "target"):
            spent = sum(getattr(each, f"{side}_vios_seconds") for each in migrations)
            results[f"{side}-vios-cores"] = spent / moving
    if isinstance(operation, Balance) and operation.spreads:
        results["spread-before"] = operation.spreads[0]
        results["spread-after"] = operation.spreads[-1]
    if isinstance(operation, Consolidate):
        results["switched-off"] = float(len(operation.switched_off))
    return results


def operation_for(actions: Actions, users: Users, vios: Container[str]) -> Operation:
    """Make the operation of a step or a rule.

    Parameters
    ----------
    vios
        What the Virtual I/O Servers of the scenario are called.
    """
    action = actions.action
    match actions.kind:
        case "load":
            return Workload(users, action)
        case "dlpar":
            return _dlpar(action)
        case "reach":
            return SendMessage(action.source, action.target, action.size)
        case "memory":
            return MemoryNeed(users.memory_needs, action.of, action.needs)
        case "plm":
            return PartitionLoadManager(read_policy(users.base / action.policy))
        case "cod":
            return _COD[action.activate](action.machine, action.cores)
        case "migrate":
            return Move(action.partition, action.target)
        case "fleet":
            return _fleet(action)
        case "attach":
            return AttachFibreChannel(action.partition, action.vios, action.fibre_channel)
    return _fault(action, vios)


def _dlpar(dlpar: Dlpar) -> Operation:
    if dlpar.change is not None:
        machine, name = _place(dlpar.change)
        return ChangeSharing(str(name), dlpar.weight, dlpar.capped, machine)
    machine, source = _place(dlpar.source)
    other, target = _place(dlpar.target)
    machine = machine or other
    amount = float(dlpar.amount or 0)
    match dlpar.move:
        case "processing-units":
            return MoveUnits(amount, source, target, dlpar.virtual_processors, machine)
        case "virtual-processors":
            return MoveUnits(0.0, source, target, int(amount), machine)
        case "cores":
            return MoveCores(int(amount), source, target, machine)
        case "memory":
            return MoveMemory(int(amount), source, target, machine)
    return MoveAdapter(str(dlpar.device), source, target, machine)


def _place(label: str | None) -> tuple[str | None, str | None]:
    """Return the machine, where the label names it, and the name of a partition or a VIOS."""
    machine, _, name = (label or "").rpartition("/")
    return machine or None, name or None
