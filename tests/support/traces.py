"""What real targets could leave behind on this machine."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def traces(maker: int) -> set[str]:
    """What the process with this id made: directories, control groups, processes about them."""
    name = f"vtax-{maker}-"
    found: set[str] = set()
    for root in {os.environ.get("TMPDIR", "/var/tmp"), tempfile.gettempdir(), "/dev/shm"}:
        found.update(map(str, Path(root).glob(f"{name}*")))
    for depth in ("", "*/", "*/*/"):
        found.update(map(str, Path("/sys/fs/cgroup").glob(f"{depth}{name}*")))
    return found | set(_processes(name))


def running(words: str) -> bool:
    """Whether a process with these words in its command line is there; zombies have none."""
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with contextlib.suppress(OSError):
                if words in (place / "cmdline").read_bytes().replace(b"\0", b" ").decode("latin-1"):
                    return True
    return False


def _processes(name: str) -> Iterator[str]:
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                command = (place / "cmdline").read_bytes()
                variables = (place / "environ").read_bytes()
            except OSError:
                continue
            if name.encode() in command or f"VTAX_TARGET={name}".encode() in variables:
                yield f"process {place.name} {command[:80]!r}"
