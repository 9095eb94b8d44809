"""Recordings of users, kept in a process for all runs that need the same."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from harness.users.steps import Steps, Tables

MOST_STEPS = 1_500_000
"""Steps that a process keeps for later runs: 48 MB."""


@dataclass(slots=True)
class Recording:
    """What is kept of one user, or of the arrivals of a group.

    Attributes
    ----------
    head
        The empty part before all others.
    start_ns
        When the user starts; -1 while unknown.
    """

    head: Steps
    start_ns: int = -1


@dataclass(slots=True, eq=False)
class GroupRecordings:
    """Recordings of one group of users: by the user's index, or of its arrivals.

    Attributes
    ----------
    steps
        Number of the steps that are kept.
    kept
        Whether they are still kept for later runs.
    """

    tables: Tables = field(default_factory=Tables)
    recordings: dict[int, Recording] = field(default_factory=dict)
    steps: int = 0
    kept: bool = True

    def recording(self, index: int = 0) -> Recording:
        """Return a user's recording, at first an empty one."""
        recording = self.recordings.get(index)
        if recording is None:
            recording = self.recordings[index] = Recording(Steps(self.tables, -1))
        return recording


class RecordingCache:
    """Recordings that a process keeps; the least recently used go first.

    Parameters
    ----------
    most_steps
        The bound of all recordings together.
    """

    def __init__(self, most_steps: int = MOST_STEPS) -> None:
        self.most_steps = most_steps
        self.steps = 0
        self._groups: OrderedDict[object, GroupRecordings] = OrderedDict()

    def group(self, key: object) -> GroupRecordings:
        """Return the recordings of a group of users."""
        group = self._groups.pop(key, None) or GroupRecordings()
        self._groups[key] = group
        return group

    def keep(self, group: GroupRecordings, count: int) -> bool:
        """Make room for so many further steps of a group; return whether there is room."""
        while group.kept and self.steps + count > self.most_steps:
            key, oldest = next(iter(self._groups.items()))
            if oldest is group:
                return False
            del self._groups[key]
            oldest.kept = False
            self.steps -= oldest.steps
        if group.kept:
            group.steps += count
            self.steps += count
        return group.kept


CACHE: Final = RecordingCache()
"""The recordings of this process."""
