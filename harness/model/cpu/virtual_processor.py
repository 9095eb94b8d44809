"""A virtual processor: what a partition's operating system takes for a processor."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.model.cpu.burst import Burst, Interruption, Part
from harness.model.cpu.processor import Processor
from harness.model.ledger import Account

if TYPE_CHECKING:
    from harness.model.cpu.entities import Partition


def _unset() -> None:
    raise AssertionError("the virtual processor has no dispatcher yet")


class VirtualProcessor:
    """A virtual processor (VP) and where it stands. All times are in nanoseconds.

    It is *idle* (ceded: no burst), *ready* (a burst, no processor) or *running* (both).

    Attributes
    ----------
    burst
        What it executes or waits to execute.
    due_ns
        When its dispatcher will look at it next, while running; None between two bursts.
    processor, home
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
    refill_ns, lead_tick
        How much of the time before ``work_ns`` refills caches; whether there is a tick in it.
    stolen_ns, thefts
        Time that ticks and foreign interrupts took since ``work_ns``, and the last of them.
    slice_ns, limit_ns
        When the operating system, and when the dispatcher, wants to look again; None: never.
    used_ns, window
        What it has used of its entitlement in the dispatch window of that number.
    gone
        Whether it has been taken out of service.
    vruntime_ns
        Its weighted run time under a time-sharing scheduler.
    """

    __slots__ = (
        "burst",
        "due_ns",
        "entitlement_ns",
        "expired",
        "gone",
        "index",
        "interruptions",
        "last_processor",
        "lead_tick",
        "limit_ns",
        "partition",
        "processor",
        "ready_ns",
        "refill_ns",
        "run_ns",
        "runnable_ns",
        "slice_ns",
        "start_ns",
        "stolen_ns",
        "tick",
        "tick_due",
        "used_ns",
        "vruntime_ns",
        "window",
        "work_ns",
    )

    def __init__(self, partition: "Partition", index: int, entitlement_ns: int) -> None:
        self.partition = partition
        self.index = index
        self.entitlement_ns = entitlement_ns
        self.burst: Burst | None = None
        self.processor: Processor | None = None
        self.last_processor: Processor | None = None
        self.ready_ns = 0
        self.run_ns = 0
        self.start_ns = 0
        self.runnable_ns = 0
        self.work_ns = 0
        self.stolen_ns = 0
        self.interruptions: list[Interruption] = []
        self.refill_ns = 0
        self.slice_ns = 0
        self.limit_ns: int | None = None
        self.used_ns = 0
        self.window = 0
        self.vruntime_ns = 0
        self.tick_due = False
        self.lead_tick = False
        self.gone = False
        self.due_ns: int | None = None
        self.expired: Callable[[], None] = _unset
        self.tick: Callable[[], None] = _unset

    def interrupt(self, account: Account, parts: tuple[Part, ...], ns: int, now_ns: int) -> None:
        """Be held up while running, on somebody's account; what it does is done later."""
        interruptions = self.interruptions
        begin = max(now_ns, self.work_ns)
        if interruptions:
            if interruptions[-1][0] <= now_ns:
                interruptions.clear()
            else:
                begin = max(begin, interruptions[-1][0])
        interruptions.append((begin + ns, account, parts))
        self.stolen_ns += ns
        for cause, part_ns in parts:
            account[cause] += part_ns

    def __repr__(self) -> str:
        return f"<VP {self.index} of {self.partition.name}>"
