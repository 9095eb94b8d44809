"""Putting virtual processors on processors: what every dispatching policy has in common.

A policy (dedicated, shared pool, time-sharing) subclasses :class:`Dispatcher` and decides who goes
where and for how long; here is the mechanism: starting, interrupting and finishing bursts, booking
every nanosecond, refilling caches.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from harness.engine.clock import Clock
from harness.model.cpu.burst import Burst, Part, cut, unspent, work
from harness.model.cpu.entities import Partition, nothing
from harness.model.cpu.processor import Chip, Processor
from harness.model.cpu.virtual_processor import VirtualProcessor
from harness.model.ledger import Account, Cause, Ledger

_REFILL = int(Cause.REFILL)


@dataclass(frozen=True, slots=True)
class CacheCosts:
    """The second-level cache of a chip, and what it costs to fetch a line again."""

    lines: int = 0
    refill_ns_per_line: float = 0.0


class Dispatcher(ABC):
    """A set of processors and the virtual processors that run on them.

    Parameters
    ----------
    switch_parts
        What putting a virtual processor on a processor costs, charged to the account of the work
        it is put there for.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        processors: Sequence[Processor],
        cache: CacheCosts,
        switch_parts: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self.clock = clock
        self.ledger = ledger
        self.processors = list(processors)
        self.cache = cache
        self.switch_parts = switch_parts
        self.switch_ns = sum(ns for _, ns in switch_parts)
        self.partitions: list[Partition] = []

    def add(self, partition: Partition) -> None:
        """Take charge of a partition's virtual processors."""
        partition.dispatcher = self
        partition.idle_tick = work(*self.switch_parts, *partition.tick_parts)
        self.partitions.append(partition)
        for vp in partition.vps:
            self.adopt(vp)

    def remove(self, partition: Partition) -> None:
        """Be rid of a partition that has no virtual processors any more."""
        self.partitions.remove(partition)
        partition.dispatcher = None

    def adopt(self, vp: VirtualProcessor) -> None:
        """Take charge of one virtual processor."""
        vp.expired = partial(self._expired, vp)

    # What a policy decides

    @abstractmethod
    def wake(self, vp: VirtualProcessor) -> None:
        """Find a processor for a virtual processor that has become ready, or let it wait."""

    @abstractmethod
    def free_processor(self, vp: VirtualProcessor) -> Processor | None:
        """Choose the idle processor where a virtual processor would best run, if there is one."""

    @abstractmethod
    def release(self, processor: Processor) -> None:
        """Give a processor that has just become free to whoever comes next."""

    @abstractmethod
    def forget(self, vp: VirtualProcessor) -> None:
        """Take a ready virtual processor out of the queues."""

    def limit(self, vp: VirtualProcessor) -> int | None:
        """Say when the policy wants to look at a starting virtual processor again."""
        return None

    def limit_reached(self, vp: VirtualProcessor) -> None:
        """Decide about a running virtual processor at its limit."""
        raise AssertionError("this policy sets no limits")

    def use(self, vp: VirtualProcessor, start_ns: int, end_ns: int) -> None:
        """Take note of the time that a virtual processor has occupied a processor."""
        return None

    # The mechanism

    def start(self, vp: VirtualProcessor, processor: Processor) -> None:
        """Put a ready virtual processor on a free processor."""
        burst = vp.burst
        assert burst is not None
        now = self.clock.now_ns
        begin = processor.free_ns
        if begin < now:
            self.ledger.idle_ns += now - begin
            begin = now
        partition = vp.partition
        partition.dispatches += 1
        partition.dispatch_wait_ns += begin - vp.ready_ns
        processor.vp = vp
        vp.processor = processor
        vp.run_ns = vp.start_ns = begin
        account = burst.account
        lead_ns = self.switch_ns
        for cause, ns in self.switch_parts:
            account[cause] += ns
        chip = processor.chip
        if chip.lines > self.cache.lines or vp not in chip.lru:
            vp.refill_ns = self._refill(vp, processor, burst)
            lead_ns += vp.refill_ns
        else:
            vp.refill_ns = 0
        chip.lru.pop(vp, None)
        vp.lead_tick = vp.tick_due
        if vp.tick_due:
            vp.tick_due = False
            lead_ns += partition.tick_ns
            for cause, ns in partition.tick_parts:
                partition.account[cause] += ns
        vp.work_ns = begin + lead_ns
        vp.stolen_ns = 0
        vp.limit_ns = self.limit(vp)
        self._begin(vp, burst, now)

    def _begin(self, vp: VirtualProcessor, burst: Burst, now: int) -> None:
        """Set the alarm for a burst that begins at ``work_ns`` with a time slice of its own."""
        work_ns = vp.work_ns
        slice_ns = vp.partition.slice_ns
        vp.slice_ns = work_ns + slice_ns
        end = work_ns + (burst.ns if burst.ns < slice_ns else slice_ns)
        limit = vp.limit_ns
        if limit is not None and limit < end:
            end = limit if limit > now else now
        vp.due_ns = end
        self.clock.call_in(end - now, vp.expired)

    def _refill(self, vp: VirtualProcessor, processor: Processor, burst: Burst) -> int:
        """Charge the cache lines that a virtual processor finds driven out of its chip's cache.

        Under least-recently-used replacement it loses what others have used since it left, together
        with its own lines, exceed the cache by; on a chip that is new to it, it finds nothing. Work
        needs no more lines than could be fetched in the time that it takes.
        """
        chip = processor.chip
        lines = self._lines_used(vp, burst.ns)
        if vp in chip.lru:
            lines = max(0, min(lines, self._others_since(vp, chip) + lines - self.cache.lines))
        else:
            chip.lines += vp.partition.working_set_lines
        vp.partition.refilled_lines += lines
        ns = round(lines * self.cache.refill_ns_per_line)
        burst.account[_REFILL] += ns
        return ns

    def _others_since(self, vp: VirtualProcessor, chip: Chip) -> int:
        """Count the lines that others have used on a chip since a virtual processor left it."""
        lines = 0
        for processor in chip.processors:
            running = processor.vp
            if running is not None and running is not vp:
                lines += running.partition.working_set_lines
        for other, ns in reversed(chip.lru.items()):
            if other is vp:
                break
            lines += self._lines_used(other, ns)
        return lines

    def _lines_used(self, vp: VirtualProcessor, ns: int) -> int:
        """Count the cache lines of a virtual processor that a stretch of its work can use."""
        lines = vp.partition.working_set_lines
        if ns < lines * self.cache.refill_ns_per_line:
            return int(ns / self.cache.refill_ns_per_line)
        return lines

    def _arm(self, vp: VirtualProcessor, burst: Burst, now: int) -> None:
        """Set the alarm for the rest of a burst."""
        end = vp.work_ns + vp.stolen_ns + burst.ns
        if vp.slice_ns < end:
            end = vp.slice_ns
        limit = vp.limit_ns
        if limit is not None and limit < end:
            end = limit
        vp.due_ns = end = max(end, now)
        self.clock.call_in(end - now, vp.expired)

    def rearm(self, vp: VirtualProcessor) -> None:
        """Set a running virtual processor's alarm anew after its limit has changed."""
        assert vp.burst is not None
        self._arm(vp, vp.burst, self.clock.now_ns)

    def _expired(self, vp: VirtualProcessor) -> None:
        now = self.clock.now_ns
        if vp.due_ns != now:
            return  # it has been stopped or set anew since this call was made
        burst = vp.burst
        assert burst is not None
        vp.due_ns = None
        if now - vp.work_ns - vp.stolen_ns < burst.ns:
            self._interrupted(vp, burst, now)
            return
        account = burst.account
        for cause, ns in burst.parts:
            account[cause] += ns
        partition = vp.partition
        # What the end of the burst sets off may give the processor its next work at once.
        vp.burst = None
        outer, partition.finishing = partition.finishing, vp
        burst.done()
        partition.finishing = outer
        self._go_on(vp, partition, now)

    def _go_on(self, vp: VirtualProcessor, partition: Partition, now: int) -> None:
        """Begin what comes after a burst that has just ended, or leave the processor."""
        following = vp.burst
        if following is None:
            if not partition.run_queue:
                self.stop(vp, now)
                partition.idle.append(vp)
                processor = vp.last_processor
                assert processor is not None
                self.release(processor)
                return
            vp.burst = following = partition.next_in_queue()
        vp.work_ns = now
        vp.stolen_ns = 0
        if vp.limit_ns is not None and now >= vp.limit_ns:
            vp.slice_ns = now + partition.slice_ns
            self.limit_reached(vp)
        else:
            self._begin(vp, following, now)

    def _interrupted(self, vp: VirtualProcessor, burst: Burst, now: int) -> None:
        """Go on with a burst that is not finished: at a limit, a slice's end, or after a delay."""
        if vp.limit_ns is not None and now >= vp.limit_ns:
            self.limit_reached(vp)
            return
        if now >= vp.slice_ns:
            self._slice_ended(vp, burst, now)
            assert vp.burst is not None
            burst = vp.burst
        self._arm(vp, burst, now)

    def _slice_ended(self, vp: VirtualProcessor, burst: Burst, now: int) -> None:
        partition = vp.partition
        vp.slice_ns = now + partition.slice_ns
        if partition.run_queue:
            self._settle_burst(vp, burst, now)
            partition.run_queue.append(burst)
            vp.burst = partition.run_queue.popleft()

    def _settle_burst(self, vp: VirtualProcessor, burst: Burst, now: int) -> None:
        """Book what a running virtual processor has done of its burst so far."""
        cut_off, done_ns = self._spent(vp, burst, now)
        for account, parts in cut_off:
            for cause, ns in parts:
                account[cause] -= ns
        burst.progress(done_ns)
        vp.work_ns = now
        vp.stolen_ns = 0
        vp.interruptions.clear()

    def _spent(
        self, vp: VirtualProcessor, burst: Burst, now: int
    ) -> tuple[list[tuple[Account, list[Part]]], int]:
        """Say how far a running virtual processor has come.

        Returns
        -------
        What has been booked in full and lies ahead: the rest of a tick, of an interrupt, and of
        what comes before the burst proper (switching, a tick that was due, refilling). And how much
        of the burst has been done.
        """
        since = max(now, vp.work_ns)
        ahead = unspent(vp.interruptions, since)
        stolen_ns = vp.stolen_ns - sum(ns for _, parts in ahead for _, ns in parts)
        lead_ns = vp.work_ns - max(now, vp.start_ns)
        if lead_ns > 0:
            partition = vp.partition
            tick_parts, tick_ns = (partition.tick_parts, partition.tick_ns)
            if not vp.lead_tick:
                tick_parts, tick_ns = (), 0
            rest = lead_ns - vp.refill_ns
            ahead += [
                (burst.account, [(_REFILL, min(lead_ns, vp.refill_ns))]),
                (partition.account, cut(tick_parts, rest)),
                (burst.account, cut(self.switch_parts, rest - tick_ns)),
            ]
        return ahead, since - vp.work_ns - stolen_ns

    def count(self, vp: VirtualProcessor, now: int) -> None:
        """Count a running virtual processor's occupancy up to now."""
        if now > vp.run_ns:
            vp.partition.dispatched_ns += now - vp.run_ns
            self.use(vp, vp.run_ns, now)
            vp.run_ns = now

    def stop(self, vp: VirtualProcessor, now: int) -> None:
        """Take a virtual processor off its processor, which is free from then on."""
        processor = vp.processor
        assert processor is not None
        run_ns = vp.run_ns
        if now > run_ns:
            vp.partition.dispatched_ns += now - run_ns
            self.use(vp, run_ns, now)
        processor.vp = None
        # It may have waited for a tick that has borrowed the processor for some microseconds.
        processor.free_ns = max(now, vp.start_ns)
        vp.processor = None
        vp.last_processor = processor
        processor.chip.lru[vp] = now - vp.start_ns

    def preempt(self, vp: VirtualProcessor) -> Processor:
        """Take a virtual processor off in the midst of its burst and return its processor."""
        now = self.clock.now_ns
        processor, burst = vp.processor, vp.burst
        assert processor is not None and burst is not None
        vp.due_ns = None
        self._settle_burst(vp, burst, now)
        self.stop(vp, now)
        vp.ready_ns = now
        return processor

    def withdraw(self, vp: VirtualProcessor) -> Burst | None:
        """Take a virtual processor off wherever it stands; return what it has not finished."""
        burst = vp.burst
        if vp.processor is not None:
            processor = self.preempt(vp)
            vp.burst = None
            self.release(processor)
        elif burst is not None:
            self.forget(vp)
            vp.burst = None
        vp.tick_due = False
        return burst

    def tick_idle(self, vp: VirtualProcessor) -> None:
        """Let an idle virtual processor take a clock tick: it wakes, counts it and cedes again."""
        last = vp.last_processor
        processor = last if last is not None and last.vp is None else self.free_processor(vp)
        if processor is None:
            self.tick_in_turn(vp)
            return
        partition = vp.partition
        # A free processor is borrowed for some microseconds without the ceremony of a dispatch.
        now = self.clock.now_ns
        if processor.free_ns < now:
            self.ledger.idle_ns += now - processor.free_ns
        begin, end = processor.run_idle_tick(partition.account, *partition.idle_tick, now)
        partition.dispatches += 1
        partition.dispatched_ns += end - begin
        self.use(vp, begin, end)

    def tick_in_turn(self, vp: VirtualProcessor) -> None:
        """Let an idle virtual processor take a clock tick as any other work."""
        partition = vp.partition
        partition.idle.remove(vp)
        vp.burst = Burst(partition.account, partition.tick, nothing)
        self.wake(vp)

    def in_progress(self) -> tuple[int, list[tuple[Account, list[tuple[int, int]]]]]:
        """Say what is under way at this moment and not yet booked.

        Returns
        -------
        Idle nanoseconds, and the parts of running bursts with the accounts that they belong to;
        negative is what has been booked already and lies ahead.
        """
        now = self.clock.now_ns
        idle_ns = 0
        running: list[tuple[Account, list[Part]]] = []
        for processor in self.processors:
            ahead = unspent(processor.borrowed, now)
            vp = processor.vp
            if vp is None:
                idle_ns += max(0, now - processor.free_ns)
            else:
                burst = vp.burst
                assert burst is not None
                rest, done_ns = self._spent(vp, burst, now)
                ahead += rest
                running.append((burst.account, burst.split(done_ns)))
            for account, parts in ahead:
                running.append((account, [(cause, -ns) for cause, ns in parts]))
        return idle_ns, running
