"""Block I/O from a partition to its disk: attached directly, through a VIOS, or emulated."""

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from harness.engine.event import NO_EVENT, Event, as_event
from harness.engine.linked_list import LinkedList
from harness.model.cpu.burst import NO_WORK, Burst, Work, work
from harness.model.cpu.entities import Partition
from harness.model.cpu.topology import count_lines, distance
from harness.model.io.disk import Disk
from harness.model.io.vios import Vios, VirtualScsiCosts, VirtualScsiService
from harness.model.ledger import Account, Cause

_OS: Final = int(Cause.OS)
_COPY: Final = int(Cause.COPY)
_VIOS: Final = int(Cause.VIOS)

# What an operation waits for.
_SUBMITTED: Final = 0
_VIOS_BEFORE: Final = 1
_DEVICE: Final = 2
_VIOS_AFTER: Final = 3
_DELAY: Final = 4
_COMPLETED: Final = 5


class BlockCosts:
    """What a partition pays on its own processors for one block operation.

    Costs per byte come on top of the fixed parts: the operating system's for the pages of the
    block, half before and half after the operation, and a copy on the way in or out.
    """

    def __init__(
        self,
        submit: Work,
        complete: Work,
        *,
        os_ns_per_byte: float = 0.0,
        copy_ns_per_byte: float = 0.0,
    ) -> None:
        self.submit = submit
        self.complete = complete
        self.os_ns_per_byte = os_ns_per_byte
        self.copy_ns_per_byte = copy_ns_per_byte

    def for_size(self, size_bytes: int, write: bool) -> tuple[Work, Work]:
        """Return the work before and after an operation."""
        pages_ns = round(size_bytes * self.os_ns_per_byte)
        submit = [(_OS, pages_ns // 2), *self.submit.parts]
        complete = [*self.complete.parts, (_OS, pages_ns - pages_ns // 2)]
        copy = (_COPY, round(size_bytes * self.copy_ns_per_byte))
        if write:
            submit.append(copy)
        else:
            complete.insert(0, copy)
        return work(*submit), work(*complete)


class Operation(Burst):
    """A block operation on its way: as a burst and as an event, each step that it waits for.

    Its path uses it again when it is done.
    """

    def __init__(self, path: "BlockPath") -> None:
        super().__init__(path.partition.account, NO_WORK)
        self.path = path
        self.size_bytes: i64 = 0
        self.offset_bytes: i64 = 0
        self.write = False
        self.complete = NO_WORK
        self.crashes: i64 = 0
        self.waits_since_ns: i64 = 0
        self.step: i64 = _SUBMITTED
        self.done: Event = NO_EVENT

    def fire(self) -> None:
        """Take the next step."""
        step = self.step
        if step == _SUBMITTED:
            self.path.submitted(self)
        elif step == _DEVICE:
            self.path.completed(self)
        else:
            self.finish()

    def finish(self) -> None:
        """Be done; the path may use it again."""
        done = self.done
        self.done = NO_EVENT
        self.path.finished.append(self)
        done.fire()

    def begin_device(self) -> None:
        """Let the disk work."""
        self.step = _DEVICE
        self.path.disk.submit(self.size_bytes, self.offset_bytes, self.write, self)


class BlockPath:
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
        self.queue_depth: i64 = queue_depth
        self.places: i64 = queue_depth
        self.waiting: LinkedList[Operation] = LinkedList()
        self.finished: list[Operation] = []
        """To be used again."""
        self.operations: i64 = 0
        self.queue_wait_ns: i64 = 0
        # Work before and after operations of one size and direction.
        self._size_bytes: i64 = -1
        self._write = False
        self._submit = NO_WORK
        self._complete = NO_WORK

    def transfer(
        self, size_bytes: i64, offset_bytes: i64, write: bool, done: Event | Callable[[], object]
    ) -> None:
        """Read or write a block, at an offset or ``NEXT_IN_SEQUENCE``.

        ``done`` happens when the partition has its result.
        """
        self.operations += 1
        if size_bytes != self._size_bytes or write != self._write:
            self._size_bytes = size_bytes
            self._write = write
            self._submit, self._complete = self.costs.for_size(size_bytes, write)
        operation = self.finished.pop() if self.finished else self.new_operation()
        operation.size_bytes = size_bytes
        operation.offset_bytes = offset_bytes
        operation.write = write
        operation.done = as_event(done)
        operation.complete = self._complete
        partition = self.partition
        operation.crashes = partition.crashes
        operation.step = _SUBMITTED
        operation.ask(partition.account, self._submit)
        partition.submit(operation)

    def submitted(self, operation: Operation) -> None:
        """Give an operation a place in the queue, or let it wait for one."""
        if self.places:
            self.places -= 1
            self.issue(operation)
        else:
            operation.waits_since_ns = self.partition.clock.now
            self.waiting.append(operation)

    def completed(self, operation: Operation) -> None:
        """Give an operation's place to the next one that waits, and interrupt the partition."""
        partition = self.partition
        if operation.crashes != partition.crashes:
            return
        if self.waiting.first is not None:
            following = self.waiting.popleft()
            self.queue_wait_ns += partition.clock.now - following.waits_since_ns
            self.issue(following)
        else:
            self.places += 1
        operation.step = _COMPLETED
        operation.ask(partition.account, operation.complete)
        partition.submit(operation, True)

    def relocate(self, there: "BlockPath") -> None:
        """Lead over another machine from now on, as ``there`` does; the disk stays the same.

        Operations under way come back the way they went.
        """
        self.costs = there.costs
        self._size_bytes = -1

    def forget(self) -> None:
        """Give all places back after the partition has crashed."""
        self.waiting = LinkedList()
        self.places = self.queue_depth

    def new_operation(self) -> Operation:
        """Make an operation of this path's kind."""
        raise NotImplementedError

    def issue(self, operation: Operation) -> None:
        """Hand an operation on; it is completed at its device's interrupt."""
        raise NotImplementedError


class DirectPath(BlockPath):
    """A disk of the partition's own adapter (or of the host, for a guest)."""

    def new_operation(self) -> Operation:
        """Make an operation."""
        return Operation(self)

    def issue(self, operation: Operation) -> None:
        """Let the disk work and interrupt."""
        operation.begin_device()


class VirtualScsiOperation(Operation):
    """A block operation with a VIOS's part in it."""

    def __init__(self, path: "VirtualScsiPath") -> None:
        super().__init__(path)
        # What serves it: after a relocation the path has other ones.
        self.scsi_path = path
        self.vios = path.vios
        self.costs = _NO_SERVICE
        self.payer: Account = path.partition.account
        self.added_ns: i64 = 0

    def begin_service(self) -> None:
        """Signal the VIOS, which does what comes before the device's part."""
        path = self.scsi_path
        self.vios = vios = path.vios
        self.costs = costs = path.service_for(self.size_bytes, self.write)
        self.payer = path.partition.account
        vios.operations += 1
        vios.bytes += self.size_bytes
        self.added_ns = -path.partition.clock.now
        self.step = _VIOS_BEFORE
        server = vios.partition
        far = distance(path.partition, server)
        count_lines(server, far, costs.lines)
        self.ask(self.payer, costs.before[far])
        vios.submit(self)

    def fire(self) -> None:
        """Take the next step."""
        step = self.step
        if step == _SUBMITTED:
            self.path.submitted(self)
        elif step == _VIOS_BEFORE:
            self.added_ns += self.path.partition.clock.now
            self.begin_device()
        elif step == _DEVICE:
            self._device_interrupt()
        elif step == _VIOS_AFTER:
            self._answered()
        elif step == _DELAY:
            self.path.completed(self)
        else:
            self.finish()

    def _device_interrupt(self) -> None:
        """Have the VIOS do what comes after the device's part."""
        self.added_ns -= self.path.partition.clock.now
        self.vios.interrupt(self.payer)
        self.step = _VIOS_AFTER
        self.ask(self.payer, self.costs.after)
        self.vios.submit(self, True)

    def _answered(self) -> None:
        """Signal the client; gather what remains to be done off the path."""
        path, vios, costs = self.scsi_path, self.vios, self.costs
        clock = path.partition.clock
        vios.added_ns += self.added_ns + clock.now + costs.delay_ns
        path.gathered_ns += costs.off_path_ns
        if path.gathered_ns > path.deferred_ns:
            path.work_off(vios, self.payer)
        self.complete = path.answer(self)
        if costs.delay_ns:
            self.step = _DELAY
            clock.schedule(costs.delay_ns, self)
        else:
            path.completed(self)


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
        self.deferred_ns: i64 = deferred_ns
        self.gathered_ns: i64 = 0
        # The VIOS's part in operations of one size and direction.
        self._served_bytes: i64 = -1
        self._served_write = False
        self._served = _NO_SERVICE
        # The client's work on its answers.
        self._answer_of = _NO_SERVICE
        self._answer_before = NO_WORK
        self._answers: list[Work] = []

    def service_for(self, size_bytes: i64, write: bool) -> VirtualScsiService:
        """Return the VIOS's part in an operation of a size."""
        if size_bytes != self._served_bytes or write != self._served_write:
            self._served_bytes = size_bytes
            self._served_write = write
            self._served = self.service.for_size(size_bytes, write)
        return self._served

    def answer(self, operation: VirtualScsiOperation) -> Work:
        """Return the client's work on an answer, which it fetches from where the server is."""
        service, complete = operation.costs, operation.complete
        if service is not self._answer_of or complete is not self._answer_before:
            self._answer_of = service
            self._answer_before = complete
            self._answers = [work(*each.parts, *complete.parts) for each in service.answer]
        client = self.partition
        far = distance(operation.vios.partition, client)
        count_lines(client, far, service.answer_lines)
        return self._answers[far]

    def relocate(self, there: BlockPath) -> None:
        """Lead over another machine's VIOS; what this one has put off, it does now."""
        assert isinstance(there, VirtualScsiPath)
        super().relocate(there)
        if self.gathered_ns:
            self.work_off(self.vios, self.partition.account)
        self.vios, self.service = there.vios, there.service
        self._served_bytes = -1
        self.deferred_ns = there.deferred_ns

    def work_off(self, vios: Vios, payer: Account) -> None:
        """Have a VIOS do the work that has gathered."""
        off_path = work((_VIOS, self.gathered_ns))
        self.gathered_ns = 0
        vios.submit(Burst(payer, off_path))

    def new_operation(self) -> Operation:
        """Make an operation."""
        return VirtualScsiOperation(self)

    def issue(self, operation: Operation) -> None:
        """Have the VIOS do it."""
        assert isinstance(operation, VirtualScsiOperation)
        operation.begin_service()


_NO_SERVICE: Final = VirtualScsiService([], NO_WORK, 0, 0)
