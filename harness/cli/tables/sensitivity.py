"""A sensitivity study in the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.analysis.overhead import percent
from harness.studies.sensitivity.result import BreakEven, Driven, Sensitivity, overhead_at

_SHOWN = 3


def sensitivity_text(found: Sensitivity) -> RenderableType:
    """Show what drives each overhead, and what would flip each verdict."""
    drivers = Table(title="What drives each overhead", title_justify="left")
    for name in ("environment", "measure", "overhead", "driven by (overhead at low and high)"):
        drivers.add_column(name, overflow="fold")
    for each in found.driven:
        drivers.add_row(
            Text(each.environment.title),
            Text(each.measure),
            Text(f"{each.virtualization} {percent(each.overhead)}"),
            Text(_drivers(each, found.alpha)),
        )
    flips = Table(title="What would flip each verdict", title_justify="left")
    for name in ("environment", "now", "costs", "flips at", "by"):
        flips.add_column(name, overflow="fold")
    for one in found.break_even:
        what = f"all {one.level}" if one.together else one.constants[0]
        flips.add_row(
            Text(one.environment.title),
            Text("confirmed" if one.confirmed else "not confirmed"),
            Text(what),
            Text(_factor(one)),
            Text(f"{one.criterion}, {one.measure}"),
        )
    notes = [Text(f"note: {each}") for each in found.left_out]
    return Group(drivers, flips, *notes)


def _drivers(driven: Driven, alpha: float) -> str:
    told = [each for each in driven.influences if each.p <= alpha]
    parts = []
    for each in told[:_SHOWN]:
        low, high = overhead_at(driven, each)
        parts.append(f"{each.constant} ({percent(low)} to {percent(high)})")
    return "; ".join(parts) or "none that can be told from noise"


def _factor(one: BreakEven) -> str:
    if one.factor is None:
        if one.kept == 1.0:
            return "no factor"
        return f"no factor up to {one.kept:.3g}" if one.kept > 1 else f"not even x {one.kept:.3g}"
    return f"x {one.factor:.3g} (not yet at {one.kept:.3g})"
