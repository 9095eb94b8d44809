"""A partition: an operating system that dispatches work onto its virtual processors."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.engine.clock import Clock
from harness.model.cpu.burst import Burst, Work
from harness.model.cpu.virtual_processor import VirtualProcessor
from harness.model.ledger import Account, Cause
from harness.model.tally import Tally

if TYPE_CHECKING:
    from harness.model.cpu.dispatcher import Dispatcher


def nothing() -> None:
    """Be done with a burst that nobody waits for."""


class Partition:
    """A partition (or a guest) with its virtual processors and its run queue.

    Threads are served first come, first served, each for at most the operating system's time
    slice at a turn.

    Parameters
    ----------
    virtual_processors
        How many.
    entitlement_ns
        Entitlement of each virtual processor per dispatch window; without meaning when the
        partition owns its processors.
    weight
        For spare capacity; 0 acts as capped.
    slice_ns
        The operating system's time slice.
    tick, tick_period_ns
        What a clock tick costs a virtual processor, and how often it comes (0: never).
    working_set_lines
        Cache lines that a virtual processor has to fetch again at most after losing its place.

    Attributes
    ----------
    dispatches
        Virtual context switches (vcsw): how often one of its VPs was put on a processor.
    dispatched_ns
        Processor time while its VPs were dispatched (physc x time).
    dispatch_wait_ns
        Time that its VPs spent ready without a processor.
    phantom_interrupts
        Interrupts for others that arrived on a processor while one of its VPs was there.
    ticks, idle_ticks
        Clock ticks that its VPs took, and how many of these found them idle.
    refilled_lines
        Cache lines that its VPs fetched again after others had driven them out.
    traffic
        How often which size passed its protocol stack: by way, direction, size in bytes, and number
        of packets (0 for requests and responses).
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
        tick: Work = ((), 0),
        tick_period_ns: int = 0,
        working_set_lines: int = 0,
    ) -> None:
        self.clock = clock
        self.name = name
        self.account = account
        self.weight = weight
        self.slice_ns = slice_ns
        self.tick = tick
        self.tick_parts, self.tick_ns = tick
        self.idle_tick: Work = tick
        self.tick_period_ns = tick_period_ns
        self.working_set_lines = working_set_lines
        self.vps = [
            VirtualProcessor(self, index, entitlement_ns) for index in range(virtual_processors)
        ]
        self.idle = self.vps[::-1]
        self.finishing: VirtualProcessor | None = None
        self.run_queue: deque[Burst] = deque()
        self.dispatcher: Dispatcher | None = None
        self.spare_pass = 0
        self.dispatches = 0
        self.dispatched_ns = 0
        self.dispatch_wait_ns = 0
        self.phantom_interrupts = 0
        self.ticks = 0
        self.idle_ticks = 0
        self.refilled_lines = 0
        self.traffic: dict[tuple[str, str, int, int], Tally] = {}
        self._queued_ns = 0
        self.folded: list[VirtualProcessor] = []
        self.crashes = 0
        self.down = False

    def submit(self, burst: Burst, urgent: bool = False) -> None:
        """Have a burst executed: by an idle virtual processor if there is one, else in turn.

        An urgent burst (an interrupt's work) goes before threads that wait for a processor.
        """
        finishing = self.finishing
        if finishing is not None and finishing.burst is None and (urgent or not self.run_queue):
            finishing.burst = burst
        elif self.idle:
            vp = self.idle.pop()
            vp.burst = burst
            assert self.dispatcher is not None
            self.dispatcher.wake(vp)
        elif self.down:
            pass
        elif urgent:
            self.run_queue.appendleft(burst)
            self._queued_ns -= self.clock.now_ns
        else:
            self.run_queue.append(burst)
            self._queued_ns -= self.clock.now_ns

    def next_in_queue(self) -> Burst:
        """Take the first burst out of the run queue, which must not be empty."""
        self._queued_ns += self.clock.now_ns
        return self.run_queue.popleft()

    def queue_wait_ns(self) -> int:
        """Time that work has waited for a virtual processor, that of what still waits included.

        It is the time integral of the run queue's length: what joins takes its time off, what
        leaves puts its time on.
        """
        return self._queued_ns + len(self.run_queue) * self.clock.now_ns

    def execute(self, work: Work, done: Callable[[], object], urgent: bool = False) -> None:
        """Execute work on the partition's own account."""
        self.submit(Burst(self.account, work, done), urgent)

    def start_ticking(self, vp: VirtualProcessor, phase_ns: int) -> None:
        """Let the clock of a virtual processor tick, first after ``phase_ns``."""
        dispatcher = self.dispatcher
        assert dispatcher is not None
        call_in = self.clock.call_in
        period_ns = self.tick_period_ns
        tick_ns = self.tick_ns
        account = self.account

        def tick() -> None:
            if vp.gone:
                return
            call_in(period_ns, tick)
            if vp.processor is not None:
                self.ticks += 1
                vp.interrupt(account, self.tick_parts, tick_ns, self.clock.now_ns)
            elif vp.burst is not None:
                if not vp.tick_due:
                    self.ticks += 1
                    vp.tick_due = True
            elif not self.down and vp not in self.folded:
                self.ticks += 1
                self.idle_ticks += 1
                dispatcher.tick_idle(vp)

        vp.tick = tick
        call_in(phase_ns, tick)

    # What changes a running partition

    def add_vp(self, entitlement_ns: int = 0) -> VirtualProcessor:
        """Bring one more virtual processor into service; its clock is yet to be started."""
        index = max((vp.index for vp in self.vps), default=-1) + 1
        vp = VirtualProcessor(self, index, entitlement_ns)
        assert self.dispatcher is not None
        self.dispatcher.adopt(vp)
        self.vps.append(vp)
        self._take_work(vp)
        return vp

    def remove_vp(self, vp: VirtualProcessor | None = None) -> VirtualProcessor:
        """Take a virtual processor out of service; what it executes moves to another one.

        Without an argument the operating system chooses: a folded one, an idle one, or the last.
        """
        if vp is None:
            vp = (self.folded or self.idle or self.vps)[-1]
        self.vps.remove(vp)
        vp.gone = True
        self._withdraw(vp)
        return vp

    def fold(self) -> None:
        """Concentrate the work on one virtual processor less."""
        vp = self.idle[0] if self.idle else self._unfolded()[-1]
        self._withdraw(vp)
        self.folded.append(vp)

    def unfold(self) -> None:
        """Spread the work over one virtual processor more."""
        self._take_work(self.folded.pop())

    def crash(self) -> list[Burst]:
        """Stop dead: return the work that is lost, and take none until :meth:`restart`."""
        assert self.dispatcher is not None
        self.down = True
        self.crashes += 1
        lost = []
        for vp in self.vps:
            burst = self.dispatcher.withdraw(vp)
            if burst is not None:
                lost.append(burst)
        while self.run_queue:
            lost.append(self.next_in_queue())
        self.idle.clear()
        self.folded.clear()
        return lost

    def restart(self) -> None:
        """Be up again, with nothing to do."""
        self.down = False
        self.idle = self.vps[::-1]

    # What lets it go on elsewhere

    @property
    def suspended(self) -> bool:
        """Whether it stands still and has no virtual processors."""
        return not self.vps

    def occupied_ns(self) -> int:
        """Processor time while its VPs were dispatched, present turns counted."""
        now = self.clock.now_ns
        running = [vp for vp in self.vps if vp.processor is not None]
        return self.dispatched_ns + sum(max(0, now - vp.run_ns) for vp in running)

    def suspend(self) -> int:
        """Stand still: keep all work, and what comes in, for :meth:`resume`.

        Returns
        -------
        The number of virtual processors, which it has no more.
        """
        assert self.dispatcher is not None
        count = len(self.vps)
        kept = []
        for vp in self.vps:
            vp.gone = True
            burst = self.dispatcher.withdraw(vp)
            if burst is not None:
                kept.append(burst)
        self.run_queue.extendleft(reversed(kept))
        self._queued_ns -= len(kept) * self.clock.now_ns
        for places in (self.vps, self.idle, self.folded):
            places.clear()
        return count

    def resume(self, virtual_processors: int, entitlement_ns: int) -> None:
        """Go on with so many virtual processors under the present dispatcher."""
        for number in range(1, virtual_processors + 1):
            vp = self.add_vp(entitlement_ns)
            if self.tick_period_ns:
                self.start_ticking(vp, self.tick_period_ns * number // (virtual_processors + 1))
        if self.down:
            self.idle.clear()

    def block(self, turn: int) -> Burst | None:
        """Let a thread that runs wait for something: its virtual processor goes on without it.

        Parameters
        ----------
        turn
            Any number; different ones choose different threads where several run.

        Returns
        -------
        What the thread has not finished, to be submitted again; None if none runs.
        """
        running = [vp for vp in self.vps if vp.processor is not None]
        if not running:
            return None
        vp = running[turn % len(running)]
        assert self.dispatcher is not None
        burst = self.dispatcher.withdraw(vp)
        self._take_work(vp)
        return burst

    def _unfolded(self) -> list[VirtualProcessor]:
        return [vp for vp in self.vps if vp not in self.folded]

    def _withdraw(self, vp: VirtualProcessor) -> None:
        """Have a virtual processor stop, and somebody else do its work."""
        assert self.dispatcher is not None
        burst = self.dispatcher.withdraw(vp)
        for places in (self.idle, self.folded):
            if vp in places:
                places.remove(vp)
        if burst is not None:
            self.submit(burst, urgent=True)

    def _take_work(self, vp: VirtualProcessor) -> None:
        """Let a virtual processor that has come into service do what waits, or idle."""
        if self.run_queue:
            vp.burst = self.next_in_queue()
            assert self.dispatcher is not None
            self.dispatcher.wake(vp)
        else:
            self.idle.append(vp)

    def take_phantom_interrupt(self, vp: VirtualProcessor, ns: int, payer: Account) -> None:
        """Be held up by an interrupt for somebody else, who pays for it."""
        self.phantom_interrupts += 1
        vp.interrupt(payer, ((int(Cause.HYPERVISOR), ns),), ns, self.clock.now_ns)
