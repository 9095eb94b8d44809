"""``vtax plan`` and ``vtax run``."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.campaign.schema.limits import PORT
from harness.cli.options import (
    INTERRUPTED,
    CampaignArgument,
    OnlyOption,
    ReplicationsOption,
    SeedOption,
    WorkersOption,
    cores,
    within,
)
from harness.cli.output import Screen, print_message
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.campaign.plan import Plan
    from harness.execution.execute import Observer, Summary


_MOST_NOTES = 5

_REMEDIES = {
    True: "the same runs fail again until that is corrected; a corrected campaign needs an --out "
    "of its own",
    False: "the same command tries them again",
}
"""What to do about failed runs, by whether all causes are permanent."""


def show_plan(
    campaign: CampaignArgument,
    workers: WorkersOption = None,
    replications: ReplicationsOption = None,
    only: OnlyOption = [],  # noqa: B006 (typer reads it, nothing changes it)
) -> None:
    """Print cells, runs and expected time; run nothing.

    The duration, memory and disk space are estimated from the numbers of cells, replications,
    users and samples. A campaign that needs more than this machine has, or more than a week, is
    reported.
    The locustfiles that the campaign file names are imported: code outside of their functions is
    executed.
    """
    from harness.campaign.folding_notes import folding_notes
    from harness.campaign.locust_notes import locust_notes
    from harness.campaign.plan import make_plan
    from harness.campaign.resources import available, excess, needed
    from harness.campaign.unused import unused
    from harness.cli.tables.campaign import plan_table

    plan = make_plan(campaign, replications=replications, only=only)
    _refuse_workers(plan, workers)
    _print_notes(*plan.notes, *locust_notes(plan))
    size = 1 if plan.real else workers or cores()
    Screen().print(plan_table(plan, size))
    for note in (*unused(plan.campaign), *folding_notes(plan)):
        print(f"Note: {note}")
    for reason in excess(needed(plan, size), available(_directory(plan, None))):
        print(f"The campaign {reason}: 'vtax run' refuses it without --force.")


def run_campaign(
    campaign: CampaignArgument,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="By default results/<campaign>.")
    ] = None,
    workers: WorkersOption = None,
    seed: SeedOption = None,
    replications: ReplicationsOption = None,
    only: OnlyOption = [],  # noqa: B006
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Use the workers of this Dask cluster."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Run it even if it is too long or too large."),
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Run every Locust user live; record none."),
    ] = False,
    metrics_port: Annotated[int | None, within(PORT, "Port of /metrics, on 127.0.0.1.")] = None,
) -> None:
    """Run a campaign, or its missing runs.

    A campaign that is expected to take longer than a week, or that needs more memory or disk space
    than this machine has, needs --force.
    The locustfiles that the campaign file names are executed. Where possible a user is recorded
    once for all runs that ask the same of it; the results are the same with --live.
    """
    from harness.api import run_plan
    from harness.campaign.locust_notes import locust_notes
    from harness.campaign.plan import make_plan
    from harness.campaign.resources import available, excess, needed
    from harness.cli.tables.campaign import ProgressBar
    from harness.execution.dask import Cluster
    from harness.execution.progress import TeeObserver, serve_progress
    from harness.metrics.http import check_free
    from harness.results.host import this_host
    from harness.results.store import Store

    plan = make_plan(campaign, seed=seed, replications=replications, only=only)
    directory = _directory(plan, out)
    _refuse_workers(plan, workers if dask is None else dask)
    if dask is not None and workers is not None:
        raise UserError(
            "--dask and --workers: a cluster has its own workers; leave one of them out"
        )
    _print_notes(*plan.notes, *locust_notes(plan))
    if metrics_port is not None:
        check_free(metrics_port, "--metrics-port")
    with ExitStack() as stack:
        executor = workers or cores() if dask is None else stack.enter_context(Cluster(dask))
        size = 1 if plan.real else executor if isinstance(executor, int) else executor.size
        reasons = excess(needed(plan, size), available(directory))
        if reasons and not force:
            raise UserError(
                f"{plan.file.name}: the campaign {' and '.join(reasons)}; --force runs it "
                "nevertheless"
            )
        if isinstance(executor, Cluster) and plan.files and executor.unordered_workers():
            _print_notes(
                "--dask: sets of texts have an order of their own in each worker, so that users "
                "who go through one differ; start workers with PYTHONHASHSEED=0",
            )
        store = stack.enter_context(Store.start(directory, plan.record()))
        shown = stack.enter_context(ProgressBar(Screen(stderr=True), size))
        bar: Observer = shown
        if metrics_port is not None:
            bar = TeeObserver(bar, stack.enter_context(serve_progress(store, metrics_port)))
        summary = run_plan(plan, store, executor, observer=bar, tell=shown.describe, live=live)
        counts = store.counts()
    if summary.done:
        this_host().write(directory)
    _print_summary(plan, directory, summary, counts)


def _directory(plan: "Plan", out: Path | None) -> Path:
    return out or Path("results") / plan.campaign.campaign.name


def _refuse_workers(plan: "Plan", given: object) -> None:
    if plan.real and given is not None:
        raise UserError("--dask and --workers: real targets run one after another; leave them out")


def _print_notes(*notes: str) -> None:
    """Print notes on what may surprise the user; of many notes the first ones."""
    for note in notes[:_MOST_NOTES]:
        print_message(f"note: {note}")
    if len(notes) > _MOST_NOTES:
        print_message(f"note: and {len(notes) - _MOST_NOTES} more")


def _warn_of_cells(directory: Path) -> None:
    """Warn of cells without any work, and name users that ran live, by the first run of each."""
    from harness.metrics.measures import NO_TRANSACTION
    from harness.results.store import Store

    idle = []
    live: dict[str, str] = {}
    with Store.open(directory) as store:
        for run in store.runs(one_of_each=True):
            if run.measures is None or run.cell.scenario is not None:
                continue
            if run.reason:
                live.setdefault(run.cell.workload, run.reason)
            if run.measures.nothing_done:
                idle.append((run.cell.title, run.measures.nothing_done))
    if idle:
        title, reason = idle[0]
        hint = "tasks call verbs of self.partition"
        if reason == NO_TRANSACTION:
            hint = "mark a task with workloads.user.transaction, or make the runs longer"
        print_message(
            f"{len(idle)} cells did no work, for instance {title}: {reason}; they do not count for "
            f"the claim ({hint})"
        )
    _print_notes(
        *(f"{workload}: users ran live, not recorded: {why}" for workload, why in live.items())
    )


def _print_summary(
    plan: "Plan", directory: Path, summary: "Summary", counts: dict[str, int]
) -> None:
    """Print the numbers of runs, and the next command."""
    if summary.interrupted:
        needed = len(plan.cells) * plan.minimum
        print_message(
            f"interrupted with {summary.kept + summary.done} of {needed} runs kept in "
            f"{directory}; the same command continues from there"
        )
        raise typer.Exit(INTERRUPTED)
    print(
        f"{counts['complete']} runs complete in {directory} "
        f"({summary.done} now, {summary.kept} before), {summary.failed} failed"
    )
    if summary.failed:
        from harness.results.store import Failure, Store

        with Store.open(directory) as store:
            failed = [run for run in store.runs() if run.failure is not None]
        first = failed[0]
        permanent = all(run.failure is Failure.ERROR for run in failed)
        print_message(
            f"{len(failed)} runs failed, for instance {first.cell.title}, replication "
            f"{first.replication}: {first.failure}: {first.reason}; {_REMEDIES[permanent]}"
        )
    if not counts["complete"]:
        raise UserError("no run has a result")
    _warn_of_cells(directory)
    print(f"next: vtax report {directory}")
