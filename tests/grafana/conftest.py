"""A small campaign, a matrix and a scenario, run for real and served by a real Prometheus."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from backfilled import Prometheus, prometheus_with
from stores import export

from harness.analysis.samples import analysis_samples
from harness.analysis.study import Study, analyse
from harness.results.store import Store

GRAFANA = Path(__file__).parents[2] / "grafana"

CAMPAIGN = """
[campaign]
name = "watched"
duration = "300 ms"
warm_up = "50 ms"
replications = 6
seed = 5
margin = "1 %"

[claim]
firmware = ["shared-uncapped"]
software = ["hosted-vmware"]
measures = ["slowdown", "processor-time"]

[factors]
machine = ["p5-520"]
os = ["aix-5.3"]
virtualization = ["full-system", "shared-uncapped", "hosted-vmware"]
workload = ["vscsi-random"]
"partitions.app.weight" = [64, 128]

[[partitions]]
name = "app"
count = 2
share = "25 %"
virtual_processors = "2 per core"
virtual_scsi = ["vios1"]
virtual_ethernet = { vlan = 10 }

[[vios]]
name = "vios1"
share = "25 %"
virtual_processors = "2 per core"
backing = { disk = "internal-scsi" }
shared_ethernet = { adapter = "ethernet-1gb", vlans = [10] }

[workloads.light]
user = "workloads/cpu.py:IntegerCompute"
arrivals = "50 /s"
demand = { processor = "4 ms" }

[[scenario]]
name = "moving"
title = "Units move"
element = "dlpar"
machine = "p5-520"
os = "aix-5.3"
workload = "light"
duration = "9 s"

[[scenario.partitions]]
name = "app1"
entitlement = 1.2
virtual_processors = 2

[[scenario.partitions]]
name = "app2"
entitlement = 0.8
virtual_processors = 2
limits = { maximum_cores = 1.5 }

[[scenario.step]]
at = "3 s"
name = "units"
dlpar = { move = "processing-units", amount = 0.5, from = "app1", to = "app2" }

[[scenario.step]]
at = "6 s"
name = "beyond"
dlpar = { move = "processing-units", amount = 0.5, from = "app1", to = "app2" }

[[scenario.expect]]
name = "app2 has what was moved to it"
metric = "entitlement"
of = "app2"
statistic = "last"
between = ["4 s", "9 s"]
equals = 1.3
tolerance = 0.001
source = "arithmetic"

[[scenario.expect]]
name = "app2 has more than that"
metric = "entitlement"
of = "app2"
statistic = "last"
between = ["4 s", "9 s"]
at_least = 1.4
source = "wrong on purpose"
"""


@dataclass(frozen=True)
class Watched:
    """A campaign at its own time in 2007, once more at the present, and what came of it."""

    study: Study
    prometheus: Prometheus
    starts: float
    """Where simulated time begins, in seconds since 1970."""


@pytest.fixture(scope="session")
def watched(tmp_path_factory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    campaign = folder / "watched.toml"
    campaign.write_text(CAMPAIGN, encoding="utf-8")
    vtax = [sys.executable, "-c", "from harness.cli.app import main; main()"]
    subprocess.run([*vtax, "run", campaign, "--out", folder], check=True, capture_output=True)
    with Store.open(folder) as store:
        study = analyse(store)
        assert not study.failed
        assert study.complete == study.planned
        then = export(store, "openmetrics", analysis_samples(study)).rename(
            folder / "then.openmetrics"
        )
        # Rules ask about the present: the same runs again, as if they had just been made.
        store.campaign = replace(
            store.campaign,
            name="present",
            starts=datetime.fromtimestamp(int(datetime.now(UTC).timestamp()) - 20, UTC).isoformat(),
        )
        now = export(store, "openmetrics", analysis_samples(study)).rename(
            folder / "now.openmetrics"
        )
    with prometheus_with([then, now], folder, sorted((GRAFANA / "rules").glob("*.yml"))) as server:
        starts = datetime.fromisoformat(study.campaign.starts).timestamp()
        yield Watched(study, server, starts)
