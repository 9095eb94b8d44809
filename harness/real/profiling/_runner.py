"""Runner: runs a command once and reports its resource use; a program without the rest of vtax.

    runner.py CONTROL PROCESSOR KIND COMMAND ...

The command has this process's standard input, output and error. The runner adopts processes that
outlive the command, so that all are counted and none remains. The answer is a line of JSON on the
socket CONTROL. If the other end of that socket is closed, on purpose or by the caller's death, all
processes are killed. KIND is ``timed``, or ``counted`` if COMMAND is a counting program that runs
another one: strace waits for all processes of that one, so that the runner ends those that outlive
it.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_SECONDS = 0.05
"""Interval between looks at a counting program's children."""


def run(control: socket.socket, processor: int, command: list[str], counted: bool) -> Any:
    """Run a command on one processor.

    Returns
    -------
    dict
        ``code`` (below 0: minus the signal), times in seconds, counts of all that it started; or
        ``error``, an error number, if it could not be started; or an empty dict if it was killed
        because the caller closed the connection.
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
        return {"error": error.errno}
    if not _await(child, control, counted):
        _end_all()
        return {}
    elapsed = time.monotonic() - begin
    after = _processors(processor)
    _, status = os.waitpid(child, 0)
    left, spared = _end_all()
    # Without what this process has read itself.
    transfers = {
        name: value - before[name] - (before[name] - earlier[name])
        for name, value in _transfers().items()
    }
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "left": left,
        "spared": spared,
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
    # Python ignores the first two; a program that writes to a closed pipe has to end.
    ignored = [signal.SIGPIPE, signal.SIGXFSZ, *_IGNORED]
    # A process group of its own: signals of the program to its group do not reach this process.
    return os.posix_spawnp(command[0], command, os.environ, setpgroup=0, setsigdef=ignored)


def _await(child: int, control: socket.socket, counted: bool) -> bool:
    """Wait until a child has ended; False if the caller has closed the connection."""
    descriptor = os.pidfd_open(child)
    try:
        while True:
            patience = _LOOK_SECONDS if counted else None
            ready, _, _ = select.select([descriptor, control.fileno()], [], [], patience)
            if ready:
                return descriptor in ready
            if not _children(child):
                # Its command has ended, or has not begun; in this case there are no others.
                for other in set(_children()) - {child}:
                    _end(other)
    finally:
        os.close(descriptor)


def _end_all() -> tuple[int, int]:
    """Kill and reap every descendant.

    Returns the number that was still running, and of those the number of another user's, which
    continue.
    """
    left: set[int] = set()
    spared: set[int] = set()
    while True:
        for child in set(_children()) - spared:
            # A child is reaped only below: its process id is still its own.
            if _state(child) != "Z":
                left.add(child)
                if not _end(child):
                    spared.add(child)
        if spared and spared >= set(_children()):
            return len(left), len(spared)
        try:
            os.wait()
        except ChildProcessError:
            return len(left), len(spared)


def _end(child: int) -> bool:
    """Kill a child; False if it is another user's."""
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except PermissionError:
        return False
    return True


def _children(pid: int | None = None) -> list[int]:
    """Return the children of a process, by default of this one."""
    place = Path("/proc/thread-self" if pid is None else f"/proc/{pid}/task/{pid}")
    try:
        return [int(child) for child in (place / "children").read_text().split()]
    except FileNotFoundError:
        return []


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def _transfers() -> dict[str, int]:
    """Return /proc/self/io: transfers of this process and its reaped children, if available."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return {}
    return {name: int(value) for name, _, value in (line.partition(":") for line in lines)}


def _own_memory() -> int:
    """Return the peak memory of this process; getrusage includes its parent's."""
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
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as caller:
        caller.set_inheritable(False)
        used = run(caller, int(sys.argv[2]), sys.argv[4:], sys.argv[3] == "counted")
        with contextlib.suppress(OSError):
            caller.sendall(json.dumps(used).encode())
