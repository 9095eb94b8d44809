"""The Partition Load Manager: a rule that samples every ten seconds and moves resources.

A partition whose load has been beyond a threshold in so many consecutive samples asks for more
or has something to spare; :mod:`harness.operations.plm.decision` decides what moves, and the
operations of :mod:`harness.operations.dlpar` move it. After a partition has been given something
its count of samples starts again.

What is not published and assumed here: the load average of a sample is the mean of ten counts of
the threads that run or wait to run, for each virtual processor.
"""

import math
from dataclasses import dataclass

from harness.model.machine import Machine
from harness.operations.dlpar import MoveCores, MoveMemory, MoveUnits, memory_block_bytes
from harness.operations.operation import Operation, RefusedError, Site, Status, Steps, carry_out
from harness.operations.plm.decision import Standing, Transfer, decide
from harness.operations.plm.policy_file import Group, Member, Policy, Share

_COUNTS = 10
_HUNDREDTHS = 100


@dataclass(slots=True)
class Streak:
    """How many samples in a row were above the high threshold, below the low one, and not below."""

    above: int = 0
    below: int = 0
    not_below: int = 0

    def take(self, load: float, low: float, high: float) -> None:
        """Count a sample."""
        self.above = self.above + 1 if load > high else 0
        self.below = self.below + 1 if load < low else 0
        self.not_below = 0 if load < low else self.not_below + 1


class PartitionLoadManager(Operation):
    """Manages the partitions of a policy from the moment it is started.

    Carrying it out starts the manager, which then goes on until :meth:`stop`.

    Parameters
    ----------
    machine
        The machine's name, where several have partitions of these names.
    """

    def __init__(self, policy: Policy, machine: str | None = None) -> None:
        self.policy = policy
        self.machine = machine
        self.loads: dict[str, float] = {}
        """The latest load average of each partition."""
        self._counted: dict[str, int] = {}
        self._processors = {member.name: Streak() for member in policy.members}
        self._memory = {member.name: Streak() for member in policy.members}
        self._acting = False
        self._stopped = False

    def describe(self) -> str:
        """Say who is managed."""
        names = ", ".join(member.name for member in self.policy.members)
        return f"Partition Load Manager ({self.policy.name}) for {names}"

    def stop(self) -> None:
        """Take no more samples; what has been begun goes on."""
        self._stopped = True

    def check(self, site: Site) -> None:
        """Refuse partitions that are not there, are no AIX, or are of another kind."""
        machines = set()
        for group in self.policy.groups:
            for member in group.members:
                name = member.name
                machine = site.machine_of(name, self.machine)
                machines.add(id(machine))
                if name not in machine.partitions:
                    raise RefusedError(f"{name} is a Virtual I/O Server: PLM does not manage it")
                os = machine.configurations[name].os
                if not site.constants.flag(f"os.{os}.plm"):
                    raise RefusedError(f"{os} on {name} cannot be managed by PLM: AIX only")
                if machine.capacity.is_shared(name) == group.dedicated:
                    kinds = ("dedicated", "shared") if group.dedicated else ("shared", "dedicated")
                    raise RefusedError(
                        f"group {group.name} is of cpu_type {kinds[0]}, but {name} has "
                        f"{kinds[1]} processors"
                    )
        if len(machines) > 1:
            raise RefusedError("the partitions of a policy are on different machines")

    def perform(self, site: Site) -> Steps:
        """Start to sample."""
        period = site.constants.number("operations.plm.sample_period")
        site.clock.process(self._count(site, period / _COUNTS))
        site.clock.process(self._look(site, period))
        yield site.pause(0.0)

    # Looking

    def _count(self, site: Site, interval_seconds: float) -> Steps:
        """Count runnable threads again and again."""
        while not self._stopped:
            yield site.pause(interval_seconds)
            for member in self.policy.members:
                partition = self._machine(site).dispatched_partition(member.name)
                running = sum(vp.burst is not None for vp in partition.vps)
                counted = self._counted.get(member.name, 0)
                self._counted[member.name] = counted + running + partition.run_queue.threads.length

    def _look(self, site: Site, period_seconds: float) -> Steps:
        """Take a sample again and again, and act when it is time to."""
        while True:
            yield site.pause(period_seconds)
            if self._stopped:
                return
            self._sample(site)
            if not self._acting:
                site.clock.process(self._act(site))

    def _sample(self, site: Site) -> None:
        for member in self.policy.members:
            name = member.name
            machine = self._machine(site)
            partition = machine.dispatched_partition(name)
            load = self._counted.pop(name, 0) / _COUNTS / max(1, len(partition.vps))
            self.loads[name] = load
            if partition.down:
                self._processors[name], self._memory[name] = Streak(), Streak()
                continue
            low, high = (_tunable(site, member, f"cpu_load_{end}") for end in ("low", "high"))
            self._processors[name].take(load, low, high)
            if site.memory_in_use is not None:
                memory_bytes = max(1, machine.capacity.memory_bytes[name])
                use = min(1.0, site.memory_in_use(name) / memory_bytes)
                low, high = (_tunable(site, member, f"mem_util_{end}") for end in ("low", "high"))
                self._memory[name].take(use, low, high)

    # Acting

    def _act(self, site: Site) -> Steps:
        self._acting = True
        for group in self.policy.groups:
            if group.maximum_cores != 0:
                for transfer in self._decide_processors(site, group):
                    yield from self._move_processors(site, group, transfer)
            if group.maximum_memory_bytes != 0 and site.memory_in_use is not None:
                for transfer in self._decide_memory(site, group):
                    yield from self._move_memory(site, transfer)
        self._acting = False

    def _decide_processors(self, site: Site, group: Group) -> list[Transfer]:
        machine, constants = self._machine(site), site.constants
        scale = 1 if group.dedicated else _HUNDREDTHS
        least_each = 1.0 if group.dedicated else constants.number("hypervisor.minimum_entitlement")
        standings = {}
        for member in group.members:
            limits = site.limits_of(member.name)
            share_at_once = _tunable(site, member, "ec_delta")
            held = machine.capacity.entitlement_cores[member.name]
            most = limits.maximum_virtual_processors
            bounds = _Bounds(
                max(
                    least_each * (limits.minimum_virtual_processors or 1), limits.minimum_cores or 0
                ),
                machine.configurations[member.name].entitlement_cores,
                min(
                    limits.maximum_cores or len(machine.processors),
                    most or constants.number("hypervisor.maximum_virtual_processors"),
                ),
            )
            standings[member.name] = bounds.standing(
                member.processors,
                self._processors[member.name],
                round(_tunable(site, member, "cpu_intervals")),
                held=held,
                delta=1 if group.dedicated else max(1, round(held * scale * share_at_once)),
                releases=bool(member.tunables.cpu_free_unused),
                per_unit=1 / scale,
            )
        return self._decide(
            site, standings, machine.capacity.free_cores, group.maximum_cores, 1 / scale
        )

    def _decide_memory(self, site: Site, group: Group) -> list[Transfer]:
        machine = self._machine(site)
        block = self._block(site)
        blocks = round(site.constants.number("operations.plm.memory_blocks"))
        standings = {}
        for member in group.members:
            limits, size = site.limits_of(member.name), member.tunables.mem_delta
            bounds = _Bounds(
                max(
                    site.constants.number("hypervisor.minimum_memory"),
                    limits.minimum_memory_bytes or 0,
                ),
                machine.configurations[member.name].memory_bytes,
                limits.maximum_memory_bytes or machine.configuration.machine.memory_bytes,
            )
            standings[member.name] = bounds.standing(
                member.memory,
                self._memory[member.name],
                round(_tunable(site, member, "mem_intervals")),
                held=machine.capacity.memory_bytes[member.name],
                delta=max(1, size // block) if size else blocks,
                releases=bool(member.tunables.mem_free_unused),
                per_unit=block,
            )
        free = machine.capacity.free_memory_bytes
        return self._decide(site, standings, free, group.maximum_memory_bytes, block)

    def _decide(
        self,
        site: Site,
        standings: dict[str, Standing],
        free: float,
        maximum: float | None,
        per_unit: float,
    ) -> list[Transfer]:
        """Decide in whole units; a maximum of the group of None is none."""
        machine = self._machine(site)
        unowned = _whole(free, per_unit)
        held = sum(standing.held for standing in standings.values())
        room = unowned if maximum is None else max(0, _whole(maximum, per_unit) - held)
        up = {
            name: standing
            for name, standing in standings.items()
            if not machine.dispatched_partition(name).down
        }
        return decide(up, max(0, unowned), room)

    def _move_processors(self, site: Site, group: Group, transfer: Transfer) -> Steps:
        """Take first, then give, as virtual processors change by different numbers."""
        source, target, amount = transfer.source, transfer.target, transfer.amount
        if group.dedicated:
            moved = yield carry_out(site, MoveCores(amount, source, target, self.machine))
        else:
            units = amount / _HUNDREDTHS
            moved = Status.DONE
            if source is not None:
                fewer = self._spare_vps(site, source, units)
                moved = yield carry_out(site, MoveUnits(units, source, None, fewer, self.machine))
            if target is not None and moved is Status.DONE:
                more = self._missing_vps(site, target, units)
                moved = yield carry_out(site, MoveUnits(units, None, target, more, self.machine))
        if moved is Status.DONE and target is not None:
            self._processors[target] = Streak()

    def _move_memory(self, site: Site, transfer: Transfer) -> Steps:
        size = transfer.amount * self._block(site)
        moved = yield carry_out(
            site, MoveMemory(size, transfer.source, transfer.target, self.machine)
        )
        if moved is Status.DONE and transfer.target is not None:
            self._memory[transfer.target] = Streak()

    def _spare_vps(self, site: Site, name: str, units: float) -> int:
        """Count the virtual processors that a partition does without when it loses capacity."""
        vps, left, least_each = self._vps_and_units(site, name, -units, "ec_per_vp_min")
        least = site.limits_of(name).minimum_virtual_processors or 1
        fitting = math.floor(left / least_each + 1e-6)
        return max(0, vps - max(least, fitting, math.ceil(left - 1e-6)))

    def _missing_vps(self, site: Site, name: str, units: float) -> int:
        """Count the virtual processors that a partition needs when it gets capacity."""
        vps, after, most_each = self._vps_and_units(site, name, units, "ec_per_vp_max")
        most = site.limits_of(name).maximum_virtual_processors or vps + round(units) + 1
        needed = math.ceil(after / most_each - 1e-6)
        return max(0, min(most, needed) - vps)

    def _vps_and_units(
        self, site: Site, name: str, change: float, tunable: str
    ) -> tuple[int, float, float]:
        machine = self._machine(site)
        member = next(each for each in self.policy.members if each.name == name)
        vps = len(machine.dispatched_partition(name).vps)
        units = machine.capacity.entitlement_cores[name] + change
        return vps, units, _tunable(site, member, tunable)

    def _machine(self, site: Site) -> Machine:
        return site.machine_of(self.policy.members[0].name, self.machine)

    def _block(self, site: Site) -> int:
        memory_bytes = self._machine(site).configuration.machine.memory_bytes
        return memory_block_bytes(site.constants, memory_bytes)


def _whole(amount: float, per_unit: float) -> int:
    return math.floor(amount / per_unit + 1e-6)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What the console's profile says: the least, what it starts with, and the most."""

    least: float
    desired: float
    most: float

    def standing(
        self,
        share: Share,
        streak: Streak,
        intervals: int,
        *,
        held: float,
        delta: int,
        releases: bool,
        per_unit: float,
    ) -> Standing:
        """Add what the policy says and how the load has been."""
        minimum = max(self.least, share.minimum or 0.0)
        maximum = self.most if share.maximum is None else min(self.most, share.maximum)
        guaranteed = self.desired if share.guaranteed is None else share.guaranteed
        return Standing(
            held=_whole(held, per_unit),
            minimum=math.ceil(minimum / per_unit - 1e-6),
            guaranteed=_whole(max(minimum, min(guaranteed, maximum)), per_unit),
            maximum=_whole(maximum, per_unit),
            shares=share.shares,
            delta=delta,
            wants=streak.above >= intervals,
            needs=streak.not_below >= intervals,
            spares=streak.below >= intervals,
            releases=releases,
        )


_DEFAULTS = {
    "cpu_intervals": "notify_intervals",
    "cpu_load_high": "load_high",
    "cpu_load_low": "load_low",
    "ec_delta": "entitlement_delta",
    "ec_per_vp_min": "ec_per_vp_minimum",
    "ec_per_vp_max": "ec_per_vp_maximum",
    "mem_intervals": "notify_intervals",
    "mem_util_high": "memory_high",
    "mem_util_low": "memory_low",
}
"""Tunable -> the constant that stands for it where the policy does not set it."""


def _tunable(site: Site, member: Member, name: str) -> float:
    """Return a tunable of a partition."""
    own: float | None = getattr(member.tunables, name)
    return site.constants.number(f"operations.plm.{_DEFAULTS[name]}") if own is None else own
