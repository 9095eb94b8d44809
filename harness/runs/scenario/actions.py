"""From a scenario's actions to what is done to the machines."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.campaign.scenario_script import Action
from harness.engine.clock import to_ns
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
from harness.users.population import UserPopulation
from workloads.loading import load_user


class SendMessage:
    """Send a message and wait until it has arrived."""

    def __init__(self, source: str, target: str, size_bytes: int) -> None:
        self.source = source
        self.target = target
        self.size_bytes = size_bytes

    def describe(self) -> str:
        """Say who sends what to whom."""
        return f"send {self.size_bytes} bytes from {self.source} to {self.target}"

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

    def __init__(self, crowd: UserPopulation, base: Path, memory_needs: dict[str, int]) -> None:
        self.crowd = crowd
        self.base = base
        self.memory_needs = memory_needs
        self._groups: dict[tuple[str, str], tuple[Machine, UserGroup]] = {}
        self._users: dict[tuple[str, str], int] = {}
        self._made: dict[tuple[str, str], int] = {}

    def enter(self, machine: Machine, partition: str, group: UserGroup) -> None:
        """Let the users of a group begin."""
        key = partition, group.name
        self._groups[key] = machine, group
        self._users[key] = self._made[key] = 0
        if group.arrivals_per_second is None:
            self.set_users(partition, group.name, group.users or 0)
        else:
            self._open(key)

    def set_users(self, partition: str, group: str, users: int) -> None:
        """Let a group have so many closed users."""
        key = partition, group
        machine, table = self._groups[key]
        before, self._users[key] = self._users[key], users
        if users < before:
            self.crowd.retire(partition, _label(*key), before - users)
            return
        loaded = load_user(table.user, self.base)
        self.crowd.add_closed(
            loaded.cls,
            machine.partitions[partition],
            loaded.demand_model.model_construct(None, **table.demand),
            group=_label(*key),
            users=users - before,
            think_time_seconds=table.think_time_seconds,
            disk=table.disk,
            first=self._made[key],
        )
        self._made[key] += users - before

    def _open(self, key: tuple[str, str]) -> None:
        machine, table = self._groups[key]
        loaded = load_user(table.user, self.base)
        self.crowd.add_open(
            loaded.cls,
            machine.partitions[key[0]],
            loaded.demand_model.model_construct(None, **table.demand),
            group=_label(*key),
            arrivals_per_second=table.arrivals_per_second or 0.0,
            disk=table.disk,
        )

    def set_arrivals(self, partition: str, group: str, per_second: float) -> None:
        """Let a group's transactions arrive at another rate."""
        self.crowd.change_arrivals(partition, _label(partition, group), per_second)


class Workload:
    """Change how much work there is: done at once."""

    def __init__(self, users: Users, values: Mapping[str, Any]) -> None:
        self.users = users
        self.values = values

    def describe(self) -> str:
        """Say what changes."""
        values = self.values
        if values["users"] is not None:
            return f"{values['of']}: {values['users']} users of {values['group']}"
        return f"{values['of']}: {values['group']} arrives {values['arrivals']:g} times a second"

    def check(self, site: Site) -> None:
        """Accept it: users come and go as they like."""

    def perform(self, site: Site) -> Steps:
        """Do it."""
        values = self.values
        if values["users"] is not None:
            self.users.set_users(values["of"], values["group"], values["users"])
        else:
            self.users.set_arrivals(values["of"], values["group"], values["arrivals"])
        yield site.clock.timeout(to_ns(0))


class MemoryNeed:
    """Change how much memory a partition's programs need: done at once."""

    def __init__(self, needs: dict[str, int], of: str, size_bytes: int) -> None:
        self.needs = needs
        self.of = of
        self.size_bytes = size_bytes

    def describe(self) -> str:
        """Say what changes."""
        return f"{self.of}: programs need {self.size_bytes / 2**20:g} MiB"

    def check(self, site: Site) -> None:
        """Accept it; what is not there is paged, which is not modelled."""

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


def _fleet(values: Mapping[str, Any]) -> Operation:
    if values["maintain"] is not None:
        return Evacuate(values["maintain"], values["duration"])
    if values["balance"] is not None:
        return Balance(values["threshold"], values["sampling"], tuple(values["balance"]))
    return Consolidate(values["return_after"], tuple(values["consolidate"]))


def _fault(values: Mapping[str, Any]) -> Operation:
    if values["host"] is not None:
        return HostPanic(values["host"])
    if values["adapter"] is not None:
        name, machine = _place(values["of"])
        assert name is not None
        return AdapterFailure(name, values["adapter"], values["repair"], machine)
    name, machine = _place(values["panic"])
    assert name is not None
    return ViosPanic(name, machine) if values["vios"] else GuestPanic(name)


def results_of(operation: Operation) -> dict[str, float]:
    """Return what an operation has measured of itself, in SI units."""
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


def operation_for(action: Action, users: Users) -> Operation:
    """Make the operation that an action of a scenario stands for."""
    makers: dict[str, Callable[[Mapping[str, Any]], Operation]] = {
        "load": lambda values: Workload(users, values),
        "dlpar": _dlpar,
        "reach": lambda values: SendMessage(values["source"], values["target"], values["size"]),
        "memory": lambda values: MemoryNeed(users.memory_needs, values["of"], values["needs"]),
        "plm": lambda values: PartitionLoadManager(read_policy(users.base / values["policy"])),
        "cod": lambda values: _COD[values["activate"]](values["machine"], values["cores"]),
        "migrate": lambda values: Move(values["partition"], values["target"]),
        "fleet": _fleet,
        "attach": lambda values: AttachFibreChannel(
            values["partition"], values["vios"], values["fibre_channel"]
        ),
        "fault": _fault,
    }
    return makers[action.kind](action.values)


def _dlpar(values: Mapping[str, Any]) -> Operation:
    source, machine = _place(values["source"])
    target, other = _place(values["target"])
    machine = machine or other
    if values["change"] is not None:
        name, machine = _place(values["change"])
        assert name is not None
        return ChangeSharing(name, values["weight"], values["capped"], machine)
    amount = values.get("amount", 0)
    match values["move"]:
        case "processing-units":
            return MoveUnits(amount, source, target, values["virtual_processors"], machine)
        case "virtual-processors":
            return MoveUnits(0.0, source, target, int(amount), machine)
        case "cores":
            return MoveCores(int(amount), source, target, machine)
        case "memory":
            return MoveMemory(int(amount), source, target, machine)
        case _:
            return MoveAdapter(values["device"], source, target, machine)


def _place(label: str | None) -> tuple[str | None, str | None]:
    """Return the name and, where the label says it, the machine of a partition or a VIOS."""
    if label is None:
        return None, None
    machine, slash, name = label.rpartition("/")
    return name, machine if slash else None


def _label(partition: str, group: str) -> str:
    # A full-system partition's groups carry the name of the partition that they stand for.
    return group if "/" in group else f"{partition}/{group}"
