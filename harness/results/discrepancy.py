"""Result of a study of the model's own misses."""

from typing import ClassVar

from harness.results.result_file import EnvironmentRecord, Finite, Record, StudyFile
from harness.statistics.ratios import Share
from harness.statistics.verdict import Outcome


class Factor(Record):
    """Discrepancy factor of some costs of a mechanism, drawn between its ends."""

    mechanism: str
    costs: tuple[str, ...]
    """Names of constants; ``*`` stands for any part of a name."""
    low: Finite
    """The lowest of 1 and the ratios of published to modelled costs."""
    high: Finite
    """The highest of these."""
    misses: tuple[str, ...]
    """Rows of the validation table that were missed, with the ratio of each."""


class Ends(Record):
    """Overhead of a virtualization with its interval; None where an end is unknown."""

    virtualization: str
    estimate: Finite
    low: Finite | None
    high: Finite | None


class JudgedWithMisses(EnvironmentRecord):
    """A part of the claim in one measure and environment, judged with the misses drawn."""

    part: str
    measure: str
    outcome: Outcome
    reason: str
    """Reason of the outcome, in one sentence."""
    firmware: Ends | None
    software: Ends | None
    plausible: Share | None
    """Share of draws of the constants and of the factors with which the part holds."""


class Discrepancy(StudyFile):
    """Result file of ``vtax discrepancy``."""

    FILE_NAME: ClassVar[str] = "discrepancy.json"
    COMMAND: ClassVar[str] = "vtax discrepancy"

    model: str
    positions: tuple[int, ...]
    """Cells of the campaign that were studied."""
    campaign_runs: int
    """Runs of the campaign that were repeated; the verdict is of as many."""
    runs: int
    """Runs that were made for it."""
    factors: tuple[Factor, ...]
    unexplained: tuple[str, ...]
    """Missed rows that no cost of the model moves, so that no factor stands for them."""
    judged: tuple[JudgedWithMisses, ...]
    left_out: tuple[str, ...]
    """What could not be studied, and why."""
