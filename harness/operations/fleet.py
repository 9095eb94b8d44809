"""Uses of live migration: maintenance, balance, and fewer machines at night.

Every move and every switch is an operation of its own on the timeline. A use that cannot be carried
through is refused before the first move; one that gets stuck on the way leaves partitions where
they are by then: they run, wherever that is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.operations.energy import SwitchOff, SwitchOn, busy_ns
from harness.operations.live_migration import Migration, Move
from harness.operations.operation import (
    Operation,
    RefusedError,
    Site,
    Status,
    Steps,
    carry_out,
)
from harness.operations.placement import NOTHING, Claim


def place_all(
    site: Site, partitions: Iterable[str], targets: Sequence[str], *, pack: bool = False
) -> dict[str, str]:
    """Find a machine for each partition, largest entitlement first, and make no move.

    Parameters
    ----------
    targets
        Machines that may take some.
    pack
        Prefer the machine with the least room that is enough, instead of the one with the most.

    Raises
    ------
    RefusedError
        If one fits nowhere, with the reason of every machine.
    """
    claims = dict.fromkeys(targets, NOTHING)
    found: dict[str, str] = {}
    for name in sorted(partitions, key=lambda each: (-_entitlement(site, each), each)):
        order = sorted(targets, key=lambda each: _room(site, each, claims[each]), reverse=not pack)
        reasons = []
        for target in order:
            try:
                Move(name, target).fits(site, claims[target])
            except RefusedError as refusal:
                reasons.append(str(refusal))
                continue
            found[name] = target
            held = site.machine_of(name).capacity.held_by(name)
            claims[target] = claims[target].plus(held)
            break
        else:
            raise RefusedError("; ".join(reasons) or f"there is no machine to take {name}")
    return found


def _entitlement(site: Site, partition: str) -> float:
    return site.machine_of(partition).capacity.entitlement_cores[partition]


def _room(site: Site, machine: str, claim: Claim) -> float:
    return site.machines[machine].capacity.free_cores - claim.cores


def _chosen(site: Site, names: Sequence[str]) -> list[str]:
    """Return the machines named, or all, of those that are on."""
    for name in names:
        site.machine_named(name)
    return [name for name in names or site.machines if site.machines[name].power.on]


def _carry_out(site: Site, operation: Operation) -> Steps:
    """Carry out one operation; raise if it is not done."""
    process = carry_out(site, operation)
    yield process
    if process.value is not Status.DONE:
        reason = next(
            event.reason
            for event in reversed(site.timeline)
            if event.operation == operation.describe()
        )
        raise RefusedError(f"could not {operation.describe()}: {reason}")


def _move(site: Site, places: dict[str, str], migrations: list[Migration]) -> Steps:
    """Move partitions one after the other."""
    for name, target in places.items():
        move = Move(name, target)
        try:
            yield from _carry_out(site, move)
        finally:
            if move.migration is not None:
                migrations.append(move.migration)


@dataclass(slots=True)
class Evacuate(Operation):
    """Empty a machine, switch it off, maintain it, switch it on, and move all back.

    Attributes
    ----------
    targets
        Machines that take its partitions; empty: all others.
    """

    machine: str
    maintenance_seconds: float
    targets: tuple[str, ...] = ()
    migrations: list[Migration] = field(default_factory=list)
    text = "maintain {self.machine}"

    def check(self, site: Site) -> None:
        """Refuse if a partition has nowhere to go."""
        self._places(site)

    def _places(self, site: Site) -> dict[str, str]:
        machine = site.machine_named(self.machine)
        if not machine.power.on:
            raise RefusedError(f"{self.machine} is switched off")
        others = [name for name in _chosen(site, self.targets) if name != self.machine]
        return place_all(site, machine.partitions, others)

    def perform(self, site: Site) -> Steps:
        """Do it."""
        places = self._places(site)
        yield from _move(site, places, self.migrations)
        yield from _carry_out(site, SwitchOff(self.machine))
        yield site.pause(self.maintenance_seconds)
        yield from _carry_out(site, SwitchOn(self.machine))
        yield from _move(site, dict.fromkeys(places, self.machine), self.migrations)


@dataclass(slots=True)
class Balance(Operation):
    """Move partitions from the most to the least loaded machine until all are about alike.

    Load is the busy share of a machine's active cores. The busiest partition goes that can move and
    does not make the receiver more loaded than the giver was.

    Attributes
    ----------
    threshold
        The difference of loads that is good enough.
    sample_seconds
        How long loads are observed before each decision.
    machines
        Those that take part; empty: all.
    spreads
        The difference of loads at each decision.
    """

    threshold: float = 0.1
    sample_seconds: float = 60.0
    machines: tuple[str, ...] = ()
    migrations: list[Migration] = field(default_factory=list)
    spreads: list[float] = field(default_factory=list)

    def describe(self) -> str:
        """Say who is balanced."""
        return f"balance {', '.join(self.machines) or 'all machines'}"

    def check(self, site: Site) -> None:
        """Refuse what is no task."""
        if len(_chosen(site, self.machines)) < 2:
            raise RefusedError("balancing takes two machines that are on")
        if not 0 < self.threshold < 1:
            raise RefusedError(f"a threshold of {self.threshold:g} is not between 0 and 1")

    def perform(self, site: Site) -> Steps:
        """Observe and move."""
        place = None
        while place is None or place:
            names = _chosen(site, self.machines)
            before = _Use(site, names)
            yield site.pause(self.sample_seconds)
            place = self._decide(site, _Use(site, names), before)
            yield from _move(site, place, self.migrations)

    def _decide(self, site: Site, now: "_Use", before: "_Use") -> dict[str, str]:
        load = now.loads_since(before)
        least, most = min(load, key=load.__getitem__), max(load, key=load.__getitem__)
        self.spreads.append(load[most] - load[least])
        if load[most] - load[least] <= self.threshold:
            return {}
        receiving = _active_cores(site, least)
        partitions = list(site.machines[most].partitions)
        for name in sorted(partitions, key=lambda each: (-now.busy_cores(before, each), each)):
            busy = now.busy_cores(before, name)
            if busy <= 0 or load[least] + busy / receiving >= load[most]:
                continue
            try:
                Move(name, least).check(site)
            except RefusedError:
                continue
            return {name: least}
        return {}


def _active_cores(site: Site, name: str) -> int:
    machine = site.machines[name]
    return len(machine.processors) - len(machine.capacity.inactive)


class _Use:
    """Processor time used so far, by machine and by partition."""

    def __init__(self, site: Site, machines: Iterable[str]) -> None:
        self.now_ns = site.clock.now_ns
        self.machines = {name: busy_ns(site.machines[name]) for name in machines}
        self.cores = {name: _active_cores(site, name) for name in self.machines}
        self.partitions = {
            name: each.partition.occupied_ns()
            for machine in self.machines
            for name, each in site.machines[machine].partitions.items()
        }

    def loads_since(self, before: "_Use") -> dict[str, float]:
        """Return the busy share of every machine since an earlier moment."""
        passed = self.now_ns - before.now_ns
        return {
            name: (used - before.machines[name]) / passed / self.cores[name]
            for name, used in self.machines.items()
        }

    def busy_cores(self, before: "_Use", partition: str) -> float:
        """Return how many cores a partition has used on average since an earlier moment."""
        used = self.partitions[partition]
        used -= before.partitions.get(partition, used)
        return used / (self.now_ns - before.now_ns)


@dataclass(slots=True)
class Consolidate(Operation):
    """Bring all partitions together on as few machines as hold them, and switch off the others.

    Attributes
    ----------
    away_seconds
        When, after the beginning, the machines are switched on again and every partition moves
        back; None: never.
    machines
        Those that take part; empty: all.
    switched_off
        Machines that were emptied and switched off, in that order.
    """

    away_seconds: float | None = None
    machines: tuple[str, ...] = ()
    migrations: list[Migration] = field(default_factory=list)
    switched_off: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """Say who is consolidated."""
        return f"consolidate {', '.join(self.machines) or 'all machines'}"

    def check(self, site: Site) -> None:
        """Refuse if not even one machine can be emptied."""
        refusals = []
        for _, found in self._ways(site):
            if isinstance(found, dict):
                return
            refusals.append(str(found))
        raise RefusedError(f"no machine can be emptied: {refusals[0] if refusals else 'one only'}")

    def _ways(self, site: Site) -> Iterator[tuple[str, dict[str, str] | RefusedError]]:
        """Try to empty each machine, the least used first."""
        names = _chosen(site, self.machines)
        if len(names) < 2:
            return
        for name in sorted(names, key=lambda each: (_used(site, each), each)):
            others = [other for other in names if other != name]
            try:
                yield name, place_all(site, site.machines[name].partitions, others, pack=True)
            except RefusedError as refusal:
                yield name, refusal

    def perform(self, site: Site) -> Steps:
        """Empty one machine after the other as long as the rest can hold all partitions."""
        begin_ns = site.clock.now_ns
        home: dict[str, str] = {}
        while True:
            feasible = ((n, way) for n, way in self._ways(site) if isinstance(way, dict))
            name, places = next(feasible, (None, {}))
            if name is None:
                break
            for partition in places:
                home.setdefault(partition, name)
            yield from _move(site, places, self.migrations)
            yield from _carry_out(site, SwitchOff(name))
            self.switched_off.append(name)
        if self.away_seconds is None:
            return
        passed = (site.clock.now_ns - begin_ns) / 1e9
        yield site.pause(max(0.0, self.away_seconds - passed))
        starting = [carry_out(site, SwitchOn(name)) for name in self.switched_off]
        yield site.clock.all_of(starting)
        yield from _move(site, home, self.migrations)


def _used(site: Site, machine: str) -> float:
    capacity = site.machines[machine].capacity
    return sum(capacity.entitlement_cores[name] for name in site.machines[machine].partitions)
