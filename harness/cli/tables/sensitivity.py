"""A sensitivity study in the terminal."""

from rich.console import Group, RenderableType

from harness.cli.format import number, percent
from harness.cli.tables.table import notes, table
from harness.studies.sensitivity.result import BreakEven, Driven, Sensitivity, overhead_at

_SHOWN = 3
"""Constants that are named for an overhead."""


def sensitivity_text(result: Sensitivity) -> RenderableType:
    """Show what drives each overhead, and what would flip each verdict."""
    drivers = table(
        "What drives each overhead",
        ("environment", "measure", "overhead", "driven by (overhead at low and high)"),
        (
            (
                each.environment.title,
                each.measure,
                f"{each.virtualization} {percent(each.overhead)}",
                _drivers(each, result.alpha),
            )
            for each in result.driven
        ),
    )
    flips = table(
        "What would flip each verdict",
        ("environment", "now", "costs", "flips at", "by"),
        (
            (
                each.environment.title,
                "confirmed" if each.confirmed else "not confirmed",
                f"all {each.level}" if each.together else each.constants[0],
                _factor(each),
                f"{each.criterion}, {each.measure}",
            )
            for each in result.break_even
        ),
    )
    return Group(drivers, flips, *notes(result.left_out))


def _drivers(driven: Driven, alpha: float) -> str:
    parts = []
    for each in [each for each in driven.influences if each.p <= alpha][:_SHOWN]:
        low, high = overhead_at(driven, each)
        parts.append(f"{each.constant} ({percent(low)} to {percent(high)})")
    return "; ".join(parts) or "no influence differs from noise"


def _factor(one: BreakEven) -> str:
    if one.factor is not None:
        return f"x {number(one.factor)} (not yet at {number(one.kept)})"
    if one.kept == 1.0:
        return "no factor"
    return f"{'no factor up to' if one.kept > 1 else 'not even x'} {number(one.kept)}"
