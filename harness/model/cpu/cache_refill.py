"""The cache lines that a virtual processor fetches again after a dispatch, and their cost."""

import math
from dataclasses import dataclass
from typing import Final

from mypy_extensions import i64

from harness.engine.rounding import nearest
from harness.model.cpu.burst import Burst
from harness.model.cpu.entities import CacheUse, Chip, Partition, VirtualProcessor
from harness.model.ledger import Cause

_REFILL: Final = int(Cause.REFILL)


@dataclass(frozen=True, slots=True)
class CacheCosts:
    """The caches of a chip, and what it costs to fetch a line again.

    Attributes
    ----------
    lines, l3_lines
        What the second level holds, and the third, which takes what the second one drives out.
    l3_ns_per_line, memory_ns_per_line
        The time to fetch a line of the third level's or of memory, that of its share of a TLB entry
        included.
    touch_ns_per_line
        The time in which code can use another line at most: so short work needs few lines, and
        drives out few. It does not depend on where they are fetched from.
    """

    lines: int = 0
    l3_lines: int = 0
    l3_ns_per_line: float = 0.0
    memory_ns_per_line: float = 0.0
    touch_ns_per_line: float = 0.0


class CacheRefill:
    """The refilling of caches after dispatches, in a set of processors with equal chips."""

    def __init__(self, costs: CacheCosts) -> None:
        self.cache_lines: i64 = costs.lines
        self.l3_lines: i64 = costs.l3_lines
        self.l3_ns_per_line = costs.l3_ns_per_line
        self.memory_ns_per_line = costs.memory_ns_per_line
        self.touch_ns_per_line = costs.touch_ns_per_line

    def working_set_ns(self, partition: Partition) -> int:
        """Return the time in which a partition's work can use its whole working set."""
        return math.ceil(int(partition.working_set_lines) * self.touch_ns_per_line)

    def enter(self, vp: VirtualProcessor, chip: Chip, burst: Burst) -> i64:
        """Begin a turn on a chip; return how long refilling the cache takes."""
        use = vp.cache_use
        if use.chip is not chip:
            vp.cache_use = use = vp.cache_use_of(chip)
        refill_ns: i64 = 0
        if not use.listed or chip.lines > self.cache_lines:
            refill_ns = self._refill(use, chip, burst)
        if use.listed:
            chip.lru.remove(use)
            use.listed = False
        return refill_ns

    def leave(self, use: CacheUse, turn_ns: i64) -> None:
        """End the turn of a virtual processor on a chip."""
        use.turn_ns = turn_ns
        use.turn_lines = -1
        use.listed = True
        use.chip.lru.append(use)

    def _refill(self, use: CacheUse, chip: Chip, burst: Burst) -> i64:
        """Charge the cache lines that a virtual processor finds driven out of its chip's cache.

        Under least-recently-used replacement it loses what others have used since it left, together
        with its own lines, exceed the cache by. The third level takes what the second one drives
        out, and loses by the same rule what exceeds both. On a chip that is new to it, it finds
        nothing. Work needs no more lines than it can use in its time.
        """
        partition = use.vp.partition
        lines = self._lines_used(partition, burst.ns)
        from_memory = lines
        if use.listed:
            beyond = self._others_since(use, chip) + lines - self.cache_lines
            if beyond < lines:
                lines = max(beyond, 0)
            from_memory = beyond - self.l3_lines
            if from_memory < 0:
                from_memory = 0
            elif from_memory > lines:
                from_memory = lines
        else:
            chip.lines += partition.working_set_lines
        partition.refilled_lines += lines
        partition.memory_lines += from_memory
        l3_ns = float(lines - from_memory) * self.l3_ns_per_line
        ns = nearest(l3_ns + float(from_memory) * self.memory_ns_per_line)
        burst.account.ns[_REFILL] += ns
        return ns

    def _others_since(self, use: CacheUse, chip: Chip) -> i64:
        """Count the lines that others have used on a chip since a virtual processor left it."""
        lines: i64 = 0
        for processor in chip.processors:
            running = processor.vp
            if running is not None and running is not use.vp:
                lines += running.partition.working_set_lines
        other = chip.lru.last
        while other is not None and other is not use:
            if other.turn_lines < 0:
                other.turn_lines = self._lines_used(other.vp.partition, other.turn_ns)
            lines += other.turn_lines
            other = chip.lru.before(other)
        return lines

    def _lines_used(self, partition: Partition, ns: i64) -> i64:
        """Count the cache lines of a partition's work that a stretch of it can use."""
        if ns < partition.working_set_ns:
            return int(float(ns) / self.touch_ns_per_line)
        return partition.working_set_lines
