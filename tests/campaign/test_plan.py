import pickle
import tomllib

import pytest
from locustfiles import LAYOUTS
from locustfiles import write as write_layout

from harness.campaign.plan import make_plan, replan
from harness.catalog import load_catalog
from harness.errors import UserError
from harness.results.store import Store
from harness.runs.run_cell import run_live, run_recorded

MORE = '"mine"]\n"partitions.app.count" = [1, 2]'


def test_the_matrix_is_the_product_and_runs_are_cells_times_replications(write):
    plan = make_plan(str(write(('"mine"]', MORE))))
    assert len(plan.matrix) == 2 * 2 * 4 * 2
    assert [entry.position for entry in plan.matrix] == list(range(len(plan.matrix)))
    assert len({(e.os, e.virtualization, e.workload, e.load) for e in plan.matrix}) == 32
    specs = plan.runs()
    assert len(specs) == len({spec.identity for spec in specs}) == 64
    assert {(spec.cell_position, spec.replication) for spec in specs} == {
        (position, replication) for position in range(32) for replication in range(2)
    }
    for spec in specs:
        assert plan.matrix[spec.cell_position].cell is spec.cell


def test_replications_come_one_after_the_other_each_in_an_order_of_its_own(write):
    plan = make_plan(str(write()), replications=4)
    specs = plan.runs()
    assert specs == plan.runs(0, 1) + plan.runs(1, 4)
    assert [spec.replication for spec in specs] == sorted(spec.replication for spec in specs)
    size = len(plan.cells)
    orders = [
        [spec.cell_position for spec in specs[start : start + size]]
        for start in range(0, len(specs), size)
    ]
    assert len({tuple(order) for order in orders}) == 4
    assert sorted(orders[0]) != orders[0]


def test_a_plan_is_the_same_each_time_it_is_made(write):
    path = str(write())
    one, two = make_plan(path), make_plan(path)
    assert [spec.identity for spec in one.runs()] == [spec.identity for spec in two.runs()]
    assert one.record() == two.record()
    assert one.drawn == two.drawn


def test_more_replications_extend_the_same_runs(write):
    path = str(write())
    few = make_plan(path)
    many = make_plan(path, replications=25)
    identities = [spec.identity for spec in few.runs()]
    assert [spec.identity for spec in many.runs()][: len(identities)] == identities
    assert few.record().identity == many.record().identity
    assert many.record().replications == {
        "minimum": 25,
        "maximum": 25,
        "half_width": None,
        "per_draw": 1,
    }


def test_a_part_of_a_campaign_is_the_same_campaign(write):
    path = str(write())
    whole = make_plan(path)
    part = make_plan(path, only=["workload=mine", "virtualization=dedicated", "os=aix-5.3"])
    assert len(part.cells) == 1
    assert part.record() == whole.record()
    identities = {spec.identity for spec in whole.runs()}
    assert {spec.identity for spec in part.runs()} < identities
    either = make_plan(path, only=["workload=mine", "workload=integer", "os=aix-5.3"])
    assert len(either.cells) == 8


def test_the_cells_of_one_replication_share_their_draw_and_replications_do_not(write):
    plan = make_plan(str(write()), replications=10)
    digests = {}
    for spec in plan.runs():
        digests.setdefault(spec.replication, set()).add(spec.constants_digest)
        assert spec.constants.digest() == spec.constants_digest
    assert all(len(found) == 1 for found in digests.values())
    assert len(set.union(*digests.values())) == 10
    catalog = plan.matrix[0].context.catalog
    for name in catalog.uncertain:
        constant = catalog.constants[name]
        if isinstance(constant.value, float):
            values = sorted(plan.drawn[next(iter(d))][name] for d in digests.values())
            assert constant.low <= values[0] <= values[-1] <= constant.high


def test_a_run_works_with_the_demand_of_its_draw(plan):
    low, high = sorted(
        (
            spec
            for spec in plan.runs()
            if spec.cell.title.endswith("aix-5.3 / full-system / integer")
        ),
        key=lambda spec: spec.constants.number("profiles.integer.demand.processor"),
    )
    for spec in (low, high):
        for partition in spec.system.partitions:
            for group in partition.groups:
                drawn = spec.constants.number("profiles.integer.demand.processor")
                assert group.demand["processor"] == drawn
    assert low.system != high.system
    assert low.cell.nominal_system == high.cell.nominal_system


def test_a_demand_that_the_file_gives_is_not_drawn(plan):
    for spec in plan.runs():
        if spec.cell.workload == "mine":
            assert spec.system == spec.cell.nominal_system
            assert spec.system.partitions[0].groups[0].demand["processor"] == 0.002


def test_a_spec_travels_to_a_worker(plan):
    spec = plan.runs()[0]
    again = pickle.loads(pickle.dumps(spec))
    assert again.identity == spec.identity
    assert again.system == spec.system
    assert dict(again.constants) == dict(spec.constants)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed = 5", "seed = 6"),
        ('"100 ms"', '"101 ms"'),
        ('warm_up = "10 ms"', 'warm_up = "detect"'),
        ("vlan = 10", "vlan = 10, mtu = 9000"),
        ("entitlement = 1.0", "entitlement = 2.0"),
        ('"2 ms"', '"3 ms"'),
        ("seed = 5", "seed = 5\nstarts = 2008-01-01T00:00:00Z"),
    ],
)
def test_whatever_decides_a_result_is_in_the_identity(write, old, new):
    kept = {spec.identity for spec in make_plan(str(write())).runs()}
    changed = make_plan(str(write((old, new))))
    mine = [spec for spec in changed.runs() if spec.cell.workload == "mine"]
    touched = {spec.cell.virtualization for spec in mine if spec.identity not in kept}
    everywhere = {"full-system", "shared-uncapped", "dedicated", "hosted-uml"}
    if "entitlement" in old:  # of the VIOS, which only logical partitions have
        everywhere = {"shared-uncapped", "dedicated"}
    if "vlan" in old:  # the baseline has no virtual Ethernet
        everywhere -= {"full-system"}
    assert touched == everywhere
    assert changed.record().identity != make_plan(str(write())).record().identity


@pytest.mark.parametrize(
    ("old", "new", "same_campaign"),
    [
        ("replications = 2", "replications = 3", True),
        ('name = "small"', 'name = "small"\ntitle = "A title"', True),
        ('"10 %"', '"11 %"', False),
        ('software = ["hosted-uml"]', 'software = ["hosted-uml"]\nmeasures = ["slowdown"]', False),
    ],
)
def test_what_does_not_decide_a_result_is_not_in_its_identity(write, old, new, same_campaign):
    plan, changed = make_plan(str(write())), make_plan(str(write((old, new))))
    kept = {spec.identity for spec in plan.runs()}
    assert kept <= {spec.identity for spec in changed.runs()}
    assert (plan.record().identity == changed.record().identity) is same_campaign


def test_a_changed_locustfile_is_another_run(write, tmp_path):
    path = write(("workloads/cpu.py:IntegerCompute", "billing.py:Billing"))
    source = (
        "from workloads.cpu import IntegerCompute\n\n\nclass Billing(IntegerCompute):\n    pass\n"
    )
    (tmp_path / "billing.py").write_text(source)
    before = make_plan(str(path))
    (tmp_path / "billing.py").write_text(f"{source}    x = 1\n")
    after = make_plan(str(path))
    for one, two in zip(before.runs(), after.runs(), strict=True):
        assert (one.identity == two.identity) == (one.cell.workload == "integer")


def test_the_baseline_is_added_to_a_claim_that_lacks_it(write):
    changed = ('["full-system", "shared', '["shared')
    plan = make_plan(str(write(changed)))
    assert {entry.virtualization for entry in plan.matrix} == {
        "full-system",
        "shared-uncapped",
        "dedicated",
        "hosted-uml",
    }
    claimless = make_plan(
        str(
            write(
                changed,
                (
                    '[claim]\nfirmware = ["shared-uncapped", "dedicated"]\n'
                    'software = ["hosted-uml"]\n',
                    "",
                ),
            )
        )
    )
    assert "full-system" not in {entry.virtualization for entry in claimless.matrix}
    assert claimless.record().claim is None


def test_infeasible_cells_are_named_and_not_run(write):
    plan = make_plan(str(write(('share = "25 %"', 'share = "15 %"'))))
    assert {entry.virtualization for entry in plan.infeasible} == {"dedicated"}
    assert {entry.infeasible for entry in plan.infeasible} == {
        "app1 would have 1.2 cores, not whole ones"
    }
    assert all(spec.cell.virtualization != "dedicated" for spec in plan.runs())
    infeasible = [cell for cell in plan.record().cells if cell.infeasible]
    assert [cell.position for cell in infeasible] == [entry.position for entry in plan.infeasible]


def test_a_campaign_without_a_feasible_cell_is_an_error(write):
    path = write(('share = "25 %"', 'share = "15 %"'))
    with pytest.raises(UserError, match=r"no cell of the campaign is feasible \(p5-550, dedicated"):
        make_plan(str(path), only=["virtualization=dedicated"])


def test_a_varied_constant_reaches_its_cells_only(write):
    path = write(('"mine"]', '"mine"]\n"catalog.hypervisor.window.value" = [5, 10]'))
    table = "[catalog.hypervisor.window]\nvalue = 1\nunit = 'ms'\nsource = 'x'\nstatus = 'verified'"
    path.write_text(f"{path.read_text()}\n{table}\n")
    plan = make_plan(str(path))
    for spec in plan.runs():
        expected = int(dict(spec.cell.load)["catalog.hypervisor.window.value"]) / 1000
        assert spec.constants.number("hypervisor.window") == expected
    # The other constants are drawn alike, whatever the load.
    first = [spec for spec in plan.runs() if spec.replication == 0]
    assert len({spec.constants_digest for spec in first}) == 2
    assert len({spec.constants.number("hypervisor.vp_switch") for spec in first}) == 1


def test_a_catalog_file_beside_the_campaign_is_laid_over(write, tmp_path):
    path = write(("seed = 5", 'catalog = ["mine.toml"]'))
    (tmp_path / "mine.toml").write_text(
        "[hypervisor.vp_switch]\nvalue = 9\nunit = 'cycles'\nsource = 'x'\nstatus = 'verified'\n"
    )
    plan = make_plan(str(path))
    assert plan.runs()[0].constants.number("hypervisor.vp_switch") == 9.0
    (kept,) = [c for c in plan.record().constants if c["name"] == "hypervisor.vp_switch"]
    assert kept["source"] == "x"


@pytest.mark.parametrize("run", [run_live, run_recorded])
def test_an_event_of_a_catalog_file_is_one_of_demands(write, tmp_path, run):
    path = write(
        ("seed = 5", 'seed = 5\ncatalog = ["mine.toml"]'),
        ('processor = "2 ms" }', 'processor = "2 ms", commits = 2, flushes = 0.5 }'),
    )
    entry = "{ value = 9000, unit = 'cycles', source = 'x', status = 'verified' }"
    levels = ("native", *load_catalog().flavours)
    tables = (f"[events.{level}]\ncommits = {entry}\n" for level in levels)
    (tmp_path / "mine.toml").write_text("".join(tables))
    (spec, *_) = make_plan(str(path)).runs()
    result = run(spec)
    counts = {
        (name, labels.get("event", "")): value
        for name, labels, value in result.samples
        if labels.get("partition", "app1").startswith("app")
    }
    commits = counts["vtax_os_events_total", "commits"]
    assert commits == 4 * counts["vtax_os_events_total", "flushes"] > 0


def test_the_record_can_repeat_the_campaign(write):
    path = write()
    record = make_plan(str(path), seed=77).record()
    assert record.seed == 77
    assert record.source == str(path)
    assert tomllib.loads(record.text)["campaign"]["name"] == record.name == "small"
    assert record.claim is not None
    assert record.monitor("hosted-uml") == "User-Mode Linux (skas3) on a Linux host (2003)"
    assert record.monitor("shared-uncapped") == ""
    assert set(record.claim) == {"firmware", "software", "measures", "parts", "baselines", "text"}
    assert {"vtax", "python", "locust", "numpy", "simpy"} <= set(record.versions)


@pytest.mark.parametrize(
    "name", ["smoke", "carrier", "consolidation", "factual", "costly-firmware", "free-software"]
)
def test_shipped_campaigns_can_be_run(name):
    plan = make_plan(name)
    assert plan.runs(0, 1)
    if name == "carrier":
        assert plan.minimum >= 10
        assert not plan.infeasible
        environments = {cell.environment for cell in plan.cells}
        assert len(environments) == 3 * 3 * 8
        assert len(plan.cells) == 7 * len(environments)
    if name == "consolidation":
        most = max(len(cell.nominal_system.partitions) for cell in plan.cells)
        assert most == 64


# Planned once more


@pytest.mark.parametrize("name", ["mine.py", "shopsteps.py"])
def test_changed_code_of_the_user_is_refused_and_not_executed(name, tmp_path):
    source = write_layout(tmp_path, LAYOUTS["sibling"])
    with Store.start(tmp_path / "out", make_plan(source).record()) as store:
        assert replan(store, tmp_path / "out").record().identity == store.campaign.identity
        before = (tmp_path / name).read_text()
        (tmp_path / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n{before}")
        with pytest.raises(UserError, match=rf"imports {name}, which has changed") as caught:
            replan(store, tmp_path / "out")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "ran").exists()
        (tmp_path / name).write_text(before)
        replan(store, tmp_path / "out")


def test_another_model_is_refused_before_anything_is_executed(tmp_path, monkeypatch):
    source = write_layout(tmp_path, LAYOUTS["sibling"])
    with Store.start(tmp_path / "out", make_plan(source).record()) as store:
        monkeypatch.setattr("harness.campaign.plan.model_digest", lambda **_: "another")
        (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
        with pytest.raises(UserError, match="the model is another version"):
            replan(store, tmp_path / "out")
        assert not (tmp_path / "ran").exists()
