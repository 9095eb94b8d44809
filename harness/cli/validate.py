"""``vtax validate``: why the model may be believed, and where it misses."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from harness.cli.options import cores
from harness.cli.output import Screen, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.validation.row import Row

FAILED = 1
"""Exit code when a row that must hold does not."""


def print_validation(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Shorter runs with wider intervals.")
    ] = False,
    save_to: Annotated[
        Path | None,
        typer.Option(
            "--save-to",
            metavar="DIR",
            help="Keep the table in DIR, for its report.",
        ),
    ] = None,
) -> None:
    """Check the model against theory and publications.

    Three kinds of checks: exact queueing theory, published figures, invariants of the model.

    Exit code 0 when theory, calibration and invariants hold, 1 when one does not; predictions may
    miss, and the table says by how much.
    """
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
        print(f"vtax: the table is kept in {kept}, for 'vtax report {save_to}'", file=sys.stderr)
    failed = [row for row in rows if row.must_hold and not row.passed]
    if as_json:
        told = {"quick": quick, "passed": not failed, "rows": [row.to_json() for row in rows]}
        print_json(told)
    else:
        Screen().print(validation_table(rows, quick))
    raise typer.Exit(FAILED if failed else 0)


def _check_results(directory: Path) -> None:
    """Make sure that there are results to keep the table beside, before the work is done."""
    import os

    from harness.errors import UserError
    from harness.results.store import Store

    with Store.open(directory):
        pass
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UserError(f"--save-to {directory}: not writable")


_TITLES = {
    "theory": "Theory: exact results, all overheads at zero",
    "calibration": "Calibration: figures that set constants (proves only that the model kept them)",
    "prediction": "Prediction: figures that set no constant (nothing is tuned to them)",
    "invariant": "Invariants: laws that hold of every machine",
}


def validation_table(rows: list["Row"], quick: bool) -> "RenderableType":
    """Show all rows, kind by kind, and what they come to."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from harness.validation.format import amount, error_text, interval_text, tolerance_text

    parts: list[RenderableType] = []
    for kind, title in _TITLES.items():
        table = Table(title=Text(title, "bold"), title_justify="left", expand=False)
        for name in ("case", "measure"):
            table.add_column(name, overflow="fold", ratio=None)
        for name in ("expected", "model", "interval", "error", "tolerance"):
            table.add_column(name, justify="right", overflow="fold")
        table.add_column("")
        last = ""
        notes: dict[str, int] = {}
        for row in (row for row in rows if row.kind == kind):
            origin = f"{row.source}. {row.note}" if row.note else row.source
            mark = f" [{notes.setdefault(origin, len(notes) + 1)}]"
            table.add_row(
                Text("" if row.case == last else row.case),
                Text(row.measure + mark),
                Text(amount(row.expected, row.unit)),
                Text(amount(row.value, row.unit)),
                Text(interval_text(row)),
                Text(error_text(row)),
                Text(tolerance_text(row)),
                _outcome(row),
            )
            last = row.case
        parts.append(table)
        intervals = {row.interval for row in rows if row.kind == kind}
        if intervals:
            parts.append(Text(f"intervals: {'; '.join(sorted(intervals))}", "dim"))
        parts += [Text(f"[{number}] {note}", "dim") for note, number in notes.items()]
        parts.append(Text(""))
    parts.append(Text(summary(rows, quick), "bold"))
    return Group(*parts)


def summary(rows: list["Row"], quick: bool) -> str:
    """Say in one sentence what the rows come to."""
    must = [row for row in rows if row.must_hold]
    predicted = [row for row in rows if not row.must_hold]
    failed = sum(not row.passed for row in must)
    missed = sum(not row.passed for row in predicted)
    holds = "all hold" if not failed else f"{failed} FAILED"
    text = (
        f"{len(must)} rows must hold: {holds}. {len(predicted)} predictions: "
        f"{len(predicted) - missed} hold, {missed} missed."
    )
    return f"{text} Quick: intervals are wider than a full validation allows." if quick else text


def _outcome(row: "Row") -> "RenderableType":
    from rich.text import Text

    if row.must_hold:
        return Text("pass", "green") if row.passed else Text("FAIL", "bold red")
    return Text("holds", "green") if row.passed else Text("missed", "yellow")
