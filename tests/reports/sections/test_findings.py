"""The findings against the claim, and why each is one."""

import math
from dataclasses import replace

import pytest
from finished import finish

from harness.analysis.doubts import Doubt
from harness.analysis.study import analyse
from harness.results.store import Store
from harness.statistics.verdict import Outcome
from reports.evidence import Evidence, gather, with_waits
from reports.i18n import Texts
from reports.sections.findings import findings
from reports.view import ReportView


def rows(study, evidence=None):
    found = findings(ReportView(study, Texts("en"), evidence or Evidence()))
    return [row for group in found["groups"] for row in group["rows"]]


@pytest.fixture
def slow(make_product, shipped):
    """Firmware is at the margin: neither below nor above it."""
    ratios = {"full-system": 1.0, "shared-uncapped": (1.1, 1.1), "hosted-uml": 1.1}
    return make_product(shipped, virtualizations=ratios, replications=12)


def test_says_what_is_not_shown(slow):
    first = rows(slow)[0]
    assert first["why"][:2] == [
        "not shown to be below the margin in 1 of 1 environments",
        "not shown to be below every software in 1 of 1 environments",
    ]


def test_names_doubts_and_the_outcome_without_the_misses(slow, miss_figures):
    study = miss_figures(slow, Outcome.REFUTED)
    part = study.verdict.parts[0]
    doubtful = replace(part.findings[0].results[0], doubts=(Doubt.MIX_DIFFERS, Doubt.WIDE))
    finding = replace(part.findings[0], results=(doubtful,), outcome=Outcome.REFUTED)
    judged = replace(study.verdict, parts=(replace(part, findings=(finding,)),))
    (row,) = rows(replace(study, verdict=judged))
    assert row["why"] == [
        "without the model's own misses: inconclusive",
        "doubtful: the baseline completed another mix of transactions",
        "the interval is wider than the target",
    ]
    assert row["with_misses"] == "+1.0 \N{HORIZONTAL ELLIPSIS} +90\N{NO-BREAK SPACE}%"
    open_one = replace(doubtful, outcome=Outcome.CONFIRMED)
    finding = replace(finding, results=(open_one,), outcome=Outcome.INCONCLUSIVE)
    judged = replace(study.verdict, parts=(replace(part, findings=(finding,)),))
    (row,) = rows(replace(study, verdict=judged))
    assert row["why"][0] == "its environments would show it, but only with the doubtful ones"


def with_longer(study, **longer):
    """Evidence of what is longer in all cells of the study."""
    return Evidence(longer={cell.position: longer for cell in study.campaign.cells})


def test_explains_a_queue_in_the_guest(make_product, shipped):
    ratios = {"full-system": 1.0, "shared-uncapped": (2.0, 1.01), "hosted-uml": 3.0}
    study = make_product(
        shipped, virtualizations=ratios, names=lambda kind, _: "aix-5.3" if kind == "os" else kind
    )
    queued = rows(study, with_longer(study, block_queue=0.040, disk=-0.008, service=0.002))[0]
    assert queued["note"].startswith(
        "94.1\N{NO-BREAK SPACE}% of this is a queue in the guest's disk driver"
    )
    evidence = with_longer(study, block_queue=1.0)
    (depths,) = findings(ReportView(study, Texts("en"), evidence))["depths"]
    assert "AIX 5L V5.3 keeps 3 operations of a virtual SCSI disk" in depths
    assert "and 10 of the baseline's Fibre Channel disk" in depths
    assert (
        queued["causes"]
        == "waiting for a place in the disk driver's queue 40.0\N{NO-BREAK SPACE}ms"
    )
    worked = rows(study, with_longer(study, block_queue=0.040, disk=-0.030, service=0.020))[0]
    assert worked["note"] == ""
    assert findings(ReportView(study, Texts("en")))["depths"] == []
    assert worked["causes"].endswith("own processors at work 20.0\N{NO-BREAK SPACE}ms")


CAMPAIGN = """
[campaign]
name = "queueing"
duration = "500 ms"
warm_up = "100 ms"
replications = 2
seed = 5

[claim]
firmware = ["shared-uncapped"]
software = ["hosted-vmware"]
measures = ["slowdown", "processor-time"]

[factors]
machine = ["p5-570"]
os = ["aix-5.3"]
virtualization = ["full-system", "shared-uncapped", "hosted-vmware"]
workload = ["vscsi-random"]

[[partitions]]
name = "app"
count = 3
share = "25 %"
virtual_processors = "2 per core"
virtual_scsi = ["vios1"]

[[vios]]
name = "vios1"
share = "25 %"
virtual_processors = "2 per core"
backing = { disk = "ds4400-raid0-5", as = "physical" }
"""


def test_finds_the_waits_of_findings_in_the_store(tmp_path):
    campaign = tmp_path / "queueing.toml"
    campaign.write_text(CAMPAIGN)
    out = finish(campaign, tmp_path / "out")
    with Store.open(out) as store:
        study = analyse(store)
        evidence = with_waits(gather(store, out), store, study)
    (cell,) = (one for one in study.cells if one.cell.virtualization == "shared-uncapped")
    (baseline,) = (one for one in study.cells if one.cell.virtualization == "full-system")
    assert list(evidence.longer) == [cell.cell.position]
    longer = cell.response.digest.mean_seconds - baseline.response.digest.mean_seconds
    found = evidence.longer[cell.cell.position]
    assert math.fsum(found.values()) == pytest.approx(longer, rel=0.1)
    assert found["block_queue"] > longer > 0.0 > found["disk"]
    notes = {row["measure"]: row["note"] for row in rows(study, evidence)}
    assert "is a queue in the guest's disk driver" in notes["fixed-work slowdown"]
    assert notes["processor time per transaction"] == ""
