"""vtax from Python: plan, run and read campaigns, in a script or a notebook.

>>> import harness
>>> results = harness.run("smoke")
>>> results.verdict
>>> results.overheads()

Tables are pandas DataFrames; pandas comes with ``pip install 'vtax[notebook]'``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.analysis import comparison as changes
from harness.analysis import study as analysis
from harness.analysis.breakdown import breakdown as explanation
from harness.analysis.breakdown.breakdown import Explanation
from harness.analysis.comparison import Comparison
from harness.analysis.measured_values import measured_values
from harness.analysis.sequential_stopping import cells_needing_more_runs
from harness.analysis.snapshot import snapshot
from harness.analysis.study import Study, Verdict
from harness.analysis.tables import overhead_table, run_table
from harness.campaign import plan as plans
from harness.campaign import selectors as choosing
from harness.campaign.plan import Plan
from harness.catalog import Catalog, load_catalog
from harness.errors import UserError
from harness.execution import campaign as conduct
from harness.execution.execute import ExecutorFactory, Observer, Summary
from harness.results.run_result import RunResult
from harness.results.store import Store
from harness.runs.scenario.run import run as run_spec

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "Results",
    "UserError",
    "catalog",
    "compare",
    "open",
    "plan",
    "run",
    "simulate",
]


class Results:
    """Results of a campaign in a directory, complete or not.

    Attributes
    ----------
    directory : pathlib.Path
        Where the results are.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._study: Study | None = None

    @property
    def study(self) -> Study:
        """Analysis of all runs; computed once.

        Raises
        ------
        UserError
            If the directory holds no results.
        """
        if self._study is None:
            with Store.open(self.directory) as store:
                self._study = analysis.analyse(store)
        return self._study

    @property
    def verdict(self) -> Verdict | None:
        """Verdict on the campaign's claim; None if the campaign makes none."""
        return self.study.verdict

    def runs(self, columns: str | Sequence[str] = "measures") -> DataFrame:
        """Table with a row for each run.

        Parameters
        ----------
        columns
            ``"measures"``: the cell, the replication and the measures. ``"all"``: also every
            parameter, constant and sample. A sequence of names: these columns of ``"all"``.

        Raises
        ------
        UserError
            If a column is unknown or pandas is not installed.
        """
        from harness.results.export import all_columns

        with Store.open(self.directory) as store:
            table = run_table(store) if columns == "measures" else all_columns(store).columns()
        if not isinstance(columns, str):
            unknown = [name for name in columns if name not in table]
            if unknown:
                raise UserError(f"columns: there is no {unknown[0]!r}; columns='all' shows them")
            table = {name: table[name] for name in columns}
        elif columns not in ("measures", "all"):
            raise UserError(f"columns = {columns!r}: write 'measures', 'all' or a list of names")
        return _frame(table)

    def overheads(self) -> DataFrame:
        """Table with a row for each environment, virtualization and measure.

        The columns are those of :func:`harness.analysis.tables.overhead_table`.
        """
        return _frame(overhead_table(self.study))

    def explain(self, cell: str = "", **factors: str) -> Explanation:
        """Breakdown of a cell's overhead into events, their costs, and waits.

        Parameters
        ----------
        cell
            The cell's title, or ``"FACTOR=VALUE FACTOR=VALUE"``.
        **factors
            The same as keywords, such as ``machine="p5-570"``.

        Raises
        ------
        UserError
            If no cell or more than one has these values.
        """
        texts = [*([cell] if cell else []), *(f"{key}={value}" for key, value in factors.items())]
        with Store.open(self.directory) as store:
            return explanation.explain(
                store, choosing.chosen_cell(store.campaign, texts, store.measured(), "cell")
            )

    def _repr_html_(self) -> str:
        study = self.study
        verdict = "" if study.verdict is None else study.verdict._repr_html_()
        return (
            f"<p><b>{escape(study.campaign.name)}</b>: {study.complete} of {study.planned} runs, "
            f"{len(study.failed)} failed, in <code>{escape(str(self.directory))}</code></p>"
            f"{verdict}"
        )


def plan(
    campaign: str | Path,
    *,
    seed: int | None = None,
    replications: int | None = None,
    only: str | Sequence[str] = (),
) -> Plan:
    """Read a campaign and resolve it to cells and runs. Runs nothing.

    Parameters
    ----------
    campaign
        Name of a shipped campaign, or path of a campaign file.
    seed, replications
        In place of the file's.
    only
        ``"FACTOR=VALUE"``: only cells with these values are run.

    Raises
    ------
    UserError
        One line about what is wrong, and where.
    """
    return plans.make_plan(
        str(campaign),
        seed=seed,
        replications=replications,
        only=[only] if isinstance(only, str) else only,
        option="only",
    )


def run(
    campaign: str | Path,
    out: str | Path | None = None,
    *,
    workers: int | None = None,
    seed: int | None = None,
    replications: int | None = None,
    only: str | Sequence[str] = (),
    live: bool = False,
) -> Results:
    """Run a campaign, or what is left of it, and return its results.

    Parameters
    ----------
    campaign, seed, replications, only
        As for :func:`plan`.
    out
        Directory of the results; ``results/NAME`` by default. Runs that it holds are not made
        again.
    workers
        Number of processes; by default one for each core.
    live
        Run every Locust user live. By default a user is recorded once where that gives the same
        results.

    Raises
    ------
    UserError
        If the campaign is wrong, the directory cannot be used, or no run has a result.
    KeyboardInterrupt
        If interrupted. Complete runs are kept.
    """
    made = plan(campaign, seed=seed, replications=replications, only=only)
    if made.real and workers is not None:
        raise UserError("workers: real targets take turns on this machine; leave it out")
    directory = Path("results") / made.campaign.campaign.name if out is None else Path(out)
    with Store.start(directory, made.record()) as store:
        size = workers or len(os.sched_getaffinity(0))
        summary = run_plan(made, store, size, live=live)
        if summary.interrupted:
            raise KeyboardInterrupt
        if not store.counts()["complete"]:
            reason = next((each.reason for each in store.runs() if each.failure is not None), "")
            raise UserError(f"{directory}: no run has a result; the first failed with: {reason}")
    return Results(directory)


def open(directory: str | Path) -> Results:  # noqa: A001 (harness.open is the name users look for)
    """Open the results of a campaign.

    Raises
    ------
    UserError
        If the directory holds no results.
    """
    with Store.open(Path(directory)):
        return Results(Path(directory))


def compare(first: str | Path | Results, second: str | Path | Results) -> Comparison:
    """Compare two results: what became better or worse, and what shows no change."""
    one, other = (each if isinstance(each, Results) else open(each) for each in (first, second))
    values = []
    for results in (one, other):
        with Store.open(results.directory) as store:
            values.append(measured_values(store))
    return changes.compare(snapshot(one.study), snapshot(other.study), (values[0], values[1]))


def simulate(
    campaign: str | Path, replication: int = 0, *, seed: int | None = None, **factors: str
) -> RunResult:
    """Run one replication of one cell in this process and return its result. Stores nothing.

    >>> harness.simulate("smoke", machine="p5-520", os="aix-5.3",
    ...     virtualization="shared-uncapped", workload="integer").measures()

    Parameters
    ----------
    campaign, seed
        As for :func:`plan`.
    replication
        Which replication, from 0.
    **factors
        Values of factors that select the cell, such as ``machine="p5-570"``.

    Raises
    ------
    UserError
        If these values select no cell or more than one.
    """
    only = [f"{factor}={value}" for factor, value in factors.items()]
    made = plan(campaign, seed=seed, only=only)
    if len(made.cells) > 1:
        raise UserError(
            f"{campaign}: {len(made.cells)} cells have these values; select one, for instance "
            f"{made.cells[0].title}"
        )
    if made.real:
        raise UserError(f"{campaign}: is measured on this machine; run it with harness.run")
    [spec] = made.runs(replication, replication + 1)
    return run_spec(spec)


def catalog() -> Catalog:
    """Catalog of published constants: value, range, unit, source and status of each."""
    return load_catalog()


def run_plan(
    made: Plan,
    store: Store,
    workers: int | ExecutorFactory,
    *,
    observer: Observer | None = None,
    tell: Callable[[str], None] = lambda _: None,
    live: bool = False,
) -> Summary:
    """Carry out the runs of a plan that a store has no result of.

    Parameters
    ----------
    made, store
        What to run, and where results are and go.
    workers
        Number of processes, or a cluster. Runs on real targets take turns in this process.
    observer
        Is informed of every run.
    tell
        Is called with what is being prepared, on real targets.
    live
        Let all users run live, and record none.

    Raises
    ------
    UserError
        If real targets cannot be measured here.
    """
    if made.real:
        if sys.platform != "linux":
            raise UserError("real targets are measured on Linux only")
        from harness.real.campaign.campaign import run_real_campaign

        return run_real_campaign(made, store, observer=observer, show=tell)
    claimed = made.half_width is not None and made.campaign.claim
    return conduct.run_campaign(
        made,
        store,
        run_spec,
        workers=workers,
        observer=observer,
        cells_needing_more_runs=cells_needing_more_runs if claimed else None,
        live=live,
    )


def _frame(table: Mapping[str, Sequence[Any]]) -> DataFrame:
    try:
        import pandas as pd
    except ImportError:
        raise UserError("tables need pandas: pip install 'vtax[notebook]'") from None
    return pd.DataFrame(dict(table))
