"""The shared processor pool of the POWER Hypervisor.

In every dispatch window a virtual processor that stays runnable receives its entitlement; what is
left goes to uncapped partitions in proportion to their weights. Virtual processors with
entitlement left come first, in order of arrival, except that one which could no longer get its
entitlement by waiting (its *laxity* is used up) displaces one that can still wait. With a common
deadline this meets every guarantee as long as the entitlements fit into the pool.

Source of the rules: IBM Redbooks SG24-7940 and REDP-5102; how the firmware meets them is not
published.
"""

from collections.abc import Sequence

from mypy_extensions import i64

from harness.engine.clock import Clock
from harness.engine.event import Timer
from harness.engine.event_queue import NEVER
from harness.engine.linked_list import LinkedList
from harness.model.cpu.burst import Part
from harness.model.cpu.cache_refill import CacheCosts
from harness.model.cpu.dispatcher import Dispatcher
from harness.model.cpu.entities import Processor, VirtualProcessor
from harness.model.cpu.free_processors import FreeProcessors
from harness.model.cpu.spare_capacity import SpareCapacity
from harness.model.ledger import Ledger


class SharedPool(Dispatcher):
    """Processors shared by micro-partitions.

    Parameters
    ----------
    window_ns
        The dispatch window.
    spare_slice_ns
        The longest turn on spare capacity while others want some.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        processors: Sequence[Processor],
        cache: CacheCosts,
        *,
        switch_parts: Sequence[Part] = (),
        resume_parts: Sequence[Part] | None = None,
        window_ns: int,
        spare_slice_ns: int,
    ) -> None:
        super().__init__(clock, ledger, processors, cache, switch_parts, resume_parts)
        self.window_ns: i64 = window_ns
        self.spare_slice_ns: i64 = spare_slice_ns
        self.free = FreeProcessors(self.processors)
        self.entitled: LinkedList[VirtualProcessor] = LinkedList()
        """Ready, with entitlement left in this window."""
        self.spare = SpareCapacity(self.window_ns)
        self.competing = self.spare.competing
        self.parked: LinkedList[VirtualProcessor] = LinkedList()
        """Ready, but capped and out of entitlement until the next window."""
        self._window_timer: Timer | None = None
        self._laxity_timer: Timer | None = None
        self._laxity_ns: i64 = 0
        self._counted_ns: i64 = -1
        # The last window that was asked for.
        self._window: i64 = 0
        self._window_start_ns: i64 = 0

    # Entitlement

    def _window_at(self, time_ns: i64) -> i64:
        """Return the number of the dispatch window at a time, and keep when it starts."""
        since_ns = time_ns - self._window_start_ns
        if since_ns < 0 or since_ns >= self.window_ns:
            self._window = time_ns // self.window_ns
            self._window_start_ns = self._window * self.window_ns
        return self._window

    def _contended(self) -> bool:
        """Whether a virtual processor waits that could run."""
        return self.entitled.length > 0 or len(self.competing) > 0

    def use(self, vp: VirtualProcessor, start_ns: i64, end_ns: i64) -> None:
        """Count time against the entitlement of the window, and beyond it against the weight."""
        window = self._window_at(end_ns - 1)
        if vp.window != window:
            vp.window = window
            vp.used_ns = 0
            start_ns = max(start_ns, self._window_start_ns)
        before = vp.used_ns
        vp.used_ns = after = before + end_ns - start_ns
        entitlement_ns = vp.entitlement_ns
        if after > entitlement_ns and self._contended():
            # What no other partition wanted counts against none.
            partition = vp.partition
            if partition.weight:
                self.spare.charge(partition, after - max(before, entitlement_ns))

    def _entitlement_left(self, vp: VirtualProcessor, now: i64) -> i64:
        if vp.window != self._window_at(now):
            return vp.entitlement_ns
        return max(0, vp.entitlement_ns - vp.used_ns)

    def _running_left(self, vp: VirtualProcessor, now: i64) -> i64:
        """Entitlement that a running virtual processor has left, its present turn counted."""
        window = self._window_at(now)
        # A turn on a processor that a tick has used begins a little later than now.
        used = max(0, now - max(vp.run_ns, self._window_start_ns))
        if vp.window == window:
            used += vp.used_ns
        return max(0, vp.entitlement_ns - used)

    def limit(self, vp: VirtualProcessor) -> i64:
        """Stop the capped at their entitlement; look at the others only while one waits."""
        weight = vp.partition.weight
        if weight and self.entitled.first is None and not self.competing:
            return NEVER
        if not weight and vp.entitlement_ns >= self.window_ns:
            return NEVER
        now = self.clock.now
        left = self._running_left(vp, now)
        if left == 0:
            if weight:
                return now + self.spare_slice_ns
            return now
        boundary = self._window_end(now)
        end = max(now, vp.run_ns) + left
        if end > boundary:
            # The rest of this window does not use up what is left; the next one starts afresh.
            end = boundary + vp.entitlement_ns
        return end

    def _window_end(self, now: i64) -> i64:
        self._window_at(now)
        return self._window_start_ns + self.window_ns

    # Policy

    def free_processor(self, vp: VirtualProcessor) -> Processor | None:
        """Prefer the core where the VP ran last, then its chip, then any."""
        first = self.free.first()
        if first is None:
            return None
        last = vp.last_processor
        if last is not None:
            if last.vp is None:
                return last
            for processor in last.chip.processors:
                if processor.free:
                    return processor
        return first

    def wake(self, vp: VirtualProcessor) -> None:
        """Run on a free processor, displace a VP on spare capacity, or wait."""
        now = self.clock.now
        vp.ready_ns = vp.runnable_ns = now
        if not vp.partition.weight and not self._entitlement_left(vp, now):
            self._wait(vp, now)
            return
        last = vp.last_processor
        processor = last if last is not None and last.vp is None else self.free_processor(vp)
        if processor is not None:
            self.free.take(processor)
            self.start(vp, processor)
            return
        if self._entitlement_left(vp, now):
            victim = self._on_spare(now)
            if victim is not None:
                if victim.due_ns == NEVER:
                    victim.limit_ns = now
                else:
                    processor = self.preempt(victim)
                    self._wait(victim, now, first=True)
                    self.start(vp, processor)
                    return
        self._wait(vp, now)

    def tick_idle(self, vp: VirtualProcessor) -> None:
        """Let an idle virtual processor take a clock tick; a capped one within its entitlement."""
        partition = vp.partition
        if partition.weight or (
            self._entitlement_left(vp, self.clock.now) >= self.switch.ns + partition.tick.ns
        ):
            super().tick_idle(vp)
        else:
            self.tick_in_turn(vp)

    def _on_spare(self, now: i64) -> VirtualProcessor | None:
        """Find the running VP on spare capacity whose partition has had most for its weight."""
        self._count_all(now)
        victim: VirtualProcessor | None = None
        for processor in self.processors:
            vp = processor.vp
            if (
                vp is not None
                and vp.partition.weight
                and not self._running_left(vp, now)
                and (victim is None or vp.partition.spare_pass > victim.partition.spare_pass)
            ):
                victim = vp
        return victim

    def _wait(self, vp: VirtualProcessor, now: i64, first: bool = False) -> None:
        """Queue a ready virtual processor."""
        contended = self._contended()
        if not contended:
            self._count_all(now)
        partition = vp.partition
        left = self._entitlement_left(vp, now)
        queue = self.parked
        if left:
            queue = self.entitled
        elif partition.weight:
            queue = partition.spare_queue
            if queue.first is None:
                self._count_all(now)
                self.spare.compete(partition)
        if first and queue is not self.parked:
            queue.appendleft(vp)
        else:
            queue.append(vp)
        if not contended and self._contended():
            self._limit_all()
        boundary = self._window_end(now)
        if self._window_timer is None:
            self._window_timer = self.clock.timer_in(boundary - now, self._window_begins)
        if left and self._guaranteed(vp, now):
            self._watch_laxity(now, boundary - left)

    def _count_all(self, now: i64) -> None:
        if self._counted_ns == now:
            # What has started since then has used no time yet.
            return
        self._counted_ns = now
        for processor in self.processors:
            vp = processor.vp
            if vp is not None:
                self.count(vp, now)

    def _limit_all(self) -> None:
        """Set the limits of all that run, now that one waits."""
        for processor in self.processors:
            vp = processor.vp
            if vp is not None and vp.partition.weight:
                limit = self.limit(vp)
                if limit != vp.limit_ns:
                    vp.limit_ns = limit
                    if vp.due_ns != NEVER:
                        self.rearm(vp)

    def limit_reached(self, vp: VirtualProcessor) -> None:
        """Let the next one have the processor, unless this one is the next."""
        now = self.clock.now
        self.count(vp, now)
        if self._running_left(vp, now):
            vp.limit_ns = self.limit(vp)
            self.rearm(vp)
            return
        partition = vp.partition
        if partition.weight and self.entitled.first is None:
            self._count_all(now)
            best = self.spare.best()
            if best is None or partition.spare_pass <= best.spare_pass:
                vp.limit_ns = self.limit(vp)
                self.rearm(vp)
                return
        processor = self.preempt(vp)
        self._wait(vp, now)
        self.release(processor)

    def release(self, processor: Processor) -> None:
        """Start the next in line: entitled first, then by weight."""
        if self.entitled.first is not None:
            self.start(self.entitled.popleft(), processor)
            return
        if not self.competing:
            self.free.put(processor)
            return
        self._count_all(self.clock.now)
        self.start(self.spare.popleft(), processor)

    # Changes

    def forget(self, vp: VirtualProcessor) -> None:
        """Take a waiting virtual processor out of its queue."""
        if vp in self.entitled.items():
            self.entitled.remove(vp)
        elif vp in self.parked.items():
            self.parked.remove(vp)
        else:
            self.spare.remove(vp)

    def reconsider(self) -> None:
        """Queue all again after entitlements, weights or processors have changed."""
        now = self.clock.now
        self._count_all(now)
        waiting: LinkedList[VirtualProcessor] = LinkedList()
        waiting.extend(self.entitled)
        self._move_waiting(waiting)
        while waiting.first is not None:
            self._wait(waiting.popleft(), now)
        self._fill()
        for processor in self.processors:
            vp = processor.vp
            if vp is not None:
                vp.limit_ns = self.limit(vp)
                if vp.due_ns != NEVER:
                    self.rearm(vp)

    def _move_waiting(self, into: LinkedList[VirtualProcessor]) -> None:
        """Move into a queue those that compete, partition by partition, then those parked."""
        self.spare.move(into)
        into.extend(self.parked)

    def _fill(self) -> None:
        """Put those that may run on free processors."""
        processor = self.free.first()
        while processor is not None and self._contended():
            self.free.take(processor)
            self.release(processor)
            processor = self.free.first()

    def add_processor(self, processor: Processor) -> None:
        """Take one more processor into the pool."""
        self.processors.append(processor)
        self.release(processor)

    def remove_processor(self) -> Processor:
        """Give up a processor: an idle one, or else the last, whose work goes on elsewhere."""
        idle = self.free.take_highest()
        if idle is not None:
            processor = idle
            self.processors.remove(processor)
        else:
            processor = self.processors.pop()
            vp = processor.vp
            assert vp is not None
            self.preempt(vp)
            self._wait(vp, self.clock.now, first=True)
        # No virtual processor comes back to it any more.
        for partition in self.partitions:
            for each in partition.vps:
                if each.last_processor is processor:
                    each.last_processor = None
        return processor

    # Windows

    def _window_begins(self) -> None:
        """Renew all entitlements."""
        now = self.clock.now
        self._window_timer = None
        self._count_all(now)
        entitled = self.entitled
        self._move_waiting(entitled)
        while entitled.first is not None and self.free.first() is not None:
            vp = entitled.popleft()
            processor = self.free_processor(vp)
            assert processor is not None
            self.free.take(processor)
            self.start(vp, processor)
        self._limit_all()
        if entitled.first is not None:
            self._window_timer = self.clock.timer_in(self.window_ns, self._window_begins)
            most: i64 = 0
            for vp in entitled.items():
                most = max(most, self._entitlement_left(vp, now))
            self._watch_laxity(now, now + self.window_ns - most)

    # Laxity

    def _guaranteed(self, vp: VirtualProcessor, now: i64) -> bool:
        """Whether a virtual processor has been runnable since the window began."""
        return vp.runnable_ns <= now - now % self.window_ns

    def _watch_laxity(self, now: i64, time_ns: i64) -> None:
        """Look at the waiting virtual processors at a time when one may wait no longer."""
        if self._laxity_timer is not None:
            if self._laxity_ns <= time_ns:
                return
            self._laxity_timer.cancel()
        self._laxity_ns = time_ns
        delay_ns = max(0, time_ns - now)
        self._laxity_timer = self.clock.timer_in(delay_ns, self._laxity_used_up)

    def _laxity_used_up(self) -> None:
        """Give processors to those that can wait no longer, from those that can wait longest."""
        now = self.clock.now
        self._laxity_timer = None
        boundary = self._window_end(now)
        soonest: i64 = NEVER
        for vp in self.entitled.items():
            if not self._guaranteed(vp, now):
                continue
            at = boundary - self._entitlement_left(vp, now)
            if at > now:
                soonest = min(soonest, at)
                continue
            patient = self._most_patient(now, boundary)
            if patient is None:
                break
            self.entitled.remove(vp)
            processor = self.preempt(patient)
            self._wait(patient, now, first=True)
            self.start(vp, processor)
        if soonest != NEVER:
            self._watch_laxity(now, soonest)

    def _most_patient(self, now: i64, boundary: i64) -> VirtualProcessor | None:
        """Find the running virtual processor that could best wait, if any could."""
        patient: VirtualProcessor | None = None
        most: i64 = 0
        for processor in self.processors:
            vp = processor.vp
            if vp is None or vp.due_ns == NEVER:
                continue
            laxity = boundary - now - self._running_left(vp, now)
            if not self._guaranteed(vp, now):
                laxity = self.window_ns
            if laxity > most:
                patient = vp
                most = laxity
        return patient
