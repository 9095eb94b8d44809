"""A small campaign file that tests change in one place and read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.campaign.plan import Plan, make_plan

CAMPAIGN = """
[campaign]
name = "small"
duration = "100 ms"
warm_up = "10 ms"
replications = 2
seed = 5
margin = "10 %"

[claim]
firmware = ["shared-uncapped", "dedicated"]
software = ["hosted-uml"]

[factors]
machine = ["p5-550"]
os = ["aix-5.3", "rhel-as-3"]
virtualization = ["full-system", "shared-uncapped", "dedicated", "hosted-uml"]
workload = ["integer", "mine"]

[[partitions]]
name = "app"
count = 2
share = "25 %"
virtual_processors = "2 per core"
virtual_scsi = ["vios1"]
virtual_ethernet = { vlan = 10 }

[[vios]]
name = "vios1"
entitlement = 1.0
virtual_processors = 2
backing = { disk = "internal-scsi", as = "logical-volume" }
shared_ethernet = { adapter = "ethernet-1gb", vlans = [10] }

[workloads.mine]
user = "workloads/cpu.py:IntegerCompute"
users = "3 per core"
think_time = "5 ms"
demand = { processor = "2 ms" }
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the campaign with pieces of its text replaced; each must occur exactly once."""

    def write_campaign(*changes: tuple[str, str], text: str = CAMPAIGN) -> Path:
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
            text = text.replace(old, new)
        path = tmp_path / "small.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_campaign


@pytest.fixture
def plan(write: Write) -> Plan:
    """The campaign as it stands."""
    return make_plan(str(write()))
