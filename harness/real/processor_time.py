"""Processor time of a process tree and of the whole machine, read from outside the target."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICK = 1.0 / os.sysconf("SC_CLK_TCK")

DISTURBED_SHARE = 0.10
"""A measurement is disturbed if other programs and the machine's own hypervisor took more than this
share of all its processors meanwhile."""


def tree_seconds(pid: int) -> float:
    """Return the processor time of a process, its threads and its descendants so far, in seconds.

    Threads count to the nanosecond, those that have ended included; child processes that were
    waited for count to the kernel's tick (10 ms, as a rule). 0 if there is no such process.
    """
    try:
        # The clock of another process, as clock_getcpuclockid(3) makes it on Linux.
        own = time.clock_gettime((~pid << 3) | 2)
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [
            int(child)
            for thread in Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except OSError:
        return 0.0
    reaped = (int(fields[13]) + int(fields[14])) * _TICK
    return own + reaped + sum(map(tree_seconds, children))


@dataclass(frozen=True, slots=True)
class Machine:
    """What the whole machine had spent at a point of time, in seconds of its processors."""

    busy: float
    steal: float
    own: float
    """This process and the target that is measured."""
    time: float
    """By this machine's monotonic clock."""

    @classmethod
    def now(cls, target: int) -> "Machine":
        """Read it, the target being the process tree that begins with this process id."""
        # user nice system idle iowait irq softirq steal
        ticks = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]
        own = time.process_time() + tree_seconds(target)
        return cls(busy * _TICK, ticks[7] * _TICK, own, time.monotonic())

    def others_since(self, before: "Machine") -> float:
        """Return the share of all processors that other programs took meanwhile."""
        taken = (self.busy - before.busy) - (self.own - before.own)
        # The kernel counts in ticks: one more or less says nothing.
        return max(0.0, taken - _TICK) / self._capacity(before)

    def stolen_since(self, before: "Machine") -> float:
        """Return the share of all processors that the machine's own hypervisor withheld."""
        return (self.steal - before.steal) / self._capacity(before)

    def _capacity(self, before: "Machine") -> float:
        return (self.time - before.time) * (os.cpu_count() or 1)
