"""A partition's verbs: all that a workload knows of what it drives.

A modelled partition and a real machine both offer them, so that the same Locust user can put the
same work on either. Every verb blocks the calling user until the work is done.

Numbers are finite and not below 0; numpy's, fractions and decimals are accepted, sizes and places
are whole. Any other argument is an error of the user's code, and ends the run.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

EVENTS = (
    "calls",
    "io_calls",
    "stats",
    "opens",
    "selects",
    "signal_installs",
    "signals",
    "forks",
    "execs",
    "context_switches",
    "file_creates",
    "file_deletes",
    "file_pages",
    "flushes",
    "mmaps",
    "protection_faults",
    "page_faults",
)
"""Operating-system events that a transaction may ask for, after lmbench's list.

A flush writes a page to the partition's first disk and waits for it. The catalog may have further
events: those of ``events.native``."""


class Partition(Protocol):
    """Where work is put."""

    name: str

    def now(self) -> float:
        """Time of the partition's clock in seconds; only differences mean anything."""

    def wait(self, seconds: float) -> None:
        """Let time pass without using the partition (think time)."""

    def parallel(self, *calls: Callable[[], object]) -> None:
        """Do several things at once, and return when all are done.

        A real target does them one after the other.

        Parameters
        ----------
        calls
            What to do, each a function without arguments that calls verbs:
            ``parallel(lambda: partition.read(8192), lambda: partition.compute(0.001))``.

        Raises
        ------
        Exception
            What the first of the calls that failed has raised, when all have ended.
        """

    def compute(self, processor_seconds: float, events: Mapping[str, float] | None = None) -> None:
        """Use the processor in user mode, with so many operating-system events on the way.

        Parameters
        ----------
        processor_seconds
            Processor time in user mode on the reference processor (POWER5 at 1.65 GHz).
        events
            Mean number of each event of :data:`EVENTS`, or of others that the catalog has; the
            events' own cost comes on top.
        """

    def read(self, size_bytes: int, offset_bytes: int | None = None) -> None:
        """Read a block of the disk, past any cache; without an offset the next one in sequence."""

    def write(self, size_bytes: int, offset_bytes: int | None = None) -> None:
        """Write a block to the disk, past any cache; without an offset the next one in sequence."""

    def send(self, size_bytes: int, to: str) -> None:
        """Stream bytes to a peer and return when the last one has arrived.

        ``to`` is the name of another partition, ``next`` for the partition after this one, or
        ``outside`` for a host beyond the adapter.
        """

    def receive(self, size_bytes: int, source: str) -> None:
        """Have a peer stream bytes to this partition and return when the last one is here."""

    def exchange(self, request_bytes: int, response_bytes: int, to: str) -> None:
        """Send a request to a peer and wait for its response."""

    def serve(
        self,
        request_bytes: int,
        response_bytes: int,
        processor_seconds: float = 0.0,
        events: Mapping[str, float] | None = None,
    ) -> None:
        """Answer a request of a client outside, and return when the client has the response.

        The request comes over the wire; the partition computes, with events on the way, as
        :meth:`compute` does, and sends the response. The user stands for the client.
        """


class ProgramPartition(Partition, Protocol):
    """A partition that can run programs: a real one."""

    def run(self, program: str) -> None:
        """Run a program from its start to its end.

        Parameters
        ----------
        program
            The name of one that the partition has.
        """
