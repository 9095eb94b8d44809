"""A sensitivity study in the terminal."""

import math
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from harness.cli.format import number, percent
from harness.cli.tables.table import block, notes
from harness.studies.sensitivity.result import BreakEven, Driven, Sensitivity, overhead_at

_SHOWN = 3
"""Constants that are named for an overhead."""


def sensitivity_text(result: Sensitivity) -> RenderableType:
    """Show what drives each overhead, and what would flip each verdict."""
    parts: list[RenderableType] = [Text(each) for each in _sentences(result)]
    parts += [Text(), Text("What drives each overhead (at its low and high)", "bold")]
    for driven in result.driven:
        overhead = f"{driven.virtualization} {percent(driven.overhead)}"
        head = Text(f"{driven.environment.title}, {driven.measure}: {overhead}")
        parts.append(block(head, _drivers(driven, result.alpha)))
    parts.append(Text("What would flip each verdict", "bold"))
    for each in result.break_even:
        outcome = "confirmed" if each.confirmed else "not confirmed"
        costs = f"all costs of {each.level}" if each.together else each.constants[0]
        head = Text(f"{each.environment.title}, {each.measure}: {outcome} ({each.criterion})")
        parts.append(block(head, f"{costs}, flips at: {_factor(each)}"))
    return Group(*parts, *notes(result.left_out))


def _sentences(result: Sensitivity) -> Iterator[str]:
    """Say which constant matters most for each level, and which verdict is nearest to a change."""
    for level in ("firmware", "software"):
        members = [each for each in result.driven if each.level == level]
        shares: dict[str, float] = {}
        for one in members:
            for each in one.influences:
                if each.p <= result.alpha:
                    shares[each.constant] = shares.get(each.constant, 0.0) + each.share
        if shares:
            most = max(shares, key=lambda name: (shares[name], name))
            mean = percent(shares[most] / len(members))
            yield (
                f"The {level} level's overheads depend most on {most}: {mean} of their variation, "
                f"on average over {len(members)} overheads."
            )
    flips = [each for each in result.break_even if each.together and each.factor]
    if flips:
        nearest = min(flips, key=lambda each: abs(math.log(each.factor or 1.0)))
        outcome = "confirmed" if nearest.confirmed else "not confirmed"
        yield (
            f"The verdict nearest to a change is {nearest.environment.title}, {outcome}: all costs "
            f"of {nearest.level} {_factor(nearest)}."
        )


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
