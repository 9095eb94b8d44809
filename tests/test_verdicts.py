"""The verdict of whole campaigns, each with a catalog made for one of the three outcomes."""

import pytest
from finished import finish
from tiny import TINY
from typer.testing import CliRunner

from harness.cli.app import app

CAMPAIGN = (
    TINY.replace("50 ms", "300 ms")
    .replace("10 ms", "50 ms")
    .replace("= 2\nseed", "= 8\nseed")
    .replace("integer", "calls")
    .replace("hosted-uml", "hosted-vmware")
    + """
[workloads.calls]
user = "workloads/cpu.py:CommercialTransaction"
users = "1 per core"
think_time = "5 ms"
demand = { processor = "2 ms", variation = 0.2, page_faults = 60 }

[catalog.hypervisor.vp_switch]
value = VALUE
low = LOW
high = HIGH
unit = "cycles"
source = "made for a test"
status = "assumed"
meaning = "Made for a test."

[catalog.hypervisor.vp_resume]
value = VALUE
low = LOW
high = HIGH
unit = "cycles"
source = "made for a test"
status = "assumed"
meaning = "Made for a test."
"""
)


def campaign(value: float, low: float, high: float) -> str:
    """Write a campaign whose switches of virtual processors cost so many microseconds."""
    text = CAMPAIGN
    for name, us in (("VALUE", value), ("LOW", low), ("HIGH", high)):
        text = text.replace(name, str(us * 1650))
    return text


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
    told = CliRunner().invoke(app, ["verdict", str(finish(path, tmp_path / "out"))])
    assert told.exit_code == code, told.output
    assert told.output.startswith(f"tiny: {outcome}")
