"""How often messages and pieces of streams passed somewhere."""

from dataclasses import dataclass

OUT, IN = "out", "in"
"""Directions, seen from the partition."""

LOOPBACK, VIRTUAL, ADAPTER = "loopback", "virtual", "adapter"
"""Ways: within one operating system, over the hypervisor's switch, over an adapter of its own (for
a guest, the emulated one)."""

SIMPLEX, DUPLEX, MESSAGE = "simplex", "duplex", "message"
"""Traffic that a VIOS bridges: streams in one direction or in both at once; requests and
responses."""


@dataclass(slots=True)
class Tally:
    """A count that several may add to."""

    count: int = 0
