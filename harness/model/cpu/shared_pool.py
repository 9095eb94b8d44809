"""The shared processor pool of the POWER Hypervisor.

In every dispatch window a virtual processor that stays runnable receives its entitlement; what is
left goes to uncapped partitions in proportion to their weights. Virtual processors with
entitlement left come first, in order of arrival, except that one which could no longer get its
entitlement by waiting (its *laxity* is used up) displaces one that can still wait. With a common
deadline this meets every guarantee as long as the entitlements fit into the pool.

Source of the rules: IBM Redbooks SG24-7940 and REDP-5102; how the firmware meets them is not
published.
"""

from collections import deque
from math import lcm

from harness.engine.clock import Clock
from harness.engine.event import Timer
from harness.model.cpu.dispatcher import CacheCosts, Dispatcher
from harness.model.cpu.entities import Partition
from harness.model.cpu.processor import Processor
from harness.model.cpu.virtual_processor import VirtualProcessor
from harness.model.ledger import Ledger

_PASS_SCALE = lcm(*range(1, 256))
"""Divides by every weight, so that shares are exact however often time is counted."""


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
        processors: list[Processor],
        cache: CacheCosts,
        *,
        switch_parts: tuple[tuple[int, int], ...] = (),
        window_ns: int,
        spare_slice_ns: int,
    ) -> None:
        super().__init__(clock, ledger, processors, cache, switch_parts)
        self.window_ns = window_ns
        self.spare_slice_ns = spare_slice_ns
        self.free = {processor.index: processor for processor in processors}
        self.entitled: deque[VirtualProcessor] = deque()
        """Ready, with entitlement left in this window."""
        self.competing: dict[str, deque[VirtualProcessor]] = {}
        """Ready for spare capacity, by partition; a partition without any is not a key."""
        self.parked: list[VirtualProcessor] = []
        """Ready, but capped and out of entitlement until the next window."""
        self._pass_floor = 0
        self._window_alarm: Timer | None = None
        self._laxity_alarm: Timer | None = None
        self._laxity_ns = 0

    # Entitlement

    def use(self, vp: VirtualProcessor, start_ns: int, end_ns: int) -> None:
        """Count time against the entitlement of the window, and beyond it against the weight."""
        window = (end_ns - 1) // self.window_ns
        if vp.window != window:
            vp.window = window
            vp.used_ns = 0
            start_ns = max(start_ns, window * self.window_ns)
        before = vp.used_ns
        vp.used_ns = after = before + end_ns - start_ns
        entitlement_ns = vp.entitlement_ns
        if after > entitlement_ns and (self.competing or self.entitled):
            # What nobody else wanted counts against nobody.
            partition = vp.partition
            if partition.weight:
                spare_ns = after - max(before, entitlement_ns)
                partition.spare_pass += spare_ns * (_PASS_SCALE // partition.weight)

    def _entitlement_left(self, vp: VirtualProcessor, now: int) -> int:
        if vp.window != now // self.window_ns:
            return vp.entitlement_ns
        return max(0, vp.entitlement_ns - vp.used_ns)

    def _running_left(self, vp: VirtualProcessor, now: int) -> int:
        """Entitlement that a running virtual processor has left, its present turn counted."""
        window_start = now - now % self.window_ns
        # A turn on a processor that a tick has borrowed begins a little later than now.
        used = max(0, now - max(vp.run_ns, window_start))
        if vp.window == now // self.window_ns:
            used += vp.used_ns
        return max(0, vp.entitlement_ns - used)

    def limit(self, vp: VirtualProcessor) -> int | None:
        """Stop the capped at their entitlement; look at the others only while somebody waits."""
        weight = vp.partition.weight
        if weight and not (self.entitled or self.competing):
            return None
        if not weight and vp.entitlement_ns >= self.window_ns:
            return None
        now = self.clock.now_ns
        left = self._running_left(vp, now)
        if left == 0:
            return now + self.spare_slice_ns if weight else now
        boundary = now - now % self.window_ns + self.window_ns
        start = max(now, vp.run_ns)
        end = start + left
        if end > boundary:
            # The rest of this window does not use up what is left; the next one starts afresh.
            end = boundary + vp.entitlement_ns
        return end

    # Policy

    def free_processor(self, vp: VirtualProcessor) -> Processor | None:
        """Prefer the core where the VP ran last, then its chip, then any."""
        free = self.free
        if not free:
            return None
        last = vp.last_processor
        if last is not None:
            if last.vp is None:
                return last
            for processor in last.chip.processors:
                if processor.index in free:
                    return processor
        return next(iter(free.values()))

    def wake(self, vp: VirtualProcessor) -> None:
        """Run on a free processor, displace somebody on spare capacity, or wait."""
        now = self.clock.now_ns
        vp.ready_ns = vp.runnable_ns = now
        if not vp.partition.weight and not self._entitlement_left(vp, now):
            self._wait(vp, now)
            return
        last = vp.last_processor
        processor = last if last is not None and last.vp is None else self.free_processor(vp)
        if processor is not None:
            del self.free[processor.index]
            self.start(vp, processor)
            return
        if self._entitlement_left(vp, now):
            victim = self._on_spare(now)
            if victim is not None:
                if victim.due_ns is None:
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
            self._entitlement_left(vp, self.clock.now_ns) >= self.switch_ns + partition.tick_ns
        ):
            super().tick_idle(vp)
        else:
            self.tick_in_turn(vp)

    def _on_spare(self, now: int) -> VirtualProcessor | None:
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

    def _wait(self, vp: VirtualProcessor, now: int, *, first: bool = False) -> None:
        """Queue a ready virtual processor."""
        contended = bool(self.entitled or self.competing)
        if not contended:
            self._count_all(now)
        partition = vp.partition
        left = self._entitlement_left(vp, now)
        if left:
            if first:
                self.entitled.appendleft(vp)
            else:
                self.entitled.append(vp)
        elif partition.weight:
            queue = self.competing.get(partition.name)
            if queue is None:
                self._count_all(now)
                queue = self.competing[partition.name] = deque()
                # It keeps what it is owed for coming late (its entitlement ended later than the
                # others' in this window), but who slept may not save up more than one window.
                owed = self.window_ns * (_PASS_SCALE // partition.weight)
                partition.spare_pass = max(partition.spare_pass, self._pass_floor - owed)
            if first:
                queue.appendleft(vp)
            else:
                queue.append(vp)
        else:
            self.parked.append(vp)
        if not contended and (self.entitled or self.competing):
            self._limit_all()
        boundary = now - now % self.window_ns + self.window_ns
        if self._window_alarm is None:
            self._window_alarm = self.clock.timer_in(boundary - now, self._window_begins)
        if left and self._guaranteed(vp, now):
            self._watch_laxity(now, boundary - left)

    def _count_all(self, now: int) -> None:
        for processor in self.processors:
            vp = processor.vp
            if vp is not None:
                self.count(vp, now)

    def _limit_all(self) -> None:
        """Set the limits of all that run, now that somebody waits."""
        for processor in self.processors:
            vp = processor.vp
            if vp is not None and vp.partition.weight:
                limit = self.limit(vp)
                if limit != vp.limit_ns:
                    vp.limit_ns = limit
                    if vp.due_ns is not None:
                        self.rearm(vp)

    def limit_reached(self, vp: VirtualProcessor) -> None:
        """Let the next one have the processor, unless this one is the next."""
        now = self.clock.now_ns
        self.count(vp, now)
        if self._running_left(vp, now):
            vp.limit_ns = self.limit(vp)
            self.rearm(vp)
            return
        partition = vp.partition
        if partition.weight and not self.entitled:
            self._count_all(now)
            best = self._best_competitor()
            if best is None or partition.spare_pass <= best.spare_pass:
                vp.limit_ns = self.limit(vp)
                self.rearm(vp)
                return
        processor = self.preempt(vp)
        self._wait(vp, now)
        self.release(processor)

    def _best_competitor(self) -> Partition | None:
        best: Partition | None = None
        for queue in self.competing.values():
            partition = queue[0].partition
            if best is None or partition.spare_pass < best.spare_pass:
                best = partition
        return best

    def release(self, processor: Processor) -> None:
        """Start the next in line: entitled first, then by weight."""
        if self.entitled:
            self.start(self.entitled.popleft(), processor)
            return
        if not self.competing:
            self.free[processor.index] = processor
            return
        self._count_all(self.clock.now_ns)
        best = self._best_competitor()
        assert best is not None
        self._pass_floor = best.spare_pass
        queue = self.competing[best.name]
        vp = queue.popleft()
        if not queue:
            del self.competing[best.name]
        self.start(vp, processor)

    # Changes

    def forget(self, vp: VirtualProcessor) -> None:
        """Take a waiting virtual processor out of its queue."""
        if vp in self.entitled:
            self.entitled.remove(vp)
        elif vp in self.parked:
            self.parked.remove(vp)
        else:
            queue = self.competing[vp.partition.name]
            queue.remove(vp)
            if not queue:
                del self.competing[vp.partition.name]

    def reconsider(self) -> None:
        """Sort everybody anew after entitlements, weights or processors have changed."""
        now = self.clock.now_ns
        self._count_all(now)
        waiting = [*self.entitled, *(vp for q in self.competing.values() for vp in q), *self.parked]
        self.entitled.clear()
        self.competing.clear()
        self.parked.clear()
        for vp in waiting:
            self._wait(vp, now)
        self._fill(now)
        running = [p.vp for p in self.processors if p.vp is not None]
        for vp in running:
            vp.limit_ns = self.limit(vp)
            if vp.due_ns is not None:
                self.rearm(vp)

    def _fill(self, now: int) -> None:
        """Put those that may run on free processors."""
        while self.free and (self.entitled or self.competing):
            self.release(self.free.pop(next(iter(self.free))))

    def add_processor(self, processor: Processor) -> None:
        """Take one more processor into the pool."""
        self.processors.append(processor)
        self.release(processor)

    def remove_processor(self) -> Processor:
        """Give up a processor: an idle one, or else the last, whose work goes on elsewhere."""
        if self.free:
            processor = self.free.pop(max(self.free))
            self.processors.remove(processor)
        else:
            processor = self.processors.pop()
            vp = processor.vp
            assert vp is not None
            self.preempt(vp)
            self._wait(vp, self.clock.now_ns, first=True)
        # Nobody comes home to it any more.
        for partition in self.partitions:
            for each in partition.vps:
                if each.last_processor is processor:
                    each.last_processor = None
        return processor

    # Windows

    def _window_begins(self) -> None:
        """Renew all entitlements."""
        now = self.clock.now_ns
        self._window_alarm = None
        self._count_all(now)
        for queue in self.competing.values():
            self.entitled.extend(queue)
        self.competing.clear()
        self.entitled.extend(self.parked)
        self.parked.clear()
        while self.entitled and self.free:
            vp = self.entitled.popleft()
            free = self.free_processor(vp)
            assert free is not None
            del self.free[free.index]
            self.start(vp, free)
        self._limit_all()
        if self.entitled:
            self._window_alarm = self.clock.timer_in(self.window_ns, self._window_begins)
            most = max(self._entitlement_left(vp, now) for vp in self.entitled)
            self._watch_laxity(now, now + self.window_ns - most)

    # Laxity

    def _guaranteed(self, vp: VirtualProcessor, now: int) -> bool:
        """Tell whether a virtual processor has been runnable since the window began."""
        return vp.runnable_ns <= now - now % self.window_ns

    def _watch_laxity(self, now: int, time_ns: int) -> None:
        """Look at the waiting virtual processors at a time when one may wait no longer."""
        if self._laxity_alarm is not None:
            if self._laxity_ns <= time_ns:
                return
            self._laxity_alarm.cancel()
        self._laxity_ns = time_ns
        self._laxity_alarm = self.clock.timer_in(max(0, time_ns - now), self._laxity_used_up)

    def _laxity_used_up(self) -> None:
        """Give processors to those that can wait no longer, from those that can wait longest."""
        now = self.clock.now_ns
        self._laxity_alarm = None
        boundary = now - now % self.window_ns + self.window_ns
        later: list[int] = []
        for vp in [vp for vp in self.entitled if self._guaranteed(vp, now)]:
            at = boundary - self._entitlement_left(vp, now)
            if at > now:
                later.append(at)
                continue
            patient = self._most_patient(now, boundary)
            if patient is None:
                break
            self.entitled.remove(vp)
            processor = self.preempt(patient)
            self._wait(patient, now, first=True)
            self.start(vp, processor)
        if later:
            self._watch_laxity(now, min(later))

    def _most_patient(self, now: int, boundary: int) -> VirtualProcessor | None:
        """Find the running virtual processor that could best wait, if any could."""
        patient: VirtualProcessor | None = None
        most = 0
        for processor in self.processors:
            vp = processor.vp
            if vp is None or vp.due_ns is None:
                continue
            laxity = boundary - now - self._running_left(vp, now)
            if not self._guaranteed(vp, now):
                laxity = self.window_ns
            if laxity > most:
                patient, most = vp, laxity
        return patient
