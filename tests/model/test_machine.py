"""Whole machines: conservation above all."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import (
    CAPPED,
    DEDICATED,
    DISK,
    FULL_SYSTEM,
    HOSTED,
    MS,
    NO_TICKS,
    PHYSICAL,
    REFERENCE_HZ,
    SEA,
    UNCAPPED,
    US,
    VLAN,
    WIRE,
    build,
    constants,
    driven,
    group,
    partition,
    server,
    system,
    total,
    with_groups,
)

from harness.model.config import DiskConfiguration, SystemConfiguration, UserGroup

OPERATING_SYSTEMS = ("aix-5.3", "sles-9", "rhel-as-3")

computing = group("workloads/cpu.py:IntegerCompute", 3, name="cpu", processor=0.003, variation=1.0)
trading = group(
    "workloads/cpu.py:CommercialTransaction",
    name="commerce",
    arrivals=150.0,
    processor=0.002,
    calls=40.0,
    forks=0.1,
    page_faults=9.0,
)
seeking = group("workloads/disk.py:RandomTransfers", 5, name="disk", size=8192, reads=0.7)
streaming = group(
    "workloads/disk.py:SequentialTransfers", 2, name="sequence", size=131072, processor=1e-4
)
sending = group("workloads/network.py:Streaming", 1, name="send", size=1_000_000, to="outside")
receiving = group("workloads/network.py:Receiving", 1, name="receive", size=300_000, to="outside")
asking = group(
    "workloads/network.py:RequestResponse", 2, name="ask", request=64, response=1024, to="outside"
)
relaying = group(
    "workloads/carrier.py:MessageRelay", 1, name="relay", request=256, response=256, to="next"
)
GROUPS = (computing, trading, seeking, streaming, sending, receiving, asking, relaying)


@st.composite
def mixes(draw: st.DrawFn) -> tuple[UserGroup, ...]:
    """One to four kinds of users, some of whom think."""
    chosen = draw(
        st.lists(st.sampled_from(GROUPS), min_size=1, max_size=4, unique_by=lambda g: g.name)
    )
    think = draw(st.sampled_from([0.0, 0.004]))
    return tuple(
        replace(each, think_time_seconds=think) if each.arrivals_per_second is None else each
        for each in chosen
    )


def hundredths(total_cores: int, parts: list[int]) -> list[int]:
    """Divide processors in hundredths among parts, in proportion, with at least 10 for each."""
    free = 100 * total_cores - 10 * len(parts)
    return [10 + free * part // sum(parts) for part in parts]


@st.composite
def full_systems(draw: st.DrawFn) -> SystemConfiguration:
    cores = draw(st.integers(1, 4))
    whole = partition("system", cores, virtualization=FULL_SYSTEM, disks=1, ethernet=WIRE)
    whole = replace(whole, os=draw(st.sampled_from(OPERATING_SYSTEMS)), groups=draw(mixes()))
    return system(whole, cores=cores)


@st.composite
def divided_systems(draw: st.DrawFn) -> SystemConfiguration:
    """Physical or dedicated partitions; in the latter case with a dedicated VIOS."""
    virtualization = draw(st.sampled_from([PHYSICAL, DEDICATED]))
    sizes = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
    own = virtualization is PHYSICAL
    parts = tuple(
        partition(
            f"app{index}",
            size,
            virtualization=virtualization,
            os=draw(st.sampled_from(OPERATING_SYSTEMS)),
            disks=1,
            vios=None if own else "vios1",
            ethernet=WIRE if own else (),
            virtual_ethernet=() if own else VLAN,
            groups=draw(mixes()),
        )
        for index, size in enumerate(sizes, start=1)
    )
    vios = () if own else (server(shared_ethernet=SEA),)
    spare = draw(st.integers(0, 1))
    return system(*parts, cores=sum(sizes) + len(vios) + spare, vios=vios)


@st.composite
def shared_systems(draw: st.DrawFn) -> SystemConfiguration:
    """Micro-partitions, sometimes beside dedicated ones, with a VIOS of either kind."""
    pool = draw(st.integers(1, 3))
    own = draw(st.integers(0, 1))
    vios_shares = draw(st.booleans())
    weights = draw(st.lists(st.integers(1, 10), min_size=1 + vios_shares, max_size=5))
    shares = hundredths(pool, weights)
    parts = [
        partition(
            f"app{index}",
            share / 100,
            draw(st.integers(-(-share // 100), max(-(-share // 100), min(4, share // 10)))),
            draw(st.sampled_from([CAPPED, UNCAPPED])),
            os=draw(st.sampled_from(OPERATING_SYSTEMS)),
            weight=draw(st.sampled_from([0, 1, 128, 255])),
            disks=1,
            vios="vios1",
            virtual_ethernet=VLAN,
            groups=draw(mixes()),
        )
        for index, share in enumerate(shares[vios_shares:], start=1)
    ]
    if own:
        parts.append(
            partition("own", 1, disks=1, vios="vios1", virtual_ethernet=VLAN, groups=draw(mixes()))
        )
    if vios_shares:
        vps = -(-shares[0] // 100)
        vios = server("vios1", shares[0] / 100, vps, UNCAPPED, shared_ethernet=SEA)
    else:
        vios = server(shared_ethernet=SEA)
    cores = pool + own + (not vios_shares)
    return system(*parts, cores=cores, vios=(vios,), virtualization=UNCAPPED)


@st.composite
def hosted_systems(draw: st.DrawFn) -> SystemConfiguration:
    guests = draw(st.lists(st.integers(1, 2), min_size=1, max_size=4))
    parts = tuple(
        partition(
            f"guest{index}",
            vps,
            virtualization=HOSTED,
            os=draw(st.sampled_from(OPERATING_SYSTEMS)),
            disks=1,
            ethernet=WIRE,
            groups=draw(mixes()),
        )
        for index, vps in enumerate(guests, start=1)
    )
    flavour = draw(st.sampled_from(["vmware", "uml", "xen-3", "esx-3"]))
    return system(*parts, cores=draw(st.integers(1, 3)), flavour=flavour)


any_system = st.one_of(full_systems(), divided_systems(), shared_systems(), hosted_systems())

BORROWED_NS = 200 * US
"""More than all costs of one dispatch, which are booked when it begins."""


@settings(max_examples=200)
@given(any_system, st.lists(st.integers(0, 40 * MS), min_size=1, max_size=30), st.integers(0, 9))
def test_processors_times_time_is_the_sum_of_all_accounts(configuration, moments, seed):
    machine = build(configuration)
    clock = machine.clock
    failures: list[str] = []

    def check(*_: object) -> None:
        expected = len(machine.processors) * clock.now_ns
        if total(machine) != expected:
            failures.append(f"at {clock.now_ns}: {total(machine)}, not {expected}")

    with driven(machine, seed):
        for moment in moments:
            clock.call_in(moment, check)
        for end in (13 * MS + 1, 41 * MS):
            clock.run_until(end)
            check()
    assert not failures


@settings(max_examples=40)
@given(any_system, st.lists(st.integers(1, 40 * MS), min_size=2, max_size=20))
def test_no_account_runs_backwards(configuration, moments):
    machine = build(configuration)
    before, idle_before = machine.balance()
    with driven(machine):
        for moment in sorted(moments):
            machine.clock.run_until(moment)
            after, idle_after = machine.balance()
            assert idle_after >= idle_before - BORROWED_NS * len(machine.processors)
            assert idle_after >= -BORROWED_NS * len(machine.processors)
            for owner, causes in after.items():
                for cause, ns in causes.items():
                    assert ns >= -BORROWED_NS
                    assert ns >= before[owner][cause] - BORROWED_NS
            before, idle_before = after, idle_after


@settings(max_examples=40)
@given(any_system, st.integers(1, 40 * MS))
def test_nobody_is_dispatched_beyond_its_virtual_processors(configuration, moment):
    machine = build(configuration)
    with driven(machine):
        machine.clock.run_until(moment)
        for dispatcher in machine.dispatchers:
            held = [p.vp for p in dispatcher.processors if p.vp is not None]
            assert len(set(map(id, held))) == len(held)
            for each in dispatcher.partitions:
                for vp in each.vps:
                    dispatcher.count(vp, moment) if vp.processor is not None else None
                assert each.dispatched_ns <= len(each.vps) * moment


@settings(max_examples=30)
@given(any_system)
def test_what_is_charged_to_a_partition_without_work_is_its_ticks_and_their_dispatching(
    configuration,
):
    machine = build(with_groups(configuration))
    with driven(machine):
        machine.clock.run_until(50 * MS)
    accounts, _ = machine.balance()
    for account in accounts.values():
        for cause in ("user", "os", "vios", "switch", "copy"):
            assert account[cause] == 0


def test_cores_that_nobody_owns_are_idle():
    machine = build(system(partition("app", 1, groups=(computing,)), cores=4), NO_TICKS)
    with driven(machine):
        machine.clock.run_until(20 * MS)
    _, idle_ns = machine.balance()
    assert idle_ns >= 3 * 20 * MS


def test_every_partition_gets_the_cores_that_its_configuration_says():
    machine = build(
        system(
            partition("one", 1),
            partition("two", 2),
            partition("micro", 1.5, 3, UNCAPPED),
            cores=6,
            vios=(server("vios1", 1),),
        )
    )
    owned = {
        each.name: {p.index for p in dispatcher.processors}
        for dispatcher in machine.dispatchers
        for each in dispatcher.partitions
    }
    assert {name: len(indices) for name, indices in owned.items()} == {
        "one": 1,
        "two": 2,
        "micro": 2,
        "vios1": 1,
    }
    assert set().union(*owned.values()) == set(range(6))


def test_entitlement_is_divided_evenly_among_virtual_processors():
    machine = build(system(partition("micro", 1.5, 4, CAPPED), cores=2))
    for vp in machine.partitions["micro"].partition.vps:
        assert vp.entitlement_ns == 3_750_000


@pytest.mark.parametrize("weight", [0, 1, 128, 255])
def test_a_capped_partition_has_no_weight(weight):
    parts = [
        partition("capped", 0.5, 1, CAPPED, weight=weight),
        partition("uncapped", 0.5, 1, UNCAPPED, weight=weight),
    ]
    machine = build(system(*parts, cores=1, virtualization=UNCAPPED))
    assert machine.partitions["capped"].partition.weight == 0
    assert machine.partitions["uncapped"].partition.weight == weight


def test_every_disk_and_every_wire_has_a_name_of_its_own():
    several = replace(
        partition("system", 2, virtualization=FULL_SYSTEM, ethernet=WIRE),
        disks=(
            DiskConfiguration(DISK),
            DiskConfiguration(DISK),
            DiskConfiguration("internal-scsi"),
        ),
    )
    machine = build(system(several, cores=2))
    names = [disk.name for disk in machine.disks]
    assert len(set(names)) == len(names) == 3
    assert len({wire.name for wire in machine.network.wires}) == len(machine.network.wires)


@pytest.mark.parametrize("clock_hz", [1.5e9, REFERENCE_HZ, 1.9e9, 4.7e9])
def test_a_faster_clock_shortens_all_work_alike(clock_hz):
    machine = build(system(partition("app", 1), cores=1, clock_hz=clock_hz), NO_TICKS)
    machine.partitions["app"].compute(0.01, {"calls": 100.0}, lambda: None)
    machine.clock.run_until(50 * MS)
    accounts, _ = machine.balance()
    assert accounts["app"]["user"] == pytest.approx(10 * MS * REFERENCE_HZ / clock_hz, abs=1)
    cycles = 100 * constants().number("events.native.calls")
    assert accounts["app"]["os"] == pytest.approx(cycles / clock_hz * 1e9, abs=1)


# Clocks of operating systems


@pytest.mark.parametrize(
    ("device", "vios", "depth"),
    [("ds4400-raid0-5", None, 10), ("internal-scsi", None, 3), ("ds4400-raid0-5", "vios1", 3)],
)
def test_fibre_channel_disks_have_a_queue_of_their_own(device, vios, depth) -> None:
    disks = (DiskConfiguration(device, vios),)
    app = replace(partition("app", 1.0, 1, DEDICATED), disks=disks)
    servers = (server("vios1", 1.0, 1, DEDICATED),) if vios else ()
    machine = build(system(app, cores=1 + len(servers), vios=servers))
    assert machine.partitions["app"].paths[0].queue_depth == depth
