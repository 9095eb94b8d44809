"""What real targets could leave behind on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path


def traces(maker: int) -> set[str]:
    """What the process with this id made: directories, control groups, processes about them."""
    name = f"vtax-{maker}-"
    found: set[str] = set()
    for root in {Path(os.environ.get("TMPDIR", "/var/tmp")), Path("/dev/shm")}:
        found.update(map(str, root.glob(f"{name}*")))
    for depth in ("", "*/", "*/*/"):
        found.update(map(str, Path("/sys/fs/cgroup").glob(f"{depth}{name}*")))
    return found | set(_processes(name))


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
