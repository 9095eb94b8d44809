"""A scenario that is carried out: its timeline, its operations, and checks that can fail."""

from pathlib import Path

import pytest

from harness.analysis.study import Outcome, analyse
from harness.campaign.plan import Plan, make_plan
from harness.campaign.schema.metrics import RESULTS
from harness.execution.execute import execute
from harness.operations.fleet import Balance, Consolidate
from harness.operations.live_migration import Move
from harness.results.packed_result import pack, unpack, unpack_names
from harness.results.run_result import Check, RunResult
from harness.results.store import Store
from harness.runs.scenario.actions import results_of
from harness.runs.scenario.run import run

HEAD = """
[campaign]
name = "mine"
duration = "1 s"
seed = 3

[machines.one]
type = "9111-520"
generation = "POWER5"
cores = 1
clock = "1.5 GHz"
memory = "8 GiB"

[workloads.busy]
user = "workloads/cpu.py:IntegerCompute"
users = 2
demand = { processor = "2 ms" }

[workloads.open]
user = "workloads/cpu.py:IntegerCompute"
arrivals = "50 /s"
demand = { processor = "2 ms" }
"""

SCENARIO = """
[[scenario]]
name = "first"
title = "A first one"
element = "dlpar"
machine = "one"
os = "aix-5.3"
workload = "busy"
duration = "4 s"
sample = "100 ms"

[[scenario.partitions]]
name = "app1"
entitlement = 0.6
capped = true

[[scenario.partitions]]
name = "app2"
entitlement = 0.3
capped = true
workload = "open"
"""

STEPS = """
[[scenario.step]]
at = "1 s"
name = "move"
dlpar = { move = "processing-units", amount = 0.2, from = "app1", to = "app2" }

[[scenario.step]]
at = "1 s"
name = "graphics"
dlpar = { move = "adapter", device = "graphics", from = "app1" }

[[scenario.step]]
at = "3500 ms"
name = "quiet"
load = { of = "app1", users = 0 }
"""


def expect(what: str, **keys: object) -> str:
    lines = ["[[scenario.expect]]", 'name = "seen"', f'metric = "{what}"', 'source = "theory"']
    for key, value in keys.items():
        lines.append(f"{key} = {value!r}".replace("'", '"').replace("True", "true"))
    return "\n".join(lines) + "\n"


ANY = expect("down", equals=0)


@pytest.fixture
def carried_out(tmp_path: Path):
    def carry_out(*expectations: str, text: str = SCENARIO + STEPS) -> RunResult:
        path = tmp_path / "mine.toml"
        path.write_text(HEAD + text + "".join(expectations), encoding="utf-8")
        return run(make_plan(str(path)).runs()[0])

    return carry_out


def one_check(result: RunResult) -> Check:
    (check,) = result.checks
    return check


def test_operations_have_their_times_and_reasons(carried_out):
    events = [(e.at_seconds, e.status, e.operation) for e in carried_out(ANY).operations]
    text = "move 0.2 processing units from app1 to app2"
    assert (1.0, "started", text) in events
    assert (3.0, "done", text) in events
    refused = [e for e in carried_out(ANY).operations if e.status == "refused"]
    assert [e.at_seconds for e in refused] == [1.0]
    assert "graphics" in refused[0].reason


def test_the_timeline_shows_what_was_done(carried_out):
    points = {
        (name, labels.get("partition"), at): value
        for at, name, labels, value in carried_out(ANY).timeline
    }
    entitlement, used = "vtax_partition_entitlement_cores", "vtax_partition_physc_cores"
    assert points[entitlement, "app1", 2.9] == 0.6
    assert points[entitlement, "app1", 3.1] == pytest.approx(0.4)
    assert points[used, "app1", 2.0] == pytest.approx(0.6, rel=0.02)
    assert points[used, "app1", 3.4] == pytest.approx(0.4, rel=0.02)
    assert points[used, "app1", 4.0] < 0.1
    assert points["vtax_requests_per_second", "app1", 4.0] == 0.0
    assert ("vtax_response_mean_seconds", "app1", 4.0) not in points
    times = sorted({at for _, _, at in points})
    assert times == pytest.approx([0.1 * number for number in range(1, 41)])


@pytest.mark.parametrize(
    ("what", "keys", "low", "high"),
    [
        ("entitlement", {"of": "app1", "statistic": "minimum"}, 0.399, 0.401),
        ("entitlement", {"of": "app1", "statistic": "maximum"}, 0.599, 0.601),
        ("entitlement", {"statistic": "last"}, 0.899, 0.901),
        ("physc", {"of": "app1", "between": ["0 s", "1 s"]}, 0.58, 0.601),
        ("entc", {"of": "app1", "between": ["0 s", "1 s"]}, 0.97, 1.001),
        # 0.6 of a core at 1.5 GHz does 0.6 x 1.5/1.65 / 2 ms transactions a second.
        ("throughput", {"of": "app1", "between": ["0 s", "3 s"]}, 260.0, 273.5),
        ("requests", {"of": "app2", "between": ["0 s", "4 s"]}, 160.0, 240.0),
        ("failed", {}, 0.0, 0.0),
        ("pool", {}, 1.0, 1.0),
        ("pool-idle", {"between": ["0 s", "1 s"]}, 0.25, 0.35),
        ("lasted", {"step": "move"}, 2.0, 2.0),
        ("virtual-processors", {"of": "app1"}, 1.0, 1.0),
        ("longest-gap", {"of": "app1", "between": ["3500 ms", "4 s"]}, 0.4, 0.5),
        ("physc", {"of": "app1", "between": ["0 s", "1 s"], "difference_from": {}}, 0.0, 0.0),
    ],
)
def test_metrics_are_what_theory_says(carried_out, what, keys, low, high):
    if "difference_from" in keys:
        text = expect(what, of="app1", between=["0 s", "1 s"], equals=0)
        text += 'difference_from = { of = "app1" }\n'
    else:
        text = expect(what, **keys, at_least=0 if what != "lasted" else "0 s")
        text = text.replace(
            "at_least = 0\n", {"throughput": 'at_least = "0 /s"\n'}.get(what, "at_least = 0\n")
        )
        if what == "longest-gap":
            text = text.replace("at_least = 0\n", 'at_least = "0 s"\n')
    measured = one_check(carried_out(text)).measured
    assert isinstance(measured, float)
    assert low - 1e-9 <= measured <= high + 1e-9


@pytest.mark.parametrize(
    ("relation", "value", "tolerance", "passed"),
    [
        ("equals", 0.6, "0 %", True),
        ("equals", 0.5, "10 %", False),
        ("equals", 0.5, "25 %", True),
        ("equals", 0.5, 0.2, True),
        ("at_least", 0.6, "0 %", True),
        ("at_least", 0.61, "0 %", False),
        ("at_most", 0.6, "0 %", True),
        ("at_most", 0.59, "0 %", False),
    ],
)
def test_checks_pass_and_fail(carried_out, relation, value, tolerance, passed):
    text = expect("entitlement", of="app1", statistic="maximum", tolerance=tolerance)
    check = one_check(carried_out(text + f"{relation} = {value}\n"))
    assert check.passed is passed
    assert check.measured == 0.6


def test_each_shows_who_is_farthest_off(carried_out):
    text = expect("entitlement", each=True, statistic="maximum", at_least=0.55)
    check = one_check(carried_out(text))
    assert not check.passed
    assert check.measured == pytest.approx(0.5)
    assert "app2" in check.detail


def test_a_relation_to_something_else(carried_out):
    text = expect("physc", of="app1", between=["3 s", "3500 ms"], equals=2 / 3, tolerance="5 %")
    check = one_check(carried_out(text + 'to = { between = ["0 s", "1 s"] }\n'))
    assert check.passed, check


def test_partitions_in_relation_to_their_machine(carried_out):
    text = expect("entitlement", to={}, statistic="maximum", equals=0.9)
    check = one_check(carried_out(text.replace("{}", '{ metric = "pool" }')))
    assert check.passed, check


def test_percentiles_and_the_deviation_of_response_times(carried_out):
    names = ("response-p50", "response-mean", "response-p95", "response-p99")
    checks = carried_out(
        *(expect(name, of="app2", at_least="0 s") for name in (*names, "response-deviation"))
    ).checks
    median, mean, p95, p99, deviation = (each.measured for each in checks)
    assert 0.002 <= median <= p95 <= p99
    # The mean is no farther from the median than a standard deviation.
    assert abs(mean - median) <= deviation
    assert 0 < deviation < p99


def test_processor_time_by_cause_adds_up_to_what_was_consumed(carried_out):
    causes = ("user", "os", "tick", "hypervisor", "refill", "contention")
    between = ["500 ms", "3500 ms"]
    spent = [
        expect("processor-time", of="app2", key=cause, between=between, at_least="0 s")
        for cause in (*causes, "all")
    ]
    physc = expect("physc", of="app2", between=between, at_least=0)
    share = expect("processor-time", of="app2", key="user", between=between, at_least=0)
    checks = carried_out(*spent, physc, share + 'to = { key = "all" }\n').checks
    *by_cause, everything, cores, ratio = (each.measured for each in checks)
    user = by_cause[0]
    assert sum(by_cause) == pytest.approx(everything, rel=1e-9)
    assert everything == pytest.approx(3 * cores, rel=1e-3)
    assert ratio == pytest.approx(user / everything)
    assert 0.5 < ratio < 1
    assert checks[0].unit == "s"
    assert checks[-1].unit == ""


def test_processor_time_on_behalf_of_a_partition_is_also_that_of_its_vios(carried_out):
    """Its own account holds what a Virtual I/O Server does for nobody."""
    text = expect("processor-time", key="vios", at_most="0 s")
    assert one_check(carried_out(text)).passed


def test_what_was_not_measured_has_not_passed(carried_out):
    text = expect("response-mean", of="app1", between=["3900 ms", "4 s"], at_most="1 s")
    check = one_check(carried_out(text))
    assert (check.measured, check.passed) == (None, False)
    assert "nothing was measured" in check.detail


@pytest.mark.parametrize(
    ("step", "status", "reason", "passed"),
    [
        ("graphics", "refused", "graphics", True),
        ("graphics", "refused", "dedicated", False),
        ("graphics", "done", None, False),
        ("move", "done", None, True),
        ("move", "refused", None, False),
    ],
)
def test_an_outcome_can_be_required(carried_out, step, status, reason, passed):
    text = expect("status", step=step, equals=status, **({"reason": reason} if reason else {}))
    assert one_check(carried_out(text)).passed is passed


def test_an_expected_constant_follows_the_catalog(carried_out):
    text = expect("lasted", step="move", equals="operations.dlpar.processor_time")
    check = one_check(carried_out(text))
    assert (check.expected, check.passed) == (2.0, True)
    assert check.assumed == ("operations.dlpar.processor_time",)


def test_a_rule_acts_when_something_lasts(carried_out):
    rule = """
[[scenario.rule]]
name = "help"
when = { metric = "entc", of = "app1", above = 0.9, duration = "1 s" }
dlpar = { change = "app1", capped = false }
"""
    result = carried_out(expect("status", step="help", equals="done"), text=SCENARIO + rule)
    assert one_check(result).passed
    started = [e for e in result.operations if e.status == "started"]
    assert [e.at_seconds for e in started] == [1.0]
    never = carried_out(
        expect("status", step="help", equals="done"),
        text=SCENARIO + rule.replace("0.9", "1.1"),
    )
    assert not one_check(never).passed
    assert never.operations == []


def test_users_that_come_and_go_change_the_load(carried_out):
    steps = "".join(
        f'[[scenario.step]]\nat = "{at} s"\nload = {{ of = "app2", arrivals = "{rate} /s" }}\n'
        for at, rate in ((1, 0), (2, 100))
    )
    text = SCENARIO + steps
    for begin, low, high in ((0, 30, 70), (1, 0, 1), (2, 75, 125)):
        between = [f"{begin} s", f"{begin + 1} s"]
        seen = expect("requests", of="app2", between=between, at_least=low)
        seen += expect("requests", of="app2", between=between, at_most=high)
        assert all(check.passed for check in carried_out(seen, text=text).checks)


def test_the_same_run_twice_is_the_same_text(carried_out):
    assert carried_out(ANY).to_json() == carried_out(ANY).to_json()


def test_results_survive_packing(carried_out):
    result = carried_out(ANY, expect("status", step="move", equals="done"))
    packed = pack(result)
    names = unpack_names(packed.names)
    again = unpack(names, packed.sample_values, packed.result, packed.digests)
    assert again.checks == result.checks
    assert again.operations == result.operations
    assert again.to_json() == result.to_json()


# Through the store


@pytest.fixture
def plan(tmp_path: Path):
    def make(*expectations: str) -> Plan:
        path = tmp_path / "mine.toml"
        other = SCENARIO.replace('name = "first"', 'name = "second"')
        text = HEAD + SCENARIO + STEPS + "".join(expectations) + other + ANY
        path.write_text(text, encoding="utf-8")
        return make_plan(str(path))

    return make


def run_all(plan: Plan, directory: Path, workers: int = 2) -> tuple[int, int]:
    with Store.start(directory, plan.record()) as store:
        summary = execute(plan.runs(), store, run, workers=workers, drawn=plan.drawn)
        return summary.done, summary.kept


def test_what_is_complete_is_not_run_again(plan, tmp_path):
    whole = plan(ANY)
    part = make_plan(str(tmp_path / "mine.toml"), only=["scenario=second"])
    assert run_all(part, tmp_path / "out") == (1, 0)
    with Store.open(tmp_path / "out") as store:
        study = analyse(store)
    assert study.outcome is Outcome.INCONCLUSIVE, "the other scenario has no run yet"
    assert run_all(whole, tmp_path / "out") == (1, 1)
    assert run_all(whole, tmp_path / "out") == (0, 2)


def test_the_verdict_is_that_of_the_checks(plan, tmp_path):
    good = expect("status", step="move", equals="done")
    bad = expect("status", step="move", equals="failed")
    for name, text, outcome in (
        ("good", good, Outcome.CONFIRMED),
        ("bad", good + bad, Outcome.REFUTED),
    ):
        run_all(plan(text), tmp_path / name)
        with Store.open(tmp_path / name) as store:
            study = analyse(store)
        assert study.verdict is None
        assert study.elements is not None
        assert study.outcome is study.elements.outcome is outcome
        assert [row.scenario for row in study.elements.rows][-1] == "second"
        assert study.elements.scenarios[0].series("vtax_partition_physc_cores")["app1"]
        assert study.elements.to_json()[0]["expected"] == "done"


def test_every_result_of_an_operation_has_a_dimension():
    known = [
        *results_of(Move("app", "there")),
        *results_of(Balance(spreads=[0.5, 0.1])),
        *results_of(Consolidate()),
    ]
    assert set(known) == set(RESULTS)


@pytest.mark.parametrize(
    ("key", "unit"),
    [("duration", "s"), ("bytes", "B"), ("rate", "B/s"), ("target-vios-cores", "cores")],
)
def test_a_check_of_a_result_has_its_unit(carried_out, key, unit):
    wanted = expect("result", step="move", key=key, at_least=1)
    assert one_check(carried_out(wanted)).unit == unit
