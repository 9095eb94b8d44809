"""Which way messages take, and who pays for what on the way."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import (
    DEDICATED,
    ETHERNET,
    FULL_SYSTEM,
    HOSTED,
    LAN,
    MS,
    NO_REFILL,
    NO_TICKS,
    NOMINAL,
    OUTSIDE,
    PHYSICAL,
    UNCAPPED,
    WIRE,
    build,
    partition,
    repeat,
    server,
    system,
)

from harness.model.config import (
    EthernetConfiguration,
    SharedEthernetConfiguration,
    SystemConfiguration,
    VirtualEthernetConfiguration,
)
from harness.model.costs import fixed_and_per_unit
from harness.model.cpu.reconfiguration import restart
from harness.model.machine import Machine
from harness.model.routing import UnreachableError

NS_PER_CYCLE = 1 / 1.65
FREE_CPU = {
    "network.tcp.cycles_per_byte": (1e-9, 1e-9),
    "network.tcp.transaction_cycles": 0.0,
    "network.virtual.copy_cycles_per_byte": 0.0,
    "network.virtual.packet_cost": 0.0,
    "hypervisor.interrupt": 0.0,
}


def wired(virtualization=FULL_SYSTEM, mtu: int = 1500, cores: int = 1) -> SystemConfiguration:
    adapter = EthernetConfiguration(ETHERNET, mtu)
    flavour = "vmware" if virtualization is HOSTED else None
    app = partition("app", cores, virtualization=virtualization, ethernet=(adapter,))
    return system(app, cores=cores, flavour=flavour)


def bridged(
    mtu: int = 1500, threaded: bool = True, *, vlan: int = 10, vlans: tuple[int, ...] = (10,)
) -> SystemConfiguration:
    shared = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET, mtu), vlans, threaded)
    app = partition("app", 2, virtual_ethernet=(VirtualEthernetConfiguration(vlan, mtu_bytes=mtu),))
    return system(app, cores=4, vios=(server(cores=2, shared_ethernet=shared),))


def running(configuration: SystemConfiguration, *overrides: dict[str, object]) -> Machine:
    return build(configuration, NO_TICKS, NO_REFILL, *overrides)


def spent(machine: Machine, owner: str = "app") -> dict[str, int]:
    return machine.balance()[0][owner]


# The wire


@pytest.mark.parametrize(("mtu", "payload_share"), [(1500, 1460 / 1538), (9000, 8960 / 9038)])
@pytest.mark.parametrize("verb", ["send", "receive"])
def test_a_stream_over_a_gigabit_wire_reaches_line_rate_less_framing(mtu, payload_share, verb):
    machine = running(wired(mtu=mtu), FREE_CPU, {"network.tcp.window": 262144.0})
    app = machine.partitions["app"]
    size = 20_000_000
    (took,) = repeat(machine.clock, lambda done: getattr(app, verb)(size, OUTSIDE, done), 1)
    # The first bit arrives after the latency of the wire.
    assert size / (took / 1e9) == pytest.approx(125e6 * payload_share, rel=0.005)
    assert size / (took / 1e9) <= 125e6 * payload_share
    (wire,) = machine.network.wires
    assert wire.bytes == size


def test_a_small_window_and_a_long_way_make_a_stream_slow():
    """No more than a window per round trip."""
    machine = running(
        wired(),
        FREE_CPU,
        {f"ethernet.{ETHERNET}.latency": 0.005, "network.tcp.window": 65536.0},
    )
    app = machine.partitions["app"]
    (took,) = repeat(machine.clock, lambda done: app.send(6_553_600, OUTSIDE, done), 1)
    rate = 6_553_600 / (took / 1e9)
    assert rate <= 65536 / 0.005
    assert rate == pytest.approx(65536 / 0.005, rel=0.15)


NO_LARGE_SEND = {f"ethernet.{ETHERNET}.large_send": 0.0}


@pytest.mark.parametrize("os", ["aix-5.3", "sles-9", "rhel-as-3"])
@pytest.mark.parametrize("mtu", [1500, 9000])
@pytest.mark.parametrize("large", [4096.0, 65536.0])
def test_with_large_send_a_sender_pays_for_large_packets_and_a_receiver_for_those_of_the_wire(
    os, mtu, large
):
    adapter = EthernetConfiguration(ETHERNET, mtu)
    configuration = system(replace(partition("app", 1, ethernet=(adapter,)), os=os), cores=1)
    changed = {f"ethernet.{ETHERNET}.large_send": large}
    at, cycles = NOMINAL.table("network.tcp.cycles_per_byte")
    each, packet = fixed_and_per_unit([point - 40 for point in at], cycles)
    unit = mtu - 40 if os == "rhel-as-3" else max(large, mtu - 40)
    for verb, size in (("send", unit), ("receive", mtu - 40)):
        machine = running(configuration, changed)
        move = getattr(machine.partitions["app"], verb)
        repeat(machine.clock, lambda done, move=move: move(1_000_000, OUTSIDE, done), 1)
        expected = 1e6 * (each + packet / size) * NS_PER_CYCLE
        assert spent(machine)["os"] == pytest.approx(expected, rel=0.001)
        # The wire carries packets of its own size, and they are acknowledged.
        (wire,) = machine.network.wires
        assert wire.busy_ns == pytest.approx((1e6 + 1e6 / (mtu - 40) * (78 + 42)) * 8, abs=200)


def test_a_stream_costs_the_partition_the_published_cycles_per_byte():
    for mtu, cycles in ((1500, 8.0), (9000, 3.0)):
        machine = running(wired(mtu=mtu), NO_LARGE_SEND)
        app = machine.partitions["app"]
        repeat(machine.clock, lambda done, app=app: app.send(1_600_000, OUTSIDE, done), 10)
        assert spent(machine)["os"] / 16e6 == pytest.approx(cycles * NS_PER_CYCLE, rel=0.001)


def test_a_request_and_its_response_cost_what_the_constant_says_and_their_bytes():
    machine = running(wired())
    app = machine.partitions["app"]
    repeat(machine.clock, lambda done: app.exchange(1, 1, OUTSIDE, done), 100)
    pair = NOMINAL.number("network.tcp.transaction_cycles") * NS_PER_CYCLE
    assert spent(machine)["os"] / 100 == pytest.approx(pair, rel=0.001)


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


def test_a_request_from_outside_is_answered_when_its_computing_is_done():
    took = {}
    for seconds in (0.0, 0.003):
        machine = running(wired())
        app = machine.partitions["app"]
        repeat(machine.clock, lambda done, s=seconds, a=app: a.serve(200, 2000, s, {}, done), 5)
        took[seconds] = machine.clock.now_ns
        assert spent(machine)["user"] == 5 * round(seconds * 1e9)
    assert took[0.003] - took[0.0] == 5 * 3_000_000


@pytest.mark.parametrize("after_us", [10, 100, 1000])
def test_a_client_outside_hears_nothing_of_a_request_that_a_crash_has_lost(after_us):
    machine = running(wired())
    app, answered = machine.partitions["app"], []
    app.serve(200, 2000, 0.003, None, lambda: answered.append(machine.clock.now_ns))
    machine.clock.run_until(after_us * 1000)
    app.crash()
    restart(app.partition)
    machine.clock.run_until(100 * MS)
    assert not answered
    app.serve(200, 2000, 0.003, None, lambda: answered.append(machine.clock.now_ns))
    machine.clock.run_until(200 * MS)
    assert len(answered) == 1


def test_an_exchange_takes_the_wire_both_ways():
    machine = running(wired(), FREE_CPU)
    app = machine.partitions["app"]
    (took,) = repeat(machine.clock, lambda done: app.exchange(1000, 500, OUTSIDE, done), 1)
    latency = round(NOMINAL.number(f"ethernet.{ETHERNET}.latency") * 1e9)
    assert took == pytest.approx(2 * latency + (1000 + 78 + 500 + 78) * 8, abs=10)


DUPLEX_RATE = f"ethernet.{ETHERNET}.duplex_rate"


def both_ways(machine: Machine, seconds: float = 0.2) -> float:
    """Bytes per second of both directions together, with streams enough for each."""
    app, moved = machine.partitions["app"], 0

    def keep(verb: str) -> None:
        def done() -> None:
            nonlocal moved
            moved += 131072
            again()

        def again() -> None:
            getattr(app, verb)(131072, OUTSIDE, done)

        again()

    for _ in range(4):
        keep("send")
        keep("receive")
    machine.clock.run_until(round(seconds * 1e9))
    return moved / seconds


@pytest.mark.parametrize(("mtu", "index"), [(1500, 0), (9000, 1)])
def test_an_adapter_moves_no_more_in_both_directions_than_its_duplex_rate(mtu, index):
    _, rates = NOMINAL.table(DUPLEX_RATE)
    found = []
    for times in (1.0, 0.9, 100.0):
        limit = {DUPLEX_RATE: tuple(times * rate for rate in rates)}
        found.append(both_ways(running(wired(mtu=mtu, cores=4), FREE_CPU, limit)))
    assert found[0] == pytest.approx(rates[index], rel=0.02)
    assert found[1] == pytest.approx(0.9 * rates[index], rel=0.02)
    assert found[2] > 1.05 * rates[index]


# Interrupts


GAPS = st.lists(st.integers(0, 200), min_size=1, max_size=60)


@given(GAPS, st.integers(1, 8), st.integers(0, 150))
def test_an_adapter_interrupts_for_a_packet_so_late_or_for_so_many(gaps, packets, delay):
    changed = {
        f"ethernet.{ETHERNET}.interrupt_packets": float(packets),
        f"ethernet.{ETHERNET}.interrupt_delay": delay / 1e6,
    }
    machine = running(wired(), changed)
    (wire,) = machine.network.wires
    first, handled, found = -(10**9), packets, []
    for gap in gaps:
        machine.clock.run_until(machine.clock.now_ns + gap * 1000)
        now = machine.clock.now_ns
        expected = handled >= packets or now - first >= delay * 1000
        if expected:
            first, handled = now, 0
        handled += 1
        found.append(wire.interrupts())
        assert found[-1] is expected
    # At least one for each so many packets, and without a delay one for each.
    assert sum(found) >= -(-len(gaps) // packets)
    if not delay or packets == 1:
        assert all(found)


@pytest.mark.parametrize("verb", ["send", "receive"])
@pytest.mark.parametrize("mtu", [1500, 9000])
def test_a_stream_interrupts_for_packets_that_come_within_the_delay(verb, mtu):
    machine = running(wired(mtu=mtu))
    app, size = machine.partitions["app"], 20 * 16384
    repeat(machine.clock, lambda done: getattr(app, verb)(size, OUTSIDE, done), 1)
    most, delay = (
        NOMINAL.number(f"ethernet.{ETHERNET}.{name}")
        for name in ("interrupt_packets", "interrupt_delay")
    )
    # What comes in: packets, or an acknowledgement for every second packet that goes out.
    each = 1 if verb == "receive" else 2
    gap = each * (mtu + 38) * 8e-9
    interrupts = size / (mtu - 40) / each / min(most, 1 + delay / gap)
    each_ns = NOMINAL.number("hypervisor.interrupt") * 1e9
    assert spent(machine)["hypervisor"] == pytest.approx(interrupts * each_ns, abs=21)


def test_requests_under_load_share_interrupts_of_a_physical_adapter_and_not_of_a_virtual_one():
    per_message = {}
    for users in (1, 16):
        for way in ("physical", "virtual"):
            cores = 8
            if way == "physical":
                machine, peer = running(wired(cores=cores)), OUTSIDE
            else:
                lan = (VirtualEthernetConfiguration(1, (), 1500),)
                parts = [partition(each, cores, virtual_ethernet=lan) for each in ("app", "two")]
                machine, peer = running(system(*parts, cores=2 * cores)), "two"
            app, done = machine.partitions["app"], 0

            def again(app=app, peer=peer) -> None:
                nonlocal done
                done += 1
                app.exchange(64, 64, peer, again)

            for _ in range(users):
                again()
            machine.clock.run_until(50 * MS)
            per_message[way, users] = spent(machine)["hypervisor"] / done
    interrupt = NOMINAL.number("hypervisor.interrupt") * 1e9
    assert per_message["physical", 1] == pytest.approx(interrupt, rel=0.02)
    assert per_message["physical", 16] < 0.5 * interrupt
    assert per_message["virtual", 16] == pytest.approx(per_message["virtual", 1], rel=0.02)


# The Shared Ethernet Adapter


def bridging_ns(machine: Machine) -> int:
    """All that the VIOS's processors do, the hypervisor's part included: what IBM published."""
    return machine.vios["vios1"].partition.dispatched_ns


@pytest.mark.parametrize(
    ("mtu", "threaded", "cycles"),
    [(1500, True, 11.2), (9000, True, 5.0), (1500, False, 9.3), (9000, False, 3.6)],
)
@pytest.mark.parametrize("verb", ["send", "receive"])
def test_bridging_a_stream_costs_the_published_cycles_under_its_client(mtu, threaded, cycles, verb):
    machine = running(bridged(mtu, threaded))
    app = machine.partitions["app"]
    repeat(machine.clock, lambda done: getattr(app, verb)(1_000_000, OUTSIDE, done), 5)
    assert machine.vios["vios1"].bridged_bytes == 5_000_000
    assert bridging_ns(machine) / 5e6 == pytest.approx(cycles * NS_PER_CYCLE, rel=0.001)
    assert sum(spent(machine, "vios1").values()) == 0


@pytest.mark.parametrize(
    ("mtu", "threaded", "cycles"),
    [(1500, True, 8.6), (9000, True, 3.8), (1500, False, 7.4), (9000, False, 2.9)],
)
def test_traffic_in_both_directions_costs_the_duplex_figures(mtu, threaded, cycles):
    machine = running(bridged(mtu, threaded))
    app = machine.partitions["app"]

    def send() -> None:
        app.send(1_000_000, OUTSIDE, send)

    def receive() -> None:
        app.receive(1_000_000, OUTSIDE, receive)

    send()
    receive()
    # Until both directions have been seen it looks like one.
    machine.clock.run_until(20 * MS)
    before, bytes_before = bridging_ns(machine), machine.vios["vios1"].bridged_bytes
    machine.clock.run_until(220 * MS)
    bridged_bytes = machine.vios["vios1"].bridged_bytes - bytes_before
    per_byte = (bridging_ns(machine) - before) / bridged_bytes
    # What is under way at either end is counted in part.
    assert per_byte == pytest.approx(cycles * NS_PER_CYCLE, rel=0.01)
    assert bridged_bytes > 20e6


@pytest.mark.parametrize("threaded", [True, False])
@pytest.mark.parametrize(("size", "index"), [(64, 0), (1024, 1)])
def test_bridging_a_request_and_its_response_costs_the_published_cycles(threaded, size, index):
    published = {True: (23_022, 25_469), False: (17_956, 20_196)}[threaded][index]
    machine = running(bridged(threaded=threaded))
    app = machine.partitions["app"]
    repeat(machine.clock, lambda done: app.exchange(size, size, OUTSIDE, done), 50)
    assert bridging_ns(machine) / 50 == pytest.approx(published * NS_PER_CYCLE, abs=2)
    assert machine.vios["vios1"].bridged_bytes == 100 * size


@pytest.mark.parametrize(("own", "adapter"), [(9000, 1500), (1500, 9000), (9000, 9000)])
def test_packets_to_the_outside_are_no_larger_than_either_end_of_the_bridge_takes(own, adapter):
    shared = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET, adapter), (10,))
    app = partition("app", 1, virtual_ethernet=(VirtualEthernetConfiguration(10, mtu_bytes=own),))
    machine = running(system(app, cores=2, vios=(server(shared_ethernet=shared),)))
    size = 10 * 16384
    repeat(machine.clock, lambda done: machine.partitions["app"].send(size, OUTSIDE, done), 1)
    # The client sends packets, and the VIOS acknowledgements that come from the wire.
    packets = size / (min(own, adapter) - 40) + size / (adapter - 40) / 2
    cycles = size * NOMINAL.number(
        "network.virtual.copy_cycles_per_byte"
    ) + packets * NOMINAL.number("network.virtual.packet_cost")
    assert spent(machine)["switch"] == pytest.approx(cycles * NS_PER_CYCLE, rel=0.001)


def test_the_bridge_carries_what_goes_in_and_what_comes_out():
    machine = running(bridged())
    app = machine.partitions["app"]
    repeat(machine.clock, lambda done: app.send(123_456, OUTSIDE, done), 1)
    repeat(machine.clock, lambda done: app.receive(65_432, OUTSIDE, done), 1)
    (wire,) = machine.network.wires
    assert machine.vios["vios1"].bridged_bytes == wire.bytes == 123_456 + 65_432


def test_the_way_over_a_bridge_takes_longer_than_the_direct_one():
    times = {}
    for name, configuration in (("direct", wired()), ("bridged", bridged())):
        machine = running(configuration)
        app = machine.partitions["app"]
        times[name] = repeat(
            machine.clock, lambda done, app=app: app.exchange(64, 64, OUTSIDE, done), 3
        )[-1]
    assert times["bridged"] > times["direct"]


# Between partitions


def two(first: tuple, second: tuple, virtualization=DEDICATED, cores: int = 4) -> Machine:
    parts = (
        partition("one", 1, 1, virtualization, virtual_ethernet=first),
        partition("two", 1, 1, virtualization, virtual_ethernet=second),
    )
    return running(system(*parts, cores=cores))


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
    machine = two(first, second)
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
        two((), ()).network.route("one", "send", "three")


def test_the_next_of_the_last_partition_is_the_first_and_of_the_only_one_itself():
    lan = (VirtualEthernetConfiguration(1),)
    machine = two(lan, lan)
    repeat(machine.clock, lambda done: machine.partitions["two"].send(5000, "next", done), 1)
    assert spent(machine, "one")["os"] > 0
    alone = running(wired())
    repeat(alone.clock, lambda done: alone.partitions["app"].send(5000, "next", done), 1)
    assert alone.network.wires[0].bytes == 0
    assert spent(alone)["os"] > 0
    assert spent(alone)["switch"] == 0


def test_the_largest_mtu_in_common_is_the_one_that_is_used():
    jumbo = VirtualEthernetConfiguration(2, (), 65390)
    machine = two(
        (VirtualEthernetConfiguration(1, (), 1500), jumbo),
        (VirtualEthernetConfiguration(1, (), 9000), replace(jumbo, mtu_bytes=9000)),
    )
    assert machine.network._vlan_mtu("one", "two") == 9000


@pytest.mark.parametrize("mtu", [1500, 9000, 65390])
def test_the_switch_copies_each_byte_and_handles_each_packet_under_the_sender(mtu):
    lan = (VirtualEthernetConfiguration(1, (), mtu),)
    machine = two(lan, lan)
    segment, segments = 16384, 100
    repeat(
        machine.clock,
        lambda done: machine.partitions["one"].send(segment * segments, "two", done),
        1,
    )
    packets = segments * segment / (mtu - 40)
    cycles = segment * segments * NOMINAL.number(
        "network.virtual.copy_cycles_per_byte"
    ) + packets * NOMINAL.number("network.virtual.packet_cost")
    assert spent(machine, "one")["switch"] == pytest.approx(cycles * NS_PER_CYCLE, rel=0.001)
    # The receiver's acknowledgements take the switch, too, and reach the sender as interrupts.
    acknowledgement_cycles = packets / 2 * NOMINAL.number("network.virtual.packet_cost")
    assert spent(machine, "two")["switch"] == pytest.approx(
        acknowledgement_cycles * NS_PER_CYCLE, abs=segments
    )
    signal = 1e9 * (NOMINAL.number("hypervisor.interrupt") + NOMINAL.number("hypervisor.wake"))
    send, buffer = (
        NOMINAL.number(f"hypervisor.call.{kind}") * NS_PER_CYCLE for kind in ("null", "lan_buffer")
    )
    # A call for each frame sent, and one that gives a buffer for each frame received.
    assert spent(machine, "one")["hypervisor"] == pytest.approx(
        packets * send + packets / 2 * (signal + buffer), rel=0.01, abs=3 * segments
    )
    assert spent(machine, "two")["hypervisor"] == pytest.approx(
        packets * (signal + buffer) + packets / 2 * send, rel=0.01, abs=3 * segments
    )


@pytest.mark.parametrize(
    ("between", "latency", "counter"), [(0, 13, "chip_lines"), (1, 120, "remote_lines")]
)
def test_a_receiver_fetches_the_lines_of_frames_from_where_the_sender_is(between, latency, counter):
    lan = (VirtualEthernetConfiguration(1, (), 1500),)
    parts = [partition("one", 1, virtual_ethernet=lan)]
    parts += [partition(f"idle{number}", 1) for number in range(between)]
    parts += [partition("two", 1, virtual_ethernet=lan)]
    machine = running(system(*parts, cores=4))
    one, two = (machine.partitions[name] for name in ("one", "two"))
    segments = 10
    repeat(machine.clock, lambda done: one.send(16384 * segments, "two", done), 1)
    # The data, and a line for each packet.
    lines = segments * math.ceil(16384 / 128 + 16384 / 1460)
    assert getattr(two.partition, counter) == lines
    each_ns = latency / NOMINAL.number("processor.refill_overlap") * NS_PER_CYCLE
    assert spent(machine, "two")["refill"] == pytest.approx(lines * each_ns, abs=segments)
    assert spent(machine, "one")["refill"] == 0
    repeat(machine.clock, lambda done: one.exchange(128, 1024, "two", done), 1)
    assert getattr(two.partition, counter) == lines + 2
    assert getattr(one.partition, counter) == 1024 / 128 + 1


def test_on_one_core_frames_are_in_the_caches():
    lan = (VirtualEthernetConfiguration(1, (), 1500),)
    parts = [partition(each, 0.5, 1, UNCAPPED, virtual_ethernet=lan) for each in ("one", "two")]
    machine = running(system(*parts, cores=1))
    repeat(machine.clock, lambda done: machine.partitions["one"].send(10**6, "two", done), 1)
    assert all(not spent(machine, name)["refill"] for name in ("one", "two"))


@pytest.mark.parametrize("verb", ["send", "receive"])
def test_a_bridge_costs_less_on_its_clients_chip_than_the_published_cycles(verb):
    shared = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET), (10,))
    app = partition("app", 1, virtual_ethernet=(VirtualEthernetConfiguration(10),))
    found = {}
    for name, spare in (("chip", ()), ("far", (server("spare"),))):
        servers = (server(shared_ethernet=shared), *spare)
        machine = running(system(app, cores=4, vios=servers))
        client = machine.partitions["app"]
        repeat(machine.clock, lambda done, c=client: getattr(c, verb)(10**6, OUTSIDE, done), 1)
        found[name] = (bridging_ns(machine), client.partition.dispatched_ns)
    published = 10**6 * 11.2 * NS_PER_CYCLE
    assert found["far"][0] == pytest.approx(published, rel=0.001)
    fetched = (10**6 / 128 + 10**6 / 1460) * (120 - 13) / 6 * NS_PER_CYCLE
    side = 0 if verb == "send" else 1
    assert found["far"][side] - found["chip"][side] == pytest.approx(fetched, rel=0.01)
    assert found["far"][1 - side] == pytest.approx(found["chip"][1 - side], rel=1e-4)


def test_requests_and_responses_are_acknowledged_by_each_other():
    lan = (VirtualEthernetConfiguration(1, (), 1500),)
    machine = two(lan, lan)
    repeat(machine.clock, lambda done: machine.partitions["one"].exchange(64, 64, "two", done), 10)
    frames = 10 * NOMINAL.number("network.virtual.packet_cost") * NS_PER_CYCLE
    copied = 640 * NOMINAL.number("network.virtual.copy_cycles_per_byte") * NS_PER_CYCLE
    signal = 1e9 * (NOMINAL.number("hypervisor.interrupt") + NOMINAL.number("hypervisor.wake"))
    calls = NOMINAL.number("hypervisor.call.null") + NOMINAL.number("hypervisor.call.lan_buffer")
    for name in ("one", "two"):
        assert spent(machine, name)["switch"] == pytest.approx(frames + copied, rel=0.001)
        assert spent(machine, name)["hypervisor"] == pytest.approx(
            10 * (signal + calls * NS_PER_CYCLE), rel=0.001
        )


@pytest.mark.parametrize("kind", ["null", "lan_buffer"])
def test_dearer_calls_make_a_stream_dearer_in_cycles_of_any_clock(kind):
    lan, name = (VirtualEthernetConfiguration(1, (), 1500),), f"hypervisor.call.{kind}"
    parts = [partition(each, 1, virtual_ethernet=lan) for each in ("one", "two")]
    for clock_hz in (1.65e9, 2.2e9):
        found = []
        for times in (0.0, 1.0, 10.0):
            changed = {name: times * NOMINAL.number(name)}
            machine = running(system(*parts, cores=2, clock_hz=clock_hz), changed)
            repeat(machine.clock, lambda d, m=machine: m.partitions["one"].send(10**6, "two", d), 1)
            accounts = machine.balance()[0]
            found.append(sum(accounts[each]["hypervisor"] for each in ("one", "two")))
        # One for each packet and for each acknowledgement of two packets.
        packets = 10**6 / 1460 * 1.5
        each_ns = NOMINAL.number(name) / clock_hz * 1e9
        assert found[1] - found[0] == pytest.approx(packets * each_ns, rel=0.01)
        assert found[2] - found[0] == pytest.approx(10 * packets * each_ns, rel=0.01)


@pytest.mark.parametrize("verb", ["send", "receive"])
@pytest.mark.parametrize("mtu", [1500, 9000])
def test_acknowledgements_of_a_stream_take_the_wire_the_other_way(verb, mtu):
    machine = running(wired(mtu=mtu))
    app, size = machine.partitions["app"], 10 * 16384
    repeat(machine.clock, lambda done: getattr(app, verb)(size, OUTSIDE, done), 1)
    (wire,) = machine.network.wires
    packets = size / (mtu - 40)
    assert wire.bytes == size
    assert wire.busy_ns == pytest.approx((size + packets * (78 + 84 / 2)) * 8, abs=20)


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


def test_a_larger_mtu_never_costs_more():
    totals = []
    for mtu in (1500, 9000, 65390):
        lan = (VirtualEthernetConfiguration(1, (), mtu),)
        machine = two(lan, lan)
        repeat(
            machine.clock, lambda done, m=machine: m.partitions["one"].send(10**6, "two", done), 1
        )
        totals.append(sum(sum(spent(machine, name).values()) for name in ("one", "two")))
    assert totals == sorted(totals, reverse=True)
    assert totals[0] > totals[-1]


def test_physical_partitions_talk_over_both_of_their_wires():
    parts = [partition(name, 1, virtualization=PHYSICAL, ethernet=WIRE) for name in ("one", "two")]
    machine = running(system(*parts, cores=2))
    repeat(machine.clock, lambda done: machine.partitions["one"].send(10**5, "two", done), 1)
    assert [wire.bytes for wire in machine.network.wires] == [10**5, 10**5]
    assert spent(machine, "one")["os"] > 0
    assert spent(machine, "two")["os"] > 0


def test_micro_partitions_talk_within_the_machine():
    machine = two(LAN, LAN, UNCAPPED, cores=2)
    (took,) = repeat(
        machine.clock, lambda done: machine.partitions["one"].exchange(64, 64, "two", done), 1
    )
    assert took < NOMINAL.number(f"ethernet.{ETHERNET}.latency") * 1e9 * 10
    assert machine.network.wires == []


# Hosted


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
