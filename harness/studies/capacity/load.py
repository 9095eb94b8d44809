"""A cell at another load: more or fewer users, or arrivals."""

from dataclasses import replace

from harness.campaign.cell import Cell
from harness.model.config import UserGroup

STEPS_PER_OCTAVE = 16
"""Loads are searched on a grid of this many steps between a load and its double: 4.4 % apart."""


def factor(level: int) -> float:
    """Return a level of the grid as a multiple of the campaign's load; level 0 is 1."""
    return float(2.0 ** (level / STEPS_PER_OCTAVE))


def at_load(cell: Cell, level: int) -> Cell:
    """Change the load of every partition of a cell.

    Open groups get more arrivals, closed groups more users, at least one. Below the campaign's load
    the run lasts longer by as much, so that it sees as many transactions.
    """
    times, nominal = factor(level), cell.nominal_system
    assert nominal is not None, "a real target is not simulated"
    partitions = tuple(
        replace(each, groups=tuple(_grown(group, times) for group in each.groups))
        for each in nominal.partitions
    )
    return replace(
        cell,
        nominal_system=replace(nominal, partitions=partitions),
        duration_seconds=cell.duration_seconds * max(1.0, 1.0 / times),
    )


def _grown(group: UserGroup, times: float) -> UserGroup:
    if group.arrivals_per_second is not None:
        return replace(group, arrivals_per_second=group.arrivals_per_second * times)
    users = group.users or 0
    return replace(group, users=max(1, round(users * times)) if users else 0)
