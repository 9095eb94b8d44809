"""Live Partition Mobility: a running partition moves to another machine.

All memory is sent once while the partition runs, then, pass after pass, what it has written
meanwhile; when little is left, or after a time-out, the partition is suspended, and it resumes on
the other machine before the rest has arrived: a page that it needs and that is not there yet is
fetched on demand. Course of events after IBM, quoted in Symantec's SFHA guide; speed and processor
use after IBM's "LPM requirements". How much memory a partition writes is not published: the
catalog's constants for it are assumed.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import simpy

from harness.model.cpu.reconfiguration import block, resubmit, suspend
from harness.model.machine import Machine
from harness.model.migration.memory_transfer import Endpoint, MemoryTransfer
from harness.model.migration.relocation import relocate
from harness.model.routing import connect
from harness.operations.operation import Operation, RefusedError, Site, Steps
from harness.operations.placement import Claim, Place, find_place

_LOOK_SECONDS = 1.0
"""How often a migration looks whether both VIOS and the partition are still up."""

_FAULT_SECONDS = 0.001
"""How often it is counted which page faults the resumed partition has had."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over memory while the partition runs."""

    size_bytes: int
    """What was sent."""
    seconds: float
    busy_core_seconds: float
    """Processor time of the partition meanwhile."""
    dirtied_bytes: int
    """What the partition wrote meanwhile, and has to be sent again."""


@dataclass(slots=True)
class Migration:
    """The record of one migration. Times are simulated, since the start of the run."""

    partition: str
    source: str
    target: str
    memory_bytes: int
    requested_seconds: float
    passes: list[Pass] = field(default_factory=list)
    suspended_seconds: float = math.nan
    resumed_seconds: float = math.nan
    ended_seconds: float = math.nan
    """When the last page had arrived."""
    missing_bytes: int = 0
    """Memory that had not arrived when the partition resumed."""
    faults: int = 0
    """Pages fetched on demand."""
    fault_wait_seconds: float = 0.0
    """What threads waited for such pages, all together."""
    transferred_bytes: int = 0
    """Everything that was sent: memory, pages once more, and the list of those missing."""
    source_vios_seconds: float = 0.0
    target_vios_seconds: float = 0.0
    """Processor time that the two Virtual I/O Servers spent, charged to the partition."""
    works_carried: int = 0
    """Pieces of work that were in hand at the suspension and went on at the target."""

    @property
    def duration_seconds(self) -> float:
        """From the request to the arrival of the last page."""
        return self.ended_seconds - self.requested_seconds

    @property
    def downtime_seconds(self) -> float:
        """Time in which the partition ran nowhere."""
        return self.resumed_seconds - self.suspended_seconds

    @property
    def paging_seconds(self) -> float:
        """Time in which it ran without all of its memory."""
        return self.ended_seconds - self.resumed_seconds


@dataclass(slots=True)
class Move(Operation):
    """Move a running partition to another machine.

    Attributes
    ----------
    migration
        The record of it; it is filled while the operation is performed.
    """

    partition: str
    target: str
    migration: Migration | None = None
    text = "migrate {self.partition} to {self.target}"

    def check(self, site: Site) -> None:
        """Refuse what the two machines, or the way between them, do not allow."""
        find_place(site, self.partition, self.target)

    def fits(self, site: Site, claim: Claim) -> None:
        """Refuse as :meth:`check` does, where others have a claim on the target already."""
        find_place(site, self.partition, self.target, claim)

    def perform(self, site: Site) -> Steps:
        """Move it.

        A partition or a Virtual I/O Server that goes down before the partition has resumed ends
        the migration; the partition stays, and goes on, where it was.
        """
        place = find_place(site, self.partition, self.target)
        machine = place.source
        connect(machine.network for machine in site.machines.values())
        self.migration = migration = Migration(
            self.partition,
            place.source_name,
            self.target,
            machine.capacity.memory_bytes[self.partition],
            site.clock.now_ns / 1e9,
        )
        transfer = _memory_transfer(site, place)
        with _announced(place):
            try:
                yield from _before(site, place, transfer, migration)
                yield from _across(site, place, transfer, migration)
                yield from _Paging(site, place, transfer, migration).run()
            finally:
                transfer.stop()
                migration.transferred_bytes = transfer.bytes
                migration.source_vios_seconds = transfer.source.work_ns / 1e9
                migration.target_vios_seconds = transfer.target.work_ns / 1e9
        migration.ended_seconds = site.clock.now_ns / 1e9


def dirtied_bytes(writable_bytes: float, written_bytes: float) -> float:
    """Memory made dirty by writing all over a writable working set.

    Every write falls on any page of the set alike, so that the share still clean after writing
    ``w`` bytes to a set of ``s`` is ``exp(-w / s)``.
    """
    if writable_bytes <= 0:
        return 0.0
    return writable_bytes * -math.expm1(-written_bytes / writable_bytes)


@contextmanager
def _announced(place: Place) -> Iterator[None]:
    """Keep what the partition needs free on the target; nothing else happens to it meanwhile."""
    name, source, target = place.partition, place.source.capacity, place.target.capacity
    target.reserved[name] = source.held_by(name)
    for capacity in (source, target):
        capacity.moving.add(name)
    try:
        yield
    finally:
        # When it has arrived, the reservation has become its own.
        target.reserved.pop(name, None)
        for capacity in (source, target):
            capacity.moving.discard(name)


def _memory_transfer(site: Site, place: Place) -> MemoryTransfer:
    def end(machine: Machine, vios: str) -> Endpoint:
        wire = next(wire for name, _, wire in machine.network.bridges.values() if name == vios)
        return Endpoint(machine.vios[vios], wire, machine.ledger.account(place.partition))

    return MemoryTransfer(
        site.clock,
        end(place.source, place.source_mover),
        end(place.target, place.target_mover),
        site.constants,
    )


def _sending(
    site: Site, place: Place, transfer: MemoryTransfer, event: simpy.Event, crashes: int
) -> Steps:
    """Wait until what is sent has arrived, while the partition and both VIOS are up."""
    while not event.triggered:
        yield event | site.pause(_LOOK_SECONDS)
        _still_up(place, transfer, crashes)


def _still_up(place: Place, transfer: MemoryTransfer, crashes: int) -> None:
    partition = place.modelled.partition
    if partition.down or partition.crashes != crashes:
        raise RefusedError(f"{partition.name} went down while it was migrated")
    for name, end in ((place.source_mover, transfer.source), (place.target_mover, transfer.target)):
        if end.down:
            raise RefusedError(f"{name}, which carries the memory, went down")


def _before(site: Site, place: Place, transfer: MemoryTransfer, migration: Migration) -> Steps:
    """Send memory while the partition runs, until little enough is left."""
    constants = site.constants
    partition = place.modelled.partition
    crashes = partition.crashes
    writable = migration.memory_bytes * constants.number("operations.mobility.dirty_share")
    rate = constants.number("operations.mobility.dirty_rate")
    enough = constants.number("operations.mobility.remaining")
    yield site.pause(constants.number("operations.mobility.validation_time"))
    _still_up(place, transfer, crashes)
    to_send = migration.memory_bytes
    first_pass_end_ns = 0
    timeout_ns = constants.number("operations.mobility.pass_timeout") * 1e9
    while True:
        begin_ns, occupied_ns = site.clock.now_ns, partition.occupied_ns()
        yield from _sending(site, place, transfer, transfer.send(to_send), crashes)
        now_ns = site.clock.now_ns
        busy = (partition.occupied_ns() - occupied_ns) / 1e9
        dirty = round(dirtied_bytes(writable, rate * busy))
        migration.passes.append(Pass(to_send, (now_ns - begin_ns) / 1e9, busy, dirty))
        first_pass_end_ns = first_pass_end_ns or now_ns
        to_send = migration.missing_bytes = dirty
        if dirty <= enough or now_ns - first_pass_end_ns >= timeout_ns:
            return


def _across(site: Site, place: Place, transfer: MemoryTransfer, migration: Migration) -> Steps:
    """Suspend the partition here and resume it there.

    While it runs nowhere, its state and the list of the pages that are still to come travel.
    """
    constants = site.constants
    partition = place.modelled.partition
    crashes = partition.crashes
    migration.suspended_seconds = site.clock.now_ns / 1e9
    machine = place.source
    virtual_processors = suspend(partition)
    migration.works_carried = partition.run_queue.threads.length
    pages = math.ceil(migration.missing_bytes / constants.number("operations.mobility.page_size"))
    try:
        yield site.pause(constants.number("operations.mobility.suspension"))
        entry_bytes = round(constants.number("operations.mobility.page_list_entry"))
        sent = transfer.send(pages * entry_bytes)
        yield from _sending(site, place, transfer, sent, crashes)
        relocate(place.partition, place.source, place.target, place.vios)
        machine = place.target
    finally:
        machine.capacity.resume(place.partition, virtual_processors)
    migration.resumed_seconds = site.clock.now_ns / 1e9


class _Paging:
    """The time from resuming to the arrival of the last page.

    The partition touches its writable pages as often as it writes to them; one that is missing is
    fetched, and the thread that needs it waits. All others are sent meanwhile.
    """

    def __init__(
        self, site: Site, place: Place, transfer: MemoryTransfer, migration: Migration
    ) -> None:
        constants = site.constants
        self.site = site
        self.partition = place.modelled.partition
        self.transfer = transfer
        self.migration = migration
        self.page_bytes = round(constants.number("operations.mobility.page_size"))
        share = constants.number("operations.mobility.dirty_share")
        self.pages = max(1.0, migration.memory_bytes * share / self.page_bytes)
        rate = constants.number("operations.mobility.dirty_rate")
        self.touches_per_ns = rate / self.page_bytes / 1e9
        self.missing = math.ceil(migration.missing_bytes / self.page_bytes)
        """Pages that are neither here nor on their way."""
        piece_bytes = round(constants.number("operations.mobility.paging_piece"))
        self.pages_at_once = max(1, piece_bytes // self.page_bytes)
        self.fetching = 0

    def run(self) -> Steps:
        """Send what is missing, and fetch what is needed."""
        sent = self.transfer.send_all(self._next_piece)
        occupied_ns = self.partition.occupied_ns()
        faults = 0.0
        while not sent.triggered or self.fetching:
            yield self.site.pause(_FAULT_SECONDS)
            used_ns = self.partition.occupied_ns() - occupied_ns
            occupied_ns += used_ns
            faults += used_ns * self.touches_per_ns * self.missing / self.pages
            while faults >= 1.0 and self.missing and self._fault():
                faults -= 1.0

    def _next_piece(self) -> int:
        pages = min(self.missing, self.pages_at_once)
        self.missing -= pages
        return pages * self.page_bytes

    def _fault(self) -> bool:
        """Let a thread that runs wait for a page; False if none runs."""
        partition, clock = self.partition, self.site.clock
        burst = block(partition, self.migration.faults)
        if burst is None:
            return False
        begin_ns, crashes = clock.now_ns, partition.crashes
        self.missing -= 1
        self.migration.faults += 1
        self.fetching += 1

        def arrived() -> None:
            self.fetching -= 1
            self.migration.fault_wait_seconds += (clock.now_ns - begin_ns) / 1e9
            if partition.crashes == crashes:
                resubmit(partition, burst)

        self.transfer.fetch(self.page_bytes, arrived)
        return True
