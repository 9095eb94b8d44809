"""How long a campaign takes: before it runs by a rough rule, while it runs by what was seen."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from harness.campaign.cell import Cell, RunSpec
from harness.model.config import (
    PartitionConfiguration,
    SystemConfiguration,
    UserGroup,
)

_SECONDS_PER_RUN = 0.03
_SECONDS_PER_TICK = 1e-6
_SECONDS_PER_REQUEST = 23e-6
"""Fitted by least squares to the runs of the shipped study on one machine of 2026."""

_TICKS_PER_SECOND = 400.0
"""Clock ticks of a virtual processor: what the operating systems of the catalog have on average."""

_SHORTEST_SERVICE_SECONDS = 1e-3
"""What a request is taken to need besides think time and processor time."""
_SHORTEST_PROCESSOR_SECONDS = 1e-6
"""What the operating system does for a request at least."""

_SETTLING = 1.25
"""With a detected warm-up, a quarter of the duration is simulated in addition."""

_SECONDS_PER_USER = 40e-6
_SECONDS_PER_SAMPLE = 10e-6
"""What it takes to add a user, and to sample a partition for a timeline."""

_TARGET_SECONDS: Mapping[str, float] = {"native": 1.0, "capped": 1.5}
_GUEST_SECONDS = 4.0
"""How long a transaction takes to end on a real target, roughly, and what goes with a run of it."""

Kind = tuple[str, str, str]


def simulated_seconds(cell: Cell) -> float:
    """Return the simulated time of one run, a detected warm-up included."""
    if cell.warm_up_seconds is None:
        return cell.duration_seconds * _SETTLING
    return cell.duration_seconds + cell.warm_up_seconds


def expected_seconds(cell: Cell) -> float:
    """Guess the processor time of one run on this machine, in seconds; of a real target, the time.

    The work of a simulation grows with its requests, whose number is not known in advance: closed
    users are taken to need little beyond think time and processor time for each.
    """
    if cell.nominal_system is None:
        # It ends with the transaction at hand.
        return cell.duration_seconds + _TARGET_SECONDS.get(cell.virtualization, _GUEST_SECONDS)
    systems = systems_of(cell)
    processors = sum(p.virtual_processors for system in systems for p in system.partitions)
    processors += sum(vios.virtual_processors for system in systems for vios in system.vios)
    groups = list(groups_of(cell))
    requests = sum(expected_requests(partition, group) for partition, group in groups)
    per_second = _SECONDS_PER_TICK * _TICKS_PER_SECOND * processors
    per_second += _SECONDS_PER_REQUEST * requests
    users = sum(group.users or 0 for _, group in groups)
    samples = sample_count(cell) * sum(len(system.partitions) for system in systems)
    once = _SECONDS_PER_RUN + _SECONDS_PER_USER * users + _SECONDS_PER_SAMPLE * samples
    return once + per_second * simulated_seconds(cell)


def systems_of(cell: Cell) -> list[SystemConfiguration]:
    """Return the machines that a run simulates."""
    own = [] if cell.nominal_system is None else [cell.nominal_system]
    return own if cell.scenario is None else [*own, *cell.scenario.other_machines.values()]


def groups_of(cell: Cell) -> Iterator[tuple[PartitionConfiguration, UserGroup]]:
    """Yield the groups of users with their partitions: at first, and as scenarios change them."""
    partitions = {part.name: part for system in systems_of(cell) for part in system.partitions}
    for partition in partitions.values():
        for group in partition.groups:
            yield partition, group
    script = cell.scenario
    if script is None:
        return
    for action in [*script.step, *script.rule]:
        load = action.load
        if load is not None:
            partition = partitions[load.of]
            group = next(group for group in partition.groups if group.name == load.group)
            yield partition, replace(group, users=load.users, arrivals_per_second=load.arrivals)


def sample_count(cell: Cell) -> float:
    """Return how many samples the timeline of a scenario has; 0 for another cell."""
    sample = None if cell.scenario is None else cell.scenario.sample
    return 0.0 if sample is None else cell.duration_seconds / sample


def expected_requests(partition: PartitionConfiguration, group: UserGroup) -> float:
    """Guess the requests per second of a group of users.

    A request that asks for less processor time than its other service is taken to need no other.
    """
    if group.arrivals_per_second is not None:
        return group.arrivals_per_second
    processor = float(group.demand.get("processor", 0.0))
    other = _SHORTEST_SERVICE_SECONDS
    if 0.0 < processor < other and "size" not in group.demand:
        other = _SHORTEST_PROCESSOR_SECONDS
    cycle = group.think_time_seconds + max(processor, _SHORTEST_PROCESSOR_SECONDS) + other
    rate = (group.users or 0) / cycle
    if not processor:
        return rate
    return min(rate, partition.virtual_processors / max(processor, _SHORTEST_PROCESSOR_SECONDS))


class Remaining:
    """The time that outstanding runs will take, learnt from those that are done.

    Runs of a kind (machine, virtualization, workload) are taken to last as long as those of their
    kind did on average. Kinds not seen yet are taken to be off the rough rule by as much as all
    seen ones together.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._outstanding: dict[Kind, int] = {}
        self._expected: dict[Kind, float] = {}
        self._seen: dict[Kind, tuple[int, float]] = {}

    def expect(self, specs: Iterable[RunSpec]) -> None:
        """Add runs to be done."""
        for spec in specs:
            kind = _kind(spec)
            self._outstanding[kind] = self._outstanding.get(kind, 0) + 1
            if kind not in self._expected:
                self._expected[kind] = expected_seconds(spec.cell)

    def done(self, spec: RunSpec, seconds: float) -> None:
        """Note that a run is done and how long it took (wall clock, one worker)."""
        kind = _kind(spec)
        self._outstanding[kind] -= 1
        count, total = self._seen.get(kind, (0, 0.0))
        self._seen[kind] = count + 1, total + seconds

    def seconds(self) -> float:
        """Return the wall-clock time until all is done, in seconds."""
        guessed = sum(self._expected[kind] * count for kind, (count, _) in self._seen.items())
        correction = sum(total for _, total in self._seen.values()) / guessed if guessed else 1.0
        left = 0.0
        for kind, count in self._outstanding.items():
            seen, total = self._seen.get(kind, (0, 0.0))
            each = total / seen if seen else self._expected[kind] * correction
            left += count * each
        return left / self._workers


def _kind(spec: RunSpec) -> Kind:
    cell = spec.cell
    return (cell.machine, cell.virtualization, cell.workload)
