"""The periodic clock of a virtual processor."""

from mypy_extensions import i64

from harness.engine.event import Event
from harness.model.cpu.entities import VirtualProcessor


class ClockTick(Event):
    """The periodic clock of a virtual processor."""

    def __init__(self, vp: VirtualProcessor) -> None:
        super().__init__()
        self.vp = vp

    def fire(self) -> None:
        """Tick: interrupt what runs, remember it for the next dispatch, or wake an idle one."""
        vp = self.vp
        if vp.gone:
            return
        partition = vp.partition
        partition.clock.schedule(partition.tick_period_ns, self)
        if vp.processor is not None:
            partition.ticks += 1
            partition.interrupting_ticks += 1
            vp.interrupt(partition.account, partition.interrupting_tick, partition.clock.now)
        elif vp.burst is not None:
            if not vp.tick_due:
                partition.ticks += 1
                vp.tick_due = True
        elif not partition.down and vp not in partition.folded:
            partition.ticks += 1
            partition.idle_ticks += 1
            scheduler = vp.scheduler
            assert scheduler is not None
            scheduler.tick_idle(vp)


def start_ticking(vp: VirtualProcessor, phase_ns: i64) -> None:
    """Let the clock of a virtual processor tick, first after ``phase_ns``."""
    vp.partition.clock.schedule(phase_ns, ClockTick(vp))
