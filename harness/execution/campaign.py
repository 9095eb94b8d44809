"""Whole campaign from its plan: replications of every cell, then further ones where needed."""

from collections.abc import Callable, Collection

from harness.campaign.plan import Plan
from harness.execution.attempt import Run
from harness.execution.execute import ExecutorFactory, Observer, Summary, execute, kept
from harness.execution.user_check import UserCheck
from harness.results.store import Store
from harness.statistics.latin_hypercube import BLOCK

CellsNeedingMoreRuns = Callable[[Store, int], Collection[int]]
"""Function of a store and a number of replications: positions of the cells whose results are not
precise enough with so many. It must ignore later replications, so that an interrupted campaign ends
like any other."""


def run_campaign(
    plan: Plan,
    store: Store,
    run: Run,
    *,
    workers: int | ExecutorFactory,
    observer: Observer | None = None,
    cells_needing_more_runs: CellsNeedingMoreRuns | None = None,
    block: int = BLOCK,
    live: bool = False,
) -> Summary:
    """Carry out all runs of a plan that have no result in the store.

    Parameters
    ----------
    plan
        The plan.
    store
        The store of the results.
    run, workers, observer
        As for :func:`harness.execution.execute.execute`.
    cells_needing_more_runs
        Chooses the cells that go on beyond the plan's minimum, up to its maximum. Without it none
        does.
    block
        Number of replications added at a time.
    live
        Let all users run live, and record none.
    """
    total = Summary()
    users = UserCheck(live=live)
    first, last = 0, plan.minimum
    positions: Collection[int] | None = None
    with kept(workers) as factory:
        while True:
            try:
                specs = plan.runs(first, last, positions)
            except KeyboardInterrupt:  # drawing constants for the first time takes a moment
                return Summary(kept=len(store.complete()), interrupted=True)
            total += execute(
                specs,
                store,
                run,
                workers=factory,
                drawn=plan.drawn,
                observer=observer,
                users=users,
            )
            if total.interrupted or cells_needing_more_runs is None or last >= plan.maximum:
                return total
            positions = cells_needing_more_runs(store, last)
            if not positions:
                return total
            first, last = last, min(last + block, plan.maximum)
