"""Mistakes in a scenario are reported in one line before anything runs."""

from pathlib import Path

import pytest

from harness.campaign.plan import make_plan
from harness.campaign.reader import shipped_campaigns
from harness.errors import UserError

SCENARIO = """
[campaign]
name = "mine"
duration = "1 s"
seed = 3

[workloads.busy]
user = "workloads/cpu.py:IntegerCompute"
users = 2
demand = { processor = "1 ms" }

[[partitions]]
name = "app"
count = 2
entitlement = 0.5
memory = "1 GiB"

[[scenario]]
name = "first"
title = "A first one"
element = "dlpar"
machine = "p5-520"
os = "aix-5.3"
workload = "busy"
duration = "20 s"

[[scenario.step]]
at = "1 s"
name = "move"
dlpar = { move = "processing-units", amount = 0.1, from = "app1", to = "app2" }

[[scenario.step]]
at = "10 s"
load = { of = "app1", users = 1 }

[[scenario.expect]]
name = "More for app2"
metric = "entitlement"
of = "app2"
statistic = "last"
equals = 0.6
tolerance = "1 %"
source = "somewhere"
"""

MOVE = 'dlpar = { move = "processing-units", amount = 0.1, from = "app1", to = "app2" }'

RESULT = (
    'metric = "entitlement"\nof = "app2"\nstatistic = "last"\nequals = 0.6\ntolerance = "1 %"\n',
    'metric = "result"\nstep = "move"\nkey = "{}"\nat_most = {}\n',
)


@pytest.fixture
def scenario(tmp_path: Path):
    def write(*changes: tuple[str, str]) -> Path:
        text = SCENARIO
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
            text = text.replace(old, new)
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_scenario_is_a_cell_with_a_script(scenario):
    plan = make_plan(str(scenario()))
    (cell,) = plan.cells
    assert cell.scenario is not None
    assert (cell.scenario.name, cell.title) == ("first", "scenario first")
    assert [step.at for step in cell.scenario.step] == [1.0, 10.0]
    assert cell.scenario.expect[0].expected == 0.6
    assert plan.minimum == 1, "scenarios alone run once unless the file says otherwise"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('machine = "p5-520"', 'machine = "p5-52"', "machine = 'p5-52': no such machine"),
        ('os = "aix-5.3"', 'os = "aix"', "no such operating system"),
        ('workload = "busy"', 'workload = "bussy"', "did you mean 'busy'"),
        ('element = "dlpar"', 'element = "dlpr"', "scenario.first.element"),
        ('from = "app1"', 'from = "app9"', "step.move.dlpar.from = 'app9': no such partition"),
        ("amount = 0.1", 'amount = "0.1 GiB"', "step.move.dlpar.amount"),
        ("amount = 0.1", "amount = -0.1", "must be more than 0"),
        (MOVE, 'dlpar = { move = "adapter", device = "ethernet-9gb", to = "app1" }', "adapter"),
        (MOVE, 'dlpar = { move = "memory", from = "app1" }', "needs amount"),
        (MOVE, 'dlpar = { move = "memory", amount = "1 GiB" }', "needs from or to"),
        (MOVE, 'fault = { panic = "vios1" }', "step.move.fault.panic = 'vios1'"),
        (MOVE, 'migrate = { partition = "app1", to = "east" }', "no such machine"),
        (MOVE, 'reach = { from = "app1", to = "nobody" }', "step.move.reach.to"),
        (MOVE, 'plm = { policy = "none.policy" }', "none.policy: cannot be read"),
        (MOVE, "", "needs exactly one of load, dlpar"),
        (MOVE, 'cod = { deactivate = "on-off", cores = 1 }', "steps before it turn 0 on"),
        ('at = "10 s"', 'at = "30 s"', "beyond the scenario's duration of 20 s"),
        ('at = "10 s"', 'at = "0 s"', "comes before the step above it"),
        ('at = "10 s"', "at = 10", "needs a unit"),
        ("users = 1 }", 'arrivals = "3 /s" }', "the group 'busy' has users; change these"),
        ("users = 1 }", 'group = "idle", users = 1 }', "no such group of users"),
        ('of = "app2"', 'of = "app3"', "expect.0.of = 'app3': no such partition or VIOS"),
        (
            'metric = "entitlement"',
            'metric = "entitlements"',
            "scenario.first.expect.More for app2.metric",
        ),
        ("equals = 0.6", 'equals = "0.6 s"', "expect.0.equals"),
        ("equals = 0.6", "", "needs exactly one of equals, at_least and at_most"),
        ("equals = 0.6", "equals = 0.6\nat_most = 1", "not equals and at_most"),
        ("equals = 0.6", 'equals = "operations.dlpar.time"', "no such constant"),
        ("equals = 0.6", 'equals = 0.6\nbetween = ["5 s", "21 s"]', "beyond the scenario's"),
        ("equals = 0.6", 'equals = 0.6\nbetween = ["5 s", "4 s"]', "must end after it begins"),
        ("equals = 0.6", 'equals = 0.6\nrests_on = ["operations.x"]', "no such constant"),
        ("equals = 0.6", 'equals = 0.6\nstep = "move"', "goes with metric = status"),
        (RESULT[0], RESULT[1].format("downtime", '"2 s"'), None),
        (RESULT[0], RESULT[1].format("downtime", "2"), None),
        (RESULT[0], RESULT[1].format("downtime", '"2 MB"'), "but a time is written in"),
        (RESULT[0], RESULT[1].format("downtimes", "2"), "did you mean 'downtime'"),
        ('source = "somewhere"', "", "expect.More for app2.source: is missing"),
        ('statistic = "last"', 'statistic = "median"', "must be 'mean', 'minimum'"),
        ('duration = "20 s"', 'duration = "20 s"\nsample = "1 min"', "longer than the duration"),
        ('duration = "20 s"', 'duration = "20 s"\nactive_cores = 9', "4 that are installed"),
        ('duration = "20 s"', 'duration = "20 s"\nvirtualization = "full"', "virtualization"),
        ("entitlement = 0.5", "entitlement = 3.0", "more than there are on p5-520"),
        ("entitlement = 0.5", "entitlement = 0.5\nfolding = true", None),
    ],
)
def test_mistakes_are_reported_in_one_line(scenario, old, new, said):
    path = scenario((old, new))
    if said is None:
        make_plan(str(path))
        return
    with pytest.raises(UserError) as error:
        make_plan(str(path))
    text = str(error.value)
    assert "\n" not in text
    assert "mine.toml" in text or "policy" in text
    assert said in text


def test_a_policy_file_is_checked_with_its_line(scenario, tmp_path):
    policy = "g:\n type = group\napp7:\n type = partition\n group = g\n"
    (tmp_path / "p.policy").write_text(policy)
    path = scenario((MOVE, 'plm = { policy = "p.policy" }'))
    with pytest.raises(UserError, match=r"line 3: app7: no such partition; did you mean 'app"):
        make_plan(str(path))
    (tmp_path / "p.policy").write_text(policy.replace("type = group", "type = grp", 1))
    with pytest.raises(UserError, match=r"p\.policy:2: "):
        make_plan(str(path))


def test_only_who_folds_may_fold(scenario):
    change = ("entitlement = 0.5", "entitlement = 0.5\nfolding = true")
    with pytest.raises(UserError, match="sles-9 folds no virtual processors"):
        make_plan(str(scenario(change, ('os = "aix-5.3"', 'os = "sles-9"'))))


def test_names_of_scenarios_and_steps_are_unique(scenario):
    path = scenario(('at = "10 s"', 'at = "10 s"\nname = "move"'))
    with pytest.raises(UserError, match=r"step\.name = 'move': is taken"):
        make_plan(str(path))
    path = scenario()
    twice = path.read_text() + SCENARIO[SCENARIO.index("[[scenario]]") :]
    path.write_text(twice)
    with pytest.raises(UserError, match=r"scenario\.first\.name: is taken"):
        make_plan(str(path))


def test_other_campaigns_scenarios_are_included(scenario, tmp_path):
    scenario()
    every = tmp_path / "all.toml"
    every.write_text(
        '[campaign]\nname = "all"\nduration = "1 s"\ninclude = ["mine.toml", "physical"]\n'
    )
    plan = make_plan(str(every))
    assert [entry.scenario for entry in plan.matrix][:2] == ["first", "one-image"]
    only = make_plan(str(every), only=["scenario=first"])
    assert [cell.title for cell in only.cells] == ["scenario first"]
    with pytest.raises(UserError, match="did you mean 'first'"):
        make_plan(str(every), only=["scenario=frist"])
    for name, said in (("fysical", "did you mean 'physical'"), ("smoke", "has no scenarios")):
        every.write_text(f'[campaign]\nname = "all"\nduration = "1 s"\ninclude = ["{name}"]\n')
        with pytest.raises(UserError, match=said):
            make_plan(str(every))


@pytest.mark.parametrize("name", shipped_campaigns())
def test_every_expectation_that_is_shipped_names_a_source(name):
    for cell in make_plan(name).cells:
        if cell.scenario is not None:
            assert cell.scenario.expect
            for expectation in cell.scenario.expect:
                assert expectation.source.strip()
                assert set(expectation.name) == {"en", "ja"}


def test_a_change_of_the_script_is_another_run(scenario):
    first = make_plan(str(scenario())).runs()[0].identity
    assert make_plan(str(scenario())).runs()[0].identity == first
    assert make_plan(str(scenario(("equals = 0.6", "equals = 0.7")))).runs()[0].identity != first


def test_the_first_run_takes_the_catalog_as_it_is_stated(scenario):
    plan = make_plan(str(scenario()), replications=2)
    name = "operations.dlpar.processor_time"
    first, second = (spec.constants.number(name) for spec in plan.runs())
    assert first == 2.0
    assert second != 2.0
