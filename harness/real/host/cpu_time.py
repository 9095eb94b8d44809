"""Processor time and page faults of a process tree, read from outside the target."""

import os
import time
from pathlib import Path

TICK_SECONDS = 1.0 / os.sysconf("SC_CLK_TCK")


def own_seconds(pid: int) -> float:
    """Return the processor time of a process and its threads so far, in seconds.

    The resolution is a nanosecond; ended threads are included. 0 if there is no such process.
    """
    try:
        # The clock of another process, as clock_getcpuclockid(3) makes it on Linux.
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def tree_seconds(pid: int, *, reaped: bool = True) -> float:
    """Return the processor time of a process, its threads and its descendants so far, in seconds.

    The resolution is a nanosecond for living processes, and the kernel's tick (usually 10 ms) for
    child processes that were waited for. 0 if there is no such process.

    Parameters
    ----------
    pid
        The process.
    reaped
        Whether child processes of the first process that were waited for are included.
    """
    fields, children = _stat(pid)
    if not fields:
        return 0.0
    ticks = int(fields[13]) + int(fields[14]) if reaped else 0
    return own_seconds(pid) + ticks * TICK_SECONDS + sum(map(tree_seconds, children))


def tree_faults(pid: int) -> int:
    """Return the page faults of a process and its descendants so far.

    Child processes that were waited for are included. 0 if there is no such process.
    """
    fields, children = _stat(pid)
    # minflt cminflt majflt cmajflt
    return sum(map(int, fields[7:11])) + sum(map(tree_faults, children))


def _stat(pid: int) -> tuple[list[str], list[int]]:
    """Return the fields of /proc/PID/stat after the name, and the children of all threads."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [
            int(child)
            for thread in Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except OSError:
        return [], []
    return fields, children
