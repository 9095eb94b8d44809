"""What messages between partitions cost: the hypervisor's switch, its calls, lines of caches."""

import math

import pytest
from modelling import (
    NOMINAL,
    NS_PER_CYCLE,
    UNCAPPED,
    partition,
    repeat,
    running,
    spent,
    system,
    two_partitions,
)

from harness.model.config import VirtualEthernetConfiguration


@pytest.mark.parametrize("mtu", [1500, 9000, 65390])
def test_the_switch_copies_each_byte_and_handles_each_packet_under_the_sender(mtu):
    lan = (VirtualEthernetConfiguration(1, (), mtu),)
    machine = two_partitions(lan, lan)
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


def test_requests_and_responses_are_acknowledged_by_each_other():
    lan = (VirtualEthernetConfiguration(1, (), 1500),)
    machine = two_partitions(lan, lan)
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


def test_a_larger_mtu_never_costs_more():
    totals = []
    for mtu in (1500, 9000, 65390):
        lan = (VirtualEthernetConfiguration(1, (), mtu),)
        machine = two_partitions(lan, lan)
        repeat(
            machine.clock, lambda done, m=machine: m.partitions["one"].send(10**6, "two", done), 1
        )
        totals.append(sum(sum(spent(machine, name).values()) for name in ("one", "two")))
    assert totals == sorted(totals, reverse=True)
    assert totals[0] > totals[-1]
