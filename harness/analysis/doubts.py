"""Doubts about a comparison: why its outcome deserves less trust than its tests say."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from harness.analysis.overhead import Concern, Overhead
from harness.metrics.measures import Measures
from harness.statistics.intervals import Caution
from harness.statistics.verdict import Outcome, conclude

UNSETTLED_TOLERANCE = 0.25
"""Share of the runs of a cell that may lack an end of the warm-up without a doubt: noise alone
marks some runs of a cell that is in a steady state."""


class Doubt(StrEnum):
    """Why a comparison deserves less trust than its tests say."""

    UNSETTLED = "warm-up-unsettled"
    """Many runs of one of the cells have no end of the warm-up: they may contain some of it."""
    MIX_DIFFERS = "mix-differs"
    """One of the cells completed another mix of transactions than the baseline."""
    WORK_MISSING = "work-missing"
    """Some of the baseline's work was never completed, and is left out."""
    NO_VARIATION = "no-variation"
    """All replications agree exactly: the interval has no width."""
    WIDE = "target-not-reached"
    """The interval is wider than the campaign asks for. The tests know its width."""


_WARNINGS: Mapping[str, Doubt] = {
    Concern.MIX_DIFFERS: Doubt.MIX_DIFFERS,
    Concern.WORK_MISSING: Doubt.WORK_MISSING,
    Caution.NO_VARIATION: Doubt.NO_VARIATION,
}


def doubts_about(
    overheads: Iterable[Overhead], cells: Iterable[Mapping[int, Measures]], *, wide: bool
) -> tuple[Doubt, ...]:
    """Return the doubts about a comparison, in the order of :class:`Doubt`.

    Parameters
    ----------
    overheads
        Those that decide the outcome.
    cells
        Runs of each cell that they come from, the baseline's included.
    wide
        Whether the firmware's interval is wider than the campaign asks for.
    """
    found = {_WARNINGS.get(each) for one in overheads for each in one.interval.warnings}
    if any(_unsettled(runs) > UNSETTLED_TOLERANCE for runs in cells):
        found.add(Doubt.UNSETTLED)
    if wide:
        found.add(Doubt.WIDE)
    return tuple(each for each in Doubt if each in found)


def _unsettled(runs: Mapping[int, Measures]) -> float:
    unsettled = sum(not run.warm_up_trustworthy for run in runs.values())
    return unsettled / len(runs) if runs else 0.0


def carried(outcomes: Sequence[tuple[Outcome, tuple[Doubt, ...]]]) -> Outcome:
    """Conclude from comparisons that say the same, doubtful ones among them.

    Doubtful comparisons do not carry a conclusion: it is inconclusive where it would be another
    without them. A wide interval is no reason, because the tests know its width.

    Parameters
    ----------
    outcomes
        Outcome and doubts of each comparison.
    """
    every = conclude(outcome for outcome, _ in outcomes)
    sound = conclude(outcome for outcome, doubts in outcomes if not set(doubts) - {Doubt.WIDE})
    return every if every is sound else Outcome.INCONCLUSIVE
