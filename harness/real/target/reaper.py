"""Leaves nothing behind: a process that outlives this one and cleans up after it.

Whoever starts something tells the warden first what will have to go. The warden is a process of its
own session that cleans up when its standard input ends: when it is told to, or when this process
has died, of whatever.
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
from types import TracebackType
from typing import Self

MARK = "VTAX_TARGET"
"""The variable by which processes that a target started are known, wherever they hide."""

_PATIENCE = 5.0
"""Seconds that killed processes get to vanish."""


class Reaper:
    """What must go in the end; a context manager that makes it go."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def process(self, pid: int) -> None:
        """Have a process killed."""
        self._tell(f"process {pid}")

    def marked(self, mark: str) -> None:
        """Have all processes killed that were started with the mark in their environment."""
        self._tell(f"marked {mark}")

    def control_group(self, path: Path) -> None:
        """Have an empty control group removed, once its processes are gone."""
        self._tell(f"group {path}")

    def directory(self, path: Path) -> None:
        """Have a directory removed with all it holds."""
        self._tell(f"directory {path}")

    def _tell(self, what: str) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{what}\n".encode())
        self._process.stdin.flush()
        # Only when the warden knows of it may it come about.
        self._process.stdout.readline()


def keep_watch(lines: Iterable[str]) -> None:
    """Take note of what must go; when there is no more to note, make it go."""
    processes: list[int] = []
    marks: list[str] = []
    paths: list[tuple[str, Path]] = []
    for line in lines:
        kind, _, name = line.rstrip("\n").partition(" ")
        if kind == "process":
            # A descriptor, not a number: the number may be another process's by then.
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
    """Kill all processes that were started with the mark in their environment, and wait for them.

    A daemon that left its session and its parent is found, too.
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
            # Other users' processes cannot be read, and are none of ours; nor have the dead any.
            with contextlib.suppress(OSError):
                if setting in (place / "environ").read_bytes().split(b"\0"):
                    yield int(place.name)


def _remove_group(path: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while path.exists() and time.monotonic() < deadline:
        # Partners that an agent forked may be in it still, for a moment.
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
    keep_watch(sys.stdin)
