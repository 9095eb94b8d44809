"""The command ``vtax``."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import harness
from harness.cli import (
    calibrate,
    capacity,
    catalog,
    compare,
    discrepancy,
    explain,
    grafana,
    import_files,
    observe,
    predict,
    profile,
    publish,
    results,
    run,
    sensitivity,
    validate,
    watch,
)
from harness.cli.exit_status import exit_status, report_error
from harness.cli.output import open_streams
from harness.errors import UserError


class Commands(TyperGroup):
    """The commands; an error of a command is one line on standard error."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (UserError, KeyboardInterrupt) as error:
            raise typer.Exit(report_error(error)) from None


app = typer.Typer(
    cls=Commands,
    help="Measure the cost of virtualization on modelled System p machines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(catalog.catalog_app, name="catalog")
_CLASSES = {"profile": profile.ProfileCommand}
for name, command in (
    ("plan", run.show_plan),
    ("run", run.run_campaign),
    ("watch", watch.watch_cell),
    ("report", results.write_report),
    ("observe", observe.observe_campaign),
    ("grafana", grafana.write_grafana),
    ("verdict", results.print_verdict),
    ("explain", explain.explain_cell),
    ("export", results.export_runs),
    ("validate", validate.print_validation),
    ("sensitivity", sensitivity.study_sensitivity),
    ("capacity", capacity.search_capacity),
    ("discrepancy", discrepancy.study_discrepancy),
    ("publish", publish.publish_campaigns),
    ("compare", compare.compare_campaigns),
    ("import", import_files.import_measurements),
    ("calibrate", calibrate.calibrate_machine),
    ("profile", profile.profile_program),
    ("predict", predict.predict_overhead),
):
    app.command(name, cls=_CLASSES.get(name))(command)


def main() -> None:
    """Run the command line; it ends the process with its exit code."""
    open_streams()
    sys.exit(exit_status(_run))


def _run() -> None:
    """Run the command line; the caller ends the process."""
    command = typer.main.get_command(app)
    with command.make_context("vtax", sys.argv[1:]) as context:
        command.invoke(context)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vtax {harness.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Read the options of ``vtax`` itself."""
