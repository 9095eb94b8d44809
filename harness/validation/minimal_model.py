"""Machines for validation, and work on them without users."""

from collections.abc import Callable, Mapping
from functools import cache

from harness.catalog import Catalog, Constants, Value, load_catalog
from harness.engine.clock import Clock
from harness.model.config import (
    MachineConfiguration,
    PartitionConfiguration,
    SystemConfiguration,
    ViosConfiguration,
    Virtualization,
)
from harness.model.machine import Machine
from harness.model.partition import SimulatedPartition

REFERENCE_HZ = 1.65e9
OS = "aix-5.3"
NEVER = 1e-6
"""A clock that ticks once in eleven days (Hz)."""

NO_TICKS: Mapping[str, Value] = {
    f"os.{os}.tick_rate": NEVER for os in ("aix-5.3", "sles-9", "rhel-as-3")
} | {"hosted.host.tick_rate": NEVER}

NO_CONTENTION: Mapping[str, Value] = {
    "processor.contention.chip": 0.0,
    "processor.contention.further": 0.0,
}

NO_OVERHEAD: Mapping[str, Value] = {
    **NO_TICKS,
    **NO_CONTENTION,
    "processor.working_set": 0.0,
    "vios.working_set": 0.0,
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


@cache
def catalog() -> Catalog:
    """Return the shipped catalog."""
    return load_catalog()


def free(overrides: Mapping[str, Value] | None = None) -> Constants:
    """Return the stated constants with all overheads at zero, and with further changes."""
    return catalog().nominal().changed({**NO_OVERHEAD, **(overrides or {})})


def partition(
    name: str,
    cores: float,
    virtual_processors: int,
    virtualization: Virtualization,
    *,
    weight: int = 128,
    os: str = OS,
) -> PartitionConfiguration:
    """Configure a partition without devices."""
    return PartitionConfiguration(
        name, os, virtualization, cores, virtual_processors, weight=weight
    )


def build(
    constants: Constants,
    cores: int,
    *partitions: PartitionConfiguration,
    vios: tuple[ViosConfiguration, ...] = (),
    flavour: str | None = None,
    clock_hz: float = REFERENCE_HZ,
) -> Machine:
    """Build a running machine at time 0."""
    hardware = MachineConfiguration("validation", "9117-570", "POWER5", cores, clock_hz, 2**36)
    virtualization = partitions[0].virtualization
    for each in partitions:
        if each.virtualization is Virtualization.SHARED_UNCAPPED:
            virtualization = each.virtualization
    system = SystemConfiguration(hardware, virtualization, partitions, vios, flavour)
    return Machine(Clock(), system, constants)


def keep_busy(app: SimulatedPartition, burst_seconds: float, threads: int = 1) -> None:
    """Start threads that compute for ever, in bursts."""

    def again() -> None:
        app.compute(burst_seconds, None, again)

    for _ in range(threads):
        again()


def repeat(machine: Machine, work: Callable[[Callable[[], None]], None], times: int) -> float:
    """Do something so many times, one after the other; return how long that took (s)."""
    left = times
    start_ns = machine.clock.now_ns
    end_ns: int | None = None

    def done() -> None:
        nonlocal left, end_ns
        left -= 1
        if left:
            work(done)
        else:
            end_ns = machine.clock.now_ns

    work(done)
    while end_ns is None:
        machine.clock.run_until(round(machine.clock.peek()) + 1)
    return (end_ns - start_ns) / 1e9


def busy_seconds(machine: Machine) -> float:
    """Sum the processor time of all accounts."""
    accounts, _ = machine.balance()
    return sum(sum(account.values()) for account in accounts.values()) / 1e9
