"""Which users are recorded is found out once, and does not depend on what is left to do."""

import pytest
from locustfiles import SHARED
from tiny import TINY

from harness.campaign.cell import RunSpec, UserMode
from harness.campaign.plan import Plan, make_plan
from harness.execution.campaign import run_campaign
from harness.execution.execute import execute
from harness.execution.process_pool import SerialExecutor
from harness.execution.user_check import UserCheck
from harness.results.packed_result import pack
from harness.results.run_result import RunResult
from harness.results.store import Failure, Store
from harness.runs.run_cell import run_cell


@pytest.fixture
def plan(tmp_path) -> Plan:
    """Two workloads: the users of one share a counter."""
    (tmp_path / "shared.py").write_text(SHARED)
    text = TINY.replace('["integer"]', '["integer", "shared"]')
    text += '\n[workloads.shared]\nuser = "shared.py:Shared"\nusers = 3\n'
    (tmp_path / "mixed.toml").write_text(text)
    return make_plan(str(tmp_path / "mixed.toml"))


def results(store: Store) -> dict[tuple[int, int], RunResult]:
    return {
        (run.cell.position, run.replication): result for run, result in store.results() if result
    }


def noting(calls: list[RunSpec]):
    def run(spec: RunSpec) -> RunResult:
        calls.append(spec)
        return run_cell(spec)

    return run


def test_each_set_of_users_is_run_both_ways_once_and_then_as_that_says(plan, tmp_path):
    calls: list[RunSpec] = []
    with Store.start(tmp_path / "out", plan.record()) as store:
        run_campaign(plan, store, noting(calls), workers=SerialExecutor)
        found = results(store)
    assert len(calls) == len(found) == len(plan.cells) * plan.minimum
    modes = {
        workload: sorted(spec.users for spec in calls if spec.cell.workload == workload)
        for workload in ("integer", "shared")
    }
    rest = len(calls) // 2 - 1
    assert modes["integer"] == [UserMode.COMPARED] + [UserMode.RECORDED] * rest
    assert modes["shared"] == [UserMode.COMPARED] + [UserMode.LIVE] * rest
    reasons = {
        (plan.cells[cell].workload, result.live_reason) for (cell, _), result in found.items()
    }
    assert ("integer", "") in reasons
    assert {workload for workload, reason in reasons if reason} == {"shared"}


def test_live_gives_the_same_results(plan, tmp_path):
    calls: list[RunSpec] = []
    with Store.start(tmp_path / "out", plan.record()) as store:
        run_campaign(plan, store, noting(calls), workers=SerialExecutor, live=True)
        live = results(store)
    assert {spec.users for spec in calls} == {UserMode.LIVE}
    with Store.start(tmp_path / "both", plan.record()) as store:
        run_campaign(plan, store, run_cell, workers=2)
        for key, result in results(store).items():
            result.live_reason = ""
            assert result == live[key]


def test_the_run_that_decides_does_not_depend_on_what_is_left(plan):
    specs = plan.runs()
    first = {spec.cell.workload: spec for spec in reversed(specs)}
    for left in range(len(specs)):
        made = UserCheck().missing(specs, specs[left:])
        needed = {spec.cell.workload for spec in specs[left:]}
        assert {spec.identity for spec in made} <= {spec.identity for spec in first.values()}
        assert {spec.cell.workload for spec in made} == needed


def test_users_whose_checked_run_fails_run_live(plan):
    check = UserCheck()
    [spec, *_] = check.missing(plan.runs(), plan.runs())
    assert spec.users is UserMode.COMPARED
    check.note(spec, (Failure.ERROR, "no"))
    assert check.chosen(spec).users is not UserMode.RECORDED
    check.note(spec, pack(RunResult([], {}, 0.0, 1.0, 0)))
    assert check.chosen(spec).users is UserMode.RECORDED


def test_a_resumed_campaign_checks_again_and_keeps_what_it_has(plan, tmp_path):
    calls: list[RunSpec] = []
    specs = plan.runs()
    with Store.start(tmp_path / "out", plan.record()) as store:
        settings = {"workers": SerialExecutor, "drawn": plan.drawn}
        execute(specs, store, run_cell, users=UserCheck(), **settings)
        before = results(store)
        execute(specs, store, noting(calls), users=UserCheck(), **settings)
        assert not calls
        store._connection.execute("DELETE FROM runs WHERE replication = 1")
        summary = execute(specs, store, noting(calls), users=UserCheck(), **settings)
        assert summary.done == len(specs) // 2
        assert len(calls) == len(specs) // 2 + 2
        assert results(store) == before
