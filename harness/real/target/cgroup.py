"""A control group with a processor quota, in version 1 or 2, as the machine has it."""

import os
from dataclasses import dataclass
from pathlib import Path

PERIOD_MICROSECONDS = 10_000
"""As long as the POWER Hypervisor's dispatch window."""

QUOTA_MICROSECONDS = 5_000
"""Half a processor."""


class UnavailableError(Exception):
    """Something that a target needs is not to be had on this machine, for a reason it states."""


@dataclass(frozen=True, slots=True)
class Mount:
    """Where control groups with a processor quota can be made."""

    version: int
    parent: Path


def find_mount(mounts: str, own_groups: str) -> Mount:
    """Find where a group can be made.

    Parameters
    ----------
    mounts
        What /proc/self/mounts holds.
    own_groups
        What /proc/self/cgroup holds.

    Raises
    ------
    UnavailableError
        If there is no such place, or this user may not write there.
    """
    reason = "no control groups with a processor quota are mounted"
    for line in mounts.splitlines():
        _, point, kind, flags = line.split()[:4]
        root = Path(point)
        if kind == "cgroup" and "cpu" in flags.split(","):
            places = [root]
        elif kind == "cgroup2":
            places = _version_2(root, own_groups)
        else:
            continue
        for place in places:
            if os.access(place, os.W_OK):
                return Mount(2 if kind == "cgroup2" else 1, place)
            reason = f"no permission to make a control group below {place}"
    raise UnavailableError(reason)


def _version_2(root: Path, own_groups: str) -> list[Path]:
    """Own group and those above it that pass a processor quota on, the nearest first."""
    own = next((line[3:] for line in own_groups.splitlines() if line.startswith("0::")), "/")
    below = root / own.lstrip("/")
    chain = [below, *(parent for parent in below.parents if parent.is_relative_to(root))]
    return [place for place in chain if "cpu" in _read(place / "cgroup.subtree_control").split()]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def limit(mount: Mount, group: Path) -> None:
    """Make the group and give it its quota.

    Raises
    ------
    UnavailableError
        If the machine does not let it.
    """
    try:
        group.mkdir()
        if mount.version == 2:
            (group / "cpu.max").write_text(f"{QUOTA_MICROSECONDS} {PERIOD_MICROSECONDS}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA_MICROSECONDS))
    except OSError as error:
        raise UnavailableError(f"control group {group}: {error.strerror}") from None


def join(group: Path, pid: int) -> None:
    """Move a process into the group.

    Raises
    ------
    UnavailableError
        If the machine does not let it.
    """
    try:
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        raise UnavailableError(f"control group {group}: {error.strerror}") from None
