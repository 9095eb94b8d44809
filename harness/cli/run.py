"""``vtax plan`` and ``vtax run``."""

import sys
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
    fail,
)
from harness.cli.output import Screen
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.campaign.plan import Plan
    from harness.execution.execute import Observer, Summary


_MOST_NOTES = 5


def show_plan(
    campaign: CampaignArgument,
    workers: WorkersOption = None,
    replications: ReplicationsOption = None,
    only: OnlyOption = [],  # noqa: B006 (typer reads it, nothing changes it)
) -> None:
    """Print cells, runs and expected time; run nothing.

    The duration, memory and disk space are estimated from the numbers of cells, replications,
    users and samples. What is more than this machine has, or longer than a week, is said.
    The locustfiles that the campaign file names are imported, and so what stands outside of
    functions in them is executed.
    """
    from harness.campaign.locust_notes import locust_notes
    from harness.campaign.plan import make_plan
    from harness.campaign.resources import available, excess, needed
    from harness.campaign.unused import unused
    from harness.cli.tables.campaign import plan_table

    plan = make_plan(campaign, replications=replications, only=only)
    _refuse_workers(plan, workers)
    _note(*plan.notes, *locust_notes(plan))
    size = 1 if plan.real else workers or cores()
    Screen().print(plan_table(plan, size))
    for note in unused(plan.campaign):
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
        typer.Option(metavar="ADDRESS", help="Use the workers of this Dask cluster instead."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Run it even if it takes too long, or more than there is."),
    ] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=PORT.least,
            max=PORT.most,
            help="Show progress and overheads at /metrics on 127.0.0.1.",
        ),
    ] = None,
) -> None:
    """Run a campaign, or what is left of it.

    A campaign that is expected to take longer than a week, or needs more memory or disk space than
    there is, needs --force.
    It executes the locustfiles that the campaign file names.
    """
    from harness.api import run_plan
    from harness.campaign.locust_notes import locust_notes
    from harness.campaign.plan import make_plan
    from harness.campaign.resources import available, excess, needed
    from harness.cli.tables.campaign import ProgressBar
    from harness.execution.dask import Cluster
    from harness.execution.progress import TeeObserver, serve_progress
    from harness.metrics.http import check_free
    from harness.results.store import Store

    plan = make_plan(campaign, seed=seed, replications=replications, only=only)
    directory = _directory(plan, out)
    _refuse_workers(plan, workers if dask is None else dask)
    if dask is not None and workers is not None:
        fail("--dask and --workers: a cluster has workers of its own; leave one of them out")
    _note(*plan.notes, *locust_notes(plan))
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
            _note(
                "--dask: sets of texts have an order of their own in each worker, so that users "
                "who go through one differ; start workers with PYTHONHASHSEED=0",
            )
        store = stack.enter_context(Store.start(directory, plan.record()))
        shown = stack.enter_context(ProgressBar(Screen(stderr=True), size))
        bar: Observer = shown
        if metrics_port is not None:
            bar = TeeObserver(bar, stack.enter_context(serve_progress(store, metrics_port)))
        summary = run_plan(plan, store, executor, observer=bar, tell=shown.tell)
        counts = store.counts()
    _tell(plan, directory, summary, counts)


def _directory(plan: "Plan", out: Path | None) -> Path:
    return out or Path("results") / plan.campaign.campaign.name


def _refuse_workers(plan: "Plan", given: object) -> None:
    if plan.real and given is not None:
        fail("--dask and --workers: real targets take turns on this machine; leave them out")


def _note(*notes: str) -> None:
    """Say what may be other than the user thinks; of many notes the first."""
    for note in notes[:_MOST_NOTES]:
        print(f"vtax: note: {note}", file=sys.stderr)
    if len(notes) > _MOST_NOTES:
        print(f"vtax: note: and {len(notes) - _MOST_NOTES} more of the kind", file=sys.stderr)


def _tell_idle(directory: Path) -> None:
    """Say in which cells nothing was done, by the first run of each."""
    from harness.metrics.measures import NO_TRANSACTION
    from harness.results.store import Store

    idle = []
    with Store.open(directory) as store:
        for run in store.runs(one_of_each=True):
            if run.result is None or run.cell.scenario is not None:
                continue
            measures = run.result.measures()
            if measures.nothing_done:
                idle.append((run.cell.title, measures.nothing_done))
    if idle:
        title, reason = idle[0]
        hint = "tasks call verbs of self.partition"
        if reason == NO_TRANSACTION:
            hint = "mark a task with workloads.user.transaction, or make the runs longer"
        print(
            f"vtax: in {len(idle)} cells nothing was done, for instance {title}: {reason}; they "
            f"say nothing about the claim ({hint})",
            file=sys.stderr,
        )


def _tell(plan: "Plan", directory: Path, summary: "Summary", counts: dict[str, int]) -> None:
    """Say how a campaign ended, and what to do next."""
    if summary.interrupted:
        needed = len(plan.cells) * plan.minimum
        print(
            f"vtax: interrupted with {summary.kept + summary.done} of {needed} runs kept in "
            f"{directory}; the same command goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED)
    print(
        f"{counts['complete']} runs complete in {directory} "
        f"({summary.done} now, {summary.kept} before), {summary.failed} failed"
    )
    if summary.failed:
        from harness.results.store import Store

        with Store.open(directory) as store:
            failed = [run for run in store.runs() if run.failure is not None]
        first = failed[0]
        print(
            f"vtax: {len(failed)} runs failed, for instance {first.cell.title}, replication "
            f"{first.replication}: {first.failure}: {first.reason}; they are tried again when the "
            "campaign is run again",
            file=sys.stderr,
        )
    if not counts["complete"]:
        fail("no run has a result")
    _tell_idle(directory)
    print(f"next: vtax report {directory}")
