"""A disk subsystem: spindles behind one link."""

from collections.abc import Callable
from functools import partial

from harness.engine.clock import Clock

_MIX = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def scatter(number: int) -> int:
    """Map a number to 64 evenly scattered bits (the finalizer of SplitMix64)."""
    z = (number + _MIX) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


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
    cache_ns
        What a random write takes that the controller's cache absorbs; None without such a cache.

    Attributes
    ----------
    operations, bytes, busy_ns, response_ns
        Completed operations, bytes moved, time of the spindles in use (all summed), and time that
        operations took from being submitted to being completed (all summed).
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
    ) -> None:
        self.clock = clock
        self.name = name
        self.positioning_ns = positioning_ns
        self.rotation_ns = rotation_ns
        self.block_ns = block_ns
        self.link_ns_per_byte = link_ns_per_byte
        self.cache_ns = cache_ns
        self.stripe_bytes = stripe_bytes
        self._free_ns = [0] * spindles
        self._link_taken: list[tuple[int, int]] = []
        self._times: dict[int, tuple[int, int]] = {}
        self.operations = 0
        self.bytes = 0
        self.busy_ns = 0
        self.response_ns = 0
        self.broken = False
        self._held: list[tuple[int, int | None, bool, Callable[[], object]]] = []

    def repair(self) -> None:
        """Work again, first at what has waited."""
        self.broken = False
        held, self._held = self._held, []
        for operation in held:
            self.submit(*operation)

    def _media_and_link(self, size_bytes: int) -> tuple[int, int]:
        times = self._times.get(size_bytes)
        if times is None:
            link_ns = round(size_bytes * self.link_ns_per_byte)
            times = max(0, self.block_ns(size_bytes) - link_ns), link_ns
            self._times[size_bytes] = times
        return times

    def submit(
        self,
        size_bytes: int,
        offset_bytes: int | None,
        write: bool,
        done: Callable[[], object],
    ) -> None:
        """Read or write a block; without an offset it is the next one in sequence."""
        if self.broken:
            self._held.append((size_bytes, offset_bytes, write, done))
            return
        now = self.clock.now_ns
        media_ns, link_ns = self._media_and_link(size_bytes)
        free = self._free_ns
        if offset_bytes is None:
            # The array's read-ahead keeps a sequential stream ready on whichever spindle is idle.
            spindle = free.index(min(free))
        else:
            bits = scatter(offset_bytes // self.stripe_bytes)
            spindle = bits % len(free)
            if write and self.cache_ns is not None:
                media_ns = self.cache_ns
            else:
                # Seeks spread evenly between half and one and a half times the mean.
                media_ns += self.positioning_ns // 2 + self.positioning_ns * (bits >> 48) // 65536
                media_ns += self.rotation_ns * (bits >> 32 & 0xFFFF) // 65536
        start = free[spindle]
        if start < now:
            start = now
        free[spindle] = end = start + media_ns
        self.busy_ns += media_ns
        link_end = self._reserve_link(end, link_ns, now)
        response_ns = link_end - now
        finished = partial(self._finished, size_bytes, response_ns, done)
        self.clock.call_in(response_ns, finished)

    def _finished(self, size_bytes: int, response_ns: int, done: Callable[[], object]) -> None:
        self.operations += 1
        self.bytes += size_bytes
        self.response_ns += response_ns
        done()

    def _reserve_link(self, ready_ns: int, link_ns: int, now: int) -> int:
        """Take the link's first gap that is long enough, and return when the block is across.

        A block keeps the gap that it was given when its operation began.
        """
        taken = self._link_taken
        while taken and taken[0][1] <= now:
            del taken[0]
        index = len(taken)
        if index and taken[-1][1] > ready_ns:
            start = ready_ns
            for place, (begin, end) in enumerate(taken):
                if start + link_ns <= begin:
                    index = place
                    break
                start = max(start, end)
            ready_ns = start
        taken.insert(index, (ready_ns, ready_ns + link_ns))
        return ready_ns + link_ns
