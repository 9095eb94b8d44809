"""Processors, virtual processors and partitions: the objects that a scheduler brings together.

A partition is an operating system that dispatches work onto its virtual processors; a
:class:`Scheduler` puts these on processors.
"""

from typing import Final

from mypy_extensions import i64

from harness.engine.clock import Clock
from harness.engine.event import Event
from harness.engine.event_queue import NEVER
from harness.engine.linked_list import LinkedList, Node
from harness.model.cpu.burst import NO_WORK, Burst, Interruptions, Work
from harness.model.cpu.contention import Contention
from harness.model.cpu.counters import PartitionCounters
from harness.model.cpu.run_queue import RunQueue
from harness.model.ledger import Account


class Scheduler:
    """What puts virtual processors on processors.

    It is no ABC: compiled classes would share one cache of ``isinstance`` results.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def adopt(self, vp: "VirtualProcessor") -> None:
        """Take charge of one virtual processor."""
        raise NotImplementedError

    def wake(self, vp: "VirtualProcessor") -> None:
        """Find a processor for a virtual processor that has become ready, or let it wait."""
        raise NotImplementedError

    def due(self, vp: "VirtualProcessor") -> None:
        """Look at a running virtual processor at the time that was set for it."""
        raise NotImplementedError

    def withdraw(self, vp: "VirtualProcessor") -> Burst | None:
        """Take a virtual processor off wherever it stands; return what it has not finished."""
        raise NotImplementedError

    def tick_idle(self, vp: "VirtualProcessor") -> None:
        """Let an idle virtual processor take a clock tick."""
        raise NotImplementedError

    def interrupt(self, vp: "VirtualProcessor") -> None:
        """Look at a running virtual processor as soon as it can take an interrupt."""
        raise NotImplementedError


class CacheUse(Node):
    """The last turn of a virtual processor on a chip.

    Attributes
    ----------
    chip
        The chip.
    turn_ns
        How long the turn was.
    turn_lines
        How many cache lines it can have used; -1 while that is not known.
    listed
        Whether the virtual processor has left the chip and not come back since.
    """

    def __init__(self, vp: "VirtualProcessor", chip: "Chip") -> None:
        super().__init__()
        self.vp = vp
        self.chip = chip
        self.turn_ns: i64 = 0
        self.turn_lines: i64 = -1
        self.listed = False


class Chip:
    """Cores that share a second-level cache.

    Attributes
    ----------
    contention
        That of its machine.
    running
        How many of its cores execute something.
    lru
        The virtual processors that have left, in the order in which they left.
    lines
        The sum of the working sets of all that were ever here.
    """

    def __init__(self, contention: Contention) -> None:
        self.contention = contention
        self.running: i64 = 0
        self.lines: i64 = 0
        self.processors: list[Processor] = []
        self.lru: LinkedList[CacheUse] = LinkedList()


_NO_CHIP: Final = Chip(Contention())
_RUNNING_FIRST: Final = 1 << 60
_NO_BURST: Final = Burst(Account(), NO_WORK)


class Processor(Node):
    """One core.

    Attributes
    ----------
    vp
        The virtual processor that runs on it, or None.
    last
        The virtual processor that has run on it last, if one has.
    free_ns
        The time since which it has had nothing to do, while ``vp`` is None. It may lie a few
        microseconds ahead when the tick of an idle virtual processor has just used the core.
    idle_ticks
        The last of such ticks.
    free
        Whether it is in its scheduler's list of free processors.
    """

    def __init__(self, index: int, chip: Chip) -> None:
        super().__init__()
        self.index: i64 = index
        self.chip = chip
        self.vp: VirtualProcessor | None = None
        self.last: VirtualProcessor | None = None
        self.free_ns: i64 = 0
        self.idle_ticks = Interruptions()
        self.free = False
        chip.processors.append(self)

    def run_idle_tick(self, account: Account, work: Work, now_ns: i64) -> i64:
        """Use the idle core for a clock tick; return when that begins."""
        begin = max(self.free_ns, now_ns)
        self.free_ns = end = begin + work.ns
        if begin == now_ns:
            self.idle_ticks.clear()
        self.idle_ticks.add(end, account, work)
        return begin


class VirtualProcessor(Event):
    """A virtual processor (VP): what a partition's operating system takes for a processor.

    It is *idle* (ceded: no burst), *ready* (a burst, no processor) or *running* (both). As an event
    it is its scheduler's look at it while it runs. All times are in nanoseconds.

    Attributes
    ----------
    burst
        What it executes or waits to execute.
    due_ns
        When its scheduler will look at it next, while running; ``NEVER`` between two bursts.
    processor, last_processor
        Where it runs; where it ran last.
    ready_ns
        Since when it has been ready.
    runnable_ns
        Since when it has not been idle.
    start_ns
        When it was put on its processor.
    run_ns
        Up to where its occupancy has been counted, while running.
    work_ns
        When the burst proper began, after the costs of dispatching.
    entry, refill_ns, lead_tick
        What putting it on its processor cost; how much of the time before ``work_ns`` refills
        caches; whether there is a tick in it.
    slow_ns
        By how much longer a second of its burst takes for what runs beside it.
    length_ns
        How long its burst takes from ``work_ns`` on, interruptions left aside.
    beside_chip, beside_image, beside_machine
        How many further processors ran on its chip, for its operating system and on its machine.
    stolen_ns, interruptions
        Time that ticks and foreign interrupts took since ``work_ns``, and the last of them.
    slice_ns, limit_ns
        When the operating system, and when the scheduler, wants to look again, or ``NEVER``.
    used_ns, window
        What it has used of its entitlement in the dispatch window of that number.
    tick_due
        Whether a clock tick came while it was ready.
    gone
        Whether it has been taken out of service.
    interrupting
        Whether its operating system is about to give it other work.
    cache_use
        Its present or last turn on the chip where it is or was last.
    vruntime_ns
        Its weighted run time under a time-sharing scheduler.
    """

    def __init__(self, partition: "Partition", index: int, entitlement_ns: int) -> None:
        super().__init__()
        self.partition = partition
        self.index = index
        self.entitlement_ns: i64 = entitlement_ns
        self.scheduler: Scheduler | None = None
        self.burst: Burst | None = None
        self.processor: Processor | None = None
        self.last_processor: Processor | None = None
        self.ready_ns: i64 = 0
        self.run_ns: i64 = 0
        self.start_ns: i64 = 0
        self.runnable_ns: i64 = 0
        self.work_ns: i64 = 0
        self.slow_ns: i64 = 0
        self.length_ns: i64 = 0
        self.beside_chip: i64 = 0
        self.beside_image: i64 = 0
        self.beside_machine: i64 = 0
        self.stolen_ns: i64 = 0
        self.interruptions = Interruptions()
        self.entry = NO_WORK
        self.refill_ns: i64 = 0
        self.slice_ns: i64 = 0
        self.limit_ns: i64 = NEVER
        self.due_ns: i64 = NEVER
        self.used_ns: i64 = 0
        self.window: i64 = 0
        self.vruntime_ns: i64 = 0
        self.tick_due = False
        self.lead_tick = False
        self.gone = False
        self.interrupting = False
        self.cache_use = CacheUse(self, _NO_CHIP)
        self._cache_uses: list[CacheUse] = []

    def fire(self) -> None:
        """Have the scheduler look, unless it has been stopped or set to another time since."""
        scheduler = self.scheduler
        if scheduler is not None and self.due_ns == scheduler.clock.now:
            scheduler.due(self)

    def interrupt(self, account: Account, work: Work, now_ns: i64) -> None:
        """Be held up while running, on some account; what it does is done later."""
        interruptions = self.interruptions
        begin = max(now_ns, self.work_ns)
        last_end = interruptions.end_ns()
        if last_end <= now_ns:
            interruptions.clear()
        else:
            begin = max(begin, last_end)
        interruptions.add(begin + work.ns, account, work)
        self.stolen_ns += work.ns

    def cache_use_of(self, chip: Chip) -> CacheUse:
        """Return its last turn on a chip."""
        for use in self._cache_uses:
            if use.chip is chip:
                return use
        use = CacheUse(self, chip)
        self._cache_uses.append(use)
        return use

    def __repr__(self) -> str:
        return f"<VP {self.index} of {self.partition.name}>"


def entitlement_share(entitlement_ns: i64, virtual_processors: i64, place: i64) -> i64:
    """Return the share of the virtual processor in a place (from 0) of its partition's entitlement.

    Shares are equal, but for the first ones, which have one nanosecond more each where a remainder
    is left. They add up to the entitlement: no partition gets more than it is entitled to.
    """
    return (entitlement_ns + virtual_processors - 1 - place) // virtual_processors


class Partition(PartitionCounters):
    """A partition (or a guest) with its virtual processors and its run queue.

    Threads are served first come, first served, each for at most the operating system's time
    slice at a turn. A thread that asks for more work when its last is done goes on within its
    slice: how long the pieces of its work are does not matter. An interrupt's work is done at once,
    on a virtual processor whose thread goes on afterwards. A thread that wakes comes before one
    that has run for a clock tick or longer without waiting, as the systems of the time compute
    priorities from the processor use that they find at their ticks (AIX, Linux 2.4 and 2.6).

    Parameters
    ----------
    virtual_processors
        How many.
    entitlement_ns
        Entitlement of the partition per dispatch window, which its virtual processors share;
        without meaning when the partition owns its processors.
    weight
        For spare capacity; 0 acts as capped.
    slice_ns
        The operating system's time slice.
    tick, tick_period_ns
        What a clock tick costs a virtual processor, and how often it comes (0: never).
    interrupting_tick
        What one costs that interrupts work: the same, and what the work fetches again after it.
    working_set_lines
        Cache lines that a virtual processor has to fetch again at most after losing its place.

    Attributes
    ----------
    working_set_ns
        The time in which its work can use all of them.
    running
        How many of its VPs are on a processor.
    folded
        Idle VPs that the operating system gives no work to (virtual processor folding).
    crashes
        How often it has crashed: what began before a crash is not heard of any more.
    down
        Whether it has crashed: it takes no work, and its clocks stand still.
    """

    def __init__(
        self,
        clock: Clock,
        name: str,
        account: Account,
        *,
        virtual_processors: int,
        entitlement_ns: int = 0,
        weight: int = 0,
        slice_ns: int = 10_000_000,
        tick: Work = NO_WORK,
        interrupting_tick: Work | None = None,
        tick_period_ns: int = 0,
        working_set_lines: int = 0,
    ) -> None:
        super().__init__()
        self.clock = clock
        self.name = name
        self.account = account
        self.weight: i64 = weight
        self.slice_ns: i64 = slice_ns
        self.tick = tick
        self.interrupting_tick = tick if interrupting_tick is None else interrupting_tick
        self.idle_tick = tick
        self.resumed_tick = tick
        self.tick_period_ns: i64 = tick_period_ns
        self.working_set_lines: i64 = working_set_lines
        self.working_set_ns: i64 = 0
        self.vps = [
            VirtualProcessor(
                self, index, entitlement_share(entitlement_ns, virtual_processors, index)
            )
            for index in range(virtual_processors)
        ]
        self.idle = self.vps[::-1]
        self.finishing: VirtualProcessor | None = None
        self.finished: Burst = _NO_BURST
        self.run_queue = RunQueue(clock)
        self.scheduler: Scheduler | None = None
        self.spare_pass = 0
        self.spare_queue: LinkedList[VirtualProcessor] = LinkedList()
        self.running: i64 = 0
        self.folded: list[VirtualProcessor] = []
        self.crashes: i64 = 0
        self.down = False

    def submit(self, burst: Burst, urgent: bool = False) -> None:
        """Have a burst executed: an interrupt's work, a thread's next piece, or one that wakes.

        Parameters
        ----------
        urgent
            Whether it is an interrupt's work, which goes before threads.
        """
        finishing, last = self.finishing, self.finished
        # It may be the one that has just ended, asked for something else.
        continues = not urgent and not last.urgent
        burst.urgent = urgent
        if finishing is not None and finishing.burst is None:
            if continues:
                self._continue(finishing, last, burst)
                return
            burst.ran_ns = 0
            waiting = self.run_queue.threads.first
            if urgent or waiting is None or self._gives_way(waiting, waiting.ran_ns):
                finishing.burst = burst
            else:
                self.run_queue.append(burst)
            return
        burst.ran_ns = 0
        if self.idle:
            self.wake_idle(burst)
        elif not self.down:
            self._interrupt_for(burst)

    def wake_idle(self, burst: Burst) -> None:
        """Have the virtual processor that became idle last execute a burst."""
        vp = self.idle.pop()
        vp.burst = burst
        assert self.scheduler is not None
        self.scheduler.wake(vp)

    def _continue(self, vp: VirtualProcessor, last: Burst, burst: Burst) -> None:
        """Let a thread go on with its next piece of work, unless its slice is over."""
        burst.ran_ns = last.ran_ns
        left_ns = vp.slice_ns - self.clock.now
        if left_ns > 0 or not self.run_queue.threads.length:
            burst.slice_left_ns = max(left_ns, 0)
            vp.burst = burst
        else:
            self.run_queue.append(burst)

    def _gives_way(self, burst: Burst, ran_ns: i64) -> bool:
        """Whether a thread that has run for so long gives way to one that wakes."""
        return not burst.urgent and 0 < self.tick_period_ns <= ran_ns

    def _interrupt_for(self, burst: Burst) -> None:
        """Give a virtual processor that has other work a burst that goes before it, or queue it."""
        chosen: VirtualProcessor | None = None
        most_ns: i64 = -1
        for vp in self.vps:
            other = vp.burst
            if other is None or other.urgent or vp.interrupting:
                continue
            ran_ns = other.ran_ns
            if vp.processor is not None:
                if vp.due_ns == NEVER:
                    continue
                ran_ns += max(0, self.clock.now - vp.work_ns - vp.stolen_ns)
                # One that runs is interrupted rather than one that waits for a processor.
                if burst.urgent:
                    ran_ns += _RUNNING_FIRST
            if ran_ns > most_ns and (burst.urgent or self._gives_way(other, ran_ns)):
                chosen = vp
                most_ns = ran_ns
        if chosen is None:
            if burst.urgent:
                self.run_queue.append_urgent(burst)
            else:
                self.run_queue.append(burst)
        elif chosen.processor is None:
            thread = chosen.burst
            assert thread is not None
            chosen.burst = burst
            self.run_queue.put_back(thread)
        else:
            self.run_queue.append_urgent(burst)
            assert self.scheduler is not None
            self.scheduler.interrupt(chosen)

    def slice_of(self, burst: Burst) -> i64:
        """Return the time slice that a burst begins with: what is left of one, or a new one."""
        left_ns = burst.slice_left_ns
        burst.slice_left_ns = 0
        if left_ns > 0:
            return left_ns
        return self.slice_ns

    def queue_wait_ns(self) -> int:
        """Time that work has waited for a virtual processor, that of what still waits included."""
        return self.run_queue.wait_ns()

    def occupied_ns(self) -> int:
        """Processor time while its VPs were dispatched, present turns counted."""
        now = self.clock.now
        occupied_ns = self.dispatched_ns
        for vp in self.vps:
            if vp.processor is not None:
                occupied_ns += max(0, now - vp.run_ns)
        return occupied_ns

    def take_phantom_interrupt(self, vp: VirtualProcessor, work: Work, payer: Account) -> None:
        """Be held up by an interrupt for another partition, which pays for it."""
        self.phantom_interrupts += 1
        vp.interrupt(payer, work, self.clock.now)
