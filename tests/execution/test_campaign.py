from dataclasses import replace

import pytest

import harness.execution.campaign
from harness.campaign.plan import make_plan
from harness.execution.campaign import run_campaign
from harness.execution.execute import Summary
from harness.results.store import Store


@pytest.fixture
def plan(write):
    made = make_plan(str(write()))
    return replace(made, minimum=2, maximum=25, half_width=0.01)


@pytest.fixture
def executed(monkeypatch):
    """Record what would be executed, and execute nothing."""
    calls = []

    def execute(specs, store, run, *, workers, drawn, observer, users):
        calls.append({(spec.cell_position, spec.replication) for spec in specs})
        assert all(spec.constants_digest in drawn for spec in specs)
        return Summary(done=len(specs))

    monkeypatch.setattr(harness.execution.campaign, "execute", execute)
    return calls


@pytest.fixture
def carried_out(tmp_path, plan):
    def carry_out(**options):
        with Store.start(tmp_path / "out", plan.record()) as store:
            return run_campaign(plan, store, lambda spec: None, workers=1, **options)

    return carry_out


def test_without_a_target_every_cell_gets_the_minimum(carried_out, executed):
    summary = carried_out()
    assert executed == [{(position, r) for position in range(16) for r in range(2)}]
    assert summary.done == 32


def test_cells_go_on_in_blocks_until_they_are_known_well_enough(carried_out, executed):
    asked = []

    def cells_needing_more_runs(store, replications):
        asked.append(replications)
        return {2: {0, 3}, 12: {3}, 22: {3}}[replications]

    summary = carried_out(cells_needing_more_runs=cells_needing_more_runs)
    assert asked == [2, 12, 22]
    assert executed[1:] == [
        {(position, r) for position in (0, 3) for r in range(2, 12)},
        {(3, r) for r in range(12, 22)},
        {(3, r) for r in range(22, 25)},
    ]
    assert summary.done == 32 + 20 + 10 + 3


def test_it_ends_when_all_are_known_well_enough(carried_out, executed):
    carried_out(cells_needing_more_runs=lambda *_: frozenset())
    assert len(executed) == 1


def test_an_interruption_ends_it(carried_out, monkeypatch):
    monkeypatch.setattr(
        harness.execution.campaign, "execute", lambda *_, **__: Summary(interrupted=True)
    )
    assert carried_out(cells_needing_more_runs=lambda *_: {1}).interrupted


def test_cells_go_on_in_blocks_of_another_size(carried_out, executed):
    carried_out(cells_needing_more_runs=lambda *_: {1}, block=7)
    assert [len(calls) for calls in executed[1:]] == [7, 7, 7, 2]
