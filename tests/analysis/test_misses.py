"""The model's own misses in the outcomes of a claim."""

import pytest

from harness.analysis.environment import EnvironmentResult
from harness.analysis.misses import with_misses
from harness.analysis.overhead import CAPACITY
from harness.results.discrepancy import Discrepancy, JudgedWithMisses
from harness.results.environment import Environment
from harness.statistics.verdict import Outcome


@pytest.mark.parametrize("measure", ["slowdown", CAPACITY])
def test_capacities_that_were_searched_after_the_study_keep_their_outcome(measure):
    where = Environment("p5-570", "aix-5.3", "commercial", ())
    result = EnvironmentResult(
        where, measure, None, None, {}, part="fit", outcome=Outcome.CONFIRMED, reason="less"
    )
    judged = JudgedWithMisses(
        **where._asdict(),
        part="fit",
        measure=measure,
        outcome=Outcome.INCONCLUSIVE,
        reason="not measured",
        firmware=None,
        software=None,
        plausible=None,
    )
    misses = Discrepancy(
        identity="",
        model="",
        positions=(),
        campaign_runs=0,
        runs=0,
        factors=(),
        unexplained=(),
        judged=(judged,),
        left_out=(),
    )
    (found,) = with_misses([result], misses)
    if measure == CAPACITY:
        assert found == result
    else:
        assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, "not measured")
        assert (found.without_misses, found.with_misses) == (Outcome.CONFIRMED, judged)
