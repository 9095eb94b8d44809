"""Verdict on a claim about all environments, from the tests of each.

The claim: in every environment, and for every measure named, the firmware level costs less than
the software level and less than the margin. The input are one-sided probability values of paired
comparisons. For a significance level alpha:

- *Confirmed* needs every single test at alpha, without adjustment. This is an intersection-union
  test: if the claim is false anywhere, the test of that part alone passes with at most alpha, so
  the whole is wrongly confirmed with at most alpha (R. L. Berger, Technometrics 24, 1982). Less
  than the margin is non-inferiority (S. Wellek, Testing Statistical Hypotheses of Equivalence and
  Noninferiority, 2010): it is shown, never inferred from a difference that was not seen.
- *Refuted* needs one part that is shown to be false. All such tests, over every environment and
  measure, form one family under Holm's adjustment: if the claim is true, it is refuted with at
  most alpha, however many environments there are.
- *Inconclusive* is everything else.

These hold as far as each test holds its own level. docs/statistics.md has the measured error rates.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.statistics.ratios import holm


class Outcome(StrEnum):
    """What a verification says of a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One-sided probability values of one environment and measure.

    One entry for each firmware virtualization of the claim in the ``margin`` fields, and one for
    each pair of a firmware and a software virtualization in the ``software`` fields.
    """

    below_margin: tuple[float, ...]
    """Against "the firmware level costs at least the margin"."""
    below_software: tuple[float, ...]
    """Against "the firmware level costs at least as much as the software level"."""
    above_margin: tuple[float, ...]
    """Against "the firmware level costs at most the margin"."""
    above_software: tuple[float, ...]
    """Against "the firmware level costs at most as much as the software level"."""
    complete: bool = True
    """False when a part of the claim could not be measured: it is never confirmed then."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome of one environment and measure, and the values that decided it.

    Confirmed needs both confirming values at alpha or less, refuted one of the refuting values.
    """

    outcome: Outcome
    confirming_margin: float
    """Largest probability value for lying below the margin; 0 if the claim names none."""
    confirming_software: float
    """Largest probability value for lying below the software level; 0 if the claim names no
    software level, so that there is nothing to show."""
    refuting_margin: float
    """Smallest adjusted probability value for exceeding the margin; 1 if there is none."""
    refuting_software: float
    """Smallest adjusted probability value for exceeding the software level; 1 if there is none."""


def judge(environments: Sequence[Evidence], alpha: float) -> tuple[Judgement, ...]:
    """Judge environments (times measures) that together make one claim.

    Parameters
    ----------
    environments
        All of the claim's environments and measures: they are one family for refuting.
    alpha
        Significance level, in (0, 0.5).

    Raises
    ------
    ValueError
        If alpha is out of range, or a probability value is.
    """
    if not 0.0 < alpha < 0.5:
        raise ValueError(f"a significance level lies in (0, 0.5), not at {alpha}")
    family = [p for tests in environments for p in tests.above_margin + tests.above_software]
    adjusted = iter(holm(family).tolist())
    judgements = []
    for tests in environments:
        margin = min((next(adjusted) for _ in tests.above_margin), default=1.0)
        software = min((next(adjusted) for _ in tests.above_software), default=1.0)
        below_margin = max(tests.below_margin, default=0.0)
        below_software = max(tests.below_software, default=0.0)
        tested = bool(tests.below_margin or tests.below_software)
        if min(margin, software) <= alpha:
            outcome = Outcome.REFUTED
        elif tested and tests.complete and max(below_margin, below_software) <= alpha:
            outcome = Outcome.CONFIRMED
        else:
            outcome = Outcome.INCONCLUSIVE
        judgements.append(Judgement(outcome, below_margin, below_software, margin, software))
    return tuple(judgements)


def conclude(outcomes: Iterable[Outcome]) -> Outcome:
    """Outcome of a claim that all of its parts hold.

    Confirmed if every part is, refuted if any part is, otherwise inconclusive; inconclusive too
    if there is no part.
    """
    seen = set(outcomes)
    if Outcome.REFUTED in seen:
        return Outcome.REFUTED
    if seen == {Outcome.CONFIRMED}:
        return Outcome.CONFIRMED
    return Outcome.INCONCLUSIVE
