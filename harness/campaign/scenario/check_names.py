"""The machines and partitions of a scenario, and checks of everything that it names."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.campaign.schema.actions import Cod, Dlpar, Load, Plm
from harness.campaign.schema.messages import check_name, value_error
from harness.campaign.schema.metrics import MACHINE, METRICS, REQUESTS
from harness.campaign.schema.scenario import Scenario, Step
from harness.catalog import Catalog
from harness.errors import UserError, suggest
from harness.files import read_bytes
from harness.model.config import PartitionConfiguration, SystemConfiguration
from harness.operations.plm.policy_file import read_policy
from harness.units import read_quantity

_NAMED: Mapping[str, Mapping[str, str]] = {
    "load": {"of": "partition"},
    "dlpar": {
        "source": "partition or VIOS",
        "target": "partition or VIOS",
        "change": "partition or VIOS",
        "device": "adapter or graphics",
    },
    "reach": {"source": "partition", "target": "peer"},
    "memory": {"of": "partition"},
    "cod": {"machine": "machine"},
    "migrate": {"partition": "partition", "target": "machine"},
    "fleet": {"maintain": "machine", "balance": "machine", "consolidate": "machine"},
    "attach": {"partition": "partition", "vios": "VIOS", "fibre_channel": "disk"},
    "fault": {
        "panic": "partition or VIOS",
        "host": "machine",
        "of": "partition or VIOS",
        "adapter": "adapter",
    },
}
"""What the keys of actions name."""

STATUSES = ("done", "refused", "failed")
"""How an action can end."""


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
        home: dict[str, str] = {}
        self.vios: list[str] = []
        self.policies: dict[str, str] = {}
        for machine, system in systems.items():
            for partition in system.partitions:
                if partition.name in self.partitions:
                    raise UserError(
                        f"{file}: machines.{machine}: partition '{partition.name}' is on "
                        f"'{home[partition.name]}' too; names are unique in a scenario"
                    )
                self.partitions[partition.name] = partition
                home[partition.name] = machine
            self.vios.extend(vios.name for vios in system.vios)

    @property
    def partitions_and_vios(self) -> list[str]:
        """Partitions and VIOS; a VIOS whose name several machines have is called machine/name."""
        return [*self.partitions, *(name for name, _ in vios_labels(self.systems))]

    def check(self, key: str, name: str, known: Iterable[str], what: str) -> None:
        """Refuse a name that is not among those known."""
        check_name(self.file, key, name, known, what)

    def subjects(self, key: str, metric: str, of: Sequence[str] | None) -> list[str]:
        """Return what a metric is read of; by default everything that has it."""
        known: Iterable[str] = self.partitions_and_vios
        default: Iterable[str] = self.partitions
        what = "partition or VIOS"
        if METRICS[metric].of == MACHINE:
            known, default, what = self.systems, [self.site], "machine"
        elif METRICS[metric].of == REQUESTS:
            known, what = self.partitions, "partition"
        for name in of or ():
            self.check(key, name, known, what)
        return list(of or default)

    def check_group(self, key: str, name: str | None) -> None:
        """Refuse a group of users that no partition has."""
        groups = {group.name for each in self.partitions.values() for group in each.groups}
        if name is not None:
            self.check(key, name, groups, "group of users")

    def check_number(self, key: str, name: str) -> None:
        """Refuse what is not the name of a number in the catalog."""
        self.check(key, name, self.catalog.constants, "constant")
        if not isinstance(self.catalog.constants[name].value, float | int):
            raise value_error(self.file, key, name, "is not a number")

    def assumed(self, key: str, names: Sequence[str]) -> list[str]:
        """Return which of some constants are assumed."""
        for name in names:
            self.check(key, name, self.catalog.constants, "constant")
        unique = dict.fromkeys(names)
        return [name for name in unique if self.catalog.constants[name].status == "assumed"]

    # Actions

    def action(self, key: str, kind: str, table: Any) -> Any:
        """Check what an action names; return it with its quantities in SI units."""
        for field, what in _NAMED.get(kind, {}).items():
            written = getattr(table, field)
            place = f"{key}.{type(table).model_fields[field].alias or field}"
            for name in [written] if isinstance(written, str) else written or ():
                known, described = self._known(what)
                self.check(place, name, known, described)
        resolve: Callable[[str, Any], Any] | None = getattr(self, f"_{kind}", None)
        return table if resolve is None else resolve(key, table)

    def _known(self, what: str) -> tuple[Iterable[str], str]:
        """Return the known names of a kind, and what messages call it."""
        adapters = [*self.catalog.disks, *self.catalog.adapters]
        kinds: dict[str, tuple[Iterable[str], str]] = {
            "partition": (self.partitions, "partition"),
            "peer": ([*self.partitions, "outside"], "partition"),
            "machine": (self.systems, "machine"),
            "VIOS": (self.vios, "VIOS"),
            "partition or VIOS": (self.partitions_and_vios, "partition or VIOS"),
            "disk": (self.catalog.disks, "disk"),
            "adapter": (adapters, "adapter"),
            "adapter or graphics": ([*adapters, "graphics"], "adapter"),
        }
        return kinds[what]

    def _load(self, key: str, table: Load) -> Load:
        groups = {group.name: group for group in self.partitions[table.of].groups}
        if not groups:
            raise value_error(self.file, f"{key}.of", table.of, "has no users whose number changes")
        if table.group is None and len(groups) > 1:
            allowed = f"one of {', '.join(groups)}"
            raise UserError(f"{self.file}: {key}.group: is missing; {table.of} has {allowed}")
        name = next(iter(groups)) if table.group is None else table.group
        self.check(f"{key}.group", name, groups, f"group of users of {table.of}")
        closed = groups[name].users is not None
        if closed != (table.users is not None):
            given = "users" if table.users is not None else "arrivals"
            allowed = f"the group '{name}' has {'users' if closed else 'arrivals'}; change these"
            raise value_error(self.file, f"{key}.{given}", getattr(table, given), allowed)
        return table.model_copy(update={"group": name})

    def _dlpar(self, key: str, table: Dlpar) -> Dlpar:
        if table.amount is None:
            return table
        dimension = {"memory": "size", "processing-units": "cores", "cores": "cores"}
        try:
            amount = read_quantity(table.amount, dimension.get(str(table.move), "count"))
        except ValueError as error:
            raise value_error(self.file, f"{key}.amount", table.amount, str(error)) from None
        whole = table.move != "processing-units"
        if amount <= 0 or (whole and amount != int(amount)):
            allowed = f"must be more than 0{' and whole' if whole else ''}"
            raise value_error(self.file, f"{key}.amount", table.amount, allowed)
        return table.model_copy(update={"amount": amount})

    def _plm(self, key: str, table: Plm) -> Plm:
        path = self.base / table.policy
        policy = read_policy(path)
        for member in policy.members:
            place = f"{key}.policy = {table.policy!r}: line {member.line}"
            if member.name not in self.partitions:
                known = suggest(member.name, self.partitions, "partition")
                raise UserError(f"{self.file}: {place}: {member.name}: {known}")
        self.policies[table.policy] = hashlib.sha256(read_bytes(path)).hexdigest()
        return table

    def _cod(self, _: str, table: Cod) -> Cod:
        return table.model_copy(update={"machine": table.machine or self.site})

    def check_sequence(self, steps: Sequence[Step]) -> None:
        """Refuse what cannot be in this order, whatever the machine does meanwhile."""
        changed: dict[tuple[float, str, str | None], str | None] = {}
        on: dict[str | None, int] = {}
        for step in steps:
            where = f"{self.file}: step.{step.name}"
            if step.load is not None:
                place = (step.at, step.load.of, step.load.group)
                if place in changed:
                    raise UserError(
                        f"{where}: sets the same users at the same time as step {changed[place]}"
                    )
                changed[place] = step.name
            if step.cod is not None:
                cod, active = step.cod, on.get(step.cod.machine, 0)
                if cod.deactivate is not None and cod.cores > active:
                    raise UserError(
                        f"{where}: turns {cod.cores} On/Off cores of {cod.machine} off, but steps "
                        f"before it turn {active} on"
                    )
                if "on-off" in (cod.activate, cod.deactivate):
                    sign = 1 if cod.deactivate is None else -1
                    on[cod.machine] = active + sign * cod.cores


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
