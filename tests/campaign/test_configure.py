from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.campaign.configure import MIXED, Context, configure, label
from harness.campaign.hypervisor_limits import Infeasible
from harness.campaign.reader import SHIPPED
from harness.campaign.schema.campaign import Campaign
from harness.campaign.workload import resolve_workload
from harness.catalog import load_catalog
from harness.errors import UserError
from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    Virtualization,
)

CATALOG = load_catalog()
CONSTANTS = CATALOG.nominal()


def context(*partitions, vios=(), workloads=None, machines=None) -> Context:
    campaign = Campaign.model_validate(
        {
            "campaign": {"name": "c", "duration": "1 s"},
            "factors": {"machine": ["p5-550"], "virtualization": ["full-system"]},
            "partitions": [{"name": "app", **partition} for partition in partitions],
            "vios": list(vios),
            "workloads": workloads or {},
            "machines": machines or {},
        }
    )
    resolved = {
        name: resolve_workload(name, campaign, CATALOG, "c.toml", SHIPPED)
        for name in ("integer", "vscsi-random", "carrier-mix", *campaign.workloads)
    }
    return Context(campaign, CATALOG, CONSTANTS, resolved, "c.toml")


VIOS = {
    "name": "vios1",
    "share": "25 %",
    "backing": {"disk": "ds4400-raid0-5", "as": "logical-volume"},
    "shared_ethernet": {"adapter": "ethernet-1gb", "mtu": 9000, "threaded": False, "vlans": [10]},
}
APP = {
    "count": 3,
    "share": "25 %",
    "virtual_processors": "2 per core",
    "weight": 200,
    "virtual_scsi": ["vios1"],
    "virtual_ethernet": {"vlan": 10, "mtu": 65390},
    "queue_depth": 7,
}
DISK = DiskConfiguration("ds4400-raid0-5", queue_depth=7)
ADAPTER = EthernetConfiguration("ethernet-1gb", 9000, "vios1")


def disk(number: int, bus: str = "vios1", **more: str) -> DiskConfiguration:
    """A disk of those that a VIOS serves, over the two host adapters that it has by default."""
    return replace(DISK, bus=bus, adapter=number % 2, **more)


def cell(virtualization: str, *partitions, **more):
    chosen = partitions or (APP,)
    given = {"vios": [VIOS], **more}
    return configure(context(*chosen, **given), "p5-550", "sles-9", virtualization, "integer")


def test_the_baseline_is_one_partition_that_has_everything_and_does_all_the_work():
    system = cell("full-system")
    assert system.vios == ()
    (only,) = system.partitions
    assert (only.name, only.os) == ("system", "sles-9")
    assert only.virtualization is Virtualization.FULL_SYSTEM
    assert (only.entitlement_cores, only.virtual_processors) == (8.0, 8)
    assert only.memory_bytes == 64 * 2**30
    assert only.disks == tuple(map(disk, range(3)))
    assert only.ethernet == (ADAPTER,)
    assert only.virtual_ethernet == ()
    assert [group.name for group in only.groups] == [f"app{n}/integer" for n in (1, 2, 3)]
    assert [group.disk for group in only.groups] == [0, 1, 2]


@pytest.mark.parametrize(
    ("virtualization", "vios"),
    [
        ("shared-capped", "shared-capped"),
        ("shared-uncapped", "shared-uncapped"),
        ("dedicated", "dedicated"),
    ],
)
def test_logical_partitions_get_their_share_and_their_vios(virtualization, vios):
    system = cell(virtualization)
    assert [partition.name for partition in system.partitions] == ["app1", "app2", "app3"]
    for number, partition in enumerate(system.partitions):
        assert partition.virtualization == virtualization
        assert partition.entitlement_cores == 2.0
        assert partition.virtual_processors == (2 if virtualization == "dedicated" else 4)
        assert partition.weight == 200
        assert partition.memory_bytes == 16 * 2**30
        assert partition.disks == (disk(number, vios="vios1", backing="logical-volume"),)
        assert partition.ethernet == ()
        (adapter,) = partition.virtual_ethernet
        assert (adapter.vlan, adapter.mtu_bytes) == (10, 65390)
    (server,) = system.vios
    assert server.virtualization == vios
    assert (server.entitlement_cores, server.virtual_processors) == (2.0, 2)
    assert server.shared_ethernet is not None
    assert server.shared_ethernet.adapter == ADAPTER
    assert server.shared_ethernet.threaded is False


def test_physical_partitions_have_devices_of_their_own():
    system = cell("physical")
    assert system.vios == ()
    for partition in system.partitions:
        assert (partition.entitlement_cores, partition.virtual_processors) == (2.0, 2)
        bus = f"{partition.name}/vios1"
        assert partition.disks == (disk(0, bus),)
        assert partition.ethernet == (replace(ADAPTER, bus=bus),)
        assert partition.virtual_ethernet == ()


def test_guests_have_emulated_devices_and_the_flavour():
    system = cell("hosted-vmware")
    assert (system.virtualization, system.flavour) == (Virtualization.HOSTED, "vmware")
    assert system.vios == ()
    for number, partition in enumerate(system.partitions):
        assert partition.virtualization is Virtualization.HOSTED
        assert (partition.entitlement_cores, partition.virtual_processors) == (4.0, 4)
        assert partition.disks == (disk(number),)
        assert partition.ethernet == (ADAPTER,)
        assert [adapter.vlan for adapter in partition.virtual_ethernet] == [10]


@pytest.mark.parametrize(
    ("virtualization", "expected"),
    [
        ("full-system", ["vios1/hdisk0", "vios1/hdisk1", "vios1/hdisk0"]),
        ("shared-uncapped", ["vios1/hdisk0", "vios1/hdisk1", "vios1/hdisk0"]),
        ("hosted-uml", ["vios1/hdisk0", "vios1/hdisk1", "vios1/hdisk0"]),
        ("physical", [f"app{number}/vios1/hdisk0" for number in (1, 2, 3)]),
    ],
)
def test_logical_volumes_are_on_the_devices_in_turn(virtualization, expected):
    backing = {**VIOS["backing"], "devices": 2}
    system = cell(virtualization, vios=[{**VIOS, "backing": backing, "disk_adapters": 1}])
    disks = [disk for partition in system.partitions for disk in partition.disks]
    assert [disk.shared for disk in disks] == expected
    assert {disk.adapter for disk in disks} == {0}


EVERY = (
    "full-system",
    "physical",
    "dedicated",
    "shared-capped",
    "shared-uncapped",
    "hosted-vmware",
    "hosted-uml",
)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 3),
    cores=st.integers(1, 2),
    users=st.sampled_from([5, "3 per core", "0.4 per core"]),
    open_arrivals=st.booleans(),
)
def test_every_virtualization_gets_the_same_work_and_the_same_disks(
    count, cores, users, open_arrivals
):
    group = {"arrivals": f"{users} /s".replace(" per core /s", " /s per core")}
    if not open_arrivals:
        group = {"users": users, "think_time": "3 ms"}
    mine = {"user": "workloads/cpu.py:IntegerCompute", "demand": {"processor": "1 ms"}, **group}
    made = context(
        {**APP, "count": count, "share": None, "cores": cores},
        vios=[VIOS],
        workloads={"mine": mine},
    )
    systems = [configure(made, "p5-550", "aix-5.3", name, "mine") for name in EVERY]
    work = [
        sorted(
            (
                group.name if "/" in group.name else f"{partition.name}/{group.name}",
                group.users,
                group.arrivals_per_second,
                group.think_time_seconds,
            )
            for partition in system.partitions
            for group in partition.groups
        )
        for system in systems
    ]
    assert all(each == work[0] for each in work)
    assert len(work[0]) == count
    disks = [
        sorted(disk.device for partition in system.partitions for disk in partition.disks)
        for system in systems
    ]
    assert all(each == disks[0] for each in disks)


def test_a_share_is_rounded_down_to_the_step_and_cores_scale_users():
    system = cell(
        "shared-uncapped",
        {"share": "33.3 %", "virtual_scsi": ["vios1"], "workload": "mine"},
        workloads={
            "mine": {
                "user": "workloads/cpu.py:IntegerCompute",
                "users": "3 per core",
                "demand": {"processor": "1 ms"},
            }
        },
    )
    (partition,) = system.partitions
    assert partition.entitlement_cores == 2.66
    assert partition.virtual_processors == 3
    assert partition.groups[0].users == 8


@pytest.mark.parametrize("virtualization", ["dedicated", "physical"])
def test_a_share_that_gives_no_whole_cores_is_infeasible_where_cores_are_not_shared(virtualization):
    table = {"name": "app", "entitlement": 1.5, "virtual_ethernet": {"vlan": 10}}
    with pytest.raises(Infeasible, match=r"app would have 1\.5 cores, not whole ones"):
        cell(virtualization, table)
    assert cell("shared-capped", table).partitions[0].entitlement_cores == 1.5


def test_physical_partitions_without_a_wire_are_infeasible():
    with pytest.raises(Infeasible, match="no VIOS bridges its VLAN"):
        cell("physical", {**APP, "virtual_ethernet": {"vlan": 99}})
    own = {**APP, "virtual_ethernet": {"vlan": 99}, "adapters": [{"device": "ethernet-10gb"}]}
    (first, *_) = cell("physical", own).partitions
    assert first.ethernet == (EthernetConfiguration("ethernet-10gb", 1500),)


def test_partitions_may_differ_from_the_factor():
    system = cell(
        "shared-uncapped",
        {"name": "db", "cores": 2, "virtualization": "dedicated", "workload": "idle"},
        {"name": "web", "entitlement": 0.5, "capped": True, "os": "aix-5.3"},
        {"name": "batch", "entitlement": 0.5},
    )
    kinds = {p.name: (p.virtualization, p.os, len(p.groups)) for p in system.partitions}
    assert kinds == {
        "db": ("dedicated", "sles-9", 0),
        "web": ("shared-capped", "aix-5.3", 1),
        "batch": ("shared-uncapped", "sles-9", 1),
    }
    with pytest.raises(Infeasible, match=r"one operating system, not aix-5\.3 and sles-9"):
        cell("full-system", {"name": "a", "cores": 1, "os": "aix-5.3"}, {"name": "b", "cores": 1})


@pytest.mark.parametrize(
    ("processors", "capped", "factor", "kind"),
    [
        ("as-partitions", None, "dedicated", "dedicated"),
        ("as-partitions", True, "shared-uncapped", "shared-capped"),
        ("as-partitions", False, "shared-capped", "shared-uncapped"),
        ("dedicated", None, "shared-capped", "dedicated"),
        ("shared", None, "dedicated", "shared-uncapped"),
        ("shared", True, "dedicated", "shared-capped"),
    ],
)
def test_a_vios_may_differ_from_the_partitions(processors, capped, factor, kind):
    own = {**VIOS, "processors": processors, "capped": capped}
    assert cell(factor, vios=[own]).vios[0].virtualization == kind


def test_memory_left_out_comes_in_proportion_and_explicit_memory_comes_first():
    system = cell(
        "shared-uncapped",
        {**APP, "count": 1, "memory": "40 GiB", "name": "big"},
        {**APP, "count": 1, "name": "small"},
    )
    big, small = system.partitions
    assert big.memory_bytes == 40 * 2**30
    assert small.memory_bytes == 12 * 2**30
    assert system.vios[0].memory_bytes == 12 * 2**30


def test_a_profile_with_several_groups_keeps_them_apart():
    system = configure(
        context(APP, vios=[VIOS]), "p5-550", "sles-9", "shared-capped", "carrier-mix"
    )
    names = [group.name for group in system.partitions[0].groups]
    assert len(names) == len(set(names)) == 3


def test_what_an_operating_system_lacks_is_refused():
    lacking = load_catalog(
        overrides={
            "os": {
                "sles-9": {
                    "micro_partitioning": {"value": False, "source": "test", "status": "verified"}
                }
            }
        }
    )
    base = context(APP, vios=[VIOS])
    changed = Context(base.campaign, lacking, lacking.nominal(), base.workloads, "c.toml")
    with pytest.raises(UserError) as caught:
        configure(changed, "p5-550", "sles-9", "shared-capped", "integer")
    assert str(caught.value) == (
        "c.toml: partitions.app: sles-9 does not support micro-partitioning, which shared-capped "
        "needs"
    )
    configure(changed, "p5-550", "sles-9", "dedicated", "integer")


def test_labels():
    assert label([None, None], "aix-5.3") == "aix-5.3"
    assert label(["sles-9", "sles-9"], None) == "sles-9"
    assert label([None, "sles-9"], "aix-5.3") == MIXED
