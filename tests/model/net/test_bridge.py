"""What the Shared Ethernet Adapter of a VIOS costs, and what it carries."""

import pytest
from modelling import (
    ETHERNET,
    MS,
    NOMINAL,
    NS_PER_CYCLE,
    OUTSIDE,
    bridged,
    partition,
    repeat,
    running,
    server,
    spent,
    system,
    wired,
)

from harness.model.config import (
    EthernetConfiguration,
    SharedEthernetConfiguration,
    VirtualEthernetConfiguration,
)
from harness.model.machine import Machine


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
