"""Who takes part in a scenario, and checks that everything it names is there."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import units
from harness.campaign.scenario_script import POOL, REQUESTS, Step
from harness.campaign.schema.actions import (
    Attach,
    Cod,
    Dlpar,
    Fault,
    Fleet,
    Load,
    Memory,
    Migrate,
    Plm,
    SendMessage,
)
from harness.campaign.schema.messages import suggest, value_error
from harness.campaign.schema.scenario import Scenario
from harness.catalog import Catalog
from harness.errors import UserError
from harness.files import read_bytes
from harness.model.config import PartitionConfiguration, SystemConfiguration
from harness.operations.plm.policy_file import read_policy

STATUSES = ("done", "refused", "failed")
"""How an action can have ended."""


class ScenarioNames:
    """The machines, partitions and Virtual I/O Servers of a scenario.

    Parameters
    ----------
    systems
        By what the scenario calls its machines, its own first.
    file
        What messages call the place of the scenario.
    base
        The folder that policy files are relative to.
    """

    def __init__(
        self,
        scenario: Scenario,
        systems: Mapping[str, SystemConfiguration],
        catalog: Catalog,
        file: str,
        base: Path,
    ) -> None:
        self.file = file
        self.base = base
        self.catalog = catalog
        self.site = scenario.site
        self.systems = systems
        self.partitions: dict[str, PartitionConfiguration] = {}
        self.home: dict[str, str] = {}
        self.vios: list[str] = []
        for machine, system in systems.items():
            for partition in system.partitions:
                if partition.name in self.partitions:
                    raise UserError(
                        f"{file}: machines.{machine}: partition '{partition.name}' is on "
                        f"'{self.home[partition.name]}' too; names are unique in a scenario"
                    )
                self.partitions[partition.name] = partition
                self.home[partition.name] = machine
            self.vios.extend(vios.name for vios in system.vios)

    @property
    def everyone(self) -> list[str]:
        """Partitions and VIOS; a VIOS whose name several machines have is called machine/name."""
        return [*self.partitions, *(name for name, _ in vios_labels(self.systems))]

    def known(self, key: str, name: str, known: Iterable[str], what: str) -> str:
        """Return a name that must be among those known."""
        names = list(known)
        if name not in names:
            raise value_error(self.file, key, name, suggest(name, names, what))
        return name

    def subjects(self, key: str, metric: str, of: Sequence[str] | None) -> tuple[str, ...]:
        """Return whom a metric is read of; by default everybody who has it."""
        if metric in POOL:
            return tuple(
                self.known(key, name, self.systems, "machine") for name in of or (self.site,)
            )
        if metric in REQUESTS:
            return tuple(
                self.known(key, name, self.partitions, "partition")
                for name in of or self.partitions
            )
        return tuple(
            self.known(key, name, self.everyone, "partition or VIOS")
            for name in of or self.partitions
        )

    def group(self, key: str, name: str | None) -> str | None:
        """Return the name of a group of users that some partition has."""
        if name is None:
            return None
        groups = {group.name for each in self.partitions.values() for group in each.groups}
        return self.known(key, name, groups, "group of users")

    def status(self, key: str, written: object) -> str:
        """Return a status that an action can have ended with."""
        return self.known(key, str(written), STATUSES, "status")

    def constant(self, key: str, name: str) -> str:
        """Return the name of a number in the catalog."""
        self.known(key, name, self.catalog.constants, "constant")
        if not isinstance(self.catalog.constants[name].value, float | int):
            raise value_error(self.file, key, name, "is not a number")
        return name

    def assumed(self, key: str, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of some constants that nobody published."""
        for name in names:
            self.known(key, name, self.catalog.constants, "constant")
        unique = dict.fromkeys(names)
        return tuple(name for name in unique if self.catalog.constants[name].status == "assumed")

    # Actions

    def action(self, key: str, kind: str, table: Any) -> dict[str, Any]:
        """Check what an action names and return its parameters in SI units."""
        checks: dict[str, Callable[[str, Any], dict[str, Any]]] = {
            "load": self._load,
            "dlpar": self._dlpar,
            "reach": self._reach,
            "memory": self._memory,
            "plm": self._plm,
            "cod": self._cod,
            "migrate": self._migrate,
            "fleet": self._fleet,
            "attach": self._attach,
            "fault": self._fault,
        }
        return checks[kind](key, table)

    def _load(self, key: str, table: Load) -> dict[str, Any]:
        self.known(f"{key}.of", table.of, self.partitions, "partition")
        groups = {group.name: group for group in self.partitions[table.of].groups}
        if not groups:
            raise value_error(self.file, f"{key}.of", table.of, "has no users whose number changes")
        if table.group is None and len(groups) > 1:
            allowed = f"one of {', '.join(groups)}"
            raise UserError(f"{self.file}: {key}.group: is missing; {table.of} has {allowed}")
        name = next(iter(groups)) if table.group is None else table.group
        self.known(f"{key}.group", name, groups, f"group of users of {table.of}")
        closed = groups[name].users is not None
        if closed != (table.users is not None):
            given = "users" if table.users is not None else "arrivals"
            allowed = f"the group '{name}' has {'users' if closed else 'arrivals'}; change these"
            raise value_error(self.file, f"{key}.{given}", getattr(table, given), allowed)
        return {"of": table.of, "group": name, "users": table.users, "arrivals": table.arrivals}

    def _dlpar(self, key: str, table: Dlpar) -> dict[str, Any]:
        for name, place in ((table.source, "from"), (table.target, "to"), (table.change, "change")):
            if name is not None:
                self.known(f"{key}.{place}", name, self.everyone, "partition or VIOS")
        values = table.model_dump(exclude={"amount"})
        if table.device is not None:
            devices = [*self.catalog.disks, *self.catalog.adapters, "graphics"]
            self.known(f"{key}.device", table.device, devices, "adapter")
        if table.amount is not None:
            dimension = {"memory": "size", "processing-units": "cores", "cores": "cores"}
            try:
                amount = units.read(table.amount, dimension.get(str(table.move), "count"))
            except ValueError as error:
                raise value_error(self.file, f"{key}.amount", table.amount, str(error)) from None
            whole = table.move != "processing-units"
            if amount <= 0 or (whole and amount != int(amount)):
                allowed = f"must be more than 0{' and whole' if whole else ''}"
                raise value_error(self.file, f"{key}.amount", table.amount, allowed)
            values["amount"] = amount
        return values

    def _reach(self, key: str, table: SendMessage) -> dict[str, Any]:
        self.known(f"{key}.from", table.source, self.partitions, "partition")
        self.known(f"{key}.to", table.target, [*self.partitions, "outside"], "partition")
        return table.model_dump()

    def _memory(self, key: str, table: Memory) -> dict[str, Any]:
        self.known(f"{key}.of", table.of, self.partitions, "partition")
        return table.model_dump()

    def _plm(self, key: str, table: Plm) -> dict[str, Any]:
        path = self.base / table.policy
        policy = read_policy(path)
        for member in policy.members:
            place = f"{key}.policy = {table.policy!r}: line {member.line}"
            if member.name not in self.partitions:
                known = suggest(member.name, self.partitions, "partition")
                raise UserError(f"{self.file}: {place}: {member.name}: {known}")
        digest = hashlib.sha256(read_bytes(path)).hexdigest()
        return {"policy": table.policy, "sha256": digest}

    def _cod(self, key: str, table: Cod) -> dict[str, Any]:
        machine = self.site if table.machine is None else table.machine
        self.known(f"{key}.machine", machine, self.systems, "machine")
        return {**table.model_dump(), "machine": machine}

    def _migrate(self, key: str, table: Migrate) -> dict[str, Any]:
        self.known(f"{key}.partition", table.partition, self.partitions, "partition")
        self.known(f"{key}.to", table.target, self.systems, "machine")
        return table.model_dump()

    def _fleet(self, key: str, table: Fleet) -> dict[str, Any]:
        for use in ("maintain", "balance", "consolidate"):
            named = getattr(table, use)
            for name in [named] if isinstance(named, str) else named or ():
                self.known(f"{key}.{use}", name, self.systems, "machine")
        return table.model_dump()

    def _attach(self, key: str, table: Attach) -> dict[str, Any]:
        self.known(f"{key}.partition", table.partition, self.partitions, "partition")
        self.known(f"{key}.vios", table.vios, self.vios, "VIOS")
        disks = self.catalog.disks
        self.known(f"{key}.fibre_channel", table.fibre_channel, disks, "disk")
        return table.model_dump()

    def _fault(self, key: str, table: Fault) -> dict[str, Any]:
        if table.panic is not None:
            self.known(f"{key}.panic", table.panic, self.everyone, "partition or VIOS")
        if table.host is not None:
            self.known(f"{key}.host", table.host, self.systems, "machine")
        if table.adapter is not None and table.of is not None:
            self.known(f"{key}.of", table.of, self.everyone, "partition or VIOS")
            devices = [*self.catalog.disks, *self.catalog.adapters]
            self.known(f"{key}.adapter", table.adapter, devices, "adapter")
        return {**table.model_dump(), "vios": table.panic not in self.partitions}

    def check_sequence(self, steps: Sequence[Step]) -> None:
        """Refuse what cannot be in this order, whatever the machine does meanwhile."""
        changed: dict[tuple[float, str, str], str] = {}
        on: dict[str, int] = {}
        for step in steps:
            values = step.action.values
            if step.action.kind == "load":
                place = (step.at_seconds, values["of"], values["group"])
                if place in changed:
                    raise UserError(
                        f"{self.file}: step.{step.action.name}: sets the same users at the same "
                        f"time as step {changed[place]}"
                    )
                changed[place] = step.action.name
            if step.action.kind == "cod":
                active = on.get(values["machine"], 0)
                if values["deactivate"] is not None and values["cores"] > active:
                    raise UserError(
                        f"{self.file}: step.{step.action.name}: turns {values['cores']} On/Off "
                        f"cores of {values['machine']} off, but steps before it turn {active} on"
                    )
                if "on-off" in (values["activate"], values["deactivate"]):
                    sign = 1 if values["deactivate"] is None else -1
                    on[values["machine"]] = active + sign * values["cores"]


def vios_labels(
    systems: Mapping[str, SystemConfiguration],
) -> list[tuple[str, tuple[str, str]]]:
    """Return what each VIOS is called, and its machine and name there."""
    names = [vios.name for system in systems.values() for vios in system.vios]
    return [
        (
            vios.name if names.count(vios.name) == 1 else f"{machine}/{vios.name}",
            (machine, vios.name),
        )
        for machine, system in systems.items()
        for vios in system.vios
    ]
