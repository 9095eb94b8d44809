"""Block I/O from a partition to its disk: attached directly, through a VIOS, or emulated."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from harness.model.cpu.burst import Burst, Work, work
from harness.model.cpu.entities import Partition, nothing
from harness.model.io.disk import Disk
from harness.model.io.vios import Vios, VirtualScsiCosts
from harness.model.ledger import Cause

Done = Callable[[], object]

_COPY, _VIOS = int(Cause.COPY), int(Cause.VIOS)


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


class Operation:
    """A block operation on its way, step by step."""

    # Methods of one object rather than functions within a function: those refer to each other,
    # and collecting them took a tenth of a run's time.
    __slots__ = ("complete", "crashes", "done", "offset_bytes", "path", "size_bytes", "write")

    def __init__(
        self,
        path: "BlockPath",
        size_bytes: int,
        offset_bytes: int | None,
        write: bool,
        complete: Work,
        done: Done,
    ) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.offset_bytes = offset_bytes
        self.write = write
        self.complete = complete
        self.done = done
        self.crashes = path.partition.crashes

    def submitted(self) -> None:
        """Take a place in the queue, or wait for one."""
        path = self.path
        if path.places:
            path.places -= 1
            self.issue()
        else:
            path.waiting.append((path.partition.clock.now_ns, self))

    def issue(self) -> None:
        """Be handed on."""
        self.path.issue(self.size_bytes, self.offset_bytes, self.write, self.completed)

    def completed(self) -> None:
        """Leave the place to whoever waits, and interrupt the partition."""
        path = self.path
        partition = path.partition
        if self.crashes != partition.crashes:
            return
        if path.waiting:
            since_ns, following = path.waiting.popleft()
            path.queue_wait_ns += partition.clock.now_ns - since_ns
            following.issue()
        else:
            path.places += 1
        partition.execute(self.complete, self.done, True)


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
        self.waiting: deque[tuple[int, Operation]] = deque()
        self.operations = 0
        self.queue_wait_ns = 0
        self._works: dict[tuple[int, bool], tuple[Work, Work]] = {}

    def transfer(self, size_bytes: int, offset_bytes: int | None, write: bool, done: Done) -> None:
        """Read or write a block and call ``done`` when the partition has its result."""
        self.operations += 1
        works = self._works.get((size_bytes, write))
        if works is None:
            works = self.costs.for_size(size_bytes, write)
            self._works[size_bytes, write] = works
        submit, complete = works
        operation = Operation(self, size_bytes, offset_bytes, write, complete, done)
        self.partition.execute(submit, operation.submitted)

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


class _Service:
    """A VIOS's part in one operation, step by step."""

    __slots__ = (
        "account",
        "added_ns",
        "completed",
        "costs",
        "offset_bytes",
        "path",
        "size_bytes",
        "vios",
        "write",
    )

    def __init__(
        self,
        path: "VirtualScsiPath",
        size_bytes: int,
        offset_bytes: int | None,
        write: bool,
        completed: Done,
    ) -> None:
        self.path = path
        self.vios = path.vios
        self.costs = path.service.for_size(size_bytes)
        self.account = path.partition.account
        self.size_bytes = size_bytes
        self.offset_bytes = offset_bytes
        self.write = write
        self.completed = completed
        self.added_ns = -path.partition.clock.now_ns

    def begin(self) -> None:
        """Be signalled, and do what comes before the device's part."""
        self.vios.submit(Burst(self.account, self.costs.before, self.received))

    def received(self) -> None:
        """Let the device work."""
        disk = self.path.disk
        self.added_ns += disk.clock.now_ns
        disk.submit(self.size_bytes, self.offset_bytes, self.write, self.device_interrupt)

    def device_interrupt(self) -> None:
        """Do what comes after the device's part."""
        self.added_ns -= self.path.disk.clock.now_ns
        self.vios.interrupt(self.account)
        self.vios.submit(Burst(self.account, self.costs.after, self.answered), True)

    def answered(self) -> None:
        """Signal the client; gather what remains to be done off the path."""
        path, vios, costs = self.path, self.vios, self.costs
        clock = path.partition.clock
        vios.added_ns += self.added_ns + clock.now_ns + costs.delay_ns
        path.gathered_ns += costs.off_path_ns
        if path.gathered_ns > path.deferred_ns:
            gathered, path.gathered_ns = path.gathered_ns, 0
            off_path = work((_VIOS, gathered))
            vios.submit(Burst(self.account, off_path, nothing))
        if costs.delay_ns:
            clock.call_in(costs.delay_ns, self.completed)
        else:
            self.completed()


class VirtualScsiPath(BlockPath):
    """A virtual SCSI disk: the client signals the VIOS, which drives the real device.

    The VIOS works before and after the device's part, and some more off the path when the client
    has its answer already; it lets such work gather to ``deferred_ns`` before it does it.

    Attributes
    ----------
    gathered_ns
        Work that has gathered.
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
        self.gathered_ns = 0

    def relocate(self, there: BlockPath) -> None:
        """Lead over another machine's VIOS; what this one has put off, it does now."""
        assert isinstance(there, VirtualScsiPath)
        super().relocate(there)
        gathered, self.gathered_ns = self.gathered_ns, 0
        if gathered:
            off_path = work((_VIOS, gathered))
            self.vios.submit(Burst(self.partition.account, off_path, nothing))
        self.vios, self.service = there.vios, there.service
        self.deferred_ns = there.deferred_ns

    def issue(
        self, size_bytes: int, offset_bytes: int | None, write: bool, completed: Done
    ) -> None:
        """Have the VIOS do it."""
        self.vios.operations += 1
        self.vios.bytes += size_bytes
        _Service(self, size_bytes, offset_bytes, write, completed).begin()
