"""How often messages and pieces of streams passed somewhere."""

from mypy_extensions import i64

OUT, IN = "out", "in"
"""Directions, seen from the partition."""

LOOPBACK, VIRTUAL, ADAPTER = "loopback", "virtual", "adapter"
"""Ways: within one operating system, over the hypervisor's switch, over an adapter of its own (for
a guest, the emulated one)."""

SIMPLEX, DUPLEX, MESSAGE = "simplex", "duplex", "message"
"""Traffic that a VIOS bridges: streams in one direction or in both at once; requests and
responses."""


class Tally:
    """A count that several may add to."""

    def __init__(self) -> None:
        self.count: i64 = 0
