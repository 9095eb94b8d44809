"""Runs of a campaign carried out, several at a time, each kept as soon as it is done."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from harness.campaign.cell import RunSpec, UserMode
from harness.execution.attempt import Keep, Run
from harness.execution.process_pool import Pools
from harness.execution.user_check import UserCheck
from harness.results.packed_result import PackedResult
from harness.results.store import Failure, Outcome, Store


class Observer(Protocol):
    """Observer of a campaign's progress, such as a progress bar."""

    def begin(self, outstanding: Sequence[RunSpec]) -> None:
        """Add runs to be done, in this order; called again when there are more."""

    def done(self, spec: RunSpec, seconds: float, failure: Failure | None) -> None:
        """Add a run that ended after so many seconds of the wall clock and is kept."""


class Executor(Protocol):
    """Workers that carry out runs, on this machine or elsewhere."""

    def work(self, specs: Sequence[RunSpec], keep: Keep) -> None:
        """Carry out all of these, begun in this order."""

    def collect(self, keep: Keep) -> object:
        """Keep the runs that are complete, without waiting."""

    def end(self) -> None:
        """Give up the runs in flight."""


class ExecutorFactory(Protocol):
    """Source of executors, such as a cluster."""

    def executor(self, run: Run) -> Executor:
        """Return an executor for the same kind of runs."""


def kept(workers: int | ExecutorFactory) -> AbstractContextManager[ExecutorFactory]:
    """Keep worker processes for several executions; a number of them, or others' own."""
    return Pools(workers) if isinstance(workers, int) else nullcontext(workers)


@dataclass(slots=True)
class Summary:
    """Outcome of an execution."""

    done: int = 0
    """Runs carried out now that have a result."""
    failed: int = 0
    """Runs carried out now that have none."""
    kept: int = 0
    """Runs that already had a result."""
    interrupted: bool = False

    def __iadd__(self, other: "Summary") -> "Summary":
        self.done += other.done
        self.failed += other.failed
        self.kept += other.kept
        self.interrupted |= other.interrupted
        return self


def execute(
    specs: Sequence[RunSpec],
    store: Store,
    run: Run,
    *,
    workers: int | ExecutorFactory,
    drawn: Mapping[str, Mapping[str, Any]],
    observer: Observer | None = None,
    users: UserCheck | None = None,
) -> Summary:
    """Carry out the runs that have no result in the store, and keep each when it is done.

    Parameters
    ----------
    specs
        The runs, in the order in which they begin.
    store
        The store of the results.
    run
        The function that a worker calls. Exceptions become failed rows. The run of a worker that
        dies is tried once more.
    workers
        Number of worker processes on this machine, or another source of workers.
    drawn
        Drawn values by digest of constants, for the store.
    observer
        Receives every run.
    users
        Which users run live; all if not given.

    Returns
    -------
    Summary
        ``interrupted`` is set when SIGINT came: complete runs are kept, those in flight are lost.
    """
    known = store.complete()
    outstanding = [spec for spec in specs if spec.identity not in known]
    summary = Summary(kept=len(specs) - len(outstanding))
    if observer is not None:
        observer.begin(outstanding)
    if not outstanding:
        return summary

    def keep(spec: RunSpec, seconds: float, outcome: Outcome) -> None:
        where = (spec.identity, spec.cell_position, spec.replication, spec.constants_digest)
        failure = None if isinstance(outcome, PackedResult) else outcome[0]
        store.add(*where, drawn.get(spec.constants_digest, {}), outcome)
        summary.done += failure is None
        summary.failed += failure is not None
        if observer is not None:
            observer.done(spec, seconds, failure)

    users = users or UserCheck(live=True)
    missing = {spec.identity for spec in outstanding}

    def keep_missing(spec: RunSpec, seconds: float, outcome: Outcome) -> None:
        if spec.users is UserMode.COMPARED:
            users.note(spec, outcome)
        if spec.identity in missing:
            missing.remove(spec.identity)
            keep(spec, seconds, outcome)

    with kept(workers) as factory:
        executor = factory.executor(run)
        try:
            if checks := users.missing(specs, outstanding):
                executor.work(checks, keep_missing)
            left = [users.chosen(spec) for spec in outstanding if spec.identity in missing]
            executor.work(left, keep_missing)
        except KeyboardInterrupt:
            summary.interrupted = True
            executor.collect(keep_missing)
        finally:
            executor.end()
    return summary
