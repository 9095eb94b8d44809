"""A machine assembled from its configuration and the published constants, ready to run."""

from collections.abc import Sequence
from itertools import count

from harness.catalog import Constants
from harness.engine.clock import Clock
from harness.model.allocation import ResourceAllocation
from harness.model.caches import cache_costs, tick_displacement, world_switches
from harness.model.config import (
    SHARED,
    DiskConfiguration,
    PartitionConfiguration,
    SystemConfiguration,
    ViosConfiguration,
    Virtualization,
    entitlement_ns,
)
from harness.model.costs import Costs
from harness.model.cpu.burst import Part, Work, work
from harness.model.cpu.clock_tick import start_ticking
from harness.model.cpu.contention import Contention
from harness.model.cpu.dispatchers import Dispatchers
from harness.model.cpu.entities import Partition, Processor
from harness.model.cpu.folding import Folding
from harness.model.cpu.host_scheduler import HostTick, TimeSharing
from harness.model.cpu.shared_pool import SharedPool
from harness.model.cpu.topology import build_processors
from harness.model.devices import DeviceFactory
from harness.model.directory import Directory
from harness.model.io.block_path import BlockPath
from harness.model.io.disk import Disk
from harness.model.io.vios import Vios, interrupt_cost
from harness.model.ledger import CAUSE_LABELS, Cause, Ledger, Snapshot
from harness.model.partition import SimulatedPartition
from harness.model.power import Power
from harness.model.routing import Router

HOST = "host"
"""The account of a host operating system's own work that no guest caused."""

_OS, _TICK, _HYPERVISOR = int(Cause.OS), int(Cause.TICK), int(Cause.HYPERVISOR)
_WORLD_SWITCH, _EMULATION = int(Cause.WORLD_SWITCH), int(Cause.EMULATION)
_HOST, _REFILL = int(Cause.HOST), int(Cause.REFILL)


def machine_contention(constants: Constants) -> Contention:
    """Return how processors of a machine slow each other down."""
    number = constants.number
    further = number("processor.contention.further")
    locks = number("processor.contention.locks")
    return Contention(number("processor.contention.chip"), further * locks, further * (1.0 - locks))


class Machine:
    """A running machine: processors, partitions, disks and networks on one clock.

    Attributes
    ----------
    partitions
        The partitions that users drive, by name, in the configuration's order.
    vios
        Virtual I/O Servers by name.
    pool
        The shared processor pool, if the machine has one.
    capacity
        Who owns what, and handing it over.
    power
        Whether it is on.
    tick_displaced
        What the work that a clock tick interrupts fetches again after it.
    """

    def __init__(
        self, clock: Clock, configuration: SystemConfiguration, constants: Constants
    ) -> None:
        self.clock = clock
        self.configuration = configuration
        self.costs = Costs(constants, configuration.machine.clock_hz, configuration.flavour)
        self.ledger = Ledger()
        self.processors = build_processors(
            configuration.machine.cores,
            round(constants.number("processor.l2_cores")),
            machine_contention(constants),
        )
        self.directory = Directory({p.name: p for p in configuration.partitions})
        self.partitions = self.directory.partitions
        self.configurations = self.directory.configurations
        self.vios = self.directory.vios
        self.devices = DeviceFactory(clock, self.costs, hosted=configuration.hosted)
        self.disks: list[Disk] = []
        self.cache = cache_costs(self.costs)
        self.tick_displaced: tuple[Part, ...] = ((_REFILL, tick_displacement(self.costs).ns),)
        self._dispatchers = Dispatchers(clock, self.ledger, self.processors, self.cache)
        self.dispatchers = self._dispatchers.all
        self.power = Power(clock)
        self._taken = count()
        self._host_ticks: list[HostTick] = []
        self._build_dispatchers()
        self.pool = self._dispatchers.pool
        self.reserve = self._dispatchers.reserve
        self.network = Router(configuration, self.costs, self.ledger, self.directory, self.devices)
        for vios in configuration.vios:
            self.vios[vios.name] = Vios(self._vios_partition(vios), interrupt_cost(self.costs))
        for partition in configuration.partitions:
            self.partitions[partition.name] = self._modelled_partition(partition)
        self.capacity = ResourceAllocation(
            configuration, constants, self._dispatchers, self.directory, self.network
        )
        self._start_ticking()
        self._start_folding()

    # Processors

    @property
    def hosted(self) -> bool:
        """Whether the machine is divided by a monitor on a host operating system."""
        return self.configuration.hosted

    def _build_dispatchers(self) -> None:
        configuration, costs = self.configuration, self.costs
        if self.hosted:
            switch = (
                (_HOST, round(costs.work("hosted.host.context_switch"))),
                (_WORLD_SWITCH, costs.hosted("world_switch")),
            )
            host = TimeSharing(
                self.clock,
                self.ledger,
                self.processors,
                self.cache,
                switch_parts=switch,
                quantum_ns=costs.time("hosted.host.timeslice"),
                wake_preemption=costs.constants.flag("hosted.host.wake_preemption"),
            )
            self.dispatchers.append(host)
            return
        everyone: list[PartitionConfiguration | ViosConfiguration] = [
            *configuration.partitions,
            *configuration.vios,
        ]
        owned = sum(p.virtual_processors for p in everyone if p.virtualization not in SHARED)
        active = configuration.machine.active_cores or configuration.machine.cores
        shared = self.processors[owned:active]
        if any(p.virtualization in SHARED for p in everyone):
            pool = SharedPool(
                self.clock,
                self.ledger,
                shared,
                self.cache,
                switch_parts=((_HYPERVISOR, costs.work("hypervisor.vp_switch")),),
                resume_parts=((_HYPERVISOR, costs.work("hypervisor.vp_resume")),),
                window_ns=costs.time("hypervisor.window"),
                spare_slice_ns=costs.time("hypervisor.spare_slice"),
            )
            self._dispatchers.pool = pool
            self.dispatchers.append(pool)

    def _own_processors(self, cores: int) -> list[Processor]:
        return [self.processors[next(self._taken)] for _ in range(cores)]

    # Partitions

    def _partition(
        self,
        configuration: PartitionConfiguration | ViosConfiguration,
        os: str,
        working_set: str,
    ) -> Partition:
        costs = self.costs
        virtualization = configuration.virtualization
        tick_parts = self.tick(os).parts
        displaced = self.tick_displaced
        if self.hosted:
            # A guest's tick is a timer of the host that interrupts the monitor.
            world_switch, refill = world_switches(costs, 1.0)
            tick_parts += [world_switch, (_EMULATION, costs.hosted("interrupt_return"))]
            displaced = (*displaced, refill)
        entitled_ns = 0
        if virtualization in SHARED:
            window_ns = costs.time("hypervisor.window")
            entitled_ns = entitlement_ns(configuration.entitlement_cores, window_ns)
        uncapped = virtualization is Virtualization.SHARED_UNCAPPED
        line_bytes = costs.number("processor.l2_line")
        partition = Partition(
            self.clock,
            configuration.name,
            self.ledger.open(configuration.name),
            virtual_processors=configuration.virtual_processors,
            entitlement_ns=entitled_ns,
            weight=configuration.weight if uncapped else 0,
            slice_ns=costs.time(f"os.{os}.timeslice"),
            tick=work(*tick_parts),
            interrupting_tick=work(*tick_parts, *displaced),
            tick_period_ns=round(1e9 / costs.number(f"os.{os}.tick_rate")),
            working_set_lines=min(self.cache.lines, round(costs.number(working_set) / line_bytes)),
        )
        if self.hosted:
            self.dispatchers[0].add(partition)
        elif virtualization in SHARED:
            assert self.pool is not None
            self.pool.add(partition)
        else:
            own_processors = self._own_processors(configuration.virtual_processors)
            self._dispatchers.dedicate(own_processors).add(partition)
        return partition

    def tick(self, os: str) -> Work:
        """Return what a clock tick costs an operating system of its own accord."""
        return work((_TICK, self.costs.work(f"os.{os}.tick_cost")))

    def _vios_partition(self, configuration: ViosConfiguration) -> Partition:
        # The Virtual I/O Server is an AIX partition.
        return self._partition(configuration, "aix-5.3", "vios.working_set")

    def _modelled_partition(self, configuration: PartitionConfiguration) -> SimulatedPartition:
        costs = self.costs
        partition = self._partition(configuration, configuration.os, "processor.working_set")
        paths = [
            self.block_path(
                partition,
                self._disk(f"{configuration.name}/hdisk{index}", disk),
                disk,
                self._queue_depth(configuration, disk),
            )
            for index, disk in enumerate(configuration.disks)
        ]
        return SimulatedPartition(
            partition,
            costs,
            paths,
            lambda verb, peer: self.network.route(configuration.name, verb, peer),
            segment_bytes=round(costs.number("network.segment")),
            window_bytes=round(costs.number("network.tcp.window")),
        )

    def _queue_depth(self, partition: PartitionConfiguration, disk: DiskConfiguration) -> int:
        """Return the default queue depth of a disk: that of Fibre Channel if attached directly."""
        kind = "vscsi"
        direct = disk.vios is None and partition.virtualization is not Virtualization.HOSTED
        if direct and self.costs.constants[f"disks.{disk.device}.shared"]:
            kind = "fibre_channel"
        return round(self.costs.number(f"os.{partition.os}.{kind}_queue_depth"))

    def _disk(self, own_name: str, configuration: DiskConfiguration) -> Disk:
        """Return the device behind a partition's disk: a new one, or one that others share."""
        for disk in self.disks:
            if disk.name == configuration.shared:
                return disk
        return self.new_disk(configuration.shared or own_name, configuration)

    def new_disk(self, name: str, configuration: DiskConfiguration) -> Disk:
        """Put a device of the catalog into the machine."""
        disk = self.devices.disk(name, configuration)
        self.disks.append(disk)
        return disk

    def block_path(
        self, partition: Partition, disk: Disk, configuration: DiskConfiguration, depth: int
    ) -> BlockPath:
        """Make the way from a partition to a disk over this machine."""
        vios = None if configuration.vios is None else self.vios[configuration.vios]
        return self.devices.block_path(partition, disk, configuration, depth, vios)

    def dispatched_partition(self, name: str) -> Partition:
        """Find a partition or a VIOS by name."""
        return self.directory.dispatched(name)

    # Clocks of operating systems

    def dispatched(self) -> Sequence[Partition]:
        """List every partition whose virtual processors are dispatched, VIOS included."""
        return [p for dispatcher in self.dispatchers for p in dispatcher.partitions]

    def _start_ticking(self) -> None:
        """Let all clocks tick, evenly out of step with each other."""
        vps = [vp for partition in self.dispatched() for vp in partition.vps]
        for number, vp in enumerate(vps, start=1):
            period_ns = vp.partition.tick_period_ns
            if period_ns:
                start_ticking(vp, period_ns * number // (len(vps) + 1))
        if self.hosted:
            self._start_host_ticks()

    def _start_folding(self) -> None:
        """Let operating systems that fold virtual processors look at their use once a second."""
        interval_ns = self.costs.time("hypervisor.folding_interval")
        for configuration in self.configuration.partitions:
            if configuration.folding:
                partition = self.partitions[configuration.name].partition
                self.clock.schedule(interval_ns, Folding(partition, interval_ns))

    def _start_host_ticks(self) -> None:
        account = self.ledger.open(HOST)
        costs = self.costs
        period_ns = round(1e9 / costs.number("hosted.host.tick_rate"))
        # The host is a Linux of the same time as the guests'.
        tick = work((_HOST, costs.work("os.sles-9.tick_cost")))
        # It ends the monitor's world for a moment, where there is one.
        times = costs.number(f"hosted.{costs.flavour}.host_tick_world_switches")
        world_switch, refill = world_switches(costs, times)
        interrupting = work(*tick.parts, world_switch, *self.tick_displaced, refill)
        for number, processor in enumerate(self.processors, start=1):
            phase_ns = period_ns * number // (len(self.processors) + 1)
            host_tick = HostTick(
                self.clock, self.ledger, processor, account, tick, interrupting, period_ns
            )
            self._host_ticks.append(host_tick)
            self.clock.schedule(phase_ns, host_tick)

    @property
    def host_ticks(self) -> int:
        """Clock ticks of a host operating system so far."""
        return sum(tick.count for tick in self._host_ticks)

    @property
    def host_interrupting_ticks(self) -> int:
        """How many of them interrupted a guest."""
        return sum(tick.interruptions for tick in self._host_ticks)

    # Accounts

    def balance(self) -> tuple[dict[str, dict[str, int]], int]:
        """Read all accounts as they stand at this moment.

        Returns
        -------
        Nanoseconds by account and cause, and idle nanoseconds. Their sum is the number of
        processors times the time that has passed, exactly.
        """
        books = Snapshot(self.ledger)
        idle_ns: int = self.ledger.idle_ns
        for dispatcher in self.dispatchers:
            idle_ns += dispatcher.book_in_progress(books)
        return {
            name: dict(zip(CAUSE_LABELS, books.of(account).ns, strict=True))
            for name, account in self.ledger.accounts.items()
        }, idle_ns
