"""The command ``vtax``."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from harness import __version__
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.campaign.execute import Summary
    from harness.campaign.plan import Plan

# Commands import what they need themselves, so that each is as quick as it can be.

CONFIRMED, REFUTED, ERROR, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes."""


class Commands(TyperGroup):
    """The commands; whatever goes wrong in one is told in one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            _fail(str(error))
        except KeyboardInterrupt:
            print("vtax: interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    help="What virtualization costs, in firmware and in software, on modelled System p machines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
catalog_app = typer.Typer(
    help="List what can be named in a campaign, or show the constants behind it.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.add_typer(catalog_app, name="catalog")

CampaignArgument = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="A shipped name (smoke, carrier...) or a file.")
]
DirectoryArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The directory of a campaign's results.")
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Processes at work; by default one for each core.")
]
SeedOption = Annotated[int | None, typer.Option(min=0, help="Instead of the file's.")]
ReplicationsOption = Annotated[int | None, typer.Option(min=1, help="Instead of the file's.")]
OnlyOption = Annotated[
    list[str],
    typer.Option(
        metavar="FACTOR=VALUE", help="Only cells with this value; again for further ones."
    ),
]


def main() -> None:
    """Run the command line; it ends the process with its exit code."""
    app(prog_name="vtax")


def _fail(message: str) -> NoReturn:
    print(f"vtax: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(ERROR)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vtax {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Take the options of the command itself."""


@catalog_app.callback()
def list_catalog(context: typer.Context) -> None:
    """List machines, operating systems, virtualizations, devices and workload profiles."""
    if context.invoked_subcommand is None:
        from harness.catalog import load_catalog
        from harness.catalog.listing import overview

        Console().print(overview(load_catalog()))


@catalog_app.command("show")
def show_constants(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An item, or part of a constant.")],
) -> None:
    """Print each constant with its unit, range, source and status."""
    from harness.catalog import load_catalog
    from harness.catalog.listing import show

    Console().print(show(load_catalog(), name))


@app.command("plan")
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
    Console().print(plan_table(plan, workers or _cores()))


@app.command("run")
def run_campaign(
    campaign: CampaignArgument,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="By default results/<campaign>.")
    ] = None,
    workers: WorkersOption = None,
    seed: SeedOption = None,
    replications: ReplicationsOption = None,
    only: OnlyOption = [],  # noqa: B006
) -> None:
    """Run a campaign, or what is left of it."""
    from harness.campaign.conduct import conduct
    from harness.campaign.plan import make_plan
    from harness.campaign.scenario_run import run
    from harness.campaign.store import Store
    from harness.display import ProgressBar
    from harness.precision import too_wide

    plan = make_plan(campaign, seed=seed, replications=replications, only=only)
    directory = out or Path("results") / plan.campaign.campaign.name
    workers = workers or _cores()
    with (
        Store.start(directory, plan.record()) as store,
        ProgressBar(Console(stderr=True), workers) as bar,
    ):
        summary = conduct(
            plan,
            store,
            run,
            workers=workers,
            observer=bar,
            too_wide=too_wide if plan.half_width is not None and plan.campaign.claim else None,
        )
        counts = store.counts()
    _tell(plan, directory, summary, counts)


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
        _fail("no run has a result")
    print(f"next: vtax report {directory}")


@app.command("report")
def write_report(directory: DirectoryArgument) -> None:
    """Write DIR/report.html."""
    from reports.builder import build_report

    print(build_report(directory))


@app.command("verdict")
def print_verdict(
    directory: DirectoryArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print the verdict; exit code 0 confirmed, 1 refuted, 3 inconclusive, 2 for an error."""
    from harness.analysis import analyse
    from harness.campaign.store import Store
    from harness.display import elements_text, verdict_text

    with Store.open(directory) as store:
        study = analyse(store)
    verdict, elements = study.verdict, study.elements
    if study.outcome is None:
        raise UserError(f"{directory}: campaign {study.campaign.name!r} makes no claim to judge")
    _warn_damaged(study.damaged)
    if as_json:
        told = {} if verdict is None else verdict.to_json()
        if elements is not None:
            told = {"campaign": study.campaign.name, **told, "outcome": str(study.outcome)}
            told |= {"scenarios": str(elements.outcome), "checks": elements.to_json()}
        print(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        if verdict is not None:
            Console().print(verdict_text(study, verdict))
        if elements is not None:
            Console().print(elements_text(study, elements))
    codes = {"confirmed": CONFIRMED, "refuted": REFUTED, "inconclusive": INCONCLUSIVE}
    raise typer.Exit(codes[str(study.outcome)])


@app.command("export")
def export_runs(
    directory: DirectoryArgument,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="csv, parquet or openmetrics.")
    ],
) -> None:
    """Write every run with every resolved parameter and measure into DIR."""
    from harness.campaign.export import export
    from harness.campaign.store import Store

    with Store.open(directory) as store:
        print(export(store, form))
        _warn_damaged(store.damaged)


def _warn_damaged(damaged: list[str] | tuple[str, ...]) -> None:
    if damaged:
        print(
            f"vtax: the store is damaged: {len(damaged)} parts could not be read and were left "
            f"out, the first is {damaged[0]}",
            file=sys.stderr,
        )


def _cores() -> int:
    return len(os.sched_getaffinity(0))
