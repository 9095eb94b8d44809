"""What a sensitivity study has found, as a file beside the campaign's runs."""

import math
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.analysis.environment import Environment, Load
from harness.results.result_file import read_result, write_result

FILE_NAME = "sensitivity.json"

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Placed(_Record):
    machine: str
    os: str
    workload: str
    load: Load

    @property
    def environment(self) -> Environment:
        """Machine, operating system, workload, load."""
        return (self.machine, self.os, self.workload, self.load)


class Influence(_Record):
    """What one constant does to an overhead."""

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


class Driven(_Placed):
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


class BreakEven(_Placed):
    """How far the costs of a level can move before the environment's verdict flips."""

    level: str
    """Whose costs are moved: ``firmware`` or ``software``."""
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


class Sensitivity(_Record):
    """The result file."""

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


def write(found: Sensitivity, directory: Path) -> Path:
    """Keep the result in a campaign's directory."""
    return write_result(found, directory / FILE_NAME)


def read(directory: Path) -> Sensitivity | None:
    """Read the result of a campaign's directory; None if there is none.

    Raises
    ------
    UserError
        If the file is not what it should be.
    """
    return read_result(Sensitivity, directory / FILE_NAME, f"vtax sensitivity {directory}")
