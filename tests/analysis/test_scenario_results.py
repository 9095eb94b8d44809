"""What the runs of an expectation come to together."""

from dataclasses import replace

import pytest

from harness.analysis.scenario_results import Row, ScenarioResult, ScenarioResults
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
