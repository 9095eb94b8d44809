import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import US

from harness.engine.clock import Clock
from harness.model.net.link import Link


def gigabit(
    clock: Clock, mtu: int = 1500, latency: int = 30 * US, acknowledgement_bytes: float = 0.0
) -> Link:
    return Link(
        clock,
        "wire",
        rate_bytes_per_second=125e6,
        mtu_bytes=mtu,
        header_bytes=40,
        frame_bytes=38,
        latency_ns=latency,
        acknowledgement_bytes=acknowledgement_bytes,
    )


@pytest.mark.parametrize("mtu", [1500, 9000])
@given(size=st.integers(0, 10**6))
def test_a_message_takes_its_bytes_headers_and_framing_at_line_rate(mtu, size):
    wire = gigabit(Clock(), mtu)
    ended: list[int] = []
    wire.transmit(True, size, lambda: ended.append(wire.clock.now_ns))
    wire.clock.run_until(10**12)
    packets = max(1, size / (mtu - 40))
    assert wire.busy_ns == pytest.approx((size + packets * 78) * 8, abs=0.51)
    assert ended == [wire.busy_ns + 30 * US]
    assert wire.bytes == size


@given(st.integers(1, 10**6), st.integers(1, 40))
def test_segments_of_a_stream_fill_their_packets_and_a_message_is_one_packet_at_least(size, parts):
    """However a stream is divided, it has the same headers; messages by themselves have more."""
    whole, divided, apart = (gigabit(Clock()) for _ in range(3))
    whole.transmit(True, size, lambda: None)
    for part in range(parts):
        share = size * (part + 1) // parts - size * part // parts
        divided.transmit(True, share, lambda: None, True)
        apart.transmit(True, share, lambda: None)
    assert divided.busy_ns == pytest.approx((size + size / 1460 * 78) * 8, abs=parts)
    assert divided.busy_ns <= whole.busy_ns + parts <= apart.busy_ns + 2 * parts
    assert apart.busy_ns >= (size + parts * 78) * 8 - parts


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_acknowledgements_take_the_other_direction_and_are_not_duplex_traffic(directions):
    """One for two packets, in a frame of 84 bytes of wire time."""
    wire = gigabit(Clock(), acknowledgement_bytes=42.0, latency=0)
    free, each, back = {True: 0, False: 0}, (11 * 1538 * 8), 11 * 42 * 8
    ended: list[int] = []
    for outbound in directions:
        wire.transmit(outbound, 11 * 1460, lambda: ended.append(wire.clock.now_ns), True, True)
        free[outbound] += each
        free[not outbound] += back
    wire.clock.run_until(10**12)
    last = directions[-1]
    assert ended[-1] <= max(free.values())
    assert wire.busy_ns == len(directions) * (each + back)
    assert wire.bytes == len(directions) * 11 * 1460
    for outbound in (True, False):
        seen = directions.count(not outbound) > 0
        assert wire.opposite_active(outbound, 10**12) is seen
    lone = gigabit(Clock(), acknowledgement_bytes=42.0, latency=0)
    lone.transmit(last, 11 * 1460, lambda: None, True, True)
    lone.transmit(not last, 1460, lambda: ended.append(lone.clock.now_ns))
    lone.clock.run_until(10**12)
    assert ended[-1] == back + 1538 * 8


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10**5)), min_size=1, max_size=30))
def test_each_direction_carries_one_message_after_the_other(messages):
    wire = gigabit(Clock(), latency=0)
    ended: dict[bool, list[int]] = {True: [], False: []}
    for outbound, size in messages:
        wire.transmit(
            outbound, size, lambda outbound=outbound: ended[outbound].append(wire.clock.now_ns)
        )
    wire.clock.run_until(10**12)
    for direction, ends in ended.items():
        times = [
            round((size + max(1, size / 1460) * 78) * 8)
            for outbound, size in messages
            if outbound is direction
        ]
        expected = [sum(times[: index + 1]) for index in range(len(times))]
        assert ends == expected


@pytest.mark.parametrize(("mtu", "megabits"), [(1500, 949.3), (9000, 991.4)])
def test_the_payload_of_a_busy_gigabit_wire_is_line_rate_less_framing(mtu, megabits):
    """1460 of 1538 bytes, and 8960 of 9038."""
    wire = gigabit(Clock(), mtu)
    for _ in range(100):
        wire.transmit(True, 100 * (mtu - 40), lambda: None)
    assert wire.bytes * 8 / (wire.busy_ns / 1e9) / 1e6 == pytest.approx(megabits, abs=0.1)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 10**5)), min_size=1, max_size=30),
    st.floats(0, 6),
    st.floats(0, 2000),
)
def test_a_bus_limits_both_directions_together_and_one_alone_not_at_all(messages, byte, packet):
    """As long as it is faster than the wire: 8 ns for a byte, 624 ns for the rest of a packet."""
    ended: dict[str, list[int]] = {"none": [], "bus": [], "one way": [], "one way, bus": []}
    for name, ends in ended.items():
        bus = (byte, min(packet, 624.0)) if "bus" in name else (0.0, 0.0)
        wire = Link(
            Clock(),
            "wire",
            rate_bytes_per_second=125e6,
            mtu_bytes=1500,
            header_bytes=40,
            frame_bytes=38,
            latency_ns=0,
            bus_ns_per_byte=bus[0],
            bus_ns_per_packet=bus[1],
        )
        for outbound, size in messages:
            direction = outbound and "one way" not in name
            wire.transmit(direction, size, lambda ends=ends, w=wire: ends.append(w.clock.now_ns))
        wire.clock.run_until(10**12)
    assert ended["one way"] == ended["one way, bus"]
    assert all(with_bus >= free for with_bus, free in zip(ended["bus"], ended["none"], strict=True))
    total = sum(size * byte + max(1, size / 1460) * min(packet, 624.0) for _, size in messages)
    assert max(ended["bus"]) >= total - len(messages)
    assert max(ended["bus"]) <= max(total, *ended["none"]) + max(ended["none"])


def test_traffic_is_duplex_while_the_other_direction_has_carried_something_lately():
    wire = gigabit(Clock())
    assert not wire.opposite_active(True, 10**7)
    wire.transmit(False, 1460, lambda: None)
    assert wire.opposite_active(True, 10**7)
    assert not wire.opposite_active(False, 10**7)
    end = wire.busy_ns
    wire.clock.run_until(end + 10**7 - 1)
    assert wire.opposite_active(True, 10**7)
    wire.clock.run_until(end + 10**7)
    assert not wire.opposite_active(True, 10**7)
