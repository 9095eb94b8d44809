"""The model's own misses in the outcomes of a claim."""

from collections.abc import Iterable
from dataclasses import replace

from harness.analysis.environment import EnvironmentResult
from harness.analysis.overhead import CAPACITY
from harness.results.discrepancy import Discrepancy


def with_misses(
    judged: Iterable[EnvironmentResult], misses: Discrepancy | None
) -> tuple[EnvironmentResult, ...]:
    """Put the outcomes with the misses in the place of those without, which are kept beside.

    Capacities keep their outcomes: they are searched without the misses, perhaps after the study.
    """
    studied = () if misses is None else misses.judged
    found = {(each.environment, each.part, each.measure): each for each in studied}
    return tuple(
        result
        if result.measure == CAPACITY
        or (one := found.get((result.environment, result.part, result.measure))) is None
        else replace(
            result,
            outcome=one.outcome,
            reason=one.reason,
            without_misses=result.outcome,
            with_misses=one,
        )
        for result in judged
    )
