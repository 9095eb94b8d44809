"""Whole campaigns on targets that are not there: what fails, and what goes on."""

from collections import Counter
from contextlib import contextmanager

import pytest
from imitation import ImitationTarget
from watching import interrupting

import harness.real.campaign.campaign
import harness.real.campaign.prepare
from harness.analysis.study import analyse
from harness.campaign.plan import make_plan
from harness.errors import UserError
from harness.real.campaign.campaign import run_real_campaign
from harness.real.target.cgroup import UnavailableError
from harness.real.target.disk_image import Stage
from harness.real.target.pool import MOST_FAILURES, TargetPool
from harness.real.target.target import TARGETS
from harness.results.record import LEVELS
from harness.results.store import Failure, Store

CAMPAIGN = """
[campaign]
name = "imitated"
duration = "10 ms"
replications = {replications}

[factors]
machine = ["this"]
virtualization = ["native", "capped", "qemu-tcg", "qemu-kvm"]
workload = ["integer", "gzip"]

[workloads.integer]
user = "workloads/cpu.py:IntegerCompute"
users = 1
demand = {{ processor = "1 ms" }}

[workloads.gzip]
user = "workloads/program.py:ProgramRun"
users = 1
demand = {{ program = "gzip" }}
"""

FACTORS = {"native": 1.0, "capped": 1.1, "qemu-tcg": 4.0}


class ImitationLauncher:
    """Opens targets that are not there."""

    def __init__(self, directory, make):
        self.directory = directory
        self.make = make
        self.opened = Counter()
        self.missing = {}

    def stage(self, programs):
        return Stage(self.directory, tuple(programs), self.missing)

    def open(self, name, agent, staged=None):
        self.opened[name] += 1
        return self.make(name, self.opened[name])

    def scratch(self):
        return self.directory, self.directory


def make(name, number):
    if name not in FACTORS:
        raise UnavailableError("it did not boot and answer within 30 s")
    return ImitationTarget(name, FACTORS[name])


@pytest.fixture
def imitated(tmp_path, monkeypatch):
    """Conduct a campaign; ``explored`` counts how often the machine was explored."""

    class Imitated:
        explored = 0

        def __init__(self):
            self.launcher = ImitationLauncher(tmp_path, make)

        def plan(self, replications=3):
            path = tmp_path / "imitated.toml"
            path.write_text(CAMPAIGN.format(replications=replications))
            return make_plan(str(path))

        def run_campaign(self, plan=None, **more):
            plan = plan or self.plan()
            with Store.start(tmp_path / "out", plan.record()) as store:
                return run_real_campaign(plan, store, **more)

        def study(self):
            with Store.open(tmp_path / "out") as store:
                return analyse(store)

    found = Imitated()

    @contextmanager
    def launcher():
        yield found.launcher

    def calibrated(seed, directory, pool, unavailable, show):
        found.explored += 1
        machine = {
            "kernel": "1.2.3",
            "processor": "an imitation",
            "mitigations": {"a": "b"},
            "measured_at": "2026-01-02T03:04:05+00:00",
        }
        return {"calibration": {"machine": machine}, "targets": {}}, 1e8

    monkeypatch.setattr(harness.real.campaign.campaign, "SETTLING_SECONDS", 0.005)
    monkeypatch.setattr(harness.real.campaign.campaign, "launcher", launcher)
    monkeypatch.setattr(
        harness.real.campaign.campaign, "build_agent", lambda directory: directory / "agent"
    )
    monkeypatch.setattr(harness.real.campaign.prepare, "calibrated", calibrated)
    monkeypatch.setattr(
        harness.real.campaign.prepare, "predicted", lambda *_: {"predictions": [], "outputs": {}}
    )
    return found


def test_the_names_are_those_of_the_targets():
    assert tuple(LEVELS) == TARGETS


def test_all_targets_take_turns_and_what_does_not_work_is_told_with_its_reason(imitated):
    summary = imitated.run_campaign()
    assert (summary.done, summary.failed, summary.interrupted) == (3 * 2 * 3, 0, False)
    study = imitated.study()
    assert {cell.virtualization for cell in study.infeasible} == {"qemu-kvm"}
    assert {cell.infeasible for cell in study.infeasible} == {
        "it did not boot and answer within 30 s"
    }
    ratios = {
        (each.environment.workload, name): 1 + overhead.interval.estimate
        for each in study.environments
        if each.measure == "slowdown"
        for name, overhead in each.all.items()
    }
    assert ratios == pytest.approx(
        {
            (work, name): FACTORS[name]
            for work in ("integer", "gzip")
            for name in FACTORS
            if name != "native"
        },
        rel=1e-3,
    )
    assert study.campaign.baseline == "native"
    assert study.campaign.starts == "2026-01-02T03:04:05+00:00"
    assert imitated.launcher.opened["native"] == 1, "targets stay up"


def test_a_campaign_that_is_complete_is_not_explored_again(imitated):
    imitated.run_campaign()
    summary = imitated.run_campaign(imitated.plan(4))
    assert imitated.explored == 1
    assert (summary.kept, summary.done) == (18, 6)
    assert {cell.virtualization for cell in imitated.study().infeasible} == {"qemu-kvm"}


def test_a_target_that_dies_is_a_failed_run_and_starts_again(imitated):
    def dying(name, number):
        target = make(name, number)
        if name == "qemu-tcg" and number == 1:
            target.left = 60
        return target

    imitated.launcher.make = dying
    summary = imitated.run_campaign()
    assert (summary.done, summary.failed) == (17, 1)
    (failed,) = imitated.study().failed
    assert failed.failure == Failure.TARGET_FAILED
    assert failed.reason == "qemu-tcg: it was killed by signal 9"
    assert imitated.launcher.opened["qemu-tcg"] == 2


def test_a_target_that_dies_ever_again_is_left_alone_and_the_others_go_on(imitated):
    def dying(name, number):
        target = make(name, number)
        if name == "capped":
            target.left = 20
        return target

    imitated.launcher.make = dying
    summary = imitated.run_campaign()
    assert summary.done == 12
    kinds = Counter(run.failure for run in imitated.study().failed)
    assert kinds == {Failure.TARGET_FAILED: MOST_FAILURES, Failure.TARGET_UNAVAILABLE: 3}
    assert imitated.launcher.opened["capped"] == MOST_FAILURES


def test_a_program_that_fails_is_a_failed_run_and_the_rest_goes_on(imitated):
    def failing(name, number):
        target = make(name, number)
        target.status = 7 if name == "qemu-tcg" else 0
        return target

    imitated.launcher.make = failing
    summary = imitated.run_campaign()
    assert (summary.done, summary.failed) == (15, 3)
    reasons = {(run.failure, run.reason) for run in imitated.study().failed}
    assert reasons == {(Failure.REFUSED, "gzip failed with status 7: it does not compile")}


def test_a_program_that_is_missing_is_told_with_its_reason(imitated):
    imitated.launcher.missing = {"gzip": "no gzip (Debian: apt-get install gzip)"}
    summary = imitated.run_campaign()
    assert (summary.done, summary.failed) == (9, 0)
    reasons = {cell.infeasible for cell in imitated.study().infeasible if cell.workload == "gzip"}
    assert "no gzip (Debian: apt-get install gzip)" in reasons


def test_without_a_native_process_nothing_can_be_measured(imitated):
    def none(name, number):
        raise UnavailableError("no processes here")

    imitated.launcher.make = none
    with pytest.raises(UserError, match="native: no processes here"):
        imitated.run_campaign()


def test_what_is_done_until_an_interruption_is_kept(imitated):
    summary = imitated.run_campaign(observer=interrupting(5))
    assert summary.interrupted
    assert imitated.study().complete == 5
    summary = imitated.run_campaign()
    assert (summary.kept, summary.done, imitated.explored) == (5, 13, 1)


def test_an_interruption_before_the_first_run_leaves_nothing_half_known(imitated, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(harness.real.campaign.prepare, "calibrated", interrupted)
    assert imitated.run_campaign().interrupted
    assert imitated.study().campaign.real is None


def test_a_fleet_says_why_a_target_is_not_started_again(tmp_path):
    pool = TargetPool(ImitationLauncher(tmp_path, make), tmp_path)
    for _ in range(MOST_FAILURES):
        pool.running("native")
        pool.lost("native", "it stopped answering")
    with pytest.raises(UnavailableError, match="native has failed 3 times, last: it stopped"):
        pool.running("native")
    assert pool.up == ()
