"""Were the constants others, the verdict would be another."""

import pytest
from finished import finish

from harness.analysis.study import Outcome, analyse
from harness.campaign.plan import make_plan
from harness.results.store import Store


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("factual", Outcome.CONFIRMED),
        ("costly-firmware", Outcome.REFUTED),
        ("free-software", Outcome.REFUTED),
    ],
)
def test_the_verdict_flips_with_the_constants(tmp_path, name, outcome):
    with Store.open(finish(name, tmp_path)) as store:
        found = analyse(store)
    assert found.verdict is not None
    assert found.verdict.outcome is outcome


def test_counterfactuals_differ_from_the_facts_in_nothing_but_constants():
    factual, *others = (make_plan(name) for name in ("factual", "costly-firmware", "free-software"))
    for other in others:
        assert other.campaign.factors == factual.campaign.factors
        assert other.campaign.partitions == factual.campaign.partitions
        assert other.campaign.claim == factual.campaign.claim
        assert other.campaign.campaign.margin == factual.campaign.campaign.margin
        assert other.campaign.campaign.seed == factual.campaign.campaign.seed
