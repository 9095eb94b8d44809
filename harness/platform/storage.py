"""Block I/O from a partition to its disk: attached directly, through a VIOS, or emulated."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from harness.platform.burst import Burst, Work, work
from harness.platform.disk import Disk
from harness.platform.ledger import Cause
from harness.platform.partition import Partition, nothing
from harness.platform.vios import Vios, VirtualScsiCosts

Done = Callable[[], object]

_COPY = int(Cause.COPY)


@dataclass(frozen=True, slots=True)
class BlockCosts:
    """What a partition pays on its own processors for one block operation.

    Costs per byte come on top of the fixed parts, as a copy on the way in or out.
    """

    submit: Work
    complete: Work
    copy_ns_per_byte: float = 0.0

    def for_size(self, size_bytes: int, write: bool) -> tuple[Work, Work]:
        """Return the work before and after an operation."""
        copy = (_COPY, round(size_bytes * self.copy_ns_per_byte))
        if not copy[1]:
            return self.submit, self.complete
        if write:
            return work(*self.submit[0], copy), self.complete
        return self.submit, work(copy, *self.complete[0])


class BlockPath(ABC):
    """The way from a partition to one disk and back.

    At most ``queue_depth`` operations are outstanding; further ones wait in the operating system.

    Attributes
    ----------
    operations, queue_wait_ns
        Operations begun, and the time that they waited for a place in the queue.
    """

    def __init__(
        self, partition: Partition, disk: Disk, costs: BlockCosts, queue_depth: int
    ) -> None:
        self.partition = partition
        self.disk = disk
        self.costs = costs
        self.queue_depth = queue_depth
        self.places = queue_depth
        self.waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self.operations = 0
        self.queue_wait_ns = 0
        self._works: dict[tuple[int, bool], tuple[Work, Work]] = {}

    def transfer(self, size_bytes: int, offset_bytes: int | None, write: bool, done: Done) -> None:
        """Read or write a block and call ``done`` when the partition has its result."""
        self.operations += 1
        partition = self.partition
        works = self._works.get((size_bytes, write))
        if works is None:
            works = self.costs.for_size(size_bytes, write)
            self._works[size_bytes, write] = works
        submit, complete = works
        crashes = partition.crashes

        def issue() -> None:
            self.issue(size_bytes, offset_bytes, write, completed)

        def submitted() -> None:
            if self.places:
                self.places -= 1
                issue()
            else:
                self.waiting.append((partition.clock.now_ns, issue))

        def completed() -> None:
            if crashes != partition.crashes:
                return
            if self.waiting:
                since_ns, issue_next = self.waiting.popleft()
                self.queue_wait_ns += partition.clock.now_ns - since_ns
                issue_next()
            else:
                self.places += 1
            partition.execute(complete, done, True)

        partition.execute(submit, submitted)

    def relocate(self, there: "BlockPath") -> None:
        """Lead over another machine from now on, as ``there`` does; the disk stays the same.

        Operations under way come back the way they went.
        """
        self.costs = there.costs
        self._works.clear()

    def forget(self) -> None:
        """Give all places back after the partition has crashed."""
        self.waiting.clear()
        self.places = self.queue_depth

    @abstractmethod
    def issue(
        self, size_bytes: int, offset_bytes: int | None, write: bool, completed: Done
    ) -> None:
        """Hand an operation to whoever serves the disk; call ``completed`` at its interrupt."""


class DirectPath(BlockPath):
    """A disk of the partition's own adapter (or of the host, for a guest)."""

    def issue(
        self, size_bytes: int, offset_bytes: int | None, write: bool, completed: Done
    ) -> None:
        """Let the disk work and interrupt."""
        self.disk.submit(size_bytes, offset_bytes, write, completed)


class VirtualScsiPath(BlockPath):
    """A virtual SCSI disk: the client signals the VIOS, which drives the real device.

    The VIOS works before and after the device's part, and some more off the path when the client
    has its answer already; it lets such work gather to ``deferred_ns`` before it does it.
    """

    def __init__(
        self,
        partition: Partition,
        disk: Disk,
        costs: BlockCosts,
        queue_depth: int,
        vios: Vios,
        service: VirtualScsiCosts,
        *,
        deferred_ns: int,
    ) -> None:
        super().__init__(partition, disk, costs, queue_depth)
        self.vios = vios
        self.service = service
        self.deferred_ns = deferred_ns
        self._gathered_ns = 0

    def relocate(self, there: BlockPath) -> None:
        """Lead over another machine's VIOS; what this one has put off, it does now."""
        assert isinstance(there, VirtualScsiPath)
        super().relocate(there)
        gathered, self._gathered_ns = self._gathered_ns, 0
        if gathered:
            off_path = work((int(Cause.VIOS), gathered))
            self.vios.submit(Burst(self.partition.account, off_path, nothing))
        self.vios, self.service = there.vios, there.service
        self.deferred_ns = there.deferred_ns

    def issue(
        self, size_bytes: int, offset_bytes: int | None, write: bool, completed: Done
    ) -> None:
        """Have the VIOS do it."""
        vios, account, clock = self.vios, self.partition.account, self.partition.clock
        service = self.service.for_size(size_bytes)
        vios.operations += 1
        vios.bytes += size_bytes
        issued_ns = clock.now_ns
        added_ns = 0

        def received() -> None:
            nonlocal added_ns
            added_ns = clock.now_ns - issued_ns
            self.disk.submit(size_bytes, offset_bytes, write, device_interrupt)

        def device_interrupt() -> None:
            nonlocal added_ns
            added_ns -= clock.now_ns
            vios.interrupt(account)
            vios.submit(Burst(account, service.after, answered), True)

        def answered() -> None:
            vios.added_ns += added_ns + clock.now_ns + service.delay_ns
            self._gathered_ns += service.off_path_ns
            if self._gathered_ns > self.deferred_ns:
                gathered, self._gathered_ns = self._gathered_ns, 0
                off_path = work((int(Cause.VIOS), gathered))
                vios.submit(Burst(account, off_path, nothing))
            if service.delay_ns:
                clock.call_in(service.delay_ns, completed)
            else:
                completed()

        vios.submit(Burst(account, service.before, received))
