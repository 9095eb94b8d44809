"""The targets of a campaign: started when they are needed, and again when they have failed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from harness.real.microbenchmarks import EVENTS
from harness.real.target.cgroup import UnavailableError
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.disk_image import Stage
from harness.real.target.target import Target, TargetLauncher

MOST_FAILURES = 3
"""A target that has failed so often is not started again."""

_COMPUTE = next(event for event in EVENTS if event.name == "compute")
_CLOCK_BATCH_SECONDS = 0.2
_CLOCK_BATCHES = 3


@dataclass
class RunningTarget:
    """A target that is up, and what was found out about it since."""

    target: Target
    clock_ratio: float
    """Seconds of its clock for a second of this machine's."""
    settled: dict[object, bool] = field(default_factory=dict)
    """For each work that it has done: whether its warm-up ended."""


class TargetPool:
    """Targets by name.

    Parameters
    ----------
    launcher
        Where they are made.
    agent
        The agent's program.
    staged
        Programs that they shall be able to run.
    """

    def __init__(self, launcher: TargetLauncher, agent: Path, staged: Stage | None = None) -> None:
        self._launcher = launcher
        self._agent = agent
        self._staged = staged
        self._up: dict[str, RunningTarget] = {}
        self._failures: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}

    def probe(self, names: Iterable[str]) -> dict[str, str]:
        """Start targets, one after the other; return the reason for each that is unavailable."""
        unavailable = {}
        for name in names:
            try:
                self.station(name)
            except UnavailableError as reason:
                unavailable[name] = str(reason)
        return unavailable

    def scratch(self) -> tuple[Path, Path]:
        """Make a directory on a tmpfs and one on a disk; they go with the launcher."""
        return self._launcher.scratch()

    @property
    def up(self) -> tuple[Target, ...]:
        """The targets that are up, in the order of their start."""
        return tuple(station.target for station in self._up.values())

    def station(self, name: str) -> RunningTarget:
        """Return a target that is up, started if need be.

        Raises
        ------
        UnavailableError
            If it does not start, or has failed too often.
        """
        if name not in self._up:
            if self._failures[name] >= MOST_FAILURES:
                raise UnavailableError(
                    f"{name} has failed {self._failures[name]} times, last: {self._reasons[name]}"
                )
            try:
                target = self._launcher.open(name, self._agent, self._staged)
                self._up[name] = RunningTarget(target, _clock_ratio(target))
            except (UnavailableError, RefusalError, TargetError) as reason:
                self._note(name, str(reason))
                raise UnavailableError(str(reason)) from None
            except OSError as error:
                reason_ = f"{error.filename or 'the machine'}: {error.strerror}"
                self._note(name, reason_)
                raise UnavailableError(reason_) from None
        return self._up[name]

    def lost(self, name: str, reason: str) -> None:
        """Take note that a target has failed; it is ended, whatever it still does."""
        self._note(name, reason)
        station = self._up.pop(name, None)
        if station is not None:
            station.target.end()

    def _note(self, name: str, reason: str) -> None:
        self._failures[name] += 1
        self._reasons[name] = reason


def _clock_ratio(target: Target) -> float:
    """Compare the clocks while the target computes."""
    count = 1
    while (inside := target.work([(_COMPUTE, count)])[0]) < _CLOCK_BATCH_SECONDS / 4:
        count *= 4
    count = max(1, round(count * _CLOCK_BATCH_SECONDS / inside))
    found = []
    for _ in range(_CLOCK_BATCHES):
        without = target.work([(_COMPUTE, 0)])[1]
        inside, outside = target.work([(_COMPUTE, count)])
        found.append(inside / max(outside - without, 1e-9))
    return median(found)
