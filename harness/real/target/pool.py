"""Targets of a campaign: started when they are needed, and again after a failure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median

from harness.errors import UserError
from harness.real.microbenchmarks import EVENTS
from harness.real.target.cgroup import UnavailableError
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.disk_image import Stage
from harness.real.target.launcher import TargetLauncher
from harness.real.target.target import TARGETS, Target

MOST_FAILURES = 3
"""Number of failures after which a target is not started again."""

_COMPUTE = next(event for event in EVENTS if event.name == "compute")
_CLOCK_BATCH_SECONDS = 0.2
_CLOCK_BATCHES = 3


def target_names(text: str) -> tuple[str, ...]:
    """Read names of targets, separated by commas.

    Raises
    ------
    UserError
        If a target is unknown, or none is named.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in TARGETS:
            raise UserError(f"there is no target {name!r}; targets are {', '.join(TARGETS)}")
    if not names:
        raise UserError(f"no target is named; targets are {', '.join(TARGETS)}")
    return names


@dataclass
class RunningTarget:
    """A target that is up, and what was measured of it since."""

    target: Target
    settled: dict[object, bool] = field(default_factory=dict)
    """Whether the warm-up ended, for each work that it has done."""

    @cached_property
    def clock_ratio(self) -> float:
        """Seconds of its clock for a second of this machine's, measured while it computes.

        Raises
        ------
        TargetError
            If the target has ended or does not answer.
        """
        count = 1
        while (inside := self.target.work([(_COMPUTE, count)])[0]) < _CLOCK_BATCH_SECONDS / 4:
            count *= 4
        count = max(1, round(count * _CLOCK_BATCH_SECONDS / inside))
        ratios = []
        for _ in range(_CLOCK_BATCHES):
            without = self.target.work([(_COMPUTE, 0)])[1]
            inside, outside = self.target.work([(_COMPUTE, count)])
            ratios.append(inside / max(outside - without, 1e-9))
        return median(ratios)


class TargetPool:
    """Pool of targets by name.

    Parameters
    ----------
    launcher
        Starts them.
    agent
        The agent's program.
    staged
        Programs that they can run.
    """

    def __init__(self, launcher: TargetLauncher, agent: Path, staged: Stage | None = None) -> None:
        self._launcher = launcher
        self._agent = agent
        self._staged = staged
        self._up: dict[str, RunningTarget] = {}
        self._failures: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}

    def probe(self, names: Iterable[str]) -> dict[str, str]:
        """Start targets, one after the other; return the reason of each that is unavailable."""
        unavailable = {}
        for name in names:
            try:
                self.running(name)
            except UnavailableError as reason:
                unavailable[name] = str(reason)
        return unavailable

    def scratch(self) -> tuple[Path, Path]:
        """Make a directory on a tmpfs and one on a disk; the launcher removes them."""
        return self._launcher.scratch()

    @property
    def up(self) -> tuple[Target, ...]:
        """The running targets, in the order of their start."""
        return tuple(running.target for running in self._up.values())

    def running(self, name: str) -> RunningTarget:
        """Return a running target, started if necessary.

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
                self._up[name] = RunningTarget(target)
            except (UnavailableError, RefusalError, TargetError) as reason:
                self._note(name, str(reason))
                raise UnavailableError(str(reason)) from None
        return self._up[name]

    def lost(self, name: str, reason: str) -> None:
        """Record that a target has failed, and end it."""
        self._note(name, reason)
        running = self._up.pop(name, None)
        if running is not None:
            running.target.end()

    def _note(self, name: str, reason: str) -> None:
        self._failures[name] += 1
        self._reasons[name] = reason
