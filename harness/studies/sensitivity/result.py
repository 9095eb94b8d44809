"""Result of a sensitivity study."""

import math
from typing import ClassVar

from harness.results.result_file import EnvironmentRecord, Finite, Record, ResultFile


class Influence(Record):
    """Effect of one constant on an overhead."""

    constant: str
    change: Finite
    """Of the logarithm of the ratio to the baseline, from the constant's low value to its high."""
    low: Finite
    """Ends of the change's interval."""
    high: Finite
    p: Finite
    """Probability value against "no influence", adjusted for all constants of all overheads."""
    share: Finite
    """Share of the overhead's variation over the design."""


class Driven(EnvironmentRecord):
    """An overhead and the constants that move it."""

    level: str
    """``firmware`` or ``software``."""
    virtualization: str
    measure: str
    overhead: Finite
    """Geometric mean over the design: 0.05 is 5 % more than the baseline."""
    runs: int
    resolution: int
    """Of the design: 4 if no influence is mixed with an interaction of two constants, else 3."""
    influences: tuple[Influence, ...]
    """The largest share first."""


class BreakEven(EnvironmentRecord):
    """How far the costs of a level can move before the environment's verdict flips."""

    level: str
    """Level whose costs are moved: ``firmware`` or ``software``."""
    constants: tuple[str, ...]
    """Those that are multiplied."""
    together: bool
    """Whether they are all costs of the level, rather than a single one."""
    confirmed: bool
    """Whether the environment confirms the claim as it is."""
    factor: Finite | None
    """The verdict was seen flipped at this factor; None if no factor searched flips it."""
    kept: Finite
    """The verdict was seen unchanged at this factor: the nearest one, or the farthest searched."""
    measure: str
    """The measure that flips or, where nothing does, stands in the way."""
    criterion: str
    """``margin`` or ``software``: the part of the claim that does."""


class Sensitivity(ResultFile):
    """Result file of ``vtax sensitivity``."""

    FILE_NAME: ClassVar[str] = "sensitivity.json"
    COMMAND: ClassVar[str] = "vtax sensitivity"

    identity: str
    """Of the campaign."""
    model: str
    alpha: Finite
    margin: Finite
    quantiles: tuple[Finite, Finite]
    """The quantiles of a constant's distribution that stand for low and high."""
    replications: int
    """Replications that break-evens are judged by."""
    limit: Finite
    """Break-evens are searched between 1 / limit and limit."""
    runs: int
    """Runs that were made for it."""
    driven: tuple[Driven, ...]
    break_even: tuple[BreakEven, ...]
    left_out: tuple[str, ...]
    """What could not be studied, and why."""


def overhead_at(driven: Driven, influence: Influence) -> tuple[float, float]:
    """Return the overhead with the constant low and high, all else in between."""
    middle = math.log1p(driven.overhead)
    half = influence.change / 2
    return math.expm1(middle - half), math.expm1(middle + half)
