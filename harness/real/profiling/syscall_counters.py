"""Counts of a program's system calls and events: by perf where permitted, else by strace."""

import os
import shutil
import subprocess
from collections import Counter as Multiset
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.real.host.system import run_command

CALLS: Mapping[str, tuple[str, ...]] = {
    "io_calls": (
        *("read", "write", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev"),
        *("preadv2", "pwritev2", "sendfile", "sendfile64", "splice", "tee", "vmsplice"),
        "copy_file_range",
    ),
    "stats": (
        *("stat", "lstat", "fstat", "newstat", "newlstat", "newfstat", "newfstatat", "statx"),
        *("access", "faccessat", "faccessat2", "readlink", "readlinkat"),
    ),
    "opens": ("open", "openat", "openat2", "creat"),
    "selects": (
        *("select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2"),
    ),
    "signal_installs": ("rt_sigaction",),
    "mmaps": ("mmap",),
    "messages": ("sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg"),
    "syncs": ("fsync", "fdatasync", "sync", "syncfs", "msync"),
    "file_deletes": ("unlink", "unlinkat", "rmdir"),
}
"""System calls of each quantity, by their names in the kernel and in strace."""

_CREATING = 0x40  # O_CREAT
_SHARED_MEMORY, _THREAD = 0x100, 0x10000  # CLONE_VM, CLONE_THREAD


@dataclass(frozen=True, slots=True)
class TracePoint:
    """Event of the kernel that perf counts."""

    quantity: str
    """Quantity of a profile, or the name of an intermediate count."""
    event: str
    condition: str = ""


_OTHERS = (
    TracePoint("all_calls", "raw_syscalls:sys_enter"),
    TracePoint("closes", "syscalls:sys_enter_close"),
    TracePoint("unmaps", "syscalls:sys_enter_munmap"),
    TracePoint("signals", "signal:signal_deliver"),
    TracePoint("file_creates", "syscalls:sys_enter_open", f"flags & {_CREATING}"),
    TracePoint("file_creates", "syscalls:sys_enter_openat", f"flags & {_CREATING}"),
    *(
        TracePoint("file_creates", f"syscalls:sys_enter_{call}")
        for call in ("creat", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat")
    ),
    TracePoint("threads", "task:task_newtask", f"clone_flags & {_THREAD}"),
    TracePoint("shared", "task:task_newtask", f"clone_flags & {_SHARED_MEMORY}"),
    TracePoint("tasks", "task:task_newtask"),
    TracePoint("execs", "sched:sched_process_exec"),
    TracePoint("block_reads", "block:block_bio_queue", 'rwbs ~ "R*"'),
    TracePoint("packets", "net:net_dev_queue"),
)

_TRACING = (Path("/sys/kernel/tracing/events"), Path("/sys/kernel/debug/tracing/events"))
_PERF, _STRACE = "perf", "strace"
_ENOUGH_SECONDS = 30.0


class Counting:
    """Program that counts the system calls and events of another one."""

    name: str
    absent: Mapping[str, str]
    """Reasons for quantities that it cannot count."""

    def wrapped(self, command: Sequence[str], out: Path) -> list[str]:
        """Return the command that runs another one and writes counts to a file."""
        raise NotImplementedError

    def read(self, out: Path) -> dict[str, float]:
        """Return the counted quantities."""
        raise NotImplementedError


class Perf(Counting):
    """``perf stat`` on trace points.

    Parameters
    ----------
    points
        The trace points of this kernel.
    """

    name = "perf stat, counting runs"

    def __init__(self, points: Sequence[TracePoint]) -> None:
        self._points = tuple(points)
        known = {point.quantity for point in points}
        self.absent = {
            name: "this kernel has no trace point for it"
            for name in (*CALLS, *(point.quantity for point in _OTHERS))
            if name not in known and name not in _INTERMEDIATE
        }

    def wrapped(self, command: Sequence[str], out: Path) -> list[str]:
        """Return the command that runs another one and writes counts to a file."""
        options: list[str] = []
        for point in self._points:
            options += ["-e", point.event]
            if point.condition:
                options += ["--filter", point.condition]
        return [_PERF, "stat", "-x", ";", "-o", str(out), *options, "--", *command]

    def read(self, out: Path) -> dict[str, float]:
        """Return the counted quantities; perf writes events in the order of its options."""
        lines = [
            line.split(";")
            for line in out.read_text().splitlines()
            if line.strip() and not line.startswith("#")
        ]
        found: Multiset[str] = Multiset()
        for point, line in zip(self._points, lines, strict=True):
            if not line[0].isdigit():
                raise ValueError(f"perf did not count {point.event}: {line[0]}")
            found[point.quantity] += int(line[0])
        return _quantities(found)


class Strace(Counting):
    """``strace -c``, which stops the program at every call."""

    name = "strace -c -f, counting runs"

    def __init__(self, why: str) -> None:
        names = ("signals", "file_creates", "forks", "vforks", "threads", "packets", "block_reads")
        self.absent = dict.fromkeys(names, f"strace does not count it, and {why}")

    def wrapped(self, command: Sequence[str], out: Path) -> list[str]:
        """Return the command that runs another one and writes counts to a file."""
        return [_STRACE, "-c", "-f", "-q", "-o", str(out), "--", *command]

    def read(self, out: Path) -> dict[str, float]:
        """Return the counted quantities."""
        kinds = {call: name for name, calls in CALLS.items() for call in calls}
        kinds |= {"close": "closes", "munmap": "unmaps", "execve": "execs", "execveat": "execs"}
        found: Multiset[str] = Multiset(dict.fromkeys((*CALLS, "closes", "unmaps"), 0))
        for line in out.read_text().splitlines():
            fields = line.split()
            if len(fields) < 5 or not fields[3].isdigit() or fields[-1] == "total":
                continue
            found["all_calls"] += int(fields[3])
            if fields[-1] in kinds:
                found[kinds[fields[-1]]] += int(fields[3])
            # execve returns into another program, and counts as a call.
        return _quantities(found)


_INTERMEDIATE = ("closes", "unmaps", "shared", "tasks")


def _quantities(found: Mapping[str, int]) -> dict[str, float]:
    """Return quantities from counts: calls of no other kind, processes without threads."""
    result = {name: float(number) for name, number in found.items() if name not in _INTERMEDIATE}
    if "all_calls" in found:
        calls = found["all_calls"] - sum(found.get(name, 0) for name in CALLS)
        for name, undone in (("opens", "closes"), ("mmaps", "unmaps")):
            calls -= min(found.get(name, 0), found.get(undone, 0))
        result["calls"] = float(max(calls, 0))
    if {"tasks", "shared", "threads"} <= found.keys():
        result["vforks"] = float(found["shared"] - found["threads"])
        result["forks"] = float(found["tasks"] - found["shared"])
    return result


def find_counting() -> Counting | str:
    """Return a counting program that works on this machine, or the reason why none does."""
    perf = _find_perf()
    if isinstance(perf, Perf):
        return perf
    if shutil.which(_STRACE) is None:
        return f"{perf}, and there is no strace"
    done = _error_of([_STRACE, "-c", "-f", "-o", os.devnull, "true"])
    return f"{perf}, and strace: {done}" if done else Strace(perf)


def _find_perf() -> Perf | str:
    if shutil.which(_PERF) is None:
        return "there is no perf (Debian: apt-get install linux-perf)"
    for place in _TRACING:
        try:
            points = [p for p in _wanted() if (place / p.event.replace(":", "/")).exists()]
        except PermissionError:
            return "only root may use the kernel's trace points"
        if points:
            perf = Perf(points)
            failed = _error_of([_PERF, "stat", "-e", points[0].event, "true"])
            return f"perf: {failed}" if failed else perf
    return "the kernel shows no trace points"


def _wanted() -> list[TracePoint]:
    calls = [
        TracePoint(quantity, f"syscalls:sys_enter_{call}")
        for quantity, names in CALLS.items()
        for call in names
    ]
    return [*calls, *_OTHERS]


def _error_of(command: list[str]) -> str:
    """Return the error of a command, or an empty text if it works."""
    try:
        done = run_command(command, timeout=_ENOUGH_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return "" if done.returncode == 0 else " ".join(lines[:2]) or f"exit code {done.returncode}"
