"""Choosing one cell of a campaign that was run."""

import re
from collections.abc import Collection, Mapping, Sequence

from harness.campaign.schema.campaign import MATRIX
from harness.errors import UserError, suggest
from harness.results.record import CampaignRecord, CellRecord

_BETWEEN = re.compile(r",(?=[^,=]+=)")
"""A comma before another ``factor=``; values may hold commas, too."""

_MOST_VALUES = 8


def chosen_cell(
    campaign: CampaignRecord,
    texts: Sequence[str],
    measured: Collection[int],
    option: str = "--only",
) -> CellRecord:
    """Find the one cell of the matrix that texts name.

    A cell without a result is found only if the texts name no other.

    Parameters
    ----------
    campaign
        The campaign.
    texts
        A cell's title, or ``factor=value`` as often as needed, also several with commas between.
    measured
        Positions of the cells that have a result.
    option
        What messages call the option that they were given with.

    Raises
    ------
    UserError
        If there is no such factor, value or cell, or more than one; it says what would be right.
    """
    cells = [cell for cell in campaign.cells if cell.scenario is None]
    if not cells:
        raise UserError(
            f"campaign {campaign.name!r} holds only scenarios, without a baseline; 'vtax report' "
            "shows their timelines"
        )
    factors = [*MATRIX, *(name for name, _ in cells[0].load)]
    values = {factor: {_value(cell, factor) for cell in cells} for factor in factors}
    complete = [cell for cell in cells if cell.position in measured]
    first = (complete or cells)[0]
    example = f"machine={first.machine}, or a cell's title, such as {first.title}"
    wanted: dict[str, str] = {}
    for text in texts:
        titled = [cell for cell in cells if cell.title == text.strip()]
        if titled:
            return titled[0]
        for part in _BETWEEN.split(text):
            factor, value = parse_factor(part.strip(), values, option, example)
            if wanted.setdefault(factor, value) != value:
                raise UserError(
                    f"{option} {part.strip()}: {factor} is {wanted[factor]} already; one cell has "
                    "one value"
                )
    found = [cell for cell in cells if all(_value(cell, k) == v for k, v in wanted.items())]
    if len(found) > 1:
        found = [cell for cell in found if cell in complete] or found
    if len(found) == 1:
        return found[0]
    given = " ".join(f"{option} {key}={value}" for key, value in wanted.items()) or option
    if not found:
        close = [
            cell for cell in complete if sum(_value(cell, k) != v for k, v in wanted.items()) == 1
        ]
        near = f"; there is {close[0].title}" if close else ""
        raise UserError(f"{given}: no cell is all of that{near}")
    results = "with" if found[0] in complete else "without"
    raise UserError(
        f"{given}: fits {len(found)} cells {results} results; choose one with {_differing(found)}"
    )


def parse_factor(
    text: str, values: Mapping[str, Collection[str]], option: str, example: str
) -> tuple[str, str]:
    """Read ``factor=value``.

    Parameters
    ----------
    values
        The values that each factor has.
    option
        What messages call the option that the text was given with.
    example
        What they suggest to write.

    Raises
    ------
    UserError
        If there is no such factor or value.
    """
    factor, equals, value = (each.strip() for each in text.partition("="))
    if not equals:
        raise UserError(f"{option} {text}: write factor=value, such as {example}")
    if factor not in values:
        raise UserError(f"{option} {text}: {suggest(factor, values, 'factor')}")
    if value not in values[factor]:
        raise UserError(f"{option} {text}: {suggest(value, values[factor], factor)}")
    return factor, value


def _value(cell: CellRecord, factor: str) -> str:
    if factor in MATRIX:
        return str(getattr(cell, factor))
    return dict(cell.load).get(factor, "")


def _differing(cells: Sequence[CellRecord]) -> str:
    """List the factors that still have several values, with the values."""
    texts = []
    for factor in (*MATRIX, *(name for name, _ in cells[0].load)):
        values = list(dict.fromkeys(_value(cell, factor) for cell in cells))
        if len(values) > 1:
            shown = " | ".join(values[:_MOST_VALUES])
            more = f" | {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
            texts.append(f"{factor}={shown}{more}")
    return "; ".join(texts)
