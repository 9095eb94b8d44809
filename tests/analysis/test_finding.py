"""Results that do not differ beyond their intervals are one finding."""

import math

from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.environment import EnvironmentResult
from harness.analysis.finding import findings
from harness.analysis.overhead import Overhead
from harness.results.environment import Environment
from harness.statistics.intervals import Interval
from harness.statistics.ratios import share
from harness.statistics.verdict import Outcome, conclude


def result(
    number: int,
    low: float,
    high: float,
    outcome: Outcome = Outcome.CONFIRMED,
    workload: str = "integer",
    holding: int = 10,
) -> EnvironmentResult:
    interval = Interval((low + high) / 2, low, high, 0.95, 10)
    firmware = Overhead("shared-uncapped", "slowdown", interval, interval, ())
    return EnvironmentResult(
        Environment(f"machine-{number}", "aix-5.3", workload, ()),
        "slowdown",
        firmware,
        None,
        {"shared-uncapped": firmware},
        part="small",
        outcome=outcome,
        plausible=share(holding, 10, 0.95),
    )


ENDS = st.tuples(st.integers(0, 50), st.integers(0, 20)).map(lambda e: (e[0], e[0] + e[1]))


@given(st.lists(ENDS, min_size=1, max_size=12))
def test_each_result_is_in_one_finding_whose_intervals_have_a_value_in_common(ends) -> None:
    results = [result(number, *each) for number, each in enumerate(ends)]
    found = findings(results)
    assert sorted(r.environment for each in found for r in each.results) == sorted(
        r.environment for r in results
    )
    for each in found:
        assert max(r.firmware.interval.low for r in each.results) <= min(
            r.firmware.interval.high for r in each.results
        )
        estimates = [r.firmware.interval.estimate for r in each.results]
        assert (each.firmware.lowest, each.firmware.highest) == (min(estimates), max(estimates))


@given(st.lists(ENDS, min_size=1, max_size=12))
def test_there_are_as_few_as_possible(ends) -> None:
    """As many as there are intervals of which no two have a value in common (Gallai)."""
    apart, end = 0, -math.inf
    for low, high in sorted(ends, key=lambda each: each[1]):
        if low > end:
            apart, end = apart + 1, high
    assert len(findings(result(n, *each) for n, each in enumerate(ends))) == apart


def test_workloads_are_apart_and_an_outcome_is_that_of_all() -> None:
    results = [
        result(0, 0.1, 0.2),
        result(1, 0.1, 0.2, Outcome.INCONCLUSIVE, holding=7),
        result(2, 0.1, 0.2, workload="vlan"),
        result(3, 0.5, 0.6, Outcome.REFUTED, holding=0),
    ]
    found = findings(results)
    assert [(each.workload, len(each.results)) for each in found] == [
        ("integer", 2),
        ("integer", 1),
        ("vlan", 1),
    ]
    for each in found:
        assert each.outcome is conclude(r.outcome for r in each.results)
    assert found[0].plausible.holding == 7


def test_what_was_not_measured_is_a_finding_of_its_own() -> None:
    nothing = EnvironmentResult(
        Environment("x", "aix-5.3", "integer", ()),
        "slowdown",
        None,
        None,
        {},
        part="small",
        outcome=Outcome.INCONCLUSIVE,
    )
    measured, lacking = findings([result(0, 0.1, 0.2), nothing])
    assert measured.outcome is Outcome.CONFIRMED
    assert (lacking.outcome, lacking.firmware) == (Outcome.INCONCLUSIVE, None)
    assert lacking.plausible is None
    assert lacking.to_json()["firmware"] is None
