"""Several machines on one clock and network, and partitions that can move between them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from locust.env import Environment
from modelling import ETHERNET, UNCAPPED, constants, partition, server

from harness.catalog import Value
from harness.engine.clock import Clock
from harness.metrics.observer import Observation
from harness.model.config import (
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
from harness.operations.live_migration import Migration, Move
from harness.operations.operation import Operation, Site, Status, carry_out
from harness.users.population import UserPopulation, locust_on

MIB = 2**20
GIB = 2**30
POWER6_HZ = 4.7e9
VLAN = 10

QUICK: Mapping[str, Value] = {
    "operations.mobility.validation_time": 1.0,
    "operations.power.start_time": 30.0,
}
"""Less waiting."""


def movable(
    name: str,
    cores: float = 1.0,
    virtual_processors: int = 2,
    virtualization: Virtualization = UNCAPPED,
    *,
    memory_bytes: int = 256 * MIB,
    os: str = "aix-5.3",
    disks: int = 1,
    vlan: int = VLAN,
    groups: tuple[UserGroup, ...] = (),
) -> PartitionConfiguration:
    """A partition all of whose I/O is virtual."""
    configuration = partition(
        name,
        cores,
        virtual_processors,
        virtualization,
        os=os,
        disks=disks,
        vios="vios1",
        virtual_ethernet=(VirtualEthernetConfiguration(vlan),),
        groups=groups,
    )
    return replace(configuration, memory_bytes=memory_bytes)


def mover(
    cores: float = 1.0,
    virtual_processors: int = 2,
    virtualization: Virtualization = UNCAPPED,
    *,
    device: str = ETHERNET,
    vlans: tuple[int, ...] = (VLAN,),
) -> ViosConfiguration:
    """A Virtual I/O Server that can carry memory."""
    sea = SharedEthernetConfiguration(EthernetConfiguration(device), vlans)
    configuration = server("vios1", cores, virtual_processors, virtualization, shared_ethernet=sea)
    return replace(configuration, memory_bytes=GIB)


def power6(
    *partitions: PartitionConfiguration,
    vios: tuple[ViosConfiguration, ...] | None = None,
    cores: int = 4,
    clock_hz: float = POWER6_HZ,
    memory_bytes: int = 16 * GIB,
) -> SystemConfiguration:
    """A machine whose partitions can move."""
    machine = MachineConfiguration(
        "570-power6", "9117-MMA", "POWER6", cores, clock_hz, memory_bytes
    )
    return SystemConfiguration(machine, UNCAPPED, partitions, vios or (mover(),))


def site_of(systems: Mapping[str, SystemConfiguration], *overrides: Mapping[str, Value]) -> Site:
    """Machines on one clock."""
    clock, values = Clock(), constants(QUICK, *overrides)
    machines = {name: Machine(clock, system, values) for name, system in systems.items()}
    return Site(clock, machines, values)


def finish(site: Site, operation: Operation, limit_seconds: float = 4000.0) -> Status:
    """Carry an operation out and let time pass until it has ended."""
    process = carry_out(site, operation)
    end_ns = site.clock.now_ns + round(limit_seconds * 1e9)
    while process.is_alive:
        assert site.clock.now_ns < end_ns, "the operation does not end"
        site.clock.run_until(site.clock.now_ns + 10_000_000)
    return process.value


def migrated(site: Site, name: str = "app", target: str = "B") -> Migration:
    """Move a partition, which has to work."""
    move = Move(name, target)
    assert finish(site, move) is Status.DONE, reason(site)
    assert move.migration is not None
    return move.migration


def two(
    *partitions: PartitionConfiguration,
    there: Iterable[PartitionConfiguration] = (),
    vios: tuple[ViosConfiguration, ...] | None = None,
) -> dict[str, SystemConfiguration]:
    """Machine A with some partitions, and machine B."""
    return {"A": power6(*partitions, vios=vios), "B": power6(*there, vios=vios)}


def reason(site: Site) -> str:
    """Why the last operation on the timeline came to nothing."""
    return site.timeline[-1].reason


def seconds(site: Site, number: float) -> None:
    """Let time pass."""
    site.clock.run_until(site.clock.now_ns + round(number * 1e9))


@dataclass(frozen=True)
class Belongings:
    """Who has what at one moment, on all machines."""

    cores: dict[tuple[str, str], float]
    memory: dict[tuple[str, str], int]
    adapters: dict[tuple[str, str], tuple[str, ...]]
    sharing: dict[tuple[str, str], tuple[int, bool, int]]
    free: dict[str, tuple[float, int]]
    processors: dict[str, list[int]]
    disks: dict[str, list[str]]


def belongings(site: Site) -> Belongings:
    """Take stock; every partition has to be on one machine only, with all that it has."""
    cores, memory, adapters, sharing = {}, {}, {}, {}
    for machine, name in _everyone(site):
        capacity = site.machines[machine].capacity
        key = machine, name
        cores[key] = capacity.entitlement_cores[name]
        memory[key] = capacity.memory_bytes[name]
        adapters[key] = tuple(sorted(capacity.adapters[name]))
        vps = len(site.machines[machine].dispatched_partition(name).vps)
        sharing[key] = capacity.weight[name], capacity.capped[name], vps
    for machine in site.machines.values():
        assert set(machine.capacity.entitlement_cores) == {*machine.partitions, *machine.vios}
        assert set(machine.configurations) == set(machine.partitions)
        assert machine.capacity.free_cores > -1e-9
        assert machine.capacity.free_memory_bytes >= 0
    names = [name for machine in site.machines.values() for name in machine.partitions]
    assert len(names) == len(set(names))
    return Belongings(
        cores,
        memory,
        adapters,
        sharing,
        {
            name: (round(each.capacity.free_cores, 9), each.capacity.free_memory_bytes)
            for name, each in site.machines.items()
        },
        {
            name: sorted(p.index for dispatcher in each.dispatchers for p in dispatcher.processors)
            for name, each in site.machines.items()
        },
        {name: sorted(disk.name for disk in each.disks) for name, each in site.machines.items()},
    )


def _everyone(site: Site) -> Iterable[tuple[str, str]]:
    for machine, each in site.machines.items():
        for name in (*each.partitions, *each.vios):
            yield machine, name


def balanced(site: Site) -> bool:
    """Whether every nanosecond of every processor is accounted for on its own machine."""
    for machine in site.machines.values():
        accounts, idle_ns = machine.balance()
        spent = sum(sum(account.values()) for account in accounts.values()) + idle_ns
        if spent != len(machine.processors) * site.clock.now_ns:
            return False
    return True


@contextmanager
def driven_by_users(site: Site, *seed_parts: object) -> Iterator[Observation]:
    """Let the Locust users of all partitions drive them, and listen to their requests."""
    environment = Environment(catch_exceptions=False)
    observation = Observation(next(iter(site.machines.values())), environment)
    population = UserPopulation(site.clock, environment, *seed_parts)
    site.fail_requests = population.fail
    with locust_on(site.clock):
        for machine in site.machines.values():
            for configuration in machine.configuration.partitions:
                for each in configuration.groups:
                    population.add_group(each, machine.partitions[configuration.name], Path())
        try:
            yield observation
        finally:
            population.dismiss()


def failed(observation: Observation) -> int:
    """How many requests failed so far."""
    return sum(kind.failed for kind in observation.transactions.values())


def completed(observation: Observation) -> dict[tuple[str, str, str], int]:
    """How many requests of each kind succeeded so far."""
    return {key: kind.response.count for key, kind in observation.transactions.items()}
