"""Host adapters of disks and I/O buses: what the transfers of several devices have in common."""

from mypy_extensions import i64

from harness.engine.rounding import nearest


class Bus:
    """An I/O bus, over which adapters reach memory one after the other.

    Adapters have buffers, so that a transfer that finds the bus free takes as long as without it.

    Attributes
    ----------
    bytes, busy_ns
        Bytes carried, and time in use.
    """

    def __init__(self, bytes_per_second: float) -> None:
        self.ns_per_byte = 1e9 / bytes_per_second
        self.bytes: i64 = 0
        self.busy_ns: i64 = 0
        self._free_ns: i64 = 0

    def carry(self, begin_ns: i64, size_bytes: i64) -> i64:
        """Carry bytes from a time on; return when they are there."""
        ns = nearest(float(size_bytes) * self.ns_per_byte)
        self.bytes += size_bytes
        self.busy_ns += ns
        self._free_ns = max(begin_ns, self._free_ns) + ns
        return self._free_ns


class HostAdapter:
    """An adapter over which several disks are reached; it carries one block at a time.

    Attributes
    ----------
    busy_ns
        Time in use.
    """

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.busy_ns: i64 = 0
        self._free_ns: i64 = 0

    def carry(self, begin_ns: i64, link_ns: i64, size_bytes: i64) -> i64:
        """Carry a block that is on its disk's link from a time on, for so long.

        Returns
        -------
        When it is in memory: after what the adapter and the bus carry before.
        """
        self.busy_ns += link_ns
        self._free_ns = max(begin_ns, self._free_ns) + link_ns
        return max(self._free_ns, self.bus.carry(begin_ns, size_bytes))
