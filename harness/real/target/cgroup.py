"""Control group with a processor quota, of version 1 or 2."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PERIOD_MICROSECONDS = 10_000
"""The length of the POWER Hypervisor's dispatch window."""

QUOTA_MICROSECONDS = 5_000
"""Half a processor."""


class UnavailableError(Exception):
    """Raised if this machine lacks something that a target needs; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Mount:
    """Place in which control groups with a processor quota can be made."""

    version: int
    parent: Path


def find_mount(mounts: str, own_groups: str) -> Mount:
    """Find a place in which a group can be made.

    Parameters
    ----------
    mounts
        Content of /proc/self/mounts.
    own_groups
        Content of /proc/self/cgroup.

    Raises
    ------
    UnavailableError
        If there is none, or this user may not write to it.
    """
    reason = "no control groups with a processor quota are mounted"
    for line in mounts.splitlines():
        _, point, kind, flags = line.split()[:4]
        root = Path(point)
        if kind == "cgroup" and "cpu" in flags.split(","):
            places: Iterable[Path] = [root]
        elif kind == "cgroup2":
            places = _version_2(root, own_groups)
        else:
            continue
        for place in places:
            if os.access(place, os.W_OK):
                return Mount(2 if kind == "cgroup2" else 1, place)
            reason = f"no permission to make a control group below {place}"
    raise UnavailableError(reason)


def _version_2(root: Path, own_groups: str) -> Iterator[Path]:
    """Yield the own group and those above it that pass on a processor quota, the nearest first."""
    own = next((line[3:] for line in own_groups.splitlines() if line.startswith("0::")), "/")
    below = root / own.lstrip("/")
    for place in (below, *(parent for parent in below.parents if parent.is_relative_to(root))):
        with suppress(OSError):
            if "cpu" in (place / "cgroup.subtree_control").read_text().split():
                yield place


def limit(mount: Mount, group: Path) -> None:
    """Make a group with the quota.

    Raises
    ------
    UnavailableError
        If the system refuses it.
    """
    with _refusals(group):
        group.mkdir()
        if mount.version == 2:
            (group / "cpu.max").write_text(f"{QUOTA_MICROSECONDS} {PERIOD_MICROSECONDS}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA_MICROSECONDS))


def join(group: Path, pid: int) -> None:
    """Move a process into the group, with the errors of :func:`limit`."""
    with _refusals(group):
        (group / "cgroup.procs").write_text(str(pid))


@contextmanager
def _refusals(group: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError(f"control group {group}: {error.strerror}") from None
