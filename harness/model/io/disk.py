"""A disk subsystem: spindles behind one link."""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from harness.engine.clock import Clock
from harness.engine.event import NO_EVENT, Event, as_event
from harness.engine.splitmix import scatter
from harness.engine.vecs import append, vec
from harness.model.io.channels import HostAdapter

NEXT_IN_SEQUENCE: Final = -1
"""In place of an offset: the block after the last one."""


class DiskAccess(Event):
    """One operation of a disk, from its being submitted to its end; used again afterwards."""

    def __init__(self, disk: "Disk") -> None:
        super().__init__()
        self.disk = disk
        self.size_bytes: i64 = 0
        self.offset_bytes: i64 = 0
        self.write = False
        self.response_ns: i64 = 0
        self.link_ns: i64 = 0
        self.carried = False
        self.done: Event = NO_EVENT

    def fire(self) -> None:
        """Be done with the disk, then with the adapter and the bus if they let it wait."""
        disk = self.disk
        adapter = disk.adapter
        if adapter is not None and not self.carried:
            self.carried = True
            now = disk.clock.now
            wait_ns = adapter.carry(now - self.link_ns, self.link_ns, self.size_bytes) - now
            if wait_ns > 0:
                disk.adapter_wait_ns += wait_ns
                disk.clock.schedule(wait_ns, self)
                return
        disk.operations += 1
        disk.bytes += self.size_bytes
        disk.response_ns += self.response_ns
        done = self.done
        self.done = NO_EVENT
        disk.finished.append(self)
        done.fire()


class Disk:
    """Spindles that position and read in parallel, and a link that carries one block at a time.

    Where a block lies decides its spindle, its seek and how far the platter has to turn: the same
    operation costs the same positioning whatever machine asks for it.

    Parameters
    ----------
    positioning_ns
        Mean seek time of a random access.
    rotation_ns
        One turn of the platter.
    block_ns
        Time of the whole device for the next block in sequence, by size in bytes.
    link_ns_per_byte
        The link's share of that time.
    adapter
        The host adapter that it shares with other disks; None if it has one of its own.
    cache_ns
        What a random write takes that the controller's cache absorbs; None without such a cache.

    Attributes
    ----------
    operations, bytes, busy_ns, response_ns
        Completed operations, bytes moved, time of the spindles in use (all summed), and time that
        operations took from being submitted to being completed (all summed).
    adapter_wait_ns
        Time that blocks waited for the host adapter and the bus afterwards (summed).
    broken
        Whether nothing gets through to it: operations wait for :meth:`repair`.
    """

    def __init__(
        self,
        clock: Clock,
        name: str,
        *,
        spindles: int,
        positioning_ns: int,
        rotation_ns: int,
        block_ns: Callable[[int], int],
        link_ns_per_byte: float,
        cache_ns: int | None = None,
        stripe_bytes: int = 65536,
        adapter: HostAdapter | None = None,
    ) -> None:
        self.clock = clock
        self.adapter = adapter
        self.name = name
        self.positioning_ns: i64 = positioning_ns
        self.rotation_ns: i64 = rotation_ns
        self.block_ns = block_ns
        self.link_ns_per_byte = link_ns_per_byte
        self.cache_ns: i64 = -1 if cache_ns is None else cache_ns
        self.stripe_bytes: i64 = stripe_bytes
        self._free_ns = vec[i64]([0] * spindles)
        self._high_bit: i64 = (1 << 32) % spindles
        # The gaps that blocks have been given on the link, in order.
        self._link_begins = vec[i64]()
        self._link_ends = vec[i64]()
        self._link_count: i64 = 0
        # Of blocks of one size.
        self._size_bytes: i64 = -1
        self._media_ns: i64 = 0
        self._link_ns: i64 = 0
        self.operations: i64 = 0
        self.bytes: i64 = 0
        self.busy_ns: i64 = 0
        self.response_ns: i64 = 0
        self.adapter_wait_ns: i64 = 0
        self.broken = False
        self.finished: list[DiskAccess] = []
        """To be used again."""
        self._held: list[DiskAccess] = []

    def repair(self) -> None:
        """Work again, first at what has waited."""
        self.broken = False
        held, self._held = self._held, []
        for access in held:
            self._begin(access)

    def submit(
        self, size_bytes: i64, offset_bytes: i64, write: bool, done: Event | Callable[[], object]
    ) -> None:
        """Read or write a block, at an offset or ``NEXT_IN_SEQUENCE``."""
        access = self.finished.pop() if self.finished else DiskAccess(self)
        access.size_bytes = size_bytes
        access.offset_bytes = offset_bytes
        access.write = write
        access.done = as_event(done)
        access.carried = False
        if self.broken:
            self._held.append(access)
        else:
            self._begin(access)

    def _begin(self, access: DiskAccess) -> None:
        """Give an operation its spindle and its gap on the link."""
        now = self.clock.now
        if access.size_bytes != self._size_bytes:
            self._set_size(access.size_bytes)
        media_ns = self._media_ns
        free = self._free_ns
        spindle: i64 = 0
        if access.offset_bytes == NEXT_IN_SEQUENCE:
            # The array's read-ahead keeps a sequential stream ready on whichever spindle is idle.
            other: i64 = 1
            while other < len(free):
                if free[other] < free[spindle]:
                    spindle = other
                other += 1
        else:
            bits = scatter(access.offset_bytes // self.stripe_bytes)
            high = (bits >> 32) & 0xFFFFFFFF
            low = bits & 0xFFFFFFFF
            spindle = (high % len(free) * self._high_bit + low) % len(free)
            if access.write and self.cache_ns >= 0:
                media_ns = self.cache_ns
            else:
                # Seeks spread evenly between half and one and a half times the mean.
                media_ns += self.positioning_ns // 2 + self.positioning_ns * (high >> 16) // 65536
                media_ns += self.rotation_ns * (high & 0xFFFF) // 65536
        end = max(free[spindle], now) + media_ns
        free[spindle] = end
        self.busy_ns += media_ns
        access.link_ns = self._link_ns
        access.response_ns = self._reserve_link(end, now) - now
        self.clock.schedule(access.response_ns, access)

    def _set_size(self, size_bytes: i64) -> None:
        """Find out how long blocks of a size take."""
        size: int = size_bytes
        link_ns = round(size * self.link_ns_per_byte)
        self._size_bytes = size_bytes
        self._link_ns = link_ns
        self._media_ns = max(0, self.block_ns(size) - link_ns)

    def _reserve_link(self, ready_ns: i64, now: i64) -> i64:
        """Take the link's first gap that is long enough, and return when the block is across.

        A block keeps the gap that it was given when its operation began.
        """
        if self._link_count and self._link_ends[0] <= now:
            self._forget_gaps_before(now)
        begins, ends, count = self._link_begins, self._link_ends, self._link_count
        link_ns = self._link_ns
        place = count
        if count and ends[count - 1] > ready_ns:
            gap: i64 = 0
            while gap < count:
                if ready_ns + link_ns <= begins[gap]:
                    place = gap
                    break
                ready_ns = max(ready_ns, ends[gap])
                gap += 1
        if count == len(begins):
            self._link_begins = begins = append(begins, 0)
            self._link_ends = ends = append(ends, 0)
        self._link_count = count + 1
        at = count
        while at > place:
            begins[at] = begins[at - 1]
            ends[at] = ends[at - 1]
            at -= 1
        begins[place] = ready_ns
        ends[place] = ready_ns + link_ns
        return ready_ns + link_ns

    def _forget_gaps_before(self, now: i64) -> None:
        """Forget the gaps that have been used."""
        begins, ends, count = self._link_begins, self._link_ends, self._link_count
        used: i64 = 0
        while used < count and ends[used] <= now:
            used += 1
        at: i64 = 0
        while at < count - used:
            begins[at] = begins[at + used]
            ends[at] = ends[at + used]
            at += 1
        self._link_count = count - used
