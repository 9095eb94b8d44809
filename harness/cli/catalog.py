"""``vtax catalog``: the items and constants of the catalog."""

from typing import Annotated

import typer

from harness.cli.output import Screen

catalog_app = typer.Typer(
    help="List the items that a campaign can name.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@catalog_app.callback()
def list_catalog(context: typer.Context) -> None:
    """List machines, operating systems, virtualizations, devices and workload profiles."""
    if context.invoked_subcommand is None:
        from harness.catalog import load_catalog
        from harness.cli.tables.catalog import overview

        Screen().print(overview(load_catalog()))


@catalog_app.command("show")
def show_constants(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An item, or part of a constant.")],
) -> None:
    """Print constants with range, source and status."""
    from harness.catalog import load_catalog
    from harness.cli.tables.catalog import show

    Screen().print(show(load_catalog(), name))
