"""Operations: what administrators, rules and faults do to running machines.

An operation is checked before it begins, takes simulated time, and changes its machine in one
moment at its end: what is refused or fails leaves everything as it was.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

import simpy

from harness.catalog import Constants
from harness.engine.clock import Clock, to_ns
from harness.model.machine import Machine
from harness.operations.on_demand_bill import OnDemand

Steps = Generator[simpy.Event, object, None]
"""A SimPy process: yields what it waits for."""


class RefusedError(Exception):
    """An operation that cannot be done; the message is the reason in one sentence."""


class Status(StrEnum):
    """The status of an operation."""

    STARTED = "started"
    DONE = "done"
    REFUSED = "refused"
    """Checked, and not even begun."""
    FAILED = "failed"
    """Begun, but no longer possible in the end, because something else has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the timeline."""

    seconds: float
    """Simulated time since the start of the run."""
    operation: str
    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the most that a partition may have while it runs; None: no own limit.

    What it starts with (the *desired* values) is in its configuration.
    """

    minimum_cores: float | None = None
    maximum_cores: float | None = None
    minimum_virtual_processors: int | None = None
    maximum_virtual_processors: int | None = None
    minimum_memory_bytes: int | None = None
    maximum_memory_bytes: int | None = None


@dataclass(slots=True)
class Site:
    """Machines on one clock, and what happens to them.

    Attributes
    ----------
    machines
        By name. Names of partitions are unique across them; those of VIOS need not be.
    limits
        By partition; one that is missing has no limits of its own.
    fail_requests
        Fails all requests that a partition has in hand and returns how many there were.
    memory_in_use
        Says how many bytes of memory a partition's programs need; None: unknown.
    hosts_down
        Machines whose host operating system is down.
    on_demand
        What each machine has used of Capacity on Demand; see :meth:`on_demand_of`.
    timeline
        What has happened, in order.
    """

    clock: Clock
    machines: Mapping[str, Machine]
    constants: Constants
    limits: Mapping[str, Limits] = field(default_factory=dict)
    fail_requests: Callable[[str], int] = lambda partition: 0
    memory_in_use: Callable[[str], int] | None = None
    hosts_down: set[str] = field(default_factory=set)
    on_demand: dict[str, OnDemand] = field(default_factory=dict)
    timeline: list[Event] = field(default_factory=list)

    def record(self, operation: str, status: Status, reason: str = "") -> None:
        """Write down what happens now."""
        self.timeline.append(Event(self.clock.now_ns / 1e9, operation, status, reason))

    def machine_of(self, partition: str, machine: str | None = None) -> Machine:
        """Find the machine where a partition or a VIOS is at present.

        Parameters
        ----------
        machine
            Look there only; needed where several machines have a VIOS of that name.

        Raises
        ------
        RefusedError
            If it is nowhere, or in several places.
        """
        if machine is not None:
            self.machine_named(machine)
        places = [
            name
            for name, each in self.machines.items()
            if machine in (None, name) and (partition in each.partitions or partition in each.vios)
        ]
        if not places:
            where = f" on {machine}" if machine is not None else ""
            raise RefusedError(f"there is no partition {partition}{where}")
        if len(places) > 1:
            raise RefusedError(f"{' and '.join(places)} both have a {partition}: say which machine")
        return self.machines[places[0]]

    def machine_named(self, name: str) -> Machine:
        """Find a machine.

        Raises
        ------
        RefusedError
            If there is none of that name.
        """
        if name not in self.machines:
            raise RefusedError(f"there is no machine {name}")
        return self.machines[name]

    def on_demand_of(self, machine: str) -> OnDemand:
        """Return Capacity on Demand of a machine: its state and its bill."""
        return self.on_demand.setdefault(machine, OnDemand())

    def limits_of(self, partition: str) -> Limits:
        """Return the limits of a partition."""
        return self.limits.get(partition, Limits())

    def pause(self, seconds: float) -> simpy.Event:
        """Wait in a process: ``yield site.pause(2.0)``."""
        return self.clock.timeout(to_ns(seconds))


class Operation:
    """Something to be done to a running machine."""

    text: ClassVar[str]
    """The description, with fields such as ``{self.machine}``."""

    def describe(self) -> str:
        """Say in a few words what is to be done."""
        return self.text.format(self=self)

    def check(self, site: Site) -> None:
        """Raise :class:`RefusedError` if it cannot be done; change nothing."""
        raise NotImplementedError

    def perform(self, site: Site) -> Steps:
        """Do it: take time, then change the machine in one moment.

        Raises :class:`RefusedError`, with nothing changed, if it is not possible any more.
        """
        raise NotImplementedError


class TimedOperation(Operation):
    """An operation that takes a time and then changes its machine, if that is still possible."""

    time: ClassVar[str]
    """The constant of the catalog that says how long it takes."""

    def seconds(self, site: Site) -> float:
        """Return how long it takes."""
        return site.constants.number(self.time)

    def change(self, site: Site) -> None:
        """Change the machine."""
        raise NotImplementedError

    def perform(self, site: Site) -> Steps:
        """Wait, check again, and change the machine."""
        yield site.pause(self.seconds(site))
        self.check(site)
        self.change(site)


def carry_out(site: Site, operation: Operation) -> simpy.Process:
    """Begin an operation and keep the timeline.

    Returns
    -------
    The process, to wait for; its value is how it ended, a :class:`Status`.
    """
    return site.clock.process(_carried_out(site, operation))


def _carried_out(site: Site, operation: Operation) -> Generator[simpy.Event, object, Status]:
    text = operation.describe()
    try:
        operation.check(site)
    except RefusedError as refusal:
        site.record(text, Status.REFUSED, str(refusal))
        return Status.REFUSED
    site.record(text, Status.STARTED)
    try:
        yield from operation.perform(site)
    except RefusedError as refusal:
        site.record(text, Status.FAILED, str(refusal))
        return Status.FAILED
    site.record(text, Status.DONE)
    return Status.DONE
