"""The events whose cost is measured, most of them after lmbench.

Source of the list: L. McVoy and C. Staelin, "lmbench: portable tools for performance analysis",
USENIX 1996.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that an agent does any number of times."""

    name: str
    """As in a catalog file."""
    request: str
    """As the agent knows it."""
    size: int
    """Bytes, or 0 where it has none."""
    meaning: str


EVENTS = (
    Event("compute", "compute", 0, "1000 rounds of a xorshift generator: integer operations only."),
    Event("calls", "calls", 0, "One null system call (getppid)."),
    Event("io_calls", "io_calls", 0, "One read of a byte from /dev/zero."),
    Event("switches", "switches", 0, "A byte to another process and back through two pipes."),
    Event("forks", "forks", 0, "One process forked, ended and waited for."),
    Event("execs", "execs", 0, "One process forked, a static program executed, waited for."),
    Event("faults", "faults", 0, "First touch of an anonymous page, a 256th of its mmap included."),
    Event("mappings", "mappings", 65536, "64 KiB of anonymous memory mapped and unmapped."),
    Event("files", "files", 0, "An empty file created, closed and deleted on a tmpfs."),
    Event("cached_reads_4k", "cached_reads", 4096, "4 KiB read of the disk from the page cache."),
    Event("cached_reads_64k", "cached_reads", 65536, "64 KiB read from the page cache."),
    Event("direct_reads_4k", "direct_reads", 4096, "4 KiB read of the disk past the page cache."),
    Event("direct_reads_64k", "direct_reads", 65536, "64 KiB read past the page cache."),
    Event("direct_writes_4k", "direct_writes", 4096, "4 KiB written past the page cache, no sync."),
    Event("direct_writes_64k", "direct_writes", 65536, "64 KiB written past the page cache."),
    Event("exchanges_64b", "exchanges", 64, "64 bytes there and back over TCP on the loopback."),
    Event("exchanges_1400b", "exchanges", 1400, "1400 bytes there and back, likewise."),
)
"""In the order in which they are told of."""
