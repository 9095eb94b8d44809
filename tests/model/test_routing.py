"""Which way messages take, and who pays for what on the way."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import (
    ETHERNET,
    HOSTED,
    LAN,
    NO_LARGE_SEND,
    NOMINAL,
    NS_PER_CYCLE,
    OUTSIDE,
    PHYSICAL,
    UNCAPPED,
    WIRE,
    bridged,
    partition,
    repeat,
    running,
    server,
    spent,
    system,
    two_partitions,
    wired,
)

from harness.model.config import (
    EthernetConfiguration,
    SharedEthernetConfiguration,
    VirtualEthernetConfiguration,
)
from harness.model.routing import UnreachableError


@pytest.mark.parametrize("make", [wired, bridged])
def test_a_request_from_outside_costs_and_takes_what_one_to_the_outside_does(make):
    """The same messages pass the same stages, in the opposite order."""
    spent_by, took = {}, {}
    for verb in ("exchange", "serve"):
        machine = running(make())
        app = machine.partitions["app"]
        last = OUTSIDE if verb == "exchange" else 0.0
        more = () if verb == "exchange" else (None,)
        call = getattr(app, verb)
        repeat(machine.clock, lambda done, c=call, a=(last, *more): c(64, 64, *a, done), 20)
        spent_by[verb], took[verb] = spent(machine), machine.clock.now_ns
        assert sum(wire.bytes for wire in machine.network.wires) == 20 * 128
    assert spent_by["serve"] == spent_by["exchange"]
    assert took["serve"] == pytest.approx(took["exchange"], rel=1e-3)


VLANS = st.integers(1, 6)
ADAPTERS = st.lists(
    st.builds(
        VirtualEthernetConfiguration,
        VLANS,
        st.lists(VLANS, max_size=3).map(tuple),
        st.sampled_from([1500, 9000, 65390]),
    ),
    max_size=3,
).map(tuple)


@given(ADAPTERS, ADAPTERS)
def test_partitions_reach_each_other_if_and_only_if_they_share_a_virtual_lan(first, second):
    machine = two_partitions(first, second)
    lans = [
        {vlan for adapter in adapters for vlan in (adapter.vlan, *adapter.tagged_vlans)}
        for adapters in (first, second)
    ]
    for name, peer in (("one", "two"), ("two", "one"), ("one", "next")):
        for verb in ("send", "receive", "request", "response"):
            if lans[0] & lans[1]:
                assert machine.network.route(name, verb, peer)
            else:
                with pytest.raises(UnreachableError, match="no virtual LAN"):
                    machine.network.route(name, verb, peer)


@given(ADAPTERS, st.lists(VLANS, min_size=1, max_size=3).map(tuple))
def test_the_outside_is_reached_over_a_virtual_lan_that_a_vios_bridges(adapters, vlans):
    shared = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET), vlans)
    app = partition("app", 1, virtual_ethernet=adapters)
    machine = running(system(app, cores=2, vios=(server(shared_ethernet=shared),)))
    own = {vlan for adapter in adapters for vlan in (adapter.vlan, *adapter.tagged_vlans)}
    if own & set(vlans):
        assert len(machine.network.route("app", "send", OUTSIDE)) == 3
    else:
        with pytest.raises(UnreachableError, match="app has no"):
            machine.network.route("app", "send", OUTSIDE)


def test_a_peer_that_does_not_exist_is_named():
    with pytest.raises(UnreachableError, match=r"'three': no such partition; .* next, one,"):
        two_partitions((), ()).network.route("one", "send", "three")


def test_the_next_of_the_last_partition_is_the_first_and_of_the_only_one_itself():
    lan = (VirtualEthernetConfiguration(1),)
    machine = two_partitions(lan, lan)
    repeat(machine.clock, lambda done: machine.partitions["two"].send(5000, "next", done), 1)
    assert spent(machine, "one")["os"] > 0
    alone = running(wired())
    repeat(alone.clock, lambda done: alone.partitions["app"].send(5000, "next", done), 1)
    assert alone.network.wires[0].bytes == 0
    assert spent(alone)["os"] > 0
    assert spent(alone)["switch"] == 0


def test_the_largest_mtu_in_common_is_the_one_that_is_used():
    jumbo = VirtualEthernetConfiguration(2, (), 65390)
    machine = two_partitions(
        (VirtualEthernetConfiguration(1, (), 1500), jumbo),
        (VirtualEthernetConfiguration(1, (), 9000), replace(jumbo, mtu_bytes=9000)),
    )
    assert machine.network._vlan_mtu("one", "two") == 9000


STREAMED = ("os", "hypervisor", "switch", "vios", "emulation", "world_switch", "host", "copy")
"""Causes whose cost is one of bytes and packets."""


@pytest.mark.parametrize("verb", ["send", "receive"])
@pytest.mark.parametrize("way", ["own adapter", "bridged", "hosted", "virtual", "jumbo"])
def test_the_cost_of_a_stream_does_not_depend_on_its_segments(way, verb):
    found = []
    for segment in (4096.0, 16384.0, 65536.0):
        sizes = {
            "network.segment": segment,
            "network.tcp.window": 262144.0,
            "hosted.host.context_switch": 0.0,
            "hosted.vmware.world_switch": 0.0,
        }
        if way in ("virtual", "jumbo"):
            lan = (VirtualEthernetConfiguration(1, (), 1500 if way == "virtual" else 65390),)
            parts = [partition(name, 1, virtual_ethernet=lan) for name in ("app", "two")]
            machine = running(system(*parts, cores=2), sizes)
            peer = "two"
        else:
            configuration = {
                "own adapter": wired(),
                "bridged": bridged(),
                "hosted": wired(HOSTED),
            }[way]
            machine, peer = running(configuration, sizes), OUTSIDE
        move = getattr(machine.partitions["app"], verb)
        repeat(machine.clock, lambda done, move=move, peer=peer: move(1_000_000, peer, done), 2)
        accounts = machine.balance()[0].values()
        found.append([sum(account[cause] for account in accounts) for cause in STREAMED])
        found[-1].append(sum(int(wire.busy_ns) for wire in machine.network.wires))
    # Each piece is rounded to nanoseconds.
    assert found[0] == pytest.approx(found[1], rel=1e-3, abs=500)
    assert found[2] == pytest.approx(found[1], rel=1e-3, abs=500)


def test_physical_partitions_talk_over_both_of_their_wires():
    parts = [partition(name, 1, virtualization=PHYSICAL, ethernet=WIRE) for name in ("one", "two")]
    machine = running(system(*parts, cores=2))
    repeat(machine.clock, lambda done: machine.partitions["one"].send(10**5, "two", done), 1)
    assert [wire.bytes for wire in machine.network.wires] == [10**5, 10**5]
    assert spent(machine, "one")["os"] > 0
    assert spent(machine, "two")["os"] > 0


def test_micro_partitions_talk_within_the_machine():
    machine = two_partitions(LAN, LAN, UNCAPPED, cores=2)
    (took,) = repeat(
        machine.clock, lambda done: machine.partitions["one"].exchange(64, 64, "two", done), 1
    )
    assert took < NOMINAL.number(f"ethernet.{ETHERNET}.latency") * 1e9 * 10
    assert machine.network.wires == []


@pytest.mark.parametrize("flavour", ["vmware", "uml", "xen-3", "esx-3"])
@pytest.mark.parametrize("verb", ["send", "receive"])
def test_an_emulated_adapter_costs_what_the_constants_say_for_each_packet(flavour, verb):
    app = partition("app", 1, virtualization=HOSTED, ethernet=WIRE)
    machine = running(system(app, cores=1, flavour=flavour))
    guest = machine.partitions["app"]
    segments = 20
    repeat(machine.clock, lambda done: getattr(guest, verb)(16384 * segments, OUTSIDE, done), 1)
    packets, dispatches = segments * 16384 / 1460, guest.partition.dispatches

    def number(name: str) -> float:
        return NOMINAL.number(f"hosted.{flavour}.{name}")

    if verb == "send":
        switches = number("packet.world_switches")
        emulation = (
            number("packet.monitor")
            + number("emulate_transmit")
            + number("packet.status_accesses") * number("status_register")
        )
        host = number("transmit")
    else:
        switches = number("packet.receive_world_switches")
        emulation = number("packet.receive_monitor")
        host = number("receive")
    host = packets * (host + number("packet.host_interrupts"))
    host += dispatches * NOMINAL.number("hosted.host.context_switch")
    expected = {
        "world_switch": (packets * switches + dispatches) * number("world_switch"),
        "emulation": packets * emulation,
        "host": host,
        "copy": 16384 * segments * number("copy_cycles_per_byte"),
    }
    for cause, cycles in expected.items():
        assert spent(machine)[cause] == pytest.approx(cycles * NS_PER_CYCLE, rel=0.001), cause
    # The guest's own stack costs what it costs natively: an emulated adapter has no large send.
    native = running(wired(), NO_LARGE_SEND)
    repeat(
        native.clock,
        lambda done: getattr(native.partitions["app"], verb)(16384 * segments, OUTSIDE, done),
        1,
    )
    assert spent(machine)["os"] == spent(native)["os"]


def test_all_guests_share_the_hosts_wire():
    parts = [partition(n, 1, virtualization=HOSTED, ethernet=WIRE) for n in ("one", "two")]
    machine = running(system(*parts, cores=2, flavour="vmware"))
    (wire,) = machine.network.wires
    for name in ("one", "two"):
        repeat(
            machine.clock, lambda done, n=name: machine.partitions[n].send(5000, OUTSIDE, done), 1
        )
    assert wire.bytes == 10_000
    # From guest to guest it stays within the host.
    repeat(machine.clock, lambda done: machine.partitions["one"].send(5000, "two", done), 1)
    assert wire.bytes == 10_000
