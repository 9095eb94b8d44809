"""Sites for tests: machines with operations carried out on them."""

from collections.abc import Mapping
from typing import Any

from modelling import build

from harness.catalog import Value
from harness.model.config import SystemConfiguration
from harness.model.machine import Machine
from harness.operations.operation import Limits, Operation, Site, Status, carry_out

SECOND = 1_000_000_000
QUICK: Mapping[str, Value] = {
    "operations.dlpar.processor_time": 0.02,
    "operations.dlpar.attribute_time": 0.01,
    "operations.dlpar.memory_time": 0.01,
    "operations.dlpar.memory_removal_rate": 1e12,
    "operations.dlpar.memory_addition_rate": 1e12,
    "operations.dlpar.adapter_time": 0.03,
}
"""Operations that take some dispatch windows only."""


def site_with(
    configuration: SystemConfiguration,
    *overrides: Mapping[str, Value],
    limits: Mapping[str, Limits] | None = None,
) -> tuple[Site, Machine]:
    """A site with one machine, ``p5``."""
    machine = build(configuration, *overrides)
    site = Site(machine.clock, {"p5": machine}, machine.costs.constants, limits or {})
    return site, machine


def carried_out(site: Site, operation: Operation) -> tuple[Status, str]:
    """Carry an operation out, however long it takes; say how it ended and why."""
    process = carry_out(site, operation)
    while not process.processed:
        site.clock.run_until(round(site.clock.peek()) + 1)
    entry = site.timeline[-1]
    assert entry.operation == operation.describe()
    assert entry.status is process.value
    return entry.status, entry.reason


def holdings(machine: Machine) -> dict[str, Any]:
    """All that operations may change, to compare."""
    capacity = machine.capacity
    partitions = machine.dispatched()
    return {
        "entitlement": dict(capacity.entitlement_cores),
        "weight": dict(capacity.weight),
        "capped": dict(capacity.capped),
        "memory": dict(capacity.memory_bytes),
        "adapters": {name: sorted(owned) for name, owned in capacity.adapters.items()},
        "free adapters": sorted(capacity.free_adapters),
        "inactive": len(capacity.inactive),
        "unowned": len(capacity.unowned),
        "processors": [len(d.processors) for d in machine.dispatchers],
        "vps": {p.name: [vp.entitlement_ns for vp in p.vps] for p in partitions},
        "weights": {p.name: p.weight for p in partitions},
        "down": {p.name: p.down for p in partitions},
        "wires": sorted(machine.network.own_wires),
    }
