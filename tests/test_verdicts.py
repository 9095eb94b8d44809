"""The verdict of whole campaigns, each with a catalog made for one of the three outcomes."""

import pytest
from typer.testing import CliRunner

from harness.cli.app import app

CAMPAIGN = """
[campaign]
name = "outcome"
duration = "300 ms"
warm_up = "50 ms"
replications = 8
seed = 3
margin = "10 %"

[claim]
firmware = ["shared-uncapped"]
software = ["hosted-vmware"]
measures = ["slowdown", "processor-time"]

[factors]
machine = ["p5-520"]
os = ["aix-5.3"]
virtualization = ["full-system", "shared-uncapped", "hosted-vmware"]
workload = ["calls"]

[[partitions]]
name = "app"
count = 3
share = "25 %"
virtual_processors = "1 per core"

[workloads.calls]
user = "workloads/cpu.py:CommercialTransaction"
users = "1 per core"
think_time = "5 ms"
demand = { processor = "2 ms", variation = 0.2, page_faults = 60 }

[catalog.hypervisor.vp_switch]
value = VALUE
low = LOW
high = HIGH
unit = "us"
source = "made for a test"
status = "assumed"
meaning = "Made for a test."
"""


def campaign(value: float, low: float, high: float) -> str:
    """Write a campaign whose switches of virtual processors cost so many microseconds."""
    text = CAMPAIGN.replace("VALUE", str(value))
    return text.replace("LOW", str(low)).replace("HIGH", str(high))


@pytest.mark.parametrize(
    ("switch_us", "outcome", "code"),
    [
        ((1, 0.5, 2), "confirmed", 0),  # next to nothing
        ((1500, 1400, 1600), "refuted", 1),  # three quarters of a transaction
        ((140, 1, 280), "inconclusive", 3),  # nobody knows whether it is too much
    ],
)
def test_costs_made_for_it_bring_each_outcome(tmp_path, switch_us, outcome, code):
    path = tmp_path / "outcome.toml"
    path.write_text(campaign(*switch_us))
    out = tmp_path / "out"
    runner = CliRunner()
    ran = runner.invoke(app, ["run", str(path), "--out", str(out), "--workers", "1"])
    assert ran.exit_code == 0, ran.output
    told = runner.invoke(app, ["verdict", str(out)])
    assert told.exit_code == code, told.output
    assert told.output.startswith(f"outcome: {outcome}")
