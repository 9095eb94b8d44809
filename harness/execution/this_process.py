"""Runs in this very process, one after the other, so that none disturbs another."""

import time
from collections.abc import Sequence

from harness.campaign.cell import RunSpec
from harness.execution.attempt import Keep, Run, attempt


class ThisProcess:
    """A workforce of one: whoever asks for it does the work."""

    def executor(self, run: Run) -> "SerialExecutor":
        """Return the one who works."""
        return SerialExecutor(run)


class SerialExecutor:
    """The crew of one."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def work(self, specs: Sequence[RunSpec], keep: Keep) -> None:
        """Carry out all of these in this order."""
        for spec in specs:
            began = time.perf_counter()
            outcome = attempt(self._run, spec)
            keep(spec, time.perf_counter() - began, outcome)

    def collect(self, keep: Keep) -> None:
        """Have nothing to collect: what is complete has been kept."""

    def end(self) -> None:
        """Have nothing to give up."""
