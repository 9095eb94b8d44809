"""What is counted of a partition from the beginning of a run."""

from mypy_extensions import i64

from harness.model.tally import Tally


class PartitionCounters:
    """Counters of a partition.

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
    resumptions
        How many of the dispatches were on a processor that no other VP had used since.
    beside_chip_ns, beside_image_ns, beside_machine_ns
        Its work, times the number of further processors that ran on the same chip, for the same
        operating system and on the same machine.
    ticks, idle_ticks, idle_tick_ns
        Clock ticks that its VPs took, how many of these found them idle, and the processor time of
        the latter, dispatches included.
    interrupting_ticks
        How many of them found a VP running.
    refilled_lines, memory_lines
        Cache lines that its VPs fetched again after others had driven them out, and how many of
        them came from memory.
    chip_lines, remote_lines
        Cache lines that its VPs fetched of what another partition had just used: on another core of
        the chip, and on another chip.
    traffic
        How often which size passed its protocol stack: by way, direction, size in bytes, number of
        packets, which can be a fraction (0 for requests and responses), and number of interrupts.
    """

    def __init__(self) -> None:
        self.dispatches: i64 = 0
        self.dispatched_ns: i64 = 0
        self.dispatch_wait_ns: i64 = 0
        self.phantom_interrupts: i64 = 0
        self.ticks: i64 = 0
        self.idle_ticks: i64 = 0
        self.interrupting_ticks: i64 = 0
        self.idle_tick_ns: i64 = 0
        self.resumptions: i64 = 0
        self.beside_chip_ns: i64 = 0
        self.beside_image_ns: i64 = 0
        self.beside_machine_ns: i64 = 0
        self.refilled_lines: i64 = 0
        self.memory_lines: i64 = 0
        self.chip_lines: i64 = 0
        self.remote_lines: i64 = 0
        self.traffic: dict[tuple[str, str, int, float, float], Tally] = {}
