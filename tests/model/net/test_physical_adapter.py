"""What messages over a partition's own adapter take and cost: wire, stack, interrupts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import (
    ETHERNET,
    MS,
    NO_LARGE_SEND,
    NOMINAL,
    NS_PER_CYCLE,
    OUTSIDE,
    partition,
    repeat,
    running,
    spent,
    system,
    wired,
)

from harness.model.config import EthernetConfiguration, VirtualEthernetConfiguration
from harness.model.costs import fixed_and_per_unit
from harness.model.cpu.reconfiguration import restart
from harness.model.machine import Machine

FREE_CPU = {
    "network.tcp.cycles_per_byte": (1e-9, 1e-9),
    "network.tcp.transaction_cycles": 0.0,
    "network.virtual.copy_cycles_per_byte": 0.0,
    "network.virtual.packet_cost": 0.0,
    "hypervisor.interrupt": 0.0,
}


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
