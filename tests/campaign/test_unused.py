"""What has no effect is refused, or noted when the campaign is planned."""

import pytest

from harness.campaign.plan import make_plan
from harness.campaign.reader import SHIPPED, shipped_campaigns
from harness.campaign.unused import unused
from harness.errors import UserError

VIOS = '[[vios]]\nname = "vios1"\n'
SECOND = (
    '[[vios]]\nname = "vios2"\nentitlement = 1.0\nvirtual_processors = 2\n'
    'shared_ethernet = { adapter = "ethernet-1gb", vlans = [10] }\n'
)
CLAIM = '[claim]\nfirmware = ["shared-uncapped", "dedicated"]\nsoftware = ["hosted-uml"]\n'


def refused(path):
    with pytest.raises(UserError) as caught:
        make_plan(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "replications = 2",
            'replications = { minimum = 3, maximum = 3, half_width = "1 %" }',
            "half_width has no effect without a maximum above the minimum",
        ),
        ("count = 2", "count = 2\nlimits = { maximum_cores = 4 }", "limits: have no effect"),
        (
            'virtual_scsi = ["vios1"]\n',
            "queue_depth = 3\n",
            "partitions.app: queue_depth has no effect without disks",
        ),
        (
            "count = 2",
            'count = 2\nvirtualization = "dedicated"\ncapped = true',
            "partitions.app: capped has no effect with virtualization = 'dedicated'",
        ),
        (
            "entitlement = 1.0",
            'entitlement = 1.0\nprocessors = "dedicated"\nweight = 3',
            "vios.vios1: weight has no effect with processors = 'dedicated'",
        ),
        (
            "entitlement = 1.0",
            "entitlement = 1.0\ncapped = true\nweight = 3",
            "vios.vios1: weight has no effect with capped = true",
        ),
        ("vlans = [10]", "vlans = [10, 10]", "vlans: names a value twice"),
        ("{ vlan = 10 }", "{ vlan = 10, tagged_vlans = [10] }", "VLAN 10 is the port's own"),
        (
            'software = ["hosted-uml"]',
            'software = ["hosted-uml", "hosted-uml"]',
            "names a value twice",
        ),
        (
            "{ vlan = 10 }",
            "{ vlan = 99 }",
            "partitions.app.virtual_ethernet: no VIOS bridges VLAN 99 (bridged: 10)",
        ),
        (
            'count = 2\nshare = "25 %"\nvirtual_processors = "2 per core"\n'
            'virtual_scsi = ["vios1"]\nvirtual_ethernet = { vlan = 10 }',
            "cores = 2\nvirtual_ethernet = [{ vlan = 10 }, { vlan = 20 }]",
            "no VIOS bridges VLAN 20 (bridged: 10) and no other partition is on it",
        ),
        (VIOS, SECOND + VIOS, "vios.vios1.shared_ethernet.vlans: vios2 bridges VLAN 10 too"),
    ],
)
def test_what_has_no_effect_in_the_matrix_is_refused(write, old, new, told):
    assert told in refused(write((old, new)))


def test_weights_of_capped_partitions_count_where_they_are_guests(write):
    capped = ("count = 2", "count = 2\ncapped = true\nweight = 3")
    make_plan(str(write(capped)))
    alone = write(capped, (CLAIM, ""), (', "hosted-uml"]\nworkload', "]\nworkload"))
    assert "partitions.app.weight = 3: has no effect with capped = true" in refused(alone)


def test_repeating_until_an_interval_is_narrow_needs_a_claim(write):
    repeated = ("replications = 2", 'replications = { maximum = 20, half_width = "1 %" }')
    make_plan(str(write(repeated)))
    told = refused(write(repeated, (CLAIM, "")))
    assert told.startswith("campaign.replications.maximum = 20: has no effect without a [claim]")


def test_a_standby_may_bridge_the_same_vlan(write):
    path = write(
        (VIOS, SECOND + "standby = 'vios1'\n" + VIOS), ('share = "25 %"', 'share = "12.5 %"')
    )
    assert make_plan(str(path)).cells


def test_a_network_between_partitions_needs_no_bridge(write):
    path = write(("{ vlan = 10 }", "[{ vlan = 10 }, { vlan = 20 }]"))
    assert make_plan(str(path)).cells


def test_tables_that_nothing_uses_are_noted(write):
    text = (
        "[workloads.spare]\nuser = 'workloads/cpu.py:IntegerCompute'\n[machines.spare]\ncores = 4\n"
    )
    path = write(
        ("[workloads.mine]", text + "[workloads.mine]"), ("vlans = [10]", "vlans = [10, 11]")
    )
    assert unused(make_plan(str(path)).campaign) == [
        "workloads.spare: nothing in the file uses it",
        "machines.spare: nothing in the file uses it",
        "vios.vios1.shared_ethernet: no partition is on VLAN 11",
    ]
    path = write(('virtual_scsi = ["vios1"]\n', ""))
    assert unused(make_plan(str(path)).campaign) == [
        "vios.vios1.backing: no partition has a virtual disk of it"
    ]


def test_shipped_campaigns_use_what_they_define():
    notes = {name: unused(make_plan(name).campaign) for name in shipped_campaigns()}
    # The scenario shows that these reach nobody.
    vlan = notes.pop("vlan")
    assert [note.partition(":")[0] for note in vlan] == [
        "scenario.vlan-membership.partitions.trunk.virtual_ethernet",
        "scenario.vlan-membership.partitions.forty.virtual_ethernet",
    ]
    assert not any(notes.values())


@pytest.mark.parametrize(
    ("expectation", "told"),
    [
        (
            'metric = "requests"\nat_most = 1\ntolerance = 1',
            "has no effect without a number that equals",
        ),
        (
            'metric = "requests"\nat_least = 1\ntolerance = "5 %"',
            "has no effect without a number that equals",
        ),
        (
            'metric = "status"\nstep = "s"\nequals = "done"\ntolerance = 1',
            "has no effect without a number that equals",
        ),
        ('metric = "requests"\nequals = 1\ntimes = 2', "times = 2.0: is a factor on a constant"),
        (
            'metric = "lasted"\nstep = "s"\nat_most = "1 s"\nof = "app1"',
            "of has no effect with metric",
        ),
        (
            'metric = "lasted"\nstep = "s"\nat_most = "1 s"\neach = true',
            "each has no effect with",
        ),
        (
            'metric = "lasted"\nstep = "s"\nat_most = "1 s"\nbetween = ["0 s", "1 s"]',
            "between has no effect",
        ),
        (
            'metric = "status"\nstep = "s"\nequals = "done"\nto = { of = "app1" }',
            "to has no effect",
        ),
        (
            'metric = "requests"\nat_most = 1\nstatistic = "last"',
            "statistic has no effect with metric",
        ),
        (
            'metric = "physc"\nat_most = 1\nto = {}',
            "needs one of metric, of, group, key and between",
        ),
        ('metric = "physc"\nat_most = 1\nto = { group = "a" }', "'physc' has no groups"),
        ('metric = "physc"\nat_most = 1\nto = { key = "user" }', "key = 'user': goes with metric"),
        ('metric = "physc"\nat_most = 1\nkey = "user"', "goes with 'result' and 'bill'"),
        ('metric = "processor-time"\nat_most = "1 s"\nkey = "use"', "did you mean 'user'?"),
        (
            'metric = "physc"\nat_most = 1\neach = true\nover_runs = "mean"',
            "has each and over_runs",
        ),
        (
            'metric = "physc"\nat_most = 1\nto = { metric = "lasted" }',
            "cannot be put in relation to",
        ),
        ('metric = "requests"\nof = ["app1", "app1"]\nat_most = 1', "names a value twice"),
    ],
)
def test_keys_of_an_expectation_without_effect_are_refused(tmp_path, expectation, told):
    step = 'at = "100 ms"\nname = "s"\nreach = { from = "app1", to = "app2" }'
    assert told in refused(scenario(tmp_path, step, expectation))


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (
            'dlpar = { move = "cores", amount = 1, to = "app1", weight = 3 }',
            "weight has no effect",
        ),
        (
            'dlpar = { move = "cores", amount = 1, to = "app1", capped = true }',
            "capped has no effect",
        ),
        (
            'dlpar = { move = "memory", amount = "1 GiB", to = "app1", virtual_processors = 1 }',
            "virtual_processors has no effect with move = 'memory'",
        ),
        (
            'dlpar = { move = "cores", amount = 1, to = "app1", device = "x" }',
            "device has no effect",
        ),
        (
            'dlpar = { change = "app1", weight = 3, amount = 1 }',
            "amount has no effect with change",
        ),
        (
            'dlpar = { change = "app1", weight = 3, from = "app2" }',
            "from has no effect with change",
        ),
        (
            'fleet = { maintain = "here", duration = "1 s", sampling = "1 s" }',
            "sampling has no effect",
        ),
        (
            'fleet = { balance = ["here"], return_after = "1 s" }',
            "return_after has no effect without consolidate",
        ),
        ('fleet = { balance = ["here", "here"] }', "names a value twice"),
        ("fleet = { balance = [] }", "must not be empty"),
        ('fault = { panic = "app1", repair = "1 s" }', "repair has no effect without adapter"),
    ],
)
def test_keys_of_an_action_without_effect_are_refused(tmp_path, action, told):
    step = f'at = "100 ms"\nname = "s"\n{action}'
    assert told in refused(scenario(tmp_path, step, 'metric = "requests"\nat_least = 0'))


def test_a_scenario_has_no_warm_up(tmp_path):
    step = 'at = "100 ms"\nreach = { from = "app1", to = "app2" }'
    path = scenario(tmp_path, step, 'metric = "requests"\nat_least = 0')
    assert make_plan(str(path)).cells
    path.write_text(path.read_text().replace('name = "c"', 'name = "c"\nwarm_up = "1 s"'))
    assert "campaign.warm_up: has no effect" in refused(path)


def scenario(folder, step, expectation):
    path = folder / "c.toml"
    path.write_text(f"""
[campaign]
name = "c"
duration = "1 s"
[[scenario]]
name = "one"
title = "t"
element = "dlpar"
machine = "p5-570"
os = "aix-5.3"
workload = "integer"
duration = "1 s"
[[scenario.partitions]]
name = "app"
count = 2
entitlement = 1.0
virtual_ethernet = {{ vlan = 1 }}
[[scenario.step]]
{step}
[[scenario.expect]]
name = "x"
source = "x"
{expectation}
""")
    return path


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'name = "real"',
            'name = "real"\ncatalog = ["a.toml"]',
            "campaign.catalog: costs of a real",
        ),
        ("[factors]", '[factors]\n"partitions.target.cores" = [1, 2]', "only a modelled machine"),
        (
            'users = 1\ndemand = { processor = "10 ms" }',
            'disk = 1\ndemand = { processor = "10 ms" }',
            "one disk, 0",
        ),
    ],
)
def test_what_a_real_machine_does_not_have_is_refused(tmp_path, old, new, told):
    text = (SHIPPED / "real.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = tmp_path / "c.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert told in refused(path)
