"""Events whose cost is measured, most of them after lmbench.

Source of the list: L. McVoy and C. Staelin, "lmbench: portable tools for performance analysis",
USENIX 1996.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Microbenchmark:
    """Event that an agent repeats any number of times."""

    name: str
    """Name in a catalog file."""
    request: str
    """Name in requests to the agent."""
    size: int = 0
    """Bytes; 0 if it has none."""
    meaning: str = ""


NETWORK = "network"
"""Request made over the target's network instead of the channel to its agent."""

_COMPUTING = (
    ("compute", "compute", 0, "1000 rounds of a xorshift generator: integer operations only."),
    ("branches", "branches", 0, "1000 calls of 1024 functions in an unpredictable order."),
    ("sprawls", "sprawls", 0, "The same with functions that lie more than 4 KiB apart."),
    ("streams", "streams", 0, "4096 numbers of 64 bits read twice and written, 8 MiB in all."),
    ("chases", "chases", 0, "1000 reads of 4 MiB, each at an address that the last one read."),
    ("strings", "strings", 0, "The C library's copy, length, search, comparison, to 512 B."),
    ("floats", "floats", 0, "1000 floating-point operations, half of them in a chain."),
    ("fresh_code", "fresh_code", 0, "4 KiB of new code written and executed once."),
)

_CALLS = (
    ("calls", "calls", 0, "One null system call (getppid)."),
    ("io_calls", "io_calls", 0, "One read of a byte from /dev/zero."),
    ("stats", "stats", 0, "One stat of a file on a tmpfs."),
    ("opens", "opens", 0, "One open and close of a file on a tmpfs."),
    ("selects", "selects", 0, "One poll of ten descriptors, none of them ready."),
    ("signal_installs", "signal_installs", 0, "One signal handler set."),
    ("signals", "signals", 0, "One signal to itself, handled."),
    ("protection_faults", "protection_faults", 0, "One write to a page that refuses it."),
    ("faults", "faults", 0, "First touch of an anonymous page, a 256th of its mmap included."),
    ("mappings", "mappings", 65536, "64 KiB of anonymous memory mapped and unmapped."),
)

_PROCESSES = (
    ("switches", "switches", 0, "A byte to another process and back through two pipes."),
    *(
        (f"tokens_{kib}k", "tokens", kib << 10, f"A token to itself and {kib} KiB read: no switch.")
        for kib in (0, 16, 64)
    ),
    *(
        (
            f"ring_{processes}p_{kib}k",
            f"rings_{processes}",
            kib << 10,
            f"One pass of a token around {processes} processes, {kib} KiB read before each.",
        )
        for processes in (2, 8, 16)
        for kib in (0, 16, 64)
    ),
    ("forks", "forks", 0, "One process forked, ended and waited for."),
    ("vforks", "vforks", 0, "One process in its parent's memory, ended and waited for."),
    ("execs", "execs", 0, "One process forked, a static program executed, waited for."),
    ("shells", "shells", 0, "One process forked, a shell executed that ends, waited for."),
)

_FILES = (
    ("files", "files", 0, "An empty file created, closed and deleted on a tmpfs."),
    ("cached_reads_4k", "cached_reads", 4096, "4 KiB read of the disk from the page cache."),
    ("cached_reads_64k", "cached_reads", 65536, "64 KiB read from the page cache."),
    ("cached_reads_512k", "cached_reads", 524288, "512 KiB read from the page cache."),
    ("direct_reads_4k", "direct_reads", 4096, "4 KiB read of the disk past the page cache."),
    ("direct_reads_64k", "direct_reads", 65536, "64 KiB read past the page cache."),
    ("direct_writes_4k", "direct_writes", 4096, "4 KiB written past the page cache, no sync."),
    ("direct_writes_64k", "direct_writes", 65536, "64 KiB written past the page cache."),
    ("synced_writes_4k", "synced_writes", 4096, "4 KiB written and synced to the device."),
)

_NETWORK = (
    ("exchanges_64b", "exchanges", 64, "64 bytes there and back over TCP on the loopback."),
    ("exchanges_1400b", "exchanges", 1400, "1400 bytes there and back over TCP on the loopback."),
    ("network_64b", NETWORK, 64, "64 bytes from the machine to the target by TCP, and back."),
    ("network_16k", NETWORK, 16384, "16 KiB from the machine to the target by TCP, and back."),
    ("exchanges_16k", "exchanges", 16384, "16 KiB there and back over TCP on the loopback."),
)

EVENTS = tuple(
    Microbenchmark(*row) for row in (*_COMPUTING, *_CALLS, *_PROCESSES, *_FILES, *_NETWORK)
)
"""All events, in the order of tables."""
