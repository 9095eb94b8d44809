"""``vtax validate``: the model against theory, published figures and invariants."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from harness.cli.options import JsonOption, cores
from harness.cli.output import Screen, print_json, print_message

FAILED = 1
"""Exit code when a row that must hold does not."""


def print_validation(
    as_json: JsonOption = False,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter runs, wider intervals.")] = False,
    save_to: Annotated[
        Path | None,
        typer.Option(
            "--save-to",
            metavar="DIR",
            help="Keep the table in DIR, for the report.",
        ),
    ] = None,
) -> None:
    """Check the model against theory and publications.

    Three kinds of checks: exact queueing theory, published figures, invariants of the model.

    Exit code 0 when theory, calibration and invariants hold, 1 when one does not. Predictions may
    miss; the table shows by how much.
    """
    from harness.cli.tables.validation import validation_table
    from harness.validation.suite import validate

    if save_to is not None:
        _check_results(save_to)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Screen(stderr=True), transient=True) as progress:
        task = progress.add_task("validating", total=None)
        rows = list(
            validate(
                quick,
                cores(),
                lambda done, total: progress.update(task, completed=done, total=total),
            )
        )
    if save_to is not None:
        from harness.validation.record import recorded

        kept = recorded(rows, quick=quick).write(save_to)
        print_message(f"the table is kept in {kept}, for 'vtax report {save_to}'")
    failed = [row for row in rows if row.must_hold and not row.passed]
    if as_json:
        rows_json = [row.to_json() for row in rows]
        print_json({"quick": quick, "passed": not failed, "rows": rows_json})
    else:
        Screen().print(validation_table(rows, quick))
    raise typer.Exit(FAILED if failed else 0)


def _check_results(directory: Path) -> None:
    """Check before the validation that DIR holds results and can be written."""
    import os

    from harness.errors import UserError
    from harness.results.store import Store

    with Store.open(directory):
        pass
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UserError(f"--save-to {directory}: not writable")
