"""The events whose cost is measured, most of them after lmbench.

Source of the list: L. McVoy and C. Staelin, "lmbench: portable tools for performance analysis",
USENIX 1996.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Microbenchmark:
    """Something that an agent does any number of times."""

    name: str
    """As in a catalog file."""
    request: str
    """As the agent knows it."""
    size: int
    """Bytes, or 0 where it has none."""
    meaning: str


NETWORK = "network"
"""A request that is made over the target's network, not over the channel to its agent."""

_KINDS = (
    Microbenchmark(
        "compute", "compute", 0, "1000 rounds of a xorshift generator: integer operations only."
    ),
    Microbenchmark(
        "branches", "branches", 0, "1000 calls of 1024 functions that nobody can foresee."
    ),
    Microbenchmark(
        "sprawls", "sprawls", 0, "The same with functions that lie more than 4 KiB apart."
    ),
    Microbenchmark(
        "streams", "streams", 0, "4096 numbers of 64 bits read twice and written, 8 MiB in all."
    ),
    Microbenchmark(
        "chases", "chases", 0, "1000 reads of 4 MiB, each at a place that the last one told."
    ),
    Microbenchmark(
        "strings", "strings", 0, "The C library's copy, length, search, comparison, to 512 B."
    ),
    Microbenchmark(
        "floats", "floats", 0, "1000 floating-point operations, half of them in a chain."
    ),
    Microbenchmark("fresh_code", "fresh_code", 0, "4 KiB of new code written and executed once."),
)
"""Kinds of computing."""

_CALLS = (
    Microbenchmark("calls", "calls", 0, "One null system call (getppid)."),
    Microbenchmark("io_calls", "io_calls", 0, "One read of a byte from /dev/zero."),
    Microbenchmark("stats", "stats", 0, "One stat of a file on a tmpfs."),
    Microbenchmark("opens", "opens", 0, "One open and close of a file on a tmpfs."),
    Microbenchmark("selects", "selects", 0, "One poll of ten descriptors, none of them ready."),
    Microbenchmark("signal_installs", "signal_installs", 0, "One signal handler set."),
    Microbenchmark("signals", "signals", 0, "One signal to itself, handled."),
    Microbenchmark(
        "protection_faults", "protection_faults", 0, "One write to a page that refuses it."
    ),
    Microbenchmark(
        "faults", "faults", 0, "First touch of an anonymous page, a 256th of its mmap included."
    ),
    Microbenchmark(
        "mappings", "mappings", 65536, "64 KiB of anonymous memory mapped and unmapped."
    ),
)

_RINGS = tuple(
    Microbenchmark(
        f"ring_{processes}p_{kib}k",
        f"rings_{processes}",
        kib << 10,
        f"One pass of a token around {processes} processes, {kib} KiB read before each.",
    )
    for processes in (2, 8, 16)
    for kib in (0, 16, 64)
)

_PROCESSES = (
    Microbenchmark(
        "switches", "switches", 0, "A byte to another process and back through two pipes."
    ),
    *(
        Microbenchmark(
            f"tokens_{k}k", "tokens", k << 10, f"A token to itself and {k} KiB read: no switch."
        )
        for k in (0, 16, 64)
    ),
    *_RINGS,
    Microbenchmark("forks", "forks", 0, "One process forked, ended and waited for."),
    Microbenchmark(
        "vforks", "vforks", 0, "One process in its parent's memory, ended and waited for."
    ),
    Microbenchmark(
        "execs", "execs", 0, "One process forked, a static program executed, waited for."
    ),
    Microbenchmark(
        "shells", "shells", 0, "One process forked, a shell executed that ends, waited for."
    ),
)

_FILES = (
    Microbenchmark("files", "files", 0, "An empty file created, closed and deleted on a tmpfs."),
    Microbenchmark(
        "cached_reads_4k", "cached_reads", 4096, "4 KiB read of the disk from the page cache."
    ),
    Microbenchmark("cached_reads_64k", "cached_reads", 65536, "64 KiB read from the page cache."),
    Microbenchmark(
        "cached_reads_512k", "cached_reads", 524288, "512 KiB read from the page cache."
    ),
    Microbenchmark(
        "direct_reads_4k", "direct_reads", 4096, "4 KiB read of the disk past the page cache."
    ),
    Microbenchmark("direct_reads_64k", "direct_reads", 65536, "64 KiB read past the page cache."),
    Microbenchmark(
        "direct_writes_4k", "direct_writes", 4096, "4 KiB written past the page cache, no sync."
    ),
    Microbenchmark(
        "direct_writes_64k", "direct_writes", 65536, "64 KiB written past the page cache."
    ),
    Microbenchmark(
        "synced_writes_4k", "synced_writes", 4096, "4 KiB written, and waited for the device."
    ),
)

_NETWORK = (
    Microbenchmark(
        "exchanges_64b", "exchanges", 64, "64 bytes there and back over TCP on the loopback."
    ),
    Microbenchmark("exchanges_1400b", "exchanges", 1400, "1400 bytes there and back, likewise."),
    Microbenchmark(
        "network_64b", NETWORK, 64, "64 bytes from the machine to the target by TCP, and back."
    ),
    Microbenchmark("network_16k", NETWORK, 16384, "16 KiB to the target and back, likewise."),
    Microbenchmark("exchanges_16k", "exchanges", 16384, "16 KiB there and back, likewise."),
)

EVENTS = (*_KINDS, *_CALLS, *_PROCESSES, *_FILES, *_NETWORK)
"""In the order in which they are told of."""
