"""Spare capacity of a shared pool, which goes to those who want it in proportion to their weights.

Each partition has a *pass*: the spare time that it has had, divided by its weight. The one with the
lowest comes next (stride scheduling).
"""

from math import lcm
from typing import Final

from mypy_extensions import i64

from harness.engine.linked_list import LinkedList
from harness.model.cpu.entities import Partition, VirtualProcessor

_PASS_SCALE: Final = lcm(*range(1, 256))
"""Divides by every weight, so that shares are exact however often time is counted. It has more than
64 bits: what is counted by it is no native integer."""
_PASS_PER_NS: Final = [0, *(_PASS_SCALE // weight for weight in range(1, 256))]
"""By weight: what a nanosecond of spare capacity counts."""


class SpareCapacity:
    """The competition for what is left when all have had their entitlement.

    Parameters
    ----------
    window_ns
        The dispatch window.

    Attributes
    ----------
    competing
        Partitions with virtual processors that are ready for spare capacity: those in the
        partition's ``spare_queue``.
    """

    def __init__(self, window_ns: i64) -> None:
        self.window_ns: i64 = window_ns
        self.competing: list[Partition] = []
        self._pass_floor = 0

    def charge(self, partition: Partition, ns: i64) -> None:
        """Count spare time that a partition has had."""
        spare_ns: int = ns
        partition.spare_pass += spare_ns * _PASS_PER_NS[partition.weight]

    def compete(self, partition: Partition) -> None:
        """Let a partition compete that has not done so until now."""
        self.competing.append(partition)
        # It keeps what it is owed for coming late (its entitlement ended later than the others' in
        # this window), but one that slept may not save up more than one window.
        owed = int(self.window_ns) * _PASS_PER_NS[partition.weight]
        partition.spare_pass = max(partition.spare_pass, self._pass_floor - owed)

    def best(self) -> Partition | None:
        """Return the partition that has had least spare capacity for its weight."""
        best: Partition | None = None
        for partition in self.competing:
            if best is None or partition.spare_pass < best.spare_pass:
                best = partition
        return best

    def popleft(self) -> VirtualProcessor:
        """Take the first virtual processor of the partition that comes next."""
        best = self.best()
        assert best is not None
        self._pass_floor = best.spare_pass
        vp = best.spare_queue.popleft()
        if best.spare_queue.first is None:
            self.competing.remove(best)
        return vp

    def remove(self, vp: VirtualProcessor) -> None:
        """Take out a virtual processor that no longer competes."""
        partition = vp.partition
        partition.spare_queue.remove(vp)
        if partition.spare_queue.first is None:
            self.competing.remove(partition)

    def move(self, into: LinkedList[VirtualProcessor]) -> None:
        """Move all that compete into a queue, partition by partition."""
        for partition in self.competing:
            into.extend(partition.spare_queue)
        self.competing.clear()
