"""Block I/O from a partition to its disk: attached directly, through a VIOS, or emulated."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from harness.clock import Alarm
from harness.platform.burst import Burst, Part
from harness.platform.disk import Disk
from harness.platform.ledger import Cause
from harness.platform.partition import Partition, nothing
from harness.platform.vios import Vios, VirtualScsiCosts

Done = Callable[[], object]


@dataclass(frozen=True, slots=True)
class BlockCosts:
    """What a partition pays on its own processors for one block operation.

    Costs per byte come on top of the fixed parts, as a copy on the way in or out.
    """

    submit_parts: tuple[Part, ...]
    complete_parts: tuple[Part, ...]
    copy_ns_per_byte: float = 0.0


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
        self.places = queue_depth
        self.waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self.operations = 0
        self.queue_wait_ns = 0

    def transfer(self, size_bytes: int, offset_bytes: int | None, write: bool, done: Done) -> None:
        """Read or write a block and call ``done`` when the partition has its result."""
        self.operations += 1
        parts, finish = self.costs.submit_parts, self.costs.complete_parts
        if self.costs.copy_ns_per_byte:
            copy = (int(Cause.COPY), round(size_bytes * self.costs.copy_ns_per_byte))
            if write:
                parts = (*parts, copy)
            else:
                finish = (copy, *finish)

        def submitted() -> None:
            if self.places:
                self.places -= 1
                self.issue(size_bytes, offset_bytes, write, completed)
            else:
                self.waiting.append((self.partition.clock.now, issue_later))

        def issue_later() -> None:
            self.issue(size_bytes, offset_bytes, write, completed)

        def completed() -> None:
            if self.waiting:
                since_ns, issue = self.waiting.popleft()
                self.queue_wait_ns += self.partition.clock.now - since_ns
                issue()
            else:
                self.places += 1
            self.partition.execute(finish, done, urgent=True)

        self.partition.execute(parts, submitted)

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

        def interrupt(_: Alarm) -> None:
            completed()

        self.disk.submit(size_bytes, offset_bytes, write, interrupt)


class VirtualScsiPath(BlockPath):
    """A virtual SCSI disk: the client signals the VIOS, which drives the real device.

    The VIOS works before and after the device's part, and some more off the path when the client
    has its answer already.
    """

    def __init__(
        self,
        partition: Partition,
        disk: Disk,
        costs: BlockCosts,
        queue_depth: int,
        vios: Vios,
        service: VirtualScsiCosts,
    ) -> None:
        super().__init__(partition, disk, costs, queue_depth)
        self.vios = vios
        self.service = service

    def issue(
        self, size_bytes: int, offset_bytes: int | None, write: bool, completed: Done
    ) -> None:
        """Have the VIOS do it."""
        vios, account = self.vios, self.partition.account
        before, after, off_path, delay_ns = self.service.parts(size_bytes)
        vios.operations += 1
        vios.bytes += size_bytes

        def received() -> None:
            self.disk.submit(size_bytes, offset_bytes, write, device_interrupt)

        def device_interrupt(_: Alarm) -> None:
            vios.interrupt(account)
            vios.partition.submit(Burst(account, after, answered), urgent=True)

        def answered() -> None:
            if off_path:
                vios.partition.submit(Burst(account, off_path, nothing))
            if delay_ns:
                self.partition.clock.call_in(delay_ns, delayed)
            else:
                completed()

        def delayed(_: Alarm) -> None:
            completed()

        vios.partition.submit(Burst(account, before, received))
