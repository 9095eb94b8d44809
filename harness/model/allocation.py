"""Who owns what of a running machine, and handing it over.

Changes here take effect at once and are not checked; the operations that people perform
(:mod:`harness.operations`) check them first and take their time.
"""

from dataclasses import dataclass

from harness.catalog import Constants
from harness.model.config import (
    EthernetConfiguration,
    PartitionConfiguration,
    SystemConfiguration,
    ViosConfiguration,
    Virtualization,
    entitlement_ns,
)
from harness.model.cpu.clock_tick import start_ticking
from harness.model.cpu.dedicated import Dedicated
from harness.model.cpu.dispatcher import Dispatcher
from harness.model.cpu.dispatchers import Dispatchers
from harness.model.cpu.entities import Partition, Processor
from harness.model.cpu.reconfiguration import add_vp, entitle, remove_vp, resume
from harness.model.directory import Directory
from harness.model.routing import Router


@dataclass(frozen=True, slots=True)
class AllocatedResources:
    """What a partition has of a machine: what has to be free on another one before it can move."""

    entitlement_cores: float
    memory_bytes: int
    weight: int
    capped: bool


class ResourceAllocation:
    """Processors, memory and adapters of a machine and their owners, VIOS included.

    Attributes
    ----------
    entitlement_cores
        Entitled capacity, or the number of own cores, by partition.
    weight
        Weight for spare capacity, by partition; kept while the partition is capped.
    capped
        Whether a partition is capped.
    memory_bytes
        By partition.
    adapters
        Devices that a partition owns, by partition; a VIOS owns those behind its clients' disks.
    free_adapters
        Devices without an owner.
    unowned
        Active processors that no dispatcher gives work to. Where there is a shared pool it takes
        every processor without an owner.
    inactive
        Processors that are installed and not activated (Capacity on Demand).
    lent_cores
        Active cores of the shared pool that no partition can be entitled to: Reserve and Utility
        Capacity on Demand.
    reserved
        What is kept free for partitions that are about to arrive from other machines.
    moving
        Partitions that are on their way here or away.
    """

    def __init__(
        self,
        configuration: SystemConfiguration,
        constants: Constants,
        dispatchers: Dispatchers,
        directory: Directory,
        network: Router,
    ) -> None:
        self._memory_bytes = configuration.machine.memory_bytes
        self._constants = constants
        self._dispatchers = dispatchers
        self._directory = directory
        self._network = network
        everyone: list[PartitionConfiguration | ViosConfiguration] = [
            *configuration.partitions,
            *configuration.vios,
        ]
        self.entitlement_cores = {p.name: p.entitlement_cores for p in everyone}
        self.weight = {p.name: p.weight for p in everyone}
        self.capped = {
            p.name: p.virtualization is not Virtualization.SHARED_UNCAPPED for p in everyone
        }
        self.memory_bytes = {p.name: p.memory_bytes for p in everyone}
        self.adapters: dict[str, list[str]] = {p.name: [] for p in everyone}
        self.free_adapters: list[str] = []
        shared: set[str] = set()
        for partition in configuration.partitions:
            for disk in partition.disks:
                if disk.shared is None or disk.shared not in shared:
                    self.adapters[disk.vios or partition.name].append(disk.device)
                if disk.shared is not None:
                    shared.add(disk.shared)
            self.adapters[partition.name].extend(each.device for each in partition.ethernet)
        for vios in configuration.vios:
            if vios.shared_ethernet is not None:
                self.adapters[vios.name].append(vios.shared_ethernet.adapter.device)
        rest = dispatchers.keep_reserve()
        active = configuration.machine.active_cores or len(dispatchers.processors)
        self.inactive = [processor for processor in rest if processor.index >= active]
        self.unowned = [processor for processor in rest if processor.index < active]
        self.lent_cores = 0
        self.reserved: dict[str, AllocatedResources] = {}
        self.moving: set[str] = set()

    @property
    def free_memory_bytes(self) -> int:
        """Memory that no partition has or is about to bring into use."""
        taken = sum(self.memory_bytes.values())
        taken += sum(holding.memory_bytes for holding in self.reserved.values())
        return self._memory_bytes - taken

    @property
    def free_cores(self) -> float:
        """Active processor capacity that no partition has or is about to get, in cores."""
        active = len(self._dispatchers.processors) - len(self.inactive)
        taken = sum(self.entitlement_cores.values()) + self.lent_cores
        return active - taken - sum(held.entitlement_cores for held in self.reserved.values())

    def is_shared(self, name: str) -> bool:
        """Whether a partition shares processors."""
        return self._directory.dispatched(name).scheduler is self._dispatchers.pool

    # Shared processors

    def set_shared(
        self,
        name: str,
        *,
        entitlement_cores: float | None = None,
        virtual_processors: int | None = None,
        weight: int | None = None,
        capped: bool | None = None,
    ) -> None:
        """Change what a partition gets of the shared pool; what is None stays as it is."""
        partition = self._directory.dispatched(name)
        pool = self._dispatchers.pool
        assert pool is not None
        if entitlement_cores is not None:
            self.entitlement_cores[name] = entitlement_cores
        if weight is not None:
            self.weight[name] = weight
        if capped is not None:
            self.capped[name] = capped
        while virtual_processors is not None and len(partition.vps) < virtual_processors:
            self._add_vp(partition)
        while virtual_processors is not None and len(partition.vps) > virtual_processors:
            remove_vp(partition)
        partition.weight = 0 if self.capped[name] else self.weight[name]
        entitle(partition, entitlement_ns(self.entitlement_cores[name], pool.window_ns))
        pool.reconsider()

    # Dedicated processors

    def add_core(self, name: str) -> None:
        """Give a dedicated partition one more core, of the pool or without an owner."""
        partition = self._directory.dispatched(name)
        own = partition.scheduler
        assert isinstance(own, Dedicated)
        own.add_processor(self._take())
        self._add_vp(partition)
        self.entitlement_cores[name] += 1

    def remove_core(self, name: str) -> None:
        """Take a core from a dedicated partition; its work goes on on the others."""
        partition = self._directory.dispatched(name)
        own = partition.scheduler
        assert isinstance(own, Dedicated)
        processor = remove_vp(partition).last_processor
        assert processor is not None
        own.remove_processor(processor)
        self._give(processor)
        self.entitlement_cores[name] -= 1

    # Capacity on Demand

    def activate(self, cores: int) -> None:
        """Activate installed processors; the shared pool has them at once, if there is one."""
        for _ in range(cores):
            self._give(self.inactive.pop(0), from_inactive=True)

    def deactivate(self, cores: int) -> None:
        """Deactivate processors that no partition is entitled to."""
        for _ in range(cores):
            processor = self._take()
            self._dispatchers.reserve.processors.append(processor)
            self.inactive.append(processor)

    # Memory and adapters

    def move_memory(self, source: str | None, target: str | None, size_bytes: int) -> None:
        """Move memory between partitions; None stands for free memory."""
        if source is not None:
            self.memory_bytes[source] -= size_bytes
        if target is not None:
            self.memory_bytes[target] += size_bytes

    def move_adapter(self, source: str | None, target: str | None, device: str) -> None:
        """Move an adapter between partitions; None stands for no owner.

        Who gets a first Ethernet adapter uses it from now on to reach the outside.
        """
        losing = self.free_adapters if source is None else self.adapters[source]
        gaining = self.free_adapters if target is None else self.adapters[target]
        losing.remove(device)
        gaining.append(device)
        for name in (source, target):
            if name in self._directory.partitions:
                self._rewire(name)

    def ethernet_adapters(self, name: str) -> list[str]:
        """List the Ethernet adapters that a partition owns."""
        return [
            each for each in self.adapters[name] if f"ethernet.{each}.line_rate" in self._constants
        ]

    # Leaving for another machine, and arriving

    def held_by(self, name: str) -> AllocatedResources:
        """Say what a partition has."""
        return AllocatedResources(
            self.entitlement_cores[name],
            self.memory_bytes[name],
            self.weight[name],
            self.capped[name],
        )

    def depart(self, name: str) -> AllocatedResources:
        """Take everything from a suspended partition that leaves."""
        held = self.held_by(name)
        dispatcher = self._directory.dispatched(name).scheduler
        assert isinstance(dispatcher, Dispatcher)
        dispatcher.remove(self._directory.dispatched(name))
        if isinstance(dispatcher, Dedicated):
            self._dispatchers.all.remove(dispatcher)
            for processor in dispatcher.processors:
                self._give(processor)
        for owned in (self.entitlement_cores, self.memory_bytes, self.weight, self.capped):
            del owned[name]
        del self.adapters[name]
        return held

    def arrive(self, partition: Partition, held: AllocatedResources, *, shared: bool) -> None:
        """Give a suspended partition that arrives what has been reserved for it, or is free."""
        name = partition.name
        self.reserved.pop(name, None)
        self.entitlement_cores[name] = held.entitlement_cores
        self.memory_bytes[name] = held.memory_bytes
        self.weight[name] = held.weight
        self.capped[name] = held.capped
        self.adapters[name] = []
        if shared:
            assert self._dispatchers.pool is not None
            self._dispatchers.pool.add(partition)
            return
        processors = [self._take() for _ in range(round(held.entitlement_cores))]
        self._dispatchers.dedicate(processors).add(partition)

    def resume(self, name: str, virtual_processors: int) -> None:
        """Let a suspended partition go on here, with so many virtual processors."""
        partition = self._directory.dispatched(name)
        pool = self._dispatchers.pool
        entitled_ns = 0
        if pool is not None and self.is_shared(name):
            entitled_ns = entitlement_ns(self.entitlement_cores[name], pool.window_ns)
        resume(partition, virtual_processors, entitled_ns)

    # Mechanism

    def _rewire(self, name: str) -> None:
        """Give a partition that owns an Ethernet adapter a wire, and take it from one without."""
        wires, owned = self._network.own_wires, self.ethernet_adapters(name)
        if owned and name not in wires:
            wires[name] = self._network.devices.wire(name, EthernetConfiguration(owned[0]))
        elif not owned and name in wires:
            del wires[name]
        self._directory.partitions[name].forget_routes()

    def _add_vp(self, partition: Partition) -> None:
        vp = add_vp(partition)
        if partition.tick_period_ns:
            start_ticking(vp, partition.tick_period_ns // 2)

    def _take(self) -> Processor:
        """Take an active processor that is not dedicated to anybody."""
        if self._dispatchers.pool is not None:
            return self._dispatchers.pool.remove_processor()
        processor = self.unowned.pop()
        _remove(self._dispatchers.reserve, processor)
        return processor

    def _give(self, processor: Processor, *, from_inactive: bool = False) -> None:
        if from_inactive:
            _remove(self._dispatchers.reserve, processor)
        if self._dispatchers.pool is not None:
            self._dispatchers.pool.add_processor(processor)
        else:
            self._dispatchers.reserve.processors.append(processor)
            self.unowned.append(processor)


def _remove(dispatcher: Dispatcher, processor: Processor) -> None:
    dispatcher.processors.remove(processor)
