"""How long a campaign takes: before it runs by a rough rule, while it runs by what was seen."""

from collections.abc import Iterable, Mapping

from harness.campaign.cell import Cell, RunSpec
from harness.platform.configuration import UserGroup

_SECONDS_PER_RUN = 0.03
_SECONDS_PER_TICK = 1e-6
_SECONDS_PER_REQUEST = 23e-6
"""Fitted by least squares to the runs of the shipped study on one machine of 2026."""

_TICKS_PER_SECOND = 400.0
"""Clock ticks of a virtual processor: what the operating systems of the catalog have on average."""

_SHORTEST_SERVICE_SECONDS = 1e-3
"""What a request is taken to need besides think time and processor time."""

_SETTLING = 1.25
"""With a detected warm-up, a quarter of the duration is simulated in addition."""

Kind = tuple[str, str, str]


def expected_seconds(cell: Cell) -> float:
    """Guess the processor time of one run on this machine, in seconds; of a real target, the time.

    The work of a simulation grows with its requests, whose number is not known in advance: closed
    users are taken to need little beyond think time and processor time for each.
    """
    simulated = (
        cell.duration_seconds * _SETTLING
        if cell.warm_up_seconds is None
        else cell.duration_seconds + cell.warm_up_seconds
    )
    system = cell.nominal_system
    if system is None:
        return _expected_on_target(cell)
    processors = sum(p.virtual_processors for p in system.partitions)
    processors += sum(vios.virtual_processors for vios in system.vios)
    requests = sum(_rate(group) for partition in system.partitions for group in partition.groups)
    per_second = _SECONDS_PER_TICK * _TICKS_PER_SECOND * processors
    per_second += _SECONDS_PER_REQUEST * requests
    return _SECONDS_PER_RUN + per_second * simulated


_TARGET_SECONDS: Mapping[str, float] = {"native": 1.0, "capped": 1.5}
_GUEST_SECONDS = 4.0
"""How long a transaction takes to end on a real target, roughly, and what goes with a run of it."""


def _expected_on_target(cell: Cell) -> float:
    """Guess how long a run on a real target takes: it ends with the transaction at hand."""
    return cell.duration_seconds + _TARGET_SECONDS.get(cell.virtualization, _GUEST_SECONDS)


def _rate(group: UserGroup) -> float:
    """Guess the requests per second of a group of users."""
    if group.arrivals_per_second is not None:
        return group.arrivals_per_second
    service = float(group.demand.get("processor", 0.0)) + _SHORTEST_SERVICE_SECONDS
    return (group.users or 0) / (group.think_time_seconds + service)


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
