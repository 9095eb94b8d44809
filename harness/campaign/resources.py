"""What a campaign needs of the machine that runs it, and what that machine has.

The estimate multiplies counts (cells, replications, users, samples) by costs that were measured
once; it builds nothing, so that it takes no time or memory of its own.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.campaign.cell import Cell
from harness.campaign.plan import Plan
from harness.campaign.run_time import (
    expected_requests,
    expected_seconds,
    groups_of,
    sample_count,
    simulated_seconds,
    systems_of,
)
from harness.model.config import PartitionConfiguration, UserGroup

LONGEST_SECONDS = 7 * 86400.0
"""A campaign that is expected to take longer than a week is too long."""

_PROCESS = 200e6
_USER = 12e3
_PARTITION = 100e3
_CELL = 40e3
_RUN = 500.0
_DRAW = 100e3
"""Memory of a process, of a user or an arrival under way, of a partition, of a cell of the plan, of
a run to be done, and of the constants of a replication, in bytes; measured on a machine of 2026."""

_REQUEST = 100.0
_SAMPLE = 8.0
"""Memory of what a scenario keeps of a request, and of a number in its timeline, in bytes."""
_METRICS = 12
"""Numbers that a timeline keeps of a partition at each sample."""

_STORED_RUN, _STORED_SCENARIO = 6e3, 100e3
"""Disk space of a result, in bytes."""

_WAITING_REQUESTS = 64 / 1e-3
"""Requests per second that a partition completes at most, if nothing is known of what they need."""


@dataclass(frozen=True)
class Resources:
    """Time, memory and disk space: what a campaign needs, or what a machine has."""

    seconds: float
    memory_bytes: float
    disk_bytes: float


def needed(plan: Plan, workers: int) -> Resources:
    """Estimate what a plan needs with so many workers on this machine."""
    cells = plan.cells
    runs = len(cells) * plan.minimum
    catalogs = len({id(entry.context.catalog) for entry in plan.matrix})
    largest = max(map(_run_bytes, cells))
    memory = _PROCESS + len(plan.matrix) * _CELL + runs * _RUN
    memory += plan.minimum * catalogs * _DRAW + min(workers, runs) * largest
    stored = sum(_STORED_RUN if cell.scenario is None else _STORED_SCENARIO for cell in cells)
    return Resources(
        seconds=sum(map(expected_seconds, cells)) * plan.minimum / workers,
        memory_bytes=memory,
        disk_bytes=stored * plan.minimum,
    )


def available(directory: Path) -> Resources:
    """Return what this machine has free now, for results in a directory."""
    place = directory.absolute()
    while not place.is_dir() and place != place.parent:
        place = place.parent
    try:
        free = float(shutil.disk_usage(place).free)
    except OSError:
        free = float("inf")
    return Resources(LONGEST_SECONDS, min(_memory_limits()), free)


def excess(needs: Resources, has: Resources) -> list[str]:
    """List what a campaign needs more of than this machine has."""
    found = []
    if needs.seconds > has.seconds:
        found.append(
            f"is expected to take about {needs.seconds / 86400:,.0f} days, more than "
            f"{has.seconds / 86400:,.0f}"
        )
    for what, need, there in (
        ("memory", needs.memory_bytes, has.memory_bytes),
        ("disk space", needs.disk_bytes, has.disk_bytes),
    ):
        if need > there:
            found.append(
                f"needs about {size(need)} of {what}, more than the {size(there)} that are free"
            )
    return found


def size(number: float) -> str:
    """Write a number of bytes in MiB or GiB."""
    return f"{number / 2**30:,.1f} GiB" if number >= 2**30 else f"{number / 2**20:,.0f} MiB"


def _memory_limits() -> Iterator[float]:
    """Yield what is free of the machine's memory, and of that of this process's group."""
    yield float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(line for line in [*lines, "none 0"] if line.startswith("MemAvailable"))
        yield float(free.split()[1]) * 1024
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max", or no such group
            yield float((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii"))


def _run_bytes(cell: Cell) -> float:
    """Estimate the memory of a process that simulates a cell."""
    partitions = sum(len(system.partitions) for system in systems_of(cell))
    seconds = simulated_seconds(cell)
    groups = list(groups_of(cell))
    users = sum(_users(partition, group, seconds) for partition, group in groups)
    total = _PROCESS + users * _USER + partitions * _PARTITION
    if cell.scenario is not None:
        requests = sum(expected_requests(partition, group) for partition, group in groups)
        total += sample_count(cell) * partitions * _METRICS * _SAMPLE
        total += requests * seconds * _REQUEST
    return total


def _users(partition: PartitionConfiguration, group: UserGroup, seconds: float) -> float:
    """Estimate how many users, or arrivals that have not been served, there are at most."""
    if group.arrivals_per_second is None:
        return group.users or 0
    processor = float(group.demand.get("processor", 0.0))
    served = partition.virtual_processors / processor if processor else _WAITING_REQUESTS
    return max(0.0, group.arrivals_per_second - served) * seconds
