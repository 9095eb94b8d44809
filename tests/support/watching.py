"""What tests of executions share: an observer, and waiting."""

import time
from collections.abc import Callable, Sequence
from typing import Any


class Watcher:
    """Keeps what an observer sees; ``act`` is called with the number of runs that have ended."""

    def __init__(self, act: Callable[[int], object] = lambda _: None) -> None:
        self.act = act
        self.outstanding = 0
        self.seconds: list[float] = []
        self.ended: list[tuple[int, int, Any]] = []
        """Position of the cell, replication and failure of each run."""

    def begin(self, outstanding: Sequence[Any]) -> None:
        self.outstanding += len(outstanding)

    def done(self, spec: Any, seconds: float, failure: Any) -> None:
        assert seconds >= 0
        self.seconds.append(seconds)
        self.ended.append((spec.cell_position, spec.replication, failure))
        self.act(len(self.ended))


def interrupting(after: int) -> Watcher:
    """Make an observer that interrupts when so many runs have ended."""

    def act(ended: int) -> None:
        if ended == after:
            raise KeyboardInterrupt

    return Watcher(act)


def wait_for(condition: Callable[[], object], limit: float = 60.0) -> None:
    """Wait until a condition holds, which it has to within the limit (s)."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
