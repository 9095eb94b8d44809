"""What is counted of events and waits is what happened."""

from modelling import (
    BRIDGE,
    DEDICATED,
    HOSTED,
    LAN,
    MS,
    NO_OVERHEAD,
    NO_TICKS,
    OUTSIDE,
    WIRE,
    build,
    partition,
    server,
    system,
)

from harness.model.io.disk import NEXT_IN_SEQUENCE
from harness.model.tally import ADAPTER, IN, OUT, VIRTUAL


def test_events_are_added_up_whoever_asked_for_them():
    machine = build(system(partition("app", 1), cores=1), NO_OVERHEAD)
    app = machine.partitions["app"]
    for _ in range(3):
        app.compute(0.001, {"calls": 2.0, "forks": 0.5}, lambda: None)
    app.compute(0.001, {"calls": 1.0}, lambda: None)
    app.compute(0.001, None, lambda: None)
    assert app.events == {"calls": 7.0, "forks": 1.5}


def test_streams_are_counted_on_both_sides_by_size_and_packets():
    first, second = (partition(name, 1, virtual_ethernet=LAN) for name in ("a", "b"))
    machine = build(system(first, second, cores=2), NO_TICKS)
    machine.partitions["a"].send(100_000, "b", lambda: None)
    machine.clock.run_until(1000 * MS)
    for name, direction in (("a", OUT), ("b", IN)):
        traffic = machine.partitions[name].partition.traffic
        assert {key[:2] for key in traffic} == {(VIRTUAL, direction)}
        assert sum(key[2] * tally.count for key, tally in traffic.items()) == 100_000
        packets = sum(key[3] * tally.count for key, tally in traffic.items())
        assert packets >= 100_000 / 1500


def test_an_exchange_is_a_message_each_way_and_no_packet():
    part = partition("app", 1, 1, HOSTED, os="sles-9", ethernet=WIRE)
    machine = build(system(part, cores=1, virtualization=HOSTED, flavour="vmware"), NO_TICKS)
    machine.partitions["app"].exchange(200, 1000, OUTSIDE, lambda: None)
    machine.clock.run_until(1000 * MS)
    traffic = machine.partitions["app"].partition.traffic
    assert {key: tally.count for key, tally in traffic.items()} == {
        (ADAPTER, OUT, 200, 0.0, 0.0): 1,
        (ADAPTER, IN, 1000, 0.0, 0.0): 1,
    }


def test_a_bridge_counts_what_it_carries_and_how_long_that_takes():
    vios = server("vios1", 1, virtualization=DEDICATED, shared_ethernet=BRIDGE)
    part = partition("app", 1, virtual_ethernet=LAN)
    machine = build(system(part, cores=2, vios=(vios,)), NO_TICKS)
    machine.partitions["app"].send(50_000, OUTSIDE, lambda: None)
    machine.clock.run_until(1000 * MS)
    bridge = machine.vios["vios1"]
    assert sum(key[2] * tally.count for key, tally in bridge.bridged.items()) == 50_000
    assert {key[:2] for key in bridge.bridged} == {("out", "simplex")}
    # Nobody else is there: pieces wait for no more than the one before.
    busy_ns = bridge.partition.dispatched_ns
    assert 0 < bridge.bridging_ns <= 50_000 // 8192 * busy_ns


def test_a_disks_time_is_that_from_submission_to_completion():
    machine = build(system(partition("app", 1, disks=1), cores=1), NO_OVERHEAD)
    (disk,) = machine.disks
    ended: list[int] = []
    for _ in range(3):
        disk.submit(8192, NEXT_IN_SEQUENCE, False, lambda: ended.append(machine.clock.now_ns))
    machine.clock.run_until(1000 * MS)
    assert disk.response_ns == sum(ended)
