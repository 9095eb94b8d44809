"""Runs a command once and says what it used; a program of its own, without the rest of vtax.

    runner.py PROCESSOR COMMAND ...

It adopts whatever the command leaves behind, so that all of it is counted and none of it remains.
The answer is a line of JSON on the standard output. When the standard input ends, because the
caller wants it so or has died, all is killed.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_TICK = 1.0 / os.sysconf("SC_CLK_TCK")


def run(processor: int, command: list[str]) -> dict[str, Any]:
    """Run a command on one processor, its input empty, its output thrown away.

    Returns
    -------
    dict
        ``code`` (below 0: minus the signal), times in seconds, counts of all that it started; or
        ``error`` if it could not be started; or nothing if it was killed because the caller wants
        no answer any more.
    """
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {processor})
    earlier, before = _transfers(), _transfers()
    idle, busy, stolen = _processors(processor)
    begin = time.monotonic()
    try:
        child = _spawn(command)
    except OSError as error:
        return {"error": error.strerror}
    if not _await(child):
        _end_all()
        return {}
    elapsed = time.monotonic() - begin
    after = _processors(processor)
    _, status = os.waitpid(child, 0)
    left = _end_all()
    # What this process reads itself is in it, too.
    transfers = {
        name: value - before[name] - (before[name] - earlier[name])
        for name, value in _transfers().items()
    }
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "left": left,
        "elapsed": elapsed,
        "user": used.ru_utime,
        "system": used.ru_stime,
        "idle": after[0] - idle,
        "busy": after[1] - busy,
        "stolen": after[2] - stolen,
        "page_faults": used.ru_minflt,
        "major_faults": used.ru_majflt,
        "voluntary_switches": used.ru_nvcsw,
        "involuntary_switches": used.ru_nivcsw,
        "peak_memory": used.ru_maxrss * 1024,
        "own_memory": _own_memory(),
        **transfers,
    }


def _spawn(command: list[str]) -> int:
    quiet = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    # Python ignores them, and a program that writes to a pipe that nobody reads shall end.
    ignored = [signal.SIGPIPE, signal.SIGXFSZ]
    return os.posix_spawnp(command[0], command, os.environ, file_actions=quiet, setsigdef=ignored)


def _await(child: int) -> bool:
    """Wait until a child has ended; False if the standard input ended first."""
    descriptor = os.pidfd_open(child)
    ready, _, _ = select.select([descriptor, sys.stdin], [], [])
    os.close(descriptor)
    return sys.stdin not in ready or descriptor in ready


def _end_all() -> int:
    """Kill and reap every descendant; returns how many were still at work."""
    left = 0
    while True:
        for child in _children():
            # A child is not reaped while we look at it: the number is still its own.
            if _state(child) != "Z":
                left += 1
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return left


def _children() -> list[int]:
    return [int(pid) for pid in Path("/proc/thread-self/children").read_text().split()]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def _transfers() -> dict[str, int]:
    """Return the kernel's account of this process's transfers and its reaped children's, if any."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return {}
    return {name: int(value) for name, _, value in (line.partition(":") for line in lines)}


def _own_memory() -> int:
    """Return the most memory that this process held itself; getrusage tells its parent's, too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _processors(processor: int) -> tuple[float, float, float]:
    """Return idle seconds of a processor; busy and stolen ones of the whole machine."""
    ticks: dict[str, list[int]] = {}
    for line in Path("/proc/stat").read_text().splitlines():
        name, *values = line.split()
        if name.startswith("cpu"):
            ticks[name] = [int(value) for value in values]
    # user nice system idle iowait irq softirq steal
    own, all_ = ticks.get(f"cpu{processor}", [0] * 8), ticks["cpu"]
    busy = all_[0] + all_[1] + all_[2] + all_[5] + all_[6]
    return (own[3] + own[4]) * _TICK, busy * _TICK, all_[7] * _TICK


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    print(json.dumps(run(int(sys.argv[1]), sys.argv[2:])), flush=True)
