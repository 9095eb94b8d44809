"""Campaigns on this machine: their cells, and what they must not ask for."""

import pytest

from harness.campaign.plan import make_plan
from harness.errors import UserError
from harness.results.record import LEVELS, NATIVE
from harness.users.realtime import live_spec

CAMPAIGN = """
[campaign]
name = "mine"
duration = "1 s"
replications = 2

[factors]
machine = ["this"]
virtualization = ["capped", "qemu-tcg"]
workload = ["integer", "gzip"]

[workloads.integer]
user = "workloads/cpu.py:IntegerCompute"
users = 1
demand = { processor = "1 ms" }

[workloads.gzip]
user = "workloads/program.py:ProgramRun"
duration = "1 ms"
demand = { program = "gzip" }
"""


@pytest.fixture
def written(write):
    return lambda *changes: str(write(*changes, text=CAMPAIGN))


def test_cells_are_targets_by_work_and_the_baseline_is_always_among_them(written):
    plan = make_plan(written())
    assert plan.real
    cells = [(cell.virtualization, cell.workload, cell.duration_seconds) for cell in plan.cells]
    assert cells == [
        (name, work, seconds)
        for name in (NATIVE, "capped", "qemu-tcg")
        for work, seconds in (("integer", 1.0), ("gzip", 0.001))
    ]
    assert {len(cell.groups) for cell in plan.cells} == {1}
    record = plan.record()
    assert record.baseline == NATIVE
    assert not record.constants, "no published constant has a part in it"


def test_blocks_hold_every_cell_once_in_an_order_of_their_own(written):
    plan = make_plan(written())
    blocks = [plan.runs(number, number + 1) for number in range(2)]
    orders = [tuple(spec.cell_position for spec in block) for block in blocks]
    assert {tuple(sorted(order)) for order in orders} == {tuple(range(6))}
    assert len(set(orders)) == 2
    assert len({spec.identity for block in blocks for spec in block}) == 12


def test_it_can_vary_further_factors(written):
    text = 'workload = ["integer", "gzip"]'
    plan = make_plan(
        written((text, f'{text}\n"workloads.integer.demand.processor" = ["1 ms", "2 ms"]'))
    )
    demands = {
        cell.load: cell.groups[0].demand["processor"]
        for cell in plan.cells
        if cell.workload == "integer"
    }
    assert sorted(demands.values()) == [0.001, 0.002]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["this"]', '["this", "p5-570"]', "factors.machine = .*'this' stands alone"),
        ('"capped"', '"xen"', "factors.virtualization = 'xen': no such virtualization"),
        ('"capped"', '"shared-uncapped"', "no such virtualization of a real machine"),
        ('["integer", "gzip"]', '["integer", "gzap"]', "'gzap': no such workload; did you mean"),
        ('["capped"', '["full-system"', "no such virtualization"),
        ("users = 1\n", "users = 4\n", "users = 4.0: a real target has one user at a time"),
        ("users = 1\n", 'arrivals = "3 /s"\n', "arrivals: a real target has users only"),
        (
            "[workloads.integer]",
            '[machines.x]\ntype = "9117-570"\n[workloads.integer]',
            "machines:",
        ),
        (
            "[workloads.integer]",
            '[[partitions]]\nname = "a"\ncores = 1\n[workloads.integer]',
            "partitions: only a modelled machine has it",
        ),
        (
            "[workloads.integer]",
            '[claim]\nfirmware = ["capped"]\nsoftware = ["qemu-tcg"]\n[workloads.integer]',
            "claim: only a modelled machine has it",
        ),
        (
            'machine = ["this"]',
            'machine = ["this"]\nos = ["aix-5.3"]',
            "a real machine has its own",
        ),
        ('workload = ["integer", "gzip"]\n', "", "factors.workload: is missing"),
        (
            "[workloads.integer]",
            "[[workloads.integer]]\nname = 'b'\nuser = 'workloads/cpu.py:IntegerCompute'\n"
            "demand = { processor = '1 ms' }\n[[workloads.integer]]\nname = 'a'",
            "one group of users at a time",
        ),
        ('program = "gzip"', 'program = ""', "program"),
    ],
)
def test_mistakes_are_reported_in_one_line(written, old, new, message):
    with pytest.raises(UserError, match=message) as error:
        make_plan(written((old, new)))
    assert "\n" not in str(error.value)


def test_a_modelled_partition_runs_no_programs(write):
    path = write(
        ('user = "workloads/cpu.py:IntegerCompute"', 'user = "workloads/program.py:ProgramRun"'),
        ('demand = { processor = "2 ms" }', 'demand = { program = "gzip" }'),
    )
    with pytest.raises(UserError, match="runs programs, which no modelled partition can"):
        make_plan(str(path))


def test_it_is_not_simulated_in_real_time(written):
    with pytest.raises(UserError, match="is measured on real targets"):
        live_spec(make_plan(written()))


def test_the_shipped_campaign_names_every_target_and_at_least_five_programs():
    plan = make_plan("real")
    assert {cell.virtualization for cell in plan.cells} == set(LEVELS)
    programs = {cell.groups[0].demand.get("program") for cell in plan.cells} - {None}
    assert len(programs) >= 5
