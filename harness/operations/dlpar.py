"""Dynamic logical partitioning: moving resources between running partitions.

Without a source, resources come from those that no partition owns; without a target, they go
there: adding and removing are moves, too. Rules: HMC case study, table 4; SG24-7940 pp.60-62;
p5-520 Redpaper pp.51-52; memory blocks after IBM's POWER7 text. How long a move takes is not
published: the catalog's times are assumed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from harness.catalog import Constants
from harness.model.config import Virtualization
from harness.model.machine import Machine
from harness.model.partition import OUTSIDE
from harness.operations.operation import RefusedError, Site, TimedOperation

_TOLERANCE = 1e-9
_MIB = 2**20
_PROCESSORS, _MEMORY, _IO = "processors", "memory", "io"


class _Move(TimedOperation):
    """What moves of resources have in common: where they come from and where they go."""

    source: str | None
    target: str | None
    machine: str | None
    shared: ClassVar[bool | None] = None
    """Whether both sides must share processors, or must not; None: either."""

    @property
    def _what(self) -> str:
        return self.text.format(self=self)

    def describe(self) -> str:
        """Say what moves."""
        if self.source is None:
            return f"add {self._what} to {self.target}"
        if self.target is None:
            return f"remove {self._what} from {self.source}"
        return f"move {self._what} from {self.source} to {self.target}"

    def _machine(self, site: Site) -> Machine:
        return _find_machine(site, self.source, self.target, self.machine)

    def _checked_machine(self, site: Site, kind: str) -> Machine:
        """Return the machine; refuse if one side cannot take part in moves of this kind."""
        machine = self._machine(site)
        for name, _ in self._sides():
            _check_support(site, machine, name, kind)
            if self.shared is None or machine.capacity.is_shared(name) == self.shared:
                continue
            raise RefusedError(
                f"{name} has dedicated processors: it changes to shared ones only by a restart"
                if self.shared
                else f"{name} shares processors: it changes to dedicated ones only by a restart"
            )
        return machine

    def _sides(self) -> list[tuple[str, int]]:
        """List the partition that loses (-1) and the one that gains (1)."""
        sides = (self.source, -1), (self.target, 1)
        return [(name, sign) for name, sign in sides if name is not None]


@dataclass(frozen=True, slots=True)
class MoveUnits(_Move):
    """Move processing units (and virtual processors with them) of the shared pool."""

    units: float
    """In cores; may be 0 where only virtual processors change."""
    source: str | None = None
    target: str | None = None
    virtual_processors: int = 0
    """How many the source loses and the target gains; they are made of nothing."""
    machine: str | None = None
    time = "operations.dlpar.processor_time"
    shared = True

    @property
    def _what(self) -> str:
        units = f"{self.units:g} processing units"
        if not self.virtual_processors:
            return units
        return f"{units} and {self.virtual_processors} virtual processors"

    def check(self, site: Site) -> None:
        """Refuse what the hypervisor's rules, the limits or the operating system forbid."""
        machine = self._checked_machine(site, _PROCESSORS)
        if self.units < 0 or self.virtual_processors < 0:
            raise RefusedError("what moves must not be negative; exchange source and target")
        if not self.units and not self.virtual_processors:
            raise RefusedError("nothing moves")
        step = site.constants.number("hypervisor.entitlement_step")
        if abs(self.units / step - round(self.units / step)) > 1e-6:
            raise RefusedError(f"{self.units:g} processing units are not in steps of {step:.2f}")
        for name, sign in self._sides():
            self._fits(site, machine, name, sign)
        free = machine.capacity.free_cores
        if self.source is None and self.units > free + _TOLERANCE:
            raise RefusedError(f"only {max(0.0, free):.2f} processing units are free")

    def change(self, site: Site) -> None:
        """Change entitlements and virtual processors."""
        machine = self._machine(site)
        for name, sign in self._sides():
            units, vps = self._after(machine, name, sign)
            machine.capacity.set_shared(name, entitlement_cores=units, virtual_processors=vps)

    def _after(self, machine: Machine, name: str, sign: int) -> tuple[float, int]:
        # Entitlements are hundredths of a core: rounding keeps sums of many moves exact.
        units = round(machine.capacity.entitlement_cores[name] + sign * self.units, 6)
        vps = len(machine.dispatched_partition(name).vps) + sign * self.virtual_processors
        return units, vps

    def _fits(self, site: Site, machine: Machine, name: str, sign: int) -> None:
        units, vps = self._after(machine, name, sign)
        limits, constants = site.limits_of(name), site.constants
        most = round(constants.number("hypervisor.maximum_virtual_processors"))
        _within(
            f"{name} would have {vps} virtual processors",
            vps,
            limits.minimum_virtual_processors or 1,
            min(most, limits.maximum_virtual_processors or most),
        )
        _within(
            f"{name} would have {units:g} processing units",
            units,
            limits.minimum_cores,
            limits.maximum_cores,
        )
        least = constants.number("hypervisor.minimum_entitlement")
        if units < least * vps - _TOLERANCE:
            raise RefusedError(
                f"{name} would have {units / vps:.3g} processing units for each virtual "
                f"processor, and {least:.2f} is the least"
            )
        if units > vps + _TOLERANCE:
            raise RefusedError(
                f"{name} would have {units:g} processing units for {vps} virtual processors, and "
                "1.00 is the most for each"
            )


@dataclass(frozen=True, slots=True)
class ChangeSharing(TimedOperation):
    """Change a micro-partition's weight, or make it capped or uncapped."""

    partition: str
    weight: int | None = None
    capped: bool | None = None
    machine: str | None = None
    time = "operations.dlpar.attribute_time"

    def describe(self) -> str:
        """Say what changes."""
        what = [] if self.weight is None else [f"weight {self.weight}"]
        if self.capped is not None:
            what.append("capped" if self.capped else "uncapped")
        return f"{self.partition}: {', '.join(what) or 'nothing'}"

    def check(self, site: Site) -> None:
        """Refuse a weight out of range, and partitions that share nothing."""
        machine = _find_machine(site, self.partition, None, self.machine)
        _check_support(site, machine, self.partition, _PROCESSORS)
        if not machine.capacity.is_shared(self.partition):
            raise RefusedError(f"{self.partition} has dedicated processors: there is no weight")
        if self.weight is None and self.capped is None:
            raise RefusedError("nothing changes")
        if self.weight is not None:
            most = site.constants.number("hypervisor.maximum_weight")
            _within(f"{self.partition} would have weight {self.weight}", self.weight, 0, most)

    def change(self, site: Site) -> None:
        """Change the weight or the cap."""
        machine = _find_machine(site, self.partition, None, self.machine)
        machine.capacity.set_shared(self.partition, weight=self.weight, capped=self.capped)


@dataclass(frozen=True, slots=True)
class MoveCores(_Move):
    """Move dedicated cores; one without an owner is in the shared pool, if there is one."""

    cores: int
    source: str | None = None
    target: str | None = None
    machine: str | None = None
    time = "operations.dlpar.processor_time"
    text = "{self.cores} dedicated cores"
    shared = False

    def check(self, site: Site) -> None:
        """Refuse what the limits, the rest of the machine or the operating system forbid."""
        machine = self._checked_machine(site, _PROCESSORS)
        if self.cores < 1:
            raise RefusedError(f"{self.cores} cores cannot move; one is the least")
        for name, sign in self._sides():
            cores = round(machine.capacity.entitlement_cores[name]) + sign * self.cores
            limits = site.limits_of(name)
            _within(
                f"{name} would have {cores} cores",
                cores,
                max(1, limits.minimum_cores or 1),
                limits.maximum_cores,
            )
        free = machine.capacity.free_cores
        if self.source is None and self.cores > free + _TOLERANCE:
            raise RefusedError(f"only {max(0.0, free):g} cores are free")

    def change(self, site: Site) -> None:
        """Move core after core."""
        capacity = self._machine(site).capacity
        for _ in range(self.cores):
            if self.source is not None:
                capacity.remove_core(self.source)
            if self.target is not None:
                capacity.add_core(self.target)


@dataclass(frozen=True, slots=True)
class MoveMemory(_Move):
    """Move memory in logical memory blocks."""

    size_bytes: int
    source: str | None = None
    target: str | None = None
    machine: str | None = None

    @property
    def _what(self) -> str:
        return f"{_mib(self.size_bytes)} of memory"

    def check(self, site: Site) -> None:
        """Refuse what the block size, the limits or the operating system forbid."""
        machine = self._checked_machine(site, _MEMORY)
        memory_bytes = machine.configuration.machine.memory_bytes
        block = memory_block_bytes(site.constants, memory_bytes)
        if self.size_bytes <= 0 or self.size_bytes % block:
            raise RefusedError(
                f"{_mib(self.size_bytes)} is not a multiple of the logical memory block of a "
                f"machine with {memory_bytes / 2**30:g} GiB, {_mib(block)}"
            )
        for name, sign in self._sides():
            size = machine.capacity.memory_bytes[name] + sign * self.size_bytes
            limits = site.limits_of(name)
            least = round(site.constants.number("hypervisor.minimum_memory"))
            _within(
                f"{name} would have {_mib(size)} of memory",
                size,
                max(least, limits.minimum_memory_bytes or 0) if sign < 0 else None,
                limits.maximum_memory_bytes if sign > 0 else None,
                _mib,
            )
        free = machine.capacity.free_memory_bytes
        if self.source is None and self.size_bytes > free:
            raise RefusedError(f"only {_mib(free)} of memory are free")

    def seconds(self, site: Site) -> float:
        """Return how long it takes: removal first, then addition; both grow with its size."""
        seconds = site.constants.number("operations.dlpar.memory_time")
        for name, change in ((self.source, "removal"), (self.target, "addition")):
            if name is not None:
                rate = site.constants.number(f"operations.dlpar.memory_{change}_rate")
                seconds += self.size_bytes / rate
        return seconds

    def change(self, site: Site) -> None:
        """Move the memory."""
        self._machine(site).capacity.move_memory(self.source, self.target, self.size_bytes)


@dataclass(frozen=True, slots=True)
class MoveAdapter(_Move):
    """Move an I/O adapter."""

    device: str
    source: str | None = None
    target: str | None = None
    machine: str | None = None
    time = "operations.dlpar.adapter_time"
    text = "adapter {self.device}"

    def check(self, site: Site) -> None:
        """Refuse adapters that do not move, are not there or are in use."""
        machine = self._machine(site)
        if "graphics" in self.device:
            raise RefusedError(f"{self.device} is a graphics adapter: it moves only by a restart")
        self._checked_machine(site, _IO)
        capacity = machine.capacity
        if self.source is None:
            if self.device not in capacity.free_adapters:
                raise RefusedError(f"no adapter {self.device} is free")
            return
        if self.device not in capacity.adapters[self.source]:
            raise RefusedError(f"{self.source} does not own an adapter {self.device}")
        use = _use_of(machine, self.source, self.device)
        if use is not None:
            raise RefusedError(f"{self.device} of {self.source} is in use: {use}")

    def change(self, site: Site) -> None:
        """Move the adapter."""
        self._machine(site).capacity.move_adapter(self.source, self.target, self.device)


def memory_block_bytes(constants: Constants, memory_bytes: int) -> int:
    """Return the logical memory block of a machine with so much memory."""
    at, blocks = constants.table("hypervisor.memory_block")
    return round(
        [block for start, block in zip(at, blocks, strict=True) if memory_bytes >= start][-1]
    )


# What the checks have in common


def _mib(size_bytes: float) -> str:
    return f"{size_bytes / _MIB:g} MiB"


def _find_machine(
    site: Site, source: str | None, target: str | None, machine: str | None
) -> Machine:
    """Find the machine on which something moves."""
    found = [site.machine_of(name, machine) for name in (source, target) if name is not None]
    if not found:
        raise RefusedError("neither a source nor a target is named")
    if source == target:
        raise RefusedError(f"{source} is both source and target")
    if found[0] is not found[-1]:
        raise RefusedError(f"{source} and {target} are on different machines")
    virtualization = found[0].configuration.virtualization
    if virtualization is Virtualization.HOSTED:
        raise RefusedError("guests of a monitor on a host have no dynamic logical partitioning")
    if virtualization is Virtualization.PHYSICAL:
        raise RefusedError("physical partitions are divided by hardware, not while they run")
    return found[0]


def _check_support(site: Site, machine: Machine, name: str, kind: str) -> None:
    """Refuse a partition that is down or migrates, or whose operating system cannot take part."""
    if name in machine.capacity.moving:
        raise RefusedError(f"{name} is being migrated")
    if machine.dispatched_partition(name).down:
        raise RefusedError(f"{name} is down: its operating system cannot take part")
    # A Virtual I/O Server is an AIX.
    os = machine.configurations[name].os if name in machine.partitions else "aix-5.3"
    if not site.constants.flag(f"os.{os}.dlpar_{kind}"):
        what = "I/O adapters" if kind == _IO else kind
        raise RefusedError(f"{os} on {name} does not support moving {what} while it runs")


def _within(
    text: str,
    value: float,
    minimum: float | None,
    maximum: float | None,
    shown: Callable[[float], str] = "{:g}".format,
) -> None:
    if minimum is not None and value < minimum - _TOLERANCE:
        raise RefusedError(f"{text}, less than its minimum of {shown(minimum)}")
    if maximum is not None and value > maximum + _TOLERANCE:
        raise RefusedError(f"{text}, more than its maximum of {shown(maximum)}")


def _use_of(machine: Machine, owner: str, device: str) -> str | None:
    """Say what needs an adapter of a partition, or None if it can spare one of them."""
    owned = machine.capacity.adapters[owner].count(device)
    needed = [
        disk.shared
        for name, each in machine.configurations.items()
        for disk in each.disks
        if disk.device == device and owner == (disk.vios or name)
    ]
    disks = needed.count(None) + len({name for name in needed if name is not None})
    for vios in machine.configuration.vios:
        shared = vios.shared_ethernet
        bridging = vios.name == owner and shared is not None and shared.adapter.device == device
        if bridging and owned <= disks + 1:
            return f"a shared Ethernet adapter of {owner} bridges through it"
    if owned <= disks:
        return "a disk is behind it"
    last = machine.capacity.ethernet_adapters(owner) == [device]
    if last and owner in machine.partitions and OUTSIDE in machine.partitions[owner].peers:
        return "it carries the partition's traffic"
    return None
