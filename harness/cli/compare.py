"""``vtax compare``: two campaigns side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import JsonOption
from harness.cli.output import Screen, print_json, working
from harness.cli.studies import open_store

if TYPE_CHECKING:
    from harness.analysis.measured_values import MeasuredValue
    from harness.analysis.snapshot import CampaignSnapshot

SOMETHING_WORSE = 1
"""Exit code."""


def compare_campaigns(
    first: Annotated[Path, typer.Argument(metavar="DIR1", help="Results to compare with.")],
    second: Annotated[Path, typer.Argument(metavar="DIR2", help="Results that may be worse.")],
    as_json: JsonOption = False,
) -> None:
    """Compare the results of two campaigns.

    Prints which overheads, outcomes and checks became better or worse from DIR1 to DIR2, and which
    changes the data do not show. Of two imports: which measured values are higher or lower.

    Exit code 1 if anything became worse, 0 if not, 2 for an error.
    """
    from harness.analysis.comparison import Direction, compare
    from harness.cli.tables.comparison import changes_text

    with working("comparing"):
        (one, here), (other, there) = _read(first), _read(second)
        comparison = compare(one, other, (here, there))
    if as_json:
        print_json(comparison.to_json())
    else:
        Screen().print(changes_text(comparison))
    raise typer.Exit(SOMETHING_WORSE if comparison.direction is Direction.WORSE else 0)


def _read(directory: Path) -> "tuple[CampaignSnapshot, tuple[MeasuredValue, ...]]":
    from harness.analysis.measured_values import measured_values
    from harness.analysis.snapshot import snapshot
    from harness.analysis.study import analyse

    with open_store(directory) as store:
        return snapshot(analyse(store)), measured_values(store)
