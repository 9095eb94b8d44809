"""Machines for tests: any shape, any constants, and work that never ends."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from locust.env import Environment

from harness.campaign.cell import Cell, RunSpec
from harness.catalog import Constants, Value, load_catalog
from harness.engine.clock import Clock
from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    MachineConfiguration,
    PartitionConfiguration,
    SharedEthernetConfiguration,
    SystemConfiguration,
    UserGroup,
    ViosConfiguration,
    VirtualEthernetConfiguration,
    Virtualization,
)
from harness.model.machine import Machine
from harness.model.partition import SimulatedPartition
from harness.users.population import UserPopulation, locust_on

MS = 1_000_000
US = 1_000
REFERENCE_HZ = 1.65e9
NS_PER_CYCLE = 1e9 / REFERENCE_HZ
DISK = "ds4400-raid0-5"
ETHERNET = "ethernet-1gb"
OUTSIDE = "outside"
WIRE = (EthernetConfiguration(ETHERNET),)
LAN = (VirtualEthernetConfiguration(1),)
VLAN = (VirtualEthernetConfiguration(10),)
BRIDGE = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET), (1,))
SEA = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET), (10,))

FULL_SYSTEM = Virtualization.FULL_SYSTEM
PHYSICAL = Virtualization.PHYSICAL
DEDICATED = Virtualization.DEDICATED
CAPPED = Virtualization.SHARED_CAPPED
UNCAPPED = Virtualization.SHARED_UNCAPPED
HOSTED = Virtualization.HOSTED

NOMINAL = load_catalog().nominal()

NO_TICKS: Mapping[str, Value] = {
    f"os.{os}.tick_rate": 1e-6 for os in ("aix-5.3", "sles-9", "rhel-as-3")
} | {"hosted.host.tick_rate": 1e-6}
"""Clocks that tick once in eleven days."""

NO_REFILL: Mapping[str, Value] = {"processor.working_set": 0.0, "vios.working_set": 0.0}

NO_CONTENTION: Mapping[str, Value] = {
    "processor.contention.chip": 0.0,
    "processor.contention.further": 0.0,
}

NO_OVERHEAD: Mapping[str, Value] = {
    **NO_TICKS,
    **NO_REFILL,
    **NO_CONTENTION,
    "hypervisor.vp_switch": 0.0,
    "hypervisor.vp_resume": 0.0,
    "hypervisor.call.null": 0.0,
    "hypervisor.call.queue_element": 0.0,
    "hypervisor.call.lan_buffer": 0.0,
    "hypervisor.wake": 0.0,
    "hypervisor.interrupt": 0.0,
    "processor.transfer_latency.chip": 0.0,
    "processor.transfer_latency.remote": 0.0,
    "hosted.transfer": 0.0,
    "hosted.host.context_switch": 0.0,
}
"""A machine on which virtualization is free."""

NO_LARGE_SEND: Mapping[str, Value] = {f"ethernet.{ETHERNET}.large_send": 0.0}
"""An adapter that takes packets of the wire's size only."""

VSCSI_SIZES = (4096, 8192, 32768, 65536, 131072)
VSCSI_CYCLES = {
    "physical": (45_000, 47_000, 58_000, 81_000, 120_000),
    "logical-volume": (49_000, 51_000, 59_000, 74_000, 105_000),
}
"""Cycles of a VIOS for a transfer of these sizes, by backing device: published by IBM."""


def constants(*overrides: Mapping[str, Value]) -> Constants:
    """The catalog's nominal values with some replaced; a misspelt name is an error."""
    values = dict(NOMINAL)
    for override in overrides:
        for name, value in override.items():
            assert type(value) is type(NOMINAL[name]), name
            values[name] = value
    tables = {name: NOMINAL.table(name)[0] for name in NOMINAL if _is_table(name)}
    return Constants(values, tables)


def _is_table(name: str) -> bool:
    try:
        NOMINAL.table(name)
    except KeyError:
        return False
    return True


def partition(
    name: str = "app",
    cores: float = 1.0,
    virtual_processors: int | None = None,
    virtualization: Virtualization = DEDICATED,
    *,
    os: str = "aix-5.3",
    weight: int = 128,
    disks: int = 0,
    vios: str | None = None,
    backing: str = "physical",
    queue_depth: int | None = None,
    virtual_ethernet: tuple[VirtualEthernetConfiguration, ...] = (),
    ethernet: tuple[EthernetConfiguration, ...] = (),
    groups: tuple[UserGroup, ...] = (),
) -> PartitionConfiguration:
    """A partition with so many disks of the kind that IBM measured."""
    return PartitionConfiguration(
        name,
        os,
        virtualization,
        cores,
        round(cores) if virtual_processors is None else virtual_processors,
        weight=weight,
        disks=(DiskConfiguration(DISK, vios, backing, queue_depth),) * disks,
        virtual_ethernet=virtual_ethernet,
        ethernet=ethernet,
        groups=groups,
    )


def server(
    name: str = "vios1",
    cores: float = 1.0,
    virtual_processors: int | None = None,
    virtualization: Virtualization = DEDICATED,
    *,
    weight: int = 128,
    shared_ethernet: SharedEthernetConfiguration | None = None,
) -> ViosConfiguration:
    """A Virtual I/O Server."""
    vps = round(cores) if virtual_processors is None else virtual_processors
    return ViosConfiguration(
        name, virtualization, cores, vps, weight=weight, shared_ethernet=shared_ethernet
    )


def system(
    *partitions: PartitionConfiguration,
    cores: int,
    vios: tuple[ViosConfiguration, ...] = (),
    virtualization: Virtualization | None = None,
    flavour: str | None = None,
    clock_hz: float = REFERENCE_HZ,
) -> SystemConfiguration:
    """A machine that is divided so."""
    machine = MachineConfiguration("test", "9117-570", "POWER5", cores, clock_hz, 2**36)
    if virtualization is None:
        virtualization = partitions[0].virtualization
    return SystemConfiguration(machine, virtualization, partitions, vios, flavour)


def sharing(*groups: UserGroup) -> SystemConfiguration:
    """Two partitions with the same users, which share a processor with their VIOS."""
    io = {"disks": 1, "vios": "vios1", "virtual_ethernet": VLAN}
    parts = [partition(name, 0.4, 2, UNCAPPED, groups=groups, **io) for name in ("app1", "app2")]
    return system(*parts, cores=1, vios=(server("vios1", 0.2, 1, UNCAPPED, shared_ethernet=SEA),))


def wired(
    virtualization: Virtualization = FULL_SYSTEM, mtu: int = 1500, cores: int = 1
) -> SystemConfiguration:
    """A machine with one partition, ``app``, that has an adapter of its own."""
    adapter = EthernetConfiguration(ETHERNET, mtu)
    flavour = "vmware" if virtualization is HOSTED else None
    app = partition("app", cores, virtualization=virtualization, ethernet=(adapter,))
    return system(app, cores=cores, flavour=flavour)


def bridged(
    mtu: int = 1500, threaded: bool = True, *, vlan: int = 10, vlans: tuple[int, ...] = (10,)
) -> SystemConfiguration:
    """A machine with one partition, ``app``, that a VIOS connects to the outside."""
    shared = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET, mtu), vlans, threaded)
    app = partition("app", 2, virtual_ethernet=(VirtualEthernetConfiguration(vlan, mtu_bytes=mtu),))
    return system(app, cores=4, vios=(server(cores=2, shared_ethernet=shared),))


def build(configuration: SystemConfiguration, *overrides: Mapping[str, Value]) -> Machine:
    """A running machine at time 0."""
    return Machine(Clock(), configuration, constants(*overrides))


def running(configuration: SystemConfiguration, *overrides: Mapping[str, Value]) -> Machine:
    """A running machine without clock ticks and without refills of its caches."""
    return build(configuration, NO_TICKS, NO_REFILL, *overrides)


def two_partitions(
    first: tuple[VirtualEthernetConfiguration, ...],
    second: tuple[VirtualEthernetConfiguration, ...],
    virtualization: Virtualization = DEDICATED,
    cores: int = 4,
) -> Machine:
    """A running machine with the partitions ``one`` and ``two``, which have virtual adapters."""
    parts = (
        partition("one", 1, 1, virtualization, virtual_ethernet=first),
        partition("two", 1, 1, virtualization, virtual_ethernet=second),
    )
    return running(system(*parts, cores=cores))


def spec(
    configuration: SystemConfiguration,
    *overrides: Mapping[str, Value],
    duration: float = 1.0,
    warm_up: float | None = 0.0,
    seed: int = 1,
    replication: int = 0,
    base: Path = Path(),
    label: str = "test",
) -> RunSpec:
    """One run of a machine with users."""
    return RunSpec(
        Cell("test", "aix-5.3", label, "test", (), configuration, (), duration, warm_up),
        0,
        replication,
        seed,
        constants(*overrides),
        base,
        (),
        datetime(2007, 4, 2, tzinfo=UTC),
        "",
    )


def group(
    user: str,
    users: int | None = None,
    *,
    name: str = "load",
    arrivals: float | None = None,
    think: float = 0.0,
    disk: int = 0,
    **demand: float | int | str | bool,
) -> UserGroup:
    """Users of a class, closed or open."""
    return UserGroup(name, user, users, arrivals, think, disk, demand)


def with_groups(configuration: SystemConfiguration, *groups: UserGroup) -> SystemConfiguration:
    """The same machine with the same users on every partition."""
    partitions = tuple(replace(part, groups=groups) for part in configuration.partitions)
    return replace(configuration, partitions=partitions)


def keep_busy(modelled: SimulatedPartition, seconds: float, threads: int = 1) -> None:
    """Have threads that compute for so long at a time, for ever."""

    def again() -> None:
        modelled.compute(seconds, None, again)

    for _ in range(threads):
        again()


def repeat(clock: Clock, work: Callable[[Callable[[], None]], None], times: int) -> list[int]:
    """Do something so many times, one after the other; return how long each took (ns)."""
    took: list[int] = []

    def begin() -> None:
        start = clock.now_ns

        def done() -> None:
            took.append(clock.now_ns - start)
            if len(took) < times:
                begin()

        work(done)

    begin()
    while len(took) < times:
        clock.run_until(round(clock.peek()) + 1)
    return took


def spent(machine: Machine, owner: str = "app") -> Mapping[str, int]:
    """What a partition's work has cost, by cause (ns)."""
    return machine.balance()[0][owner]


def total(machine: Machine) -> int:
    """All that the accounts and the idle time add up to."""
    accounts, idle_ns = machine.balance()
    return sum(sum(account.values()) for account in accounts.values()) + idle_ns


@contextmanager
def driven(machine: Machine, *seed_parts: object, base: Path = Path()) -> Iterator[UserPopulation]:
    """Let the Locust users of the machine's configuration drive it."""
    environment = Environment(catch_exceptions=False)
    population = UserPopulation(machine.clock, environment, *seed_parts)
    with locust_on(machine.clock):
        for configuration in machine.configuration.partitions:
            for each in configuration.groups:
                population.add_group(each, machine.partitions[configuration.name], base)
        try:
            yield population
        finally:
            population.dismiss()
