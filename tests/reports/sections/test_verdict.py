"""The verdict as the first section shows it: with the model's own misses and without them."""

import pytest

from harness.analysis.notes import MISSES_NOT_STUDIED
from harness.statistics.verdict import Outcome
from reports.builder import render
from reports.i18n import Texts
from reports.sections.verdict import verdict
from reports.view import ReportView

CHEAP = {"full-system": 1.0, "shared-uncapped": 1.02, "hosted-uml": 2.0}
PARTS = {
    "firmware": ["shared-uncapped"],
    "software": ["hosted-uml"],
    "measures": [],
    "text": {"en": "It costs little."},
    "parts": [
        {
            "name": "small",
            "below": "margin",
            "measures": ["processor-time"],
            "margin": None,
            "workloads": None,
            "text": {"en": "It is small."},
        }
    ],
}


@pytest.fixture(scope="module")
def confirmed(make_product, shipped):
    product = make_product(shipped, virtualizations=CHEAP, replications=12, claim=PARTS)
    assert product.verdict.outcome is Outcome.CONFIRMED
    return product


def test_says_the_outcome_of_each_part_without_and_with_the_misses(confirmed, miss_figures):
    found = verdict(ReportView(miss_figures(confirmed, Outcome.INCONCLUSIVE), Texts("en")))
    before = "Without the model's own misses: confirmed, shown in 1 of 1 findings."
    assert (found["outcome"], found["without"]) == ("inconclusive", before)
    (part,) = found["parts"]
    assert (part["outcome"], part["without"]) == ("inconclusive", before)
    assert found["misses"] == (
        "of the published figures, it misses 2 whose causes it contains. The costs behind them are "
        "multiplied by random factors between 0.500 and 3.00. Outcomes and intervals here include "
        "them. They change the outcome for work-0 (processor time). Missed figures that no cost of "
        "the model can mend, and nothing here includes: 1."
    )
    same = verdict(ReportView(miss_figures(confirmed, Outcome.CONFIRMED), Texts("en")))
    assert same["without"] == "The same without the model's own misses."
    assert "They change no outcome." in same["misses"]


def test_widens_intervals_by_the_misses(make_product, miss_figures, shipped):
    product = make_product(shipped, virtualizations=CHEAP, replications=12)
    (row,) = verdict(ReportView(miss_figures(product, Outcome.REFUTED), Texts("en")))["workloads"]
    firmware, software = row["cells"][:2]
    assert firmware["value"] == "+2.0\N{NO-BREAK SPACE}%"
    assert firmware["interval"] == "+1.0 \N{HORIZONTAL ELLIPSIS} +90\N{NO-BREAK SPACE}%"
    assert software["value"] == "+100\N{NO-BREAK SPACE}%"
    assert software["interval"] == "+50 \N{HORIZONTAL ELLIPSIS} +900\N{NO-BREAK SPACE}%"


def test_names_the_study_of_the_misses_once_where_it_was_not_made(
    confirmed, miss_figures, parse_page
):
    assert MISSES_NOT_STUDIED in confirmed.notes
    command = f"vtax discrepancy results/{confirmed.campaign.name}"
    assert parse_page(render(confirmed)).text.count("vtax discrepancy") == 1
    assert command in [each for _, each in verdict(ReportView(confirmed, Texts("en")))["missing"]]
    made = parse_page(render(miss_figures(confirmed, Outcome.CONFIRMED)))
    assert "vtax discrepancy" not in made.text
