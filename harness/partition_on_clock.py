"""A modelled partition as Locust users see it: every verb blocks on the simulated clock."""

from collections.abc import Mapping

from greenlet import getcurrent

from harness.clock import Clock, to_ns
from harness.errors import PartitionDownError
from harness.platform.modelled_partition import ModelledPartition


class PartitionOnClock:
    """A modelled partition whose verbs block the calling user on the simulated clock.

    Implements :class:`workloads.partition.Partition`. While the partition is down every verb waits
    in vain for ``patience_seconds`` and raises :class:`PartitionDownError`.
    """

    def __init__(
        self,
        clock: Clock,
        modelled: ModelledPartition,
        disk: int = 0,
        patience_seconds: float = 1.0,
    ) -> None:
        self.name = modelled.name
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._modelled = modelled
        self._disk = disk
        self._switch_to_hub = clock.hub.switch

    def now(self) -> float:
        """Tell the simulated time in seconds."""
        return self._clock.now_ns / 1e9

    def wait(self, seconds: float) -> None:
        """Let simulated time pass."""
        own = getcurrent()
        own.in_verb = False
        self._clock.call_in(to_ns(seconds), own.switch)
        self._switch_to_hub()
        own.in_verb = True

    def _refuse(self) -> None:
        self.wait(self._patience_seconds)
        raise PartitionDownError(f"partition {self.name} is down")

    def compute(self, processor_seconds: float, events: Mapping[str, float] | None = None) -> None:
        """Use the processor."""
        if self._modelled.partition.down:
            self._refuse()
        self._modelled.compute(processor_seconds, events, getcurrent().switch)
        self._switch_to_hub()

    def read(self, size_bytes: int, offset_bytes: int | None = None) -> None:
        """Read a block."""
        if self._modelled.partition.down:
            self._refuse()
        done = getcurrent().switch
        self._modelled.transfer(self._disk, size_bytes, offset_bytes, False, done)
        self._switch_to_hub()

    def write(self, size_bytes: int, offset_bytes: int | None = None) -> None:
        """Write a block."""
        if self._modelled.partition.down:
            self._refuse()
        done = getcurrent().switch
        self._modelled.transfer(self._disk, size_bytes, offset_bytes, True, done)
        self._switch_to_hub()

    def send(self, size_bytes: int, to: str) -> None:
        """Stream bytes to a peer."""
        if self._modelled.partition.down:
            self._refuse()
        self._modelled.send(size_bytes, to, getcurrent().switch)
        self._switch_to_hub()

    def receive(self, size_bytes: int, source: str) -> None:
        """Stream bytes from a peer."""
        if self._modelled.partition.down:
            self._refuse()
        self._modelled.receive(size_bytes, source, getcurrent().switch)
        self._switch_to_hub()

    def exchange(self, request_bytes: int, response_bytes: int, to: str) -> None:
        """Send a request and wait for its response."""
        if self._modelled.partition.down:
            self._refuse()
        self._modelled.exchange(request_bytes, response_bytes, to, getcurrent().switch)
        self._switch_to_hub()
