"""What the runs of an expectation come to together."""

from dataclasses import replace

import pytest

from harness.analysis.scenario_results import (
    Row,
    ScenarioResult,
    ScenarioResults,
    row_of,
    statistic,
)
from harness.results.run_result import Check
from harness.statistics.verdict import Outcome

ROW = Row(
    scenario="one",
    element="dlpar",
    name={"en": "what"},
    expected=2.0,
    measured=2.0,
    lowest=1.9,
    highest=2.1,
    relation="at-most",
    tolerance=0.0,
    unit="s",
    passed=False,
    passed_runs=3,
    runs=5,
    detail="",
    source="book",
    assumed=(),
)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Outcome.INCONCLUSIVE),
        ({"passed": True, "passed_runs": 5}, Outcome.CONFIRMED),
        ({"passed_runs": 0}, Outcome.REFUTED),
        ({"relation": "equals", "tolerance": 0.1}, Outcome.INCONCLUSIVE),
        # An exact value: one run that differs refutes it.
        ({"relation": "equals"}, Outcome.REFUTED),
        ({"relation": "equals", "measured": "done", "lowest": None}, Outcome.REFUTED),
    ],
)
def test_runs_on_both_sides_of_a_limit_are_inconclusive(changes, outcome):
    row = replace(ROW, **changes)
    assert row.outcome is outcome
    result = ScenarioResult("one", {}, "dlpar", 0, "m", "v", (row,), 5, (), (), ())
    assert result.outcome is outcome
    results = ScenarioResults((result,))
    assert results.outcome is outcome
    assert results.to_json()[0]["outcome"] == str(outcome)


def test_one_refuted_expectation_refutes_whatever_the_others_are():
    rows = (ROW, replace(ROW, passed_runs=0))
    result = ScenarioResult("one", {}, "dlpar", 0, "m", "v", rows, 5, (), (), ())
    assert ScenarioResults((result,)).outcome is Outcome.REFUTED


def checks(*measured: float | None, over_runs: str = "", at_most: float = 2.0) -> list[Check]:
    return [
        Check(
            name={"en": "what"},
            measured=each,
            expected=at_most,
            relation="at-most",
            tolerance=0.0,
            unit="s",
            passed=each is not None and each <= at_most,
            detail="",
            source="book",
            assumed=(),
            over_runs=over_runs,
        )
        for each in measured
    ]


@pytest.mark.parametrize(
    ("over_runs", "measured", "outcome"),
    [
        ("", 3.0, Outcome.INCONCLUSIVE),
        ("mean", 1.8, Outcome.CONFIRMED),
        ("p50", 1.5, Outcome.CONFIRMED),
        ("p95", 2.8, Outcome.REFUTED),
        ("p99", 2.96, Outcome.REFUTED),
        ("deviation", 0.758288, Outcome.CONFIRMED),
    ],
)
def test_a_statistic_of_all_runs_decides_alone(over_runs, measured, outcome):
    row = row_of("one", "dlpar", checks(3.0, 1.5, 2.0, 1.0, 1.5, over_runs=over_runs))
    assert row.measured == pytest.approx(measured, rel=1e-5)
    assert row.outcome is outcome
    assert row.values == (3.0, 1.5, 2.0, 1.0, 1.5)
    assert (row.lowest, row.highest) == (1.0, 3.0)


def test_a_statistic_needs_the_value_of_every_run():
    row = row_of("one", "dlpar", checks(1.0, None, over_runs="mean"))
    assert (row.measured, row.outcome) == (None, Outcome.INCONCLUSIVE)
    assert statistic("deviation", [1.0]) is None
