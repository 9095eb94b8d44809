"""What the analysis found, as samples."""

import pytest
from stores import export

from harness.analysis.overhead import MEASURES
from harness.analysis.samples import analysis_samples
from harness.analysis.study import Outcome, analyse
from harness.metrics.families import RECORDED

TRUE = {
    "shared-uncapped": {"response": 1.02, "processor": 1.03},
    "hosted-vmware": {"response": 1.4, "processor": 1.5},
    "dedicated": {"response": 1.01, "processor": 1.01},
}


@pytest.fixture
def store(synthetic, tmp_path):
    campaign = synthetic(true=TRUE, failing={("p5-570", "dedicated", 0)})
    with campaign.fill(tmp_path) as opened:
        yield opened


def test_overheads_are_those_of_the_study_and_named_by_their_level(store):
    study = analyse(store)
    levels = {"shared-uncapped": "firmware", "hosted-vmware": "software", "dedicated": ""}
    found = {
        (name, labels["machine"], labels["measure"], labels["virtualization"], labels["level"]): v
        for name, labels, v in analysis_samples(study)
        if name.startswith("vtax_overhead")
    }
    expected = {
        (
            name,
            each.environment.machine,
            each.measure,
            virtualization,
            levels[virtualization],
        ): value
        for each in study.environments
        for virtualization, overhead in each.all.items()
        for name, value in (
            ("vtax_overhead_ratio", overhead.interval.estimate),
            ("vtax_overhead_low_ratio", overhead.interval.low),
            ("vtax_overhead_high_ratio", overhead.interval.high),
            ("vtax_overhead_range_low_ratio", overhead.range.low),
            ("vtax_overhead_range_high_ratio", overhead.range.high),
        )
    }
    assert found == expected
    assert len(found) == 2 * len(MEASURES) * 3 * 5


def test_each_judged_environment_has_one_outcome(store):
    study = analyse(store)
    verdicts: dict[tuple[str, str], dict[str, float]] = {}
    for name, labels, value in analysis_samples(study):
        if name == "vtax_verdict":
            key = labels["machine"], labels["measure"]
            verdicts.setdefault(key, {})[labels["outcome"]] = value
    assert set(verdicts) == {
        (each.environment.machine, each.measure) for each in study.verdict.environments
    }
    for each in study.verdict.environments:
        outcomes = verdicts[each.environment.machine, each.measure]
        assert outcomes == {str(one): float(one is each.outcome) for one in Outcome}


def test_progress_and_margin(store):
    study = analyse(store)
    found = {(name, labels.get("state")): v for name, labels, v in analysis_samples(study)}
    assert found["vtax_campaign_margin_ratio", None] == 0.1
    assert found["vtax_campaign_runs_planned", None] == 2 * 4 * 12
    assert found["vtax_campaign_runs", "failed"] == 1
    assert found["vtax_campaign_runs", "complete"] == 2 * 4 * 12 - 1


def test_a_bound_that_nothing_is_known_of_is_left_out(synthetic, tmp_path):
    with synthetic(true=TRUE, replications=1).fill(tmp_path) as store:
        names = [name for name, _, _ in analysis_samples(analyse(store))]
    assert "vtax_overhead_ratio" in names
    assert "vtax_overhead_high_ratio" not in names
    assert "vtax_overhead_range_high_ratio" not in names


def test_a_campaign_without_a_claim_has_overheads_and_no_verdict(synthetic, tmp_path):
    with synthetic(true=TRUE, claim=None).fill(tmp_path) as store:
        found = analysis_samples(analyse(store))
    assert {labels["level"] for name, labels, _ in found if "overhead" in name} == {""}
    assert not [name for name, _, _ in found if name == "vtax_verdict"]


def test_findings_are_described_and_exported_with_the_campaigns_name(store):
    found = analysis_samples(analyse(store))
    assert {name for name, _, _ in found} <= RECORDED.keys()
    text = export(store, "openmetrics", found).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("vtax_verdict{")]
    assert len(lines) == 2 * 2 * len(Outcome)
    assert all('campaign="synthetic"' in line for line in lines)
