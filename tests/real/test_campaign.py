"""Campaigns on this machine, for real."""

import os
import signal
import subprocess
import sys
import time

import pytest
from programs import guest_programs, program
from real_programs import small
from traces import traces
from watching import interrupting

import harness.real.campaign.campaign
import harness.real.campaign.prepare
import harness.real.campaign.workload_predictor
from harness.analysis.study import analyse
from harness.campaign.plan import make_plan
from harness.real.calibration.costs import read_costs
from harness.real.campaign.campaign import run_real_campaign
from harness.real.campaign.prepare import COSTS
from harness.real.programs.shipped import PROGRAM_BY_NAME
from harness.results.store import Store
from reports.builder import build_reports

pytestmark = pytest.mark.slow

CAMPAIGN = """
[campaign]
name = "tiny"
duration = "50 ms"
replications = 2

[factors]
machine = ["this"]
virtualization = {targets}
workload = ["commercial", "gzip"]

[workloads.commercial]
user = "workloads/cpu.py:CommercialTransaction"
users = 1
demand = {{ processor = "2 ms", variation = 0, calls = 500, page_faults = 50 }}

[workloads.gzip]
user = "workloads/program.py:ProgramRun"
users = 1
duration = "1 ms"
demand = {{ program = "gzip" }}
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    program("gcc")
    events = [
        e for e in harness.real.campaign.prepare.EVENTS if e.name in ("compute", "calls", "faults")
    ]
    monkeypatch.setattr(harness.real.campaign.prepare, "EVENTS", events)
    for name, value in (("MINIMUM_BLOCKS", 2), ("MAXIMUM_BLOCKS", 2), ("BATCH_SECONDS", 0.01)):
        monkeypatch.setattr(harness.real.campaign.prepare, name, value)
    monkeypatch.setattr(harness.real.campaign.campaign, "SETTLING_SECONDS", 0.02)
    monkeypatch.setattr(harness.real.campaign.campaign, "SETTLING_RUNS", 2)
    monkeypatch.setattr(harness.real.campaign.workload_predictor, "REPETITIONS", 2)
    monkeypatch.setitem(PROGRAM_BY_NAME, "gzip", small(PROGRAM_BY_NAME["gzip"]))

    def written(*targets, only=()):
        path = tmp_path / "tiny.toml"
        path.write_text(CAMPAIGN.format(targets=list(targets)))
        return make_plan(str(path), only=only)

    return written


def test_a_guest_does_the_same_work_and_the_report_shows_it_beside_the_prediction(plan, tmp_path):
    guest_programs()
    made = plan("native", "qemu-tcg")
    others = traces(os.getpid())  # what other tests of this process keep
    with Store.start(tmp_path / "out", made.record()) as store:
        summary = run_real_campaign(made, store)
        assert (summary.done, summary.failed) == (8, 0)
        rows = list(store.results())
        found = analyse(store)
    assert traces(os.getpid()) <= others
    for _, result in rows:
        assert result is not None
        (labels,) = [labels for name, labels, _ in result.samples if name == "vtax_machine_info"]
        assert labels["kernel"]
        assert labels["target_kernel"]
    assert {
        (each.environment.workload, name)
        for each in found.environments
        if each.measure == "processor-time"
        for name in each.all
    } == {("commercial", "qemu-tcg"), ("gzip", "qemu-tcg")}
    assert found.campaign.real is not None
    real = found.campaign.real
    told = {each["workload"] for each in real["predictions"]} | real["unpredicted"].keys()
    assert told == {"commercial", "gzip"}, "a prediction, or why there is none"
    assert read_costs(tmp_path / "out" / COSTS).targets == ("qemu-tcg",)
    for page in build_reports(tmp_path / "out", ("en", "ja")):
        assert "qemu-tcg" in page.read_text()


def test_it_goes_on_where_it_stopped(plan, tmp_path):
    made = plan("native", only=["workload=commercial"])

    with Store.start(tmp_path / "out", made.record()) as store:
        assert run_real_campaign(made, store, observer=interrupting(1)).interrupted
    before = (tmp_path / "out" / COSTS).read_bytes()
    with Store.start(tmp_path / "out", made.record()) as store:
        summary = run_real_campaign(made, store)
    assert (summary.kept, summary.done, summary.failed) == (1, 1, 0)
    assert (tmp_path / "out" / COSTS).read_bytes() == before, "costs are measured once"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind_whatever_ends_it(plan, tmp_path, number):
    plan("native", "capped")
    command = [sys.executable, "-c", "from harness.cli.app import main; main()"]
    command += ["run", str(tmp_path / "tiny.toml"), "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            patience = time.monotonic() + 300
            while not _started(process.pid) and time.monotonic() < patience:
                time.sleep(0.05)
            assert _started(process.pid)
            process.send_signal(number)
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
        if number == signal.SIGINT:
            assert process.returncode == 130
            assert "the same command continues from there" in said
    patience = time.monotonic() + 20
    while traces(process.pid) and time.monotonic() < patience:
        time.sleep(0.05)
    assert not traces(process.pid)


def _started(maker: int) -> bool:
    """Tell whether a target was begun: besides the campaign's directory it has two of its own."""
    return len([name for name in traces(maker) if name.startswith("/")]) > 1
