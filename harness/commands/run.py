"""``vtax plan`` and ``vtax run``."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from harness.commands.options import (
    INTERRUPTED,
    CampaignArgument,
    OnlyOption,
    ReplicationsOption,
    SeedOption,
    WorkersOption,
    cores,
    fail,
)
from harness.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.campaign.execute import Observer, Summary
    from harness.campaign.plan import Plan
    from harness.campaign.store import Store


def show_plan(
    campaign: CampaignArgument,
    workers: WorkersOption = None,
    replications: ReplicationsOption = None,
    only: OnlyOption = [],  # noqa: B006 (typer reads it, nothing changes it)
) -> None:
    """Print the matrix, the number of runs and the expected duration; run nothing."""
    from harness.campaign.plan import make_plan
    from harness.display import plan_table

    plan = make_plan(campaign, replications=replications, only=only)
    Console().print(plan_table(plan, 1 if plan.real else workers or cores()))
    _tell_notes(plan)


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
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Show progress and overheads at /metrics on 127.0.0.1."
        ),
    ] = None,
) -> None:
    """Run a campaign, or what is left of it."""
    from harness.campaign.cluster import Cluster
    from harness.campaign.conduct import conduct
    from harness.campaign.plan import make_plan
    from harness.campaign.scenario_run import run
    from harness.campaign.store import Store
    from harness.display import ProgressBar
    from harness.precision import too_wide
    from harness.progress import Both, serve_progress

    plan = make_plan(campaign, seed=seed, replications=replications, only=only)
    directory = out or Path("results") / plan.campaign.campaign.name
    if plan.real and (dask is not None or workers is not None):
        fail("--dask and --workers: real targets take turns on this machine; leave them out")
    if dask is not None and workers is not None:
        fail("--dask and --workers: a cluster has workers of its own; leave one of them out")
    _tell_notes(plan)
    with ExitStack() as stack:
        crew = workers or cores() if dask is None else stack.enter_context(Cluster(dask))
        size = 1 if plan.real else crew if isinstance(crew, int) else crew.size
        store = stack.enter_context(Store.start(directory, plan.record()))
        shown = stack.enter_context(ProgressBar(Console(stderr=True), size))
        bar: Observer = shown
        if metrics_port is not None:
            bar = Both(bar, stack.enter_context(serve_progress(store, metrics_port)))
        if plan.real:
            summary = _run_for_real(plan, store, bar, shown.tell)
        else:
            claimed = plan.half_width is not None and plan.campaign.claim
            summary = conduct(
                plan,
                store,
                run,
                workers=crew,
                observer=bar,
                too_wide=too_wide if claimed else None,
            )
        counts = store.counts()
    _tell(plan, directory, summary, counts)


def _tell_notes(plan: "Plan") -> None:
    """Say what of its locustfiles a campaign makes no use of."""
    from harness.campaign.locust_notes import locust_notes

    for note in locust_notes(plan):
        print(f"vtax: note: {note}", file=sys.stderr)


def _run_for_real(
    plan: "Plan", store: "Store", observer: "Observer", tell: "Callable[[str], None]"
) -> "Summary":
    if sys.platform != "linux":
        raise UserError("real targets are measured on Linux only")
    from harness.real.conduct import conduct_real

    return conduct_real(plan, store, observer=observer, tell=tell)


def _tell_idle(directory: Path) -> None:
    """Say in which cells nothing was done, by the first run of each."""
    from harness.campaign.store import Store
    from harness.metrics.measures import NO_TRANSACTION, measure

    idle = []
    with Store.open(directory) as store:
        for run in store.runs(one_of_each=True):
            if run.result is None or run.cell.scenario is not None:
                continue
            measures = measure(
                run.result.samples,
                run.result.digests.values(),
                measured_seconds=run.result.measured_seconds,
                warm_up_seconds=run.result.warm_up_seconds,
            )
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
        from harness.campaign.store import Store

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
