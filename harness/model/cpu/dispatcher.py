"""Putting virtual processors on processors: what every dispatching policy has in common.

A policy (dedicated, shared pool, time-sharing) subclasses :class:`Dispatcher` and decides who goes
where and for how long; here is the mechanism: starting, interrupting and finishing bursts, booking
every nanosecond.
"""

from collections.abc import Sequence
from typing import Final

from mypy_extensions import i64

from harness.engine.clock import Clock
from harness.engine.event_queue import NEVER
from harness.model.cpu.burst import Burst, Part, work
from harness.model.cpu.cache_refill import CacheCosts, CacheRefill
from harness.model.cpu.entities import Partition, Processor, Scheduler, VirtualProcessor
from harness.model.cpu.pace import book_pace, count_beside, set_pace, work_done
from harness.model.ledger import Books, Cause, Ledger

_REFILL: Final = int(Cause.REFILL)
_LEDGER: Final = Books()


class Dispatcher(Scheduler):
    """A set of processors and the virtual processors that run on them.

    Parameters
    ----------
    switch_parts
        What putting a virtual processor on a processor costs, charged to the account of the work
        it is put there for.
    resume_parts
        The same where it was there last and no other has been since; by default as much.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        processors: Sequence[Processor],
        cache: CacheCosts,
        switch_parts: Sequence[Part] = (),
        resume_parts: Sequence[Part] | None = None,
    ) -> None:
        super().__init__(clock)
        self.ledger = ledger
        self.processors = list(processors)
        self.refill = CacheRefill(cache)
        self.switch = work(*switch_parts)
        self.resume = self.switch if resume_parts is None else work(*resume_parts)
        self.partitions: list[Partition] = []

    def add(self, partition: Partition) -> None:
        """Take charge of a partition's virtual processors."""
        partition.scheduler = self
        partition.idle_tick = work(*self.switch.parts, *partition.tick.parts)
        partition.resumed_tick = work(*self.resume.parts, *partition.tick.parts)
        partition.working_set_ns = self.refill.working_set_ns(partition)
        self.partitions.append(partition)
        for vp in partition.vps:
            self.adopt(vp)

    def remove(self, partition: Partition) -> None:
        """Be rid of a partition that has no virtual processors any more."""
        self.partitions.remove(partition)
        partition.scheduler = None

    def adopt(self, vp: VirtualProcessor) -> None:
        """Take charge of one virtual processor."""
        vp.scheduler = self

    # What a policy decides

    def free_processor(self, vp: VirtualProcessor) -> Processor | None:
        """Choose the idle processor where a virtual processor would best run, if there is one."""
        raise NotImplementedError

    def release(self, processor: Processor) -> None:
        """Give a processor that has just become free to the next in line."""
        raise NotImplementedError

    def forget(self, vp: VirtualProcessor) -> None:
        """Take a ready virtual processor out of the queues."""
        raise NotImplementedError

    def limit(self, vp: VirtualProcessor) -> i64:
        """Return when the policy wants to look at a starting virtual processor again, if ever."""
        return NEVER

    def limit_reached(self, vp: VirtualProcessor) -> None:
        """Decide about a running virtual processor at its limit."""
        raise NotImplementedError

    def use(self, vp: VirtualProcessor, start_ns: i64, end_ns: i64) -> None:
        """Take note of the time that a virtual processor has occupied a processor."""

    # The mechanism

    def start(self, vp: VirtualProcessor, processor: Processor) -> None:
        """Put a ready virtual processor on a free processor."""
        burst = vp.burst
        assert burst is not None
        now = self.clock.now
        begin = processor.free_ns
        if begin < now:
            self.ledger.idle_ns += now - begin
            begin = now
        partition = vp.partition
        partition.dispatches += 1
        partition.dispatch_wait_ns += begin - vp.ready_ns
        processor.vp = vp
        vp.processor = processor
        chip = processor.chip
        chip.running += 1
        chip.contention.running += 1
        partition.running += 1
        vp.run_ns = vp.start_ns = begin
        # Before the work comes what the dispatch costs: the switch, the caches, a tick that is due.
        entry = self.switch
        if processor.last is vp:
            entry = self.resume
            partition.resumptions += 1
        entry.book(burst.account)
        vp.entry = entry
        vp.refill_ns = self.refill.enter(vp, chip, burst)
        lead_ns = entry.ns + vp.refill_ns
        vp.lead_tick = vp.tick_due
        if vp.tick_due:
            vp.tick_due = False
            lead_ns += partition.tick.ns
            partition.tick.book(partition.account)
        vp.work_ns = begin + lead_ns
        vp.stolen_ns = 0
        vp.limit_ns = self.limit(vp)
        set_pace(vp, chip, burst)
        self._begin(vp, burst, now)

    def _begin(self, vp: VirtualProcessor, burst: Burst, now: i64) -> None:
        """Set the next look at a burst that begins at ``work_ns``."""
        slice_ns = vp.partition.slice_of(burst)
        vp.slice_ns = vp.work_ns + slice_ns
        length_ns = vp.length_ns
        end = vp.work_ns + (length_ns if length_ns < slice_ns else slice_ns)
        if vp.limit_ns < end:
            end = max(vp.limit_ns, now)
        vp.due_ns = end
        self.clock.schedule(end - now, vp)

    def rearm(self, vp: VirtualProcessor) -> None:
        """Set the next look at a running virtual processor: its burst's, slice's or limit's end."""
        now = self.clock.now
        end = min(vp.work_ns + vp.stolen_ns + vp.length_ns, vp.slice_ns)
        if vp.interrupting:
            end = min(end, self._interruptible_ns(vp, now))
        end = max(min(end, vp.limit_ns), now)
        vp.due_ns = end
        self.clock.schedule(end - now, vp)

    def _change_pace(self, vp: VirtualProcessor, burst: Burst, now: i64) -> None:
        """Let a burst that goes on take as long as what runs beside it now requires."""
        processor = vp.processor
        assert processor is not None
        chip = processor.chip
        if now >= vp.work_ns and vp.interruptions.end_ns() <= now:
            if chip.contention.active and now > vp.work_ns:
                self._settle_burst(vp, burst, now)
            set_pace(vp, chip, burst)

    # The end of a burst, of a slice, of what the policy allows

    def due(self, vp: VirtualProcessor) -> None:
        """Go on with a running virtual processor at the time that was set for it."""
        now = self.clock.now
        burst = vp.burst
        assert burst is not None
        vp.due_ns = NEVER
        if now - vp.work_ns - vp.stolen_ns < vp.length_ns:
            self._interrupted(vp, burst, now)
            return
        burst.work.book(burst.account)
        book_pace(vp, burst)
        burst.ran_ns += burst.ns
        partition = vp.partition
        # What the end of the burst sets off may give the processor its next work at once.
        vp.burst = None
        outer, before = partition.finishing, partition.finished
        partition.finishing = vp
        partition.finished = burst
        burst.fire()
        partition.finishing = outer
        partition.finished = before
        self._go_on(vp, partition, now)

    def _go_on(self, vp: VirtualProcessor, partition: Partition, now: i64) -> None:
        """Begin what comes after a burst that has just ended, or leave the processor."""
        vp.interrupting = False
        following = vp.burst
        comes_first = partition.run_queue.urgent.length > 0
        if following is not None and comes_first and not following.urgent:
            partition.run_queue.put_back(following)
            following = None
        if following is None:
            if not partition.run_queue.waits():
                self.stop(vp, now)
                partition.idle.append(vp)
                processor = vp.last_processor
                assert processor is not None
                self.release(processor)
                return
            vp.burst = following = partition.run_queue.popleft()
        vp.work_ns = now
        vp.stolen_ns = 0
        processor = vp.processor
        assert processor is not None
        set_pace(vp, processor.chip, following)
        if now >= vp.limit_ns:
            vp.slice_ns = now + partition.slice_of(following)
            self.limit_reached(vp)
        else:
            self._begin(vp, following, now)

    def _interrupted(self, vp: VirtualProcessor, burst: Burst, now: i64) -> None:
        """Go on with a burst that is not finished: at a limit, a slice's end, or after a delay."""
        if vp.interrupting and now >= self._interruptible_ns(vp, now):
            self._take_interrupt(vp, burst, now)
        elif now >= vp.limit_ns:
            self.limit_reached(vp)
            return
        elif now >= vp.slice_ns:
            self._slice_ended(vp, burst, now)
        self.rearm(vp)

    def interrupt(self, vp: VirtualProcessor) -> None:
        """Look at a running virtual processor as soon as it can take an interrupt."""
        vp.interrupting = True
        self.rearm(vp)

    def _interruptible_ns(self, vp: VirtualProcessor, now: i64) -> i64:
        """Return when it can: after its dispatch, a clock tick or an interrupt for others."""
        at = max(now, vp.work_ns)
        return max(at, vp.interruptions.end_ns())

    def _take_interrupt(self, vp: VirtualProcessor, burst: Burst, now: i64) -> None:
        """Do an interrupt's work, or that of a thread that comes first; the thread then goes on."""
        vp.interrupting = False
        partition = vp.partition
        if not partition.run_queue.urgent.length:
            return
        self._settle_burst(vp, burst, now)
        burst.slice_left_ns = max(1, vp.slice_ns - now)
        following = partition.run_queue.popleft()
        partition.run_queue.put_back(burst)
        vp.burst = following
        self._change_pace(vp, following, now)
        vp.slice_ns = now + partition.slice_of(following)

    def _slice_ended(self, vp: VirtualProcessor, burst: Burst, now: i64) -> None:
        """Let the next thread run, if one waits; the one whose slice has ended goes to the end."""
        partition = vp.partition
        following = burst
        if partition.run_queue.waits() and not burst.urgent:
            self._settle_burst(vp, burst, now)
            following = partition.run_queue.rotate(burst)
            vp.burst = following
        self._change_pace(vp, following, now)
        vp.slice_ns = now + partition.slice_of(following)

    def _settle_burst(self, vp: VirtualProcessor, burst: Burst, now: i64) -> None:
        """Book what a running virtual processor has done of its burst so far."""
        done_ns = self._done_ns(vp, burst, now, _LEDGER)
        burst.progress(done_ns)
        count_beside(vp, done_ns)
        vp.work_ns = now
        vp.stolen_ns = 0
        vp.interruptions.clear()

    def _done_ns(self, vp: VirtualProcessor, burst: Burst, now: i64, books: Books) -> i64:
        """Return how much of its burst a running virtual processor has done.

        What was booked in full and lies ahead is taken back: the rest of a tick, of an interrupt,
        and of what comes before the burst proper (switching, a tick that was due, refilling).
        """
        since = max(now, vp.work_ns)
        stolen_ns = vp.stolen_ns - vp.interruptions.take_back(since, books)
        lead_ns = vp.work_ns - max(now, vp.start_ns)
        if lead_ns > 0:
            partition = vp.partition
            account = books.of(burst.account)
            account.add(_REFILL, -min(lead_ns, vp.refill_ns))
            rest = lead_ns - vp.refill_ns
            if vp.lead_tick:
                partition.tick.take_back_last(books.of(partition.account), rest)
                rest -= partition.tick.ns
            vp.entry.take_back_last(account, rest)
        return work_done(vp, burst, since - vp.work_ns - stolen_ns, books)

    def count(self, vp: VirtualProcessor, now: i64) -> None:
        """Count a running virtual processor's occupancy up to now."""
        if now > vp.run_ns:
            vp.partition.dispatched_ns += now - vp.run_ns
            self.use(vp, vp.run_ns, now)
            vp.run_ns = now

    # Leaving a processor

    def stop(self, vp: VirtualProcessor, now: i64) -> None:
        """Take a virtual processor off its processor, which is free from then on."""
        processor = vp.processor
        assert processor is not None
        run_ns = vp.run_ns
        if now > run_ns:
            vp.partition.dispatched_ns += now - run_ns
            self.use(vp, run_ns, now)
        processor.vp = None
        processor.last = vp
        chip = processor.chip
        chip.running -= 1
        chip.contention.running -= 1
        vp.partition.running -= 1
        # It may have waited for a tick that used the processor for some microseconds.
        processor.free_ns = now if now > vp.start_ns else vp.start_ns
        vp.processor = None
        vp.last_processor = processor
        self.refill.leave(vp.cache_use, now - vp.start_ns)

    def preempt(self, vp: VirtualProcessor) -> Processor:
        """Take a virtual processor off in the midst of its burst and return its processor."""
        now = self.clock.now
        processor, burst = vp.processor, vp.burst
        assert processor is not None and burst is not None
        vp.due_ns = NEVER
        vp.interrupting = False
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

    # Ticks of idle virtual processors

    def tick_idle(self, vp: VirtualProcessor) -> None:
        """Let an idle virtual processor take a clock tick: it wakes, counts it and cedes again."""
        last = vp.last_processor
        processor = last if last is not None and last.vp is None else self.free_processor(vp)
        if processor is None:
            self.tick_in_turn(vp)
            return
        partition = vp.partition
        # A free processor is used for some microseconds without the ceremony of a dispatch.
        now = self.clock.now
        if processor.free_ns < now:
            self.ledger.idle_ns += now - processor.free_ns
        tick = partition.idle_tick
        if processor.last is vp:
            tick = partition.resumed_tick
            partition.resumptions += 1
        processor.last = vp
        begin = processor.run_idle_tick(partition.account, tick, now)
        ns = tick.ns
        partition.idle_tick_ns += ns
        partition.dispatches += 1
        partition.dispatched_ns += ns
        self.use(vp, begin, begin + ns)

    def tick_in_turn(self, vp: VirtualProcessor) -> None:
        """Let an idle virtual processor take a clock tick as any other work."""
        partition = vp.partition
        partition.idle.remove(vp)
        partition.idle_tick_ns += self.switch.ns + partition.tick.ns
        vp.burst = Burst(partition.account, partition.tick)
        self.wake(vp)

    # Looking at it

    def book_in_progress(self, books: Books) -> int:
        """Book what is under way at this moment, in copies of the accounts.

        Returns
        -------
        Idle nanoseconds that are not booked yet.
        """
        now = self.clock.now
        idle_ns: i64 = 0
        for processor in self.processors:
            processor.idle_ticks.take_back(now, books)
            vp = processor.vp
            if vp is None:
                idle_ns += max(0, now - processor.free_ns)
            else:
                burst = vp.burst
                assert burst is not None
                done_ns = self._done_ns(vp, burst, now, books)
                burst.work.book_first(books.of(burst.account), done_ns)
        return idle_ns
