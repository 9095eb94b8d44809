"""Which cores share a chip, and how far apart two partitions run when data passes."""

from typing import Final

from mypy_extensions import i64

from harness.model.cpu.contention import Contention
from harness.model.cpu.entities import Chip, Partition, Processor

SAME_CORE: Final = 0
"""Data is in the caches of the core that wants it."""
SAME_CHIP: Final = 1
"""Data is in the second-level cache that both cores share."""
OTHER_CHIP: Final = 2
"""Data is in the caches of another chip."""


def build_processors(
    cores: int, cores_per_chip: int, contention: Contention | None = None
) -> list[Processor]:
    """Make ``cores`` processors of one machine, ``cores_per_chip`` to a chip."""
    processors: list[Processor] = []
    if contention is None:
        contention = Contention()
    chip = Chip(contention)
    for index in range(cores):
        if index % cores_per_chip == 0:
            chip = Chip(contention)
        processors.append(Processor(index, chip))
    return processors


def distance(source: Partition, target: Partition) -> i64:
    """Return how far data is from the core of the partition that wants it.

    Parameters
    ----------
    source
        The partition that has just used the data.
    target
        The partition that is about to use it: on the core where it is, or will be put first.

    Returns
    -------
    One of the distances above; ``SAME_CORE`` where one of them has not run yet.
    """
    here, there = _core(source), _core(target)
    if here is None or there is None or here is there:
        return SAME_CORE
    if here.chip is there.chip:
        return SAME_CHIP
    return OTHER_CHIP


def count_lines(partition: Partition, far: i64, lines: i64) -> None:
    """Count cache lines that a partition fetches from some distance."""
    if far == SAME_CHIP:
        partition.chip_lines += lines
    elif far == OTHER_CHIP:
        partition.remote_lines += lines


def _core(partition: Partition) -> Processor | None:
    """Find the core where a partition works, or worked last."""
    vp = partition.finishing
    if vp is None:
        if partition.idle:
            vp = partition.idle[-1]
        elif partition.vps:
            vp = partition.vps[0]
        else:
            return None
    if vp.processor is not None:
        return vp.processor
    return vp.last_processor
