"""Progress and overheads of a campaign while it runs."""

import re
import signal
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry
from serving import LOOPBACK, eventually, free_port, get, listens_on, started

from harness.analysis.overhead import MEASURES
from harness.analysis.study import analyse
from harness.campaign.cell import RunSpec
from harness.errors import UserError
from harness.execution.progress import ProgressCollector, TeeObserver, serve_progress
from harness.metrics.collector import expose
from harness.results.packed_result import pack
from harness.results.store import Failure, Store


@pytest.fixture
def campaign(synthetic):
    return synthetic(true={"shared-uncapped": {"response": 1.05}, "hosted-vmware": {}})


def overheads(samples) -> dict[tuple[str, str, str], float]:
    """Overhead by machine, virtualization and measure."""
    found = {}
    for (name, labels), value in samples.items():
        if name == "vtax_overhead_ratio":
            where = dict(labels)
            found[where["machine"], where["virtualization"], where["measure"]] = value
    return found


def read(collector: ProgressCollector):
    """All samples of a collector, as a registry would have them."""
    registry = CollectorRegistry()
    registry.register(collector)
    return expose(registry)


def test_at_the_end_it_says_what_the_analysis_says(campaign, tmp_path):
    with campaign.fill(tmp_path) as store:
        samples = read(ProgressCollector(store))
        study = analyse(store)
    expected = {
        (result.environment.machine, virtualization, result.measure): overhead.interval.estimate
        for result in study.environments
        for virtualization, overhead in result.all.items()
    }
    assert len(expected) == 2 * 2 * len(MEASURES)
    assert overheads(samples) == expected
    runs = {dict(labels)["state"]: v for (n, labels), v in samples.items() if n.endswith("_runs")}
    assert runs == {"complete": 72, "failed": 0}
    levels = {
        (dict(labels)["virtualization"], dict(labels)["level"])
        for (name, labels) in samples
        if name == "vtax_overhead_low_ratio"
    }
    assert levels == {("shared-uncapped", "firmware"), ("hosted-vmware", "software")}


def test_every_run_counts_as_soon_as_it_is_kept(campaign, tmp_path):
    with campaign.fill(tmp_path / "all") as full:
        runs = list(full.results())
    with Store.start(tmp_path / "out", campaign.record) as store:
        collector = ProgressCollector(store)
        specs = [fake_spec(run) for run, _ in runs]
        collector.begin(specs)
        assert overheads(read(collector)) == {}
        shown = []
        for spec, (run, result) in zip(specs, runs, strict=True):
            where = (run.identity, run.cell.position, run.replication, "draw", {})
            if (run.cell.position, run.replication) == (0, 0):
                store.add(*where, (Failure.ERROR, "boom"))
                collector.done(spec, 1.0, Failure.ERROR)
            else:
                store.add(*where, pack(result))
                collector.done(spec, 1.0, None)
            shown.append(len(overheads(read(collector))))
        samples = read(collector)
    assert samples["vtax_campaign_runs", (("campaign", "synthetic"), ("state", "failed"))] == 1
    assert samples["vtax_campaign_runs", (("campaign", "synthetic"), ("state", "complete"))] == 71
    assert samples["vtax_campaign_runs_planned", (("campaign", "synthetic"),)] == 72
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (0, 2 * 2 * len(MEASURES))
    # A campaign that goes on knows what was there before.
    with Store.open(tmp_path / "out") as again:
        assert overheads(read(ProgressCollector(again))) == overheads(samples)


def planned(collector: ProgressCollector) -> tuple[float, float]:
    """Runs that are complete, and those that are planned."""
    samples = read(collector)
    complete = (("campaign", "synthetic"), ("state", "complete"))
    name = (("campaign", "synthetic"),)
    return samples["vtax_campaign_runs", complete], samples["vtax_campaign_runs_planned", name]


def test_no_more_runs_are_complete_than_planned(campaign, tmp_path):
    """Neither before a campaign goes on, nor when its cells get more replications."""
    with campaign.fill(tmp_path) as store:
        collector = ProgressCollector(store)
        assert planned(collector) == (72, 72)
        specs = [fake_spec(run) for run in store.runs()]
        collector.begin([])
        assert planned(collector) == (72, 72)
        collector.begin(specs[:6])
        for spec in specs[:6]:
            collector.done(spec, 1.0, None)
        assert planned(collector) == (78, 78)


def fake_spec(run) -> RunSpec:
    """What an observer looks at."""
    return SimpleNamespace(
        identity=run.identity, cell_position=run.cell.position, replication=run.replication
    )


def test_two_observers_are_both_told():
    class Log:
        def __init__(self) -> None:
            self.told: list[object] = []

        def begin(self, outstanding) -> None:
            self.told.append(outstanding)

        def done(self, spec, seconds, failure) -> None:
            self.told.append((spec, seconds, failure))

    first, second = Log(), Log()
    both = TeeObserver(first, second)
    both.begin(["a"])
    both.done("a", 1.0, Failure.ERROR)
    assert first.told == second.told == [["a"], ("a", 1.0, Failure.ERROR)]


def test_a_port_that_is_taken_is_told(campaign, tmp_path):
    with campaign.fill(tmp_path) as store, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"--metrics-port = {port}"):
            serve_progress(store, port).__enter__()


def test_a_campaign_tells_while_it_runs_and_only_to_this_computer(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    vtax = Path(sys.executable).parent / "vtax"
    command = (vtax, "run", "smoke", "--out", tmp_path, "--replications", 50)
    with started(*command, "--workers", 2, "--metrics-port", port) as process:
        eventually(url, process)
        while not (found := re.findall(r"^vtax_overhead_ratio(.*)", get(url), re.MULTILINE)):
            time.sleep(0.1)
        assert 'campaign="smoke"' in found[0]
        assert 'machine="p5-520"' in found[0]
        assert "vtax_campaign_runs_planned" in get(url)
        assert listens_on(process) == {LOOPBACK}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode in (0, 130)
