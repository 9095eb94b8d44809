"""Reaper: a process that outlives this one and removes what it has started or created.

Things are registered before they exist. The reaper is a process in a session of its own. It cleans
up when its standard input ends: at the end of the context, or when this process has died.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

MARK = "VTAX_TARGET"
"""Environment variable that identifies all processes started by a target."""

_PATIENCE = 5.0
"""Time for killed processes to end, in seconds."""


class Reaper:
    """List of processes, directories and groups to remove at the end; a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def process(self, pid: int) -> None:
        """Register a process to be killed."""
        self._register(f"process {pid}")

    def marked(self, mark: str) -> None:
        """Register all processes with the mark in their environment to be killed."""
        self._register(f"marked {mark}")

    def control_group(self, path: Path) -> None:
        """Register a control group to be removed after its processes."""
        self._register(f"group {path}")

    def directory(self, path: Path) -> None:
        """Register a directory to be removed with its content."""
        self._register(f"directory {path}")

    def _register(self, what: str) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{what}\n".encode())
        self._process.stdin.flush()
        # It may be started or created only after the reaper has confirmed it.
        self._process.stdout.readline()


def reap(lines: Iterable[str]) -> None:
    """Read registrations until the input ends; then remove everything registered."""
    processes: list[int] = []
    marks: list[str] = []
    paths: list[tuple[str, Path]] = []
    for line in lines:
        kind, _, name = line.rstrip("\n").partition(" ")
        if kind == "process":
            # A descriptor: the process id may be another process's later.
            with contextlib.suppress(OSError):
                processes.append(os.pidfd_open(int(name)))
        elif kind == "marked":
            marks.append(name)
        else:
            paths.append((kind, Path(name)))
        with contextlib.suppress(OSError):
            print("noted", flush=True)
    for descriptor in processes:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            select.select([descriptor], [], [], _PATIENCE)
    for mark in marks:
        end_marked(mark)
    for kind, path in reversed(paths):
        if kind == "directory":
            shutil.rmtree(path, ignore_errors=True)
        else:
            _remove_group(path)


def end_marked(mark: str) -> None:
    """Kill all processes with the mark in their environment, and wait for their end.

    This includes daemons that have left their session and their parent.
    """
    wanted = f"{MARK}={mark}".encode()
    deadline = time.monotonic() + _PATIENCE
    while (found := list(_processes_with(wanted))) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _processes_with(setting: bytes) -> Iterator[int]:
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            # Other users' processes cannot be read; ended processes have no environment.
            with contextlib.suppress(OSError):
                if setting in (place / "environ").read_bytes().split(b"\0"):
                    yield int(place.name)


def _remove_group(path: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while path.exists() and time.monotonic() < deadline:
        # Processes that an agent forked may still be in it for a moment.
        with contextlib.suppress(OSError, ValueError):
            for pid in (path / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        try:
            path.rmdir()
        except OSError:
            time.sleep(0.01)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    reap(sys.stdin)
