"""The time-sharing scheduler of a host operating system.

Every runnable thread gets an equal share over time: the one that has run least comes first, a turn
lasts at most a quantum, and a thread that wakes displaces one that has run more by a quantum or
longer. That is the common core of Unix schedulers of the time (dynamic priorities that fall with
processor use); a sleeper may not save up more than one quantum.
"""

from collections.abc import Sequence

from mypy_extensions import i64

from harness.engine.clock import Clock
from harness.engine.event import Event
from harness.engine.event_queue import NEVER
from harness.engine.linked_list import LinkedList
from harness.model.cpu.burst import Part, Work
from harness.model.cpu.cache_refill import CacheCosts
from harness.model.cpu.dispatcher import Dispatcher
from harness.model.cpu.entities import Processor, VirtualProcessor
from harness.model.cpu.free_processors import FreeProcessors
from harness.model.ledger import Account, Ledger


class HostTick(Event):
    """The periodic clock of one core under the host operating system.

    Attributes
    ----------
    count, interruptions
        How often it has ticked, and how often it found a thread running.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        processor: Processor,
        account: Account,
        work: Work,
        interrupting: Work,
        period_ns: int,
    ) -> None:
        super().__init__()
        self.clock = clock
        self.ledger = ledger
        self.processor = processor
        self.account = account
        self.work = work
        self.interrupting = interrupting
        self.period_ns: i64 = period_ns
        self.count: i64 = 0
        self.interruptions: i64 = 0

    def fire(self) -> None:
        """Tick: interrupt the thread that runs, or use the idle core for a moment."""
        clock, processor = self.clock, self.processor
        now = clock.now
        clock.schedule(self.period_ns, self)
        self.count += 1
        vp = processor.vp
        if vp is not None:
            self.interruptions += 1
            vp.interrupt(self.account, self.interrupting, now)
        else:
            self.ledger.idle_ns += max(0, now - processor.free_ns)
            processor.run_idle_tick(self.account, self.work, now)


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
        processors: Sequence[Processor],
        cache: CacheCosts,
        *,
        switch_parts: Sequence[Part] = (),
        quantum_ns: int,
        wake_preemption: bool = True,
    ) -> None:
        super().__init__(clock, ledger, processors, cache, switch_parts)
        self.quantum_ns: i64 = quantum_ns
        self.wake_preemption = wake_preemption
        self.free = FreeProcessors(self.processors)
        self.waiting: LinkedList[VirtualProcessor] = LinkedList()
        self._least_ns: i64 = 0
        self._last_ns: i64 = 0

    def use(self, vp: VirtualProcessor, start_ns: i64, end_ns: i64) -> None:
        """Count a thread's run time."""
        vp.vruntime_ns += end_ns - start_ns

    def limit(self, vp: VirtualProcessor) -> i64:
        """End a turn after a quantum, but only while another thread waits."""
        if self.waiting.first is None:
            return NEVER
        return max(self.clock.now, vp.run_ns) + self.quantum_ns

    def free_processor(self, vp: VirtualProcessor) -> Processor | None:
        """Prefer the core where the thread ran last."""
        first = self.free.first()
        if first is None:
            return None
        last = vp.last_processor
        return last if last is not None and last.vp is None else first

    def wake(self, vp: VirtualProcessor) -> None:
        """Run on a free processor, displace the thread that has run most, or wait."""
        vp.ready_ns = vp.runnable_ns = self.clock.now
        vp.vruntime_ns = max(vp.vruntime_ns, self._least_run_time() - self.quantum_ns)
        processor = self.free_processor(vp)
        if processor is not None:
            self.free.take(processor)
            self.start(vp, processor)
            return
        victim = self._has_run_most()
        if not self.wake_preemption or self._run_time(victim) - vp.vruntime_ns < self.quantum_ns:
            self._wait(vp)
        elif victim.due_ns == NEVER:
            victim.limit_ns = self.clock.now
            self._wait(vp)
        else:
            processor = self.preempt(victim)
            self._wait(victim)
            self.start(vp, processor)

    def _has_run_most(self) -> VirtualProcessor:
        """Return the running thread that has run most; the first of several."""
        most: VirtualProcessor | None = None
        for processor in self.processors:
            vp = processor.vp
            if vp is not None and (most is None or self._run_time(vp) > self._run_time(most)):
                most = vp
        assert most is not None
        return most

    def _next_waiting(self) -> VirtualProcessor | None:
        """Return the waiting thread that has run least; the first of several."""
        least = vp = self.waiting.first
        while vp is not None:
            if least is None or vp.vruntime_ns < least.vruntime_ns:
                least = vp
            vp = self.waiting.after(vp)
        return least

    def _least_run_time(self) -> i64:
        """Run time of the thread that has run least of those that want to; it never falls."""
        least: i64 = NEVER
        for processor in self.processors:
            vp = processor.vp
            if vp is not None:
                least = min(least, self._run_time(vp))
        if least == NEVER:
            # No thread runs, so none waits: what counts is the last one that wanted to.
            least = self._last_ns
        else:
            waiting = self._next_waiting()
            if waiting is not None:
                least = min(least, waiting.vruntime_ns)
        self._least_ns = max(self._least_ns, least)
        return self._least_ns

    def stop(self, vp: VirtualProcessor, now: i64) -> None:
        """Take a thread off, and remember how far it came."""
        super().stop(vp, now)
        self._last_ns = vp.vruntime_ns

    def _run_time(self, vp: VirtualProcessor) -> i64:
        """Run time of a running thread, its present turn counted."""
        return vp.vruntime_ns + self.clock.now - vp.run_ns

    def _wait(self, vp: VirtualProcessor) -> None:
        first = self.waiting.first is None
        self.waiting.append(vp)
        if first:
            for processor in self.processors:
                other = processor.vp
                if other is not None and other.limit_ns == NEVER:
                    other.limit_ns = self.limit(other)
                    if other.due_ns != NEVER:
                        self.rearm(other)

    def forget(self, vp: VirtualProcessor) -> None:
        """Take a waiting thread out of the queue."""
        self.waiting.remove(vp)

    def limit_reached(self, vp: VirtualProcessor) -> None:
        """Let the thread that has run least have the processor."""
        self.count(vp, self.clock.now)
        waiting = self._next_waiting()
        if waiting is not None and waiting.vruntime_ns <= vp.vruntime_ns:
            processor = self.preempt(vp)
            self._wait(vp)
            self.release(processor)
        else:
            vp.limit_ns = self.limit(vp)
            self.rearm(vp)

    def release(self, processor: Processor) -> None:
        """Start the thread that has run least."""
        vp = self._next_waiting()
        if vp is None:
            self.free.put(processor)
        else:
            self.waiting.remove(vp)
            self.start(vp, processor)
