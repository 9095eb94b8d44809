"""A small campaign over all that can cost something, run once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.campaign.plan import make_plan
from harness.results.packed_result import pack
from harness.results.store import Failure, Store
from harness.runs.run_cell import run_cell

CAMPAIGN = """
[campaign]
name = "small"
duration = "400 ms"
warm_up = "100 ms"
replications = 2
seed = 5

[claim]
firmware = ["shared-uncapped"]
software = ["hosted-vmware"]
measures = ["slowdown", "processor-time"]

[factors]
machine = ["p5-520"]
os = ["sles-9"]
virtualization = ["full-system", "shared-uncapped", "dedicated", "hosted-vmware", "hosted-uml"]
workload = ["office", "vscsi-random", "sea-stream", "sea-transactions", "vlan"]

[workloads.office]
user = "workloads/cpu.py:CommercialTransaction"
users = "1 per core"
demand = { processor = "1 ms", variation = 1, calls = 200, page_faults = 20, forks = 0.05 }

[[partitions]]
name = "app"
count = 3
share = "25 %"
virtual_processors = "2 per core"
virtual_scsi = ["vios1"]
virtual_ethernet = [{ vlan = 10, mtu = 1500 }, { vlan = 20, mtu = 65390 }]

[[vios]]
name = "vios1"
share = "25 %"
virtual_processors = "2 per core"
backing = { disk = "ds4400-raid0-5", as = "physical" }
shared_ethernet = { adapter = "ethernet-1gb", vlans = [10] }
"""

FAILED = ("hosted-uml", "vlan")
"""A cell whose runs all failed."""


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of results; one cell failed, one was not run yet."""
    directory = tmp_path_factory.mktemp("small")
    file = directory / "small.toml"
    file.write_text(CAMPAIGN)
    plan = make_plan(str(file))
    with Store.start(directory, plan.record()) as store:
        for spec in plan.runs():
            name = (spec.cell.virtualization, spec.cell.workload)
            key = (spec.identity, spec.cell_position, spec.replication, spec.constants_digest)
            drawn = plan.drawn[spec.constants_digest]
            if name == FAILED:
                store.add(*key, drawn, (Failure.ERROR, "it broke"))
            elif name != ("hosted-uml", "sea-stream"):
                store.add(*key, drawn, pack(run_cell(spec)))
    return directory


@pytest.fixture
def store(results: Path) -> Iterator[Store]:
    with Store.open(results) as store:
        yield store
