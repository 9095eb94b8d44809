"""Discrepancy factors: how wrong the costs of each mechanism may be, from the validation table."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from harness.campaign.provenance import model_digest
from harness.catalog import load_catalog
from harness.errors import UserError
from harness.results.discrepancy import Factor
from harness.validation.mechanism import COSTS, Mechanism
from harness.validation.record import ValidationRecord, digest_of_constants
from harness.validation.row import FigureKind, Kind, Row


def validation_rows(directory: Path) -> tuple[Row, ...]:
    """Read the validation table that is kept in a campaign's directory.

    Raises
    ------
    UserError
        If there is none, or it is of another model or other constants.
    """
    record = ValidationRecord.read(directory)
    how = f"'vtax validate --save-to {directory}' makes it"
    if record is None:
        raise UserError(f"{directory}: the validation table is missing there; {how}")
    constants = [asdict(each) for each in load_catalog().constants.values()]
    if (record.model_digest, record.constants_digest) != (
        model_digest(),
        digest_of_constants(constants),
    ):
        raise UserError(f"{directory}: the validation table is of another model; {how}")
    return record.rows


def factors_of(rows: Iterable[Row]) -> tuple[Factor, ...]:
    """Return the factors of all costs that a missed prediction concerns.

    A cost's factor reaches from 1 to the ratios of published to modelled costs of the missed rows
    that test it. A cost that is tested as well by a measured value which the model holds is not
    blamed for a miss that other costs of the row can explain. Costs of one mechanism with the same
    ends have a common factor.

    Returns
    -------
    tuple of Factor
        In the order of the mechanisms; empty if every row holds.
    """
    predictions = [row for row in rows if row.kind is Kind.PREDICTION]
    holding = {
        cost
        for row in predictions
        if row.passed and row.figure is FigureKind.VALUE and row.expected
        for cost in row.costs
    }
    ratios: dict[str, list[tuple[float, Row]]] = {}
    for row in predictions:
        if row.factor is None:
            continue
        blamed = [cost for cost in row.costs if cost not in holding] or row.costs
        for cost in blamed:
            ratios.setdefault(cost, []).append((row.factor, row))
    groups: dict[tuple[Mechanism, float, float, tuple[str, ...]], list[str]] = {}
    for mechanism, costs in COSTS.items():
        for cost in costs:
            found = ratios.get(cost, [])
            if found:
                values = [1.0, *(ratio for ratio, _ in found)]
                misses = tuple(
                    f"{row.case}: {row.measure} (costs x {ratio:.3g})" for ratio, row in found
                )
                key = (mechanism, min(values), max(values), misses)
                groups.setdefault(key, []).append(cost)
    return tuple(
        Factor(mechanism=str(mechanism), costs=tuple(costs), low=low, high=high, misses=misses)
        for (mechanism, low, high, misses), costs in groups.items()
    )


def unexplained(rows: Sequence[Row]) -> tuple[str, ...]:
    """Name the missed predictions that give no factor."""
    return tuple(
        f"{row.case}: {row.measure}"
        for row in rows
        if row.kind is Kind.PREDICTION and row.missed and row.factor is None
    )
