"""The time-sharing scheduler of a host operating system.

Every runnable thread gets an equal share over time: the one that has run least comes first, a turn
lasts at most a quantum, and a thread that wakes displaces one that has run more by a quantum or
longer. That is the common core of Unix schedulers of the time (dynamic priorities that fall with
processor use); a sleeper may not save up more than one quantum.
"""

from harness.engine.clock import Clock
from harness.model.cpu.dispatcher import CacheCosts, Dispatcher
from harness.model.cpu.processor import Processor
from harness.model.cpu.virtual_processor import VirtualProcessor
from harness.model.ledger import Ledger


class TimeSharing(Dispatcher):
    """Processors of a host whose threads are the virtual processors of guests.

    Parameters
    ----------
    quantum_ns
        The longest turn while others wait.
    wake_preemption
        Whether a thread that wakes may displace one that runs.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        processors: list[Processor],
        cache: CacheCosts,
        *,
        switch_parts: tuple[tuple[int, int], ...] = (),
        quantum_ns: int,
        wake_preemption: bool = True,
    ) -> None:
        super().__init__(clock, ledger, processors, cache, switch_parts)
        self.quantum_ns = quantum_ns
        self.wake_preemption = wake_preemption
        self.free = {processor.index: processor for processor in processors}
        self.waiting: list[VirtualProcessor] = []
        self._least_ns = 0
        self._last_ns = 0

    def use(self, vp: VirtualProcessor, start_ns: int, end_ns: int) -> None:
        """Count a thread's run time."""
        vp.vruntime_ns += end_ns - start_ns

    def limit(self, vp: VirtualProcessor) -> int | None:
        """End a turn after a quantum, but only while somebody waits."""
        return max(self.clock.now_ns, vp.run_ns) + self.quantum_ns if self.waiting else None

    def free_processor(self, vp: VirtualProcessor) -> Processor | None:
        """Prefer the core where the thread ran last."""
        free = self.free
        if not free:
            return None
        last = vp.last_processor
        if last is not None and last.vp is None:
            return last
        return next(iter(free.values()))

    def wake(self, vp: VirtualProcessor) -> None:
        """Run on a free processor, displace the thread that has run most, or wait."""
        vp.ready_ns = vp.runnable_ns = self.clock.now_ns
        vp.vruntime_ns = max(vp.vruntime_ns, self._least_run_time() - self.quantum_ns)
        processor = self.free_processor(vp)
        if processor is not None:
            del self.free[processor.index]
            self.start(vp, processor)
            return
        victim = max(
            (other for p in self.processors if (other := p.vp) is not None),
            key=self._run_time,
        )
        if not self.wake_preemption or self._run_time(victim) - vp.vruntime_ns < self.quantum_ns:
            self._wait(vp)
        elif victim.due_ns is None:
            victim.limit_ns = self.clock.now_ns
            self._wait(vp)
        else:
            processor = self.preempt(victim)
            self._wait(victim)
            self.start(vp, processor)

    def _least_run_time(self) -> int:
        """Run time of the thread that has run least of those that want to; it never falls."""
        now = self.clock.now_ns
        least = None
        for processor in self.processors:
            vp = processor.vp
            if vp is not None:
                run_time = vp.vruntime_ns + now - vp.run_ns
                if least is None or run_time < least:
                    least = run_time
        if least is None:
            # Nobody runs, so nobody waits: what counts is who was the last to want to.
            least = self._last_ns
        else:
            for vp in self.waiting:
                if vp.vruntime_ns < least:
                    least = vp.vruntime_ns
        if least > self._least_ns:
            self._least_ns = least
        return self._least_ns

    def stop(self, vp: VirtualProcessor, now: int) -> None:
        """Take a thread off, and remember how far it came."""
        super().stop(vp, now)
        self._last_ns = vp.vruntime_ns

    def _run_time(self, vp: VirtualProcessor) -> int:
        """Run time of a running thread, its present turn counted."""
        return vp.vruntime_ns + self.clock.now_ns - vp.run_ns

    def _wait(self, vp: VirtualProcessor) -> None:
        first = not self.waiting
        self.waiting.append(vp)
        if first:
            for processor in self.processors:
                other = processor.vp
                if other is not None and other.limit_ns is None:
                    other.limit_ns = self.limit(other)
                    if other.due_ns is not None:
                        self.rearm(other)

    def forget(self, vp: VirtualProcessor) -> None:
        """Take a waiting thread out of the queue."""
        self.waiting.remove(vp)

    def limit_reached(self, vp: VirtualProcessor) -> None:
        """Let the thread that has run least have the processor."""
        self.count(vp, self.clock.now_ns)
        if self.waiting and min(other.vruntime_ns for other in self.waiting) <= vp.vruntime_ns:
            processor = self.preempt(vp)
            self._wait(vp)
            self.release(processor)
        else:
            vp.limit_ns = self.limit(vp)
            self.rearm(vp)

    def release(self, processor: Processor) -> None:
        """Start the thread that has run least."""
        if not self.waiting:
            self.free[processor.index] = processor
            return
        index = min(range(len(self.waiting)), key=lambda i: self.waiting[i].vruntime_ns)
        vp = self.waiting.pop(index)
        self.start(vp, processor)
