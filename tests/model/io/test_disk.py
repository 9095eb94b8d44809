from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import MS, US

from harness.engine.clock import Clock
from harness.engine.splitmix import scatter
from harness.model.io.disk import NEXT_IN_SEQUENCE, Disk

LINK = 5.0
"""Nanoseconds per byte of the link."""


def disk(clock: Clock, *, spindles: int = 1, cache_ns: int | None = None) -> Disk:
    return Disk(
        clock,
        "disk",
        spindles=spindles,
        positioning_ns=4 * MS,
        rotation_ns=5 * MS,
        block_ns=lambda size: 100 * US + 8 * size,
        link_ns_per_byte=LINK,
        cache_ns=cache_ns,
    )


def block_ns(size: int) -> int:
    return 100 * US + 8 * size


def run(device: Disk, operations: list[tuple[int, int | None, bool]]) -> list[int]:
    """Submit everything at once; return when each was done (ns)."""
    ended: dict[int, int] = {}
    for index, (size, offset, write) in enumerate(operations):
        device.submit(
            size,
            NEXT_IN_SEQUENCE if offset is None else offset,
            write,
            lambda index=index: ended.update({index: device.clock.now_ns}),
        )
    device.clock.run_until(10**12)
    return [ended[index] for index in range(len(operations))]


@given(st.lists(st.sampled_from([512, 4096, 65536, 131072]), min_size=1, max_size=20))
def test_one_block_after_the_other_takes_what_the_device_takes_for_each(sizes):
    device = disk(Clock())
    now = 0
    for size in sizes:
        ended: list[int] = []
        device.submit(
            size, NEXT_IN_SEQUENCE, False, lambda ended=ended: ended.append(device.clock.now_ns)
        )
        device.clock.run_until(now + 10**9)
        assert ended == [now + block_ns(size)]
        now += 10**9
    assert device.operations == len(sizes)
    assert device.bytes == sum(sizes)


@given(st.integers(1, 8), st.lists(st.sampled_from([4096, 65536]), min_size=1, max_size=30))
def test_the_link_carries_one_block_at_a_time_however_many_spindles_there_are(spindles, sizes):
    device = disk(Clock(), spindles=spindles)
    ended = run(device, [(size, None, False) for size in sizes])
    crossing = sorted(
        (end - round(size * LINK), end) for end, size in zip(ended, sizes, strict=True)
    )
    assert all(a[1] <= b[0] for a, b in pairwise(crossing))
    media = sum(block_ns(size) - round(size * LINK) for size in sizes)
    assert device.busy_ns == media
    assert max(ended) >= sum(sizes) * LINK
    assert max(ended) >= media / spindles


@settings(max_examples=50)
@given(st.integers(1, 8), st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_no_spindle_works_on_two_random_blocks_at_once(spindles, blocks):
    device = disk(Clock(), spindles=spindles)
    stripe = device.stripe_bytes
    ended = run(device, [(4096, block * stripe, False) for block in blocks])
    by_spindle: dict[int, list[int]] = {}
    for block, end in zip(blocks, ended, strict=True):
        by_spindle.setdefault(scatter(block) % 2**64 % spindles, []).append(end)
    least = block_ns(4096) - round(4096 * LINK) + 2 * MS
    for ends in by_spindle.values():
        assert ends == sorted(ends)
        assert all(b - a >= least for a, b in pairwise(ends))


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_place_costs_the_same_whoever_asks_and_whenever(block, wait):
    offset = block * 4096
    times = []
    for start in (0, wait):
        device = disk(Clock(), spindles=5)
        device.clock.run_until(start)
        (ended,) = run(device, [(4096, offset, False)])
        times.append(ended - start)
    assert times[0] == times[1]
    positioning = times[0] - block_ns(4096)
    assert 2 * MS <= positioning <= 2 * MS + 4 * MS + 5 * MS


def test_positioning_averages_a_seek_and_half_a_turn():
    total, count = 0, 4000
    for block in range(count):
        (ended,) = run(disk(Clock(), spindles=5), [(4096, block * 65536, False)])
        total += ended - block_ns(4096)
    # The standard error is 0.03 ms: seeks and turns are each uniform.
    assert total / count == pytest.approx(4 * MS + 2.5 * MS, abs=0.12 * MS)


def test_random_blocks_spread_evenly_over_spindles():
    counts = [0] * 5
    for block in range(10_000):
        counts[scatter(block) % 5] += 1
    assert min(counts) > 1800
    assert max(counts) < 2200


@pytest.mark.parametrize("cache_ns", [None, 250 * US])
def test_a_cache_absorbs_random_writes_and_nothing_else(cache_ns):
    offset = 7 * 65536

    def time(offset_bytes: int | None, write: bool) -> int:
        return run(disk(Clock(), cache_ns=cache_ns), [(4096, offset_bytes, write)])[0]

    assert time(offset, False) > 2 * MS
    assert time(None, True) == time(None, False) == block_ns(4096)
    if cache_ns is None:
        assert time(offset, True) == time(offset, False)
    else:
        assert time(offset, True) == cache_ns + round(4096 * LINK)
