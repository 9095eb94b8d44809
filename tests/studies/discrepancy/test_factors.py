"""Factors of costs from the rows of a validation table."""

import pytest

from harness.errors import UserError
from harness.studies.discrepancy.factors import factors_of, unexplained, validation_rows
from harness.validation.record import recorded
from harness.validation.row import FigureKind, Kind, Row


def row(
    ratio: float,
    *costs: str,
    rises: bool | None = True,
    kind: Kind = Kind.PREDICTION,
    figure: FigureKind = FigureKind.VALUE,
) -> Row:
    """A figure that is published as a multiple of what the model gives."""
    return Row(
        kind,
        "case",
        f"times {ratio}",
        ratio,
        "s",
        "book",
        1.0,
        1.0,
        1.0,
        "range",
        0.1,
        figure=figure,
        costs=costs,
        rises=rises,
    )


SWITCH, CALL, REFILL = "hypervisor.vp_*", "hypervisor.call.*", "processor.tlb_miss"


def ends(*rows: Row) -> dict[tuple[str, ...], tuple[float, float]]:
    return {each.costs: (each.low, each.high) for each in factors_of(rows)}


def test_a_factor_reaches_from_one_to_the_ratio() -> None:
    assert ends(row(4.0, SWITCH)) == {(SWITCH,): (1.0, 4.0)}
    assert ends(row(0.5, SWITCH)) == {(SWITCH,): (0.5, 1.0)}


def test_a_throughput_twice_as_high_as_published_means_costs_twice_as_low() -> None:
    assert ends(row(0.5, SWITCH, rises=False)) == {(SWITCH,): (1.0, 2.0)}


def test_sources_that_disagree_make_it_go_both_ways() -> None:
    assert ends(row(4.0, SWITCH), row(0.5, SWITCH), row(2.0, SWITCH)) == {(SWITCH,): (0.5, 4.0)}


def test_rows_that_hold_give_none_nor_do_figures_that_set_constants() -> None:
    assert ends(row(1.05, SWITCH), row(4.0, SWITCH, kind=Kind.CALIBRATION)) == {}


def test_a_cost_that_another_figure_confirms_is_not_blamed_where_others_can_be() -> None:
    missed = row(4.0, SWITCH, CALL)
    assert ends(missed, row(1.0, CALL)) == {(SWITCH,): (1.0, 4.0)}
    assert set(ends(missed, row(1.0, CALL, SWITCH))) == {(SWITCH,), (CALL,)}
    # A bound that is kept confirms little.
    assert set(ends(missed, row(1.0, CALL, figure=FigureKind.UPPER_BOUND))) == {(SWITCH,), (CALL,)}


def test_costs_of_one_mechanism_with_the_same_ends_have_one_factor() -> None:
    latencies = "processor.*_latency"
    (factor,) = factors_of([row(4.0, latencies, REFILL)])
    assert (factor.mechanism, factor.costs) == ("cache-refill", (latencies, REFILL))
    assert factor.misses == ("case: times 4.0 (costs x 4)",)
    assert set(ends(row(4.0, latencies, REFILL), row(8.0, REFILL))) == {(latencies,), (REFILL,)}


def test_a_miss_that_no_cost_moves_is_named() -> None:
    still = row(4.0, rises=None)
    assert factors_of([still]) == ()
    assert unexplained([still, row(1.0), row(4.0, SWITCH)]) == ("case: times 4.0",)


def test_the_table_must_be_there_and_of_this_model(tmp_path) -> None:
    with pytest.raises(UserError, match=r"is missing there; 'vtax validate --save-to"):
        validation_rows(tmp_path)
    record = recorded([row(4.0, SWITCH)], quick=False)
    record.write(tmp_path)
    assert validation_rows(tmp_path) == record.rows
    record.model_copy(update={"model_digest": "other"}).write(tmp_path)
    with pytest.raises(UserError, match=r"of another model; 'vtax validate --save-to"):
        validation_rows(tmp_path)
