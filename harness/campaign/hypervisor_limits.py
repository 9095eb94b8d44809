"""What a machine, its hypervisor and an operating system allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.campaign.schema.messages import value_error
from harness.campaign.schema.partitions import Divided, Partition
from harness.catalog import Constants
from harness.errors import UserError
from harness.model.config import MachineConfiguration, Virtualization

_TOLERANCE = 1e-9


class Infeasible(Exception):  # noqa: N818 (nothing is wrong: the product of factors went too far)
    """A combination of factors that no machine can have, although each value is valid."""


@dataclass(frozen=True)
class Member:
    """A partition or a VIOS and its part of the machine."""

    name: str
    table: Divided
    key: str
    """Its path in the campaign file."""
    capacity: float
    """Cores, a multiple of the entitlement's step where it comes from a share."""
    processors: int
    """Virtual processors, when it has no cores of its own."""


class Limits:
    """Checks against the limits of one machine, for one cell."""

    def __init__(
        self, constants: Constants, machine: MachineConfiguration, file: str, virtualization: str
    ) -> None:
        self.step = constants.number("hypervisor.entitlement_step")
        self._constants = constants
        self._machine = machine
        self._file = file
        self._where = f"on {machine.name} ({machine.cores} cores), {virtualization}"

    def divide(self, member: Member, kind: Virtualization, os: str | None) -> tuple[float, int]:
        """Return entitlement (cores) and virtual processors of a logical partition.

        Raises
        ------
        Infeasible
            If it is dedicated and its capacity gives no whole cores.
        UserError
            If it is shared and a limit of the hypervisor or of its operating system is exceeded.
        """
        if kind == Virtualization.DEDICATED:
            cores = self.whole_cores(member)
            return float(cores), cores
        if os is not None and not self._has(os, "micro_partitioning"):
            raise UserError(
                f"{self._file}: {member.key}: {os} does not support micro-partitioning, which "
                f"{kind} needs"
            )
        self._check_entitlement(member)
        return member.capacity, member.processors

    def whole_cores(self, member: Member) -> int:
        """Return the capacity in whole cores.

        Raises
        ------
        Infeasible
            If it gives none.
        """
        cores = round(member.capacity)
        if cores < 1 or abs(cores - member.capacity) > _TOLERANCE:
            raise Infeasible(f"{member.name} would have {member.capacity:g} cores, not whole ones")
        return cores

    def check_processors(self, member: Member) -> None:
        """Make sure that there are not too many virtual processors."""
        most = int(self._constants.number("hypervisor.maximum_virtual_processors"))
        if member.processors > most:
            allowed = f"at most {most} virtual processors are allowed"
            raise self._error(f"{member.key}.virtual_processors", member.processors, allowed)

    def _check_entitlement(self, member: Member) -> None:
        self.check_processors(member)
        least = self._constants.number("hypervisor.minimum_entitlement")
        capacity, processors = member.capacity, member.processors
        steps = capacity / self.step
        if abs(steps - round(steps)) > 1e-6:
            raise self._capacity_error(member, f"must be in steps of {self.step:g} cores")
        if capacity < least * processors - _TOLERANCE:
            raise self._capacity_error(
                member,
                f"is {capacity:g} cores {self._where}; at least {least:g} is needed for each "
                f"virtual processor, which is {least * processors:g} for {processors}",
            )
        if processors < capacity - _TOLERANCE:
            allowed = (
                f"a virtual processor never exceeds 1 core, so the capacity of {capacity:g} cores "
                f"{self._where} needs at least {-int(-capacity // 1)}"
            )
            raise self._error(f"{member.key}.virtual_processors", processors, allowed)

    def check_some_capacity(self, member: Member) -> None:
        """Refuse a capacity that is 0 when it is rounded to steps."""
        if member.capacity <= 0:
            raise self._capacity_error(
                member, f"is less than {self.step:g} cores {self._where}, the smallest step"
            )

    def check_capacity(self, members: Sequence[Member]) -> None:
        """Make sure that all of them fit into the machine's cores."""
        total = sum(member.capacity for member in members)
        if total <= self._machine.cores + _TOLERANCE:
            return
        allowed = (
            f"{_count(members)} need {total:g} cores together, more than there are {self._where}"
        )
        raise self._capacity_error(max(members, key=lambda member: member.capacity), allowed)

    def check_number(self, micro_partitions: int) -> None:
        """Make sure that there are not too many micro-partitions (VIOS among them)."""
        per_core = int(self._constants.number("hypervisor.partitions_per_core"))
        most = min(
            per_core * self._machine.cores,
            int(self._constants.number("hypervisor.maximum_partitions")),
        )
        if micro_partitions > most:
            allowed = (
                f"at most {most} micro-partitions are allowed {self._where}: {per_core} per core"
            )
            raise self._error("partitions", micro_partitions, allowed)

    def check_memory(self, members: Sequence[tuple[Member, int]]) -> None:
        """Make sure that each has enough memory (bytes) and all together not too much."""
        least = int(self._constants.number("hypervisor.minimum_memory"))
        step = int(self._constants.number("hypervisor.memory_step"))
        total = sum(size for _, size in members)
        if total > self._machine.memory_bytes:
            largest, size = max(members, key=lambda entry: entry[1])
            allowed = (
                f"{_count([member for member, _ in members])} need {_mebibytes(total)} "
                f"together, but {self._machine.name} has {_mebibytes(self._machine.memory_bytes)}"
            )
            raise self._error(f"{largest.key}.memory", _mebibytes(size), allowed)
        for member, size in members:
            key = f"{member.key}.memory"
            if size < least:
                hint = "" if member.table.memory else " (its part of what is left)"
                allowed = f"at least {_mebibytes(least)} is needed {self._where}"
                raise self._error(key, _mebibytes(size) + hint, allowed)
            if size % step:
                allowed = f"must be a multiple of {_mebibytes(step)}"
                raise self._error(key, f"{size} B", allowed)

    def check_features(self, table: Partition, os: str) -> None:
        """Make sure that the operating system can do what the partition requires."""
        for feature in table.requires:
            if not self._has(os, feature.replace("-", "_")):
                allowed = f"{os} does not have it; {os} has {self._feature_list(os)}"
                raise self._error(f"partitions.{table.name}.requires", feature, allowed)

    def check_folding(self, table: Partition, os: str) -> None:
        """Refuse folding on an operating system that folds no virtual processors."""
        if table.folding and not self._has(os, "vp_folding"):
            allowed = f"{os} folds no virtual processors"
            raise self._error(f"partitions.{table.name}.folding", True, allowed)

    def _has(self, os: str, feature: str) -> bool:
        return self._constants.get(f"os.{os}.{feature}") is True

    def _feature_list(self, os: str) -> str:
        prefix = f"os.{os}."
        names = [
            name.removeprefix(prefix).replace("_", "-")
            for name, value in self._constants.items()
            if name.startswith(prefix) and value is True
        ]
        return ", ".join(names) or "none"

    def _capacity_error(self, member: Member, allowed: str) -> UserError:
        key = member.table.choice
        return self._error(f"{member.key}.{key}", getattr(member.table, key), allowed)

    def _error(self, key: str, value: object, allowed: str) -> UserError:
        return value_error(self._file, key, value, allowed)


def _count(members: Sequence[Member]) -> str:
    vios = sum(member.key.startswith("vios.") for member in members)
    partitions = len(members) - vios
    text = f"{partitions} partition{'s' if partitions != 1 else ''}"
    return f"{text} and {vios} VIOS" if vios else text


def _mebibytes(size: int) -> str:
    return f"{size // 2**20} MiB"
