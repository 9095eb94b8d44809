"""Marks: moments at which the measured time of a run may begin, and what it has counted since."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.metrics.ddsketch import Digest
from harness.metrics.families import FAMILIES
from harness.metrics.family import Family, Labels, Rows
from harness.metrics.observer import Key, Observation

COUNTERS = tuple(family for family in FAMILIES if family.kind == "counter")

Reading = tuple[Sequence[Labels], Sequence[float]]
"""Label values of a family's samples, and their numbers."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment at which the measured time may begin."""

    time_ns: int
    counters: Sequence[Reading]
    """Of each of :data:`COUNTERS`. Copied numbers: names are made for the mark that counts."""
    responses: dict[Key, Digest]


def mark(observation: Observation) -> Mark:
    """Remember what has been counted so far."""
    return Mark(
        observation.now_ns,
        _readings(observation, COUNTERS),
        {key: kind.response.copy() for key, kind in observation.transactions.items()},
    )


def samples_since(
    observation: Observation, start: Mark
) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield what the exposition says now, counters less what they were at the mark.

    Response times are left out.

    Yields
    ------
    tuple
        Name, labels in alphabetical order, value.
    """
    before = dict(zip(COUNTERS, start.counters, strict=True))
    for family, (labels, values) in zip(FAMILIES, _readings(observation, FAMILIES), strict=True):
        name = family.sample_name
        places = sorted((label, place) for place, label in enumerate(family.labels))
        counted = dict(zip(*before[family], strict=True)) if family in before else None
        for own, value in zip(labels, values, strict=True):
            named = {label: own[place] for label, place in places}
            yield name, named, value if counted is None else value - float(counted.get(own, 0))


def _readings(observation: Observation, families: Sequence[Family]) -> list[Reading]:
    """Read families; the rows that many of them share are listed once."""
    shared: dict[Callable[[Observation], Rows], tuple[tuple[Labels, ...], tuple[Any, ...]]] = {}
    readings: list[Reading] = []
    for family in families:
        if family.rows not in shared:
            rows = list(family.rows(observation))
            shared[family.rows] = tuple(labels for labels, _ in rows), tuple(o for _, o in rows)
        labels, objects = shared[family.rows]
        readings.append((labels, list(map(family.value, objects))))
    return readings
