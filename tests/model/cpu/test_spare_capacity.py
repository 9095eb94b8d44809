"""What is left of a shared pool goes to its uncapped partitions by weight."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from modelling import MS, NO_REFILL, NO_TICKS, UNCAPPED, build, keep_busy, partition, system

from harness.model.config import PartitionConfiguration

WINDOW = 10 * MS


def occupied_ns(
    busy: list[PartitionConfiguration],
    cores: int,
    windows: int,
    *others: PartitionConfiguration,
    spare_slice: float = 1e-3,
) -> list[int]:
    """Processor time of partitions that are always busy, beside others that do nothing."""
    machine = build(
        system(*busy, *others, cores=cores, virtualization=UNCAPPED),
        {**NO_TICKS, **NO_REFILL},
        {"hypervisor.vp_switch": 0.0, "hypervisor.spare_slice": spare_slice},
    )
    modelled = [machine.partitions[each.name] for each in busy]
    for each in modelled:
        keep_busy(each, 0.0007, 2)
    machine.clock.run_until(windows * WINDOW)
    return [each.partition.occupied_ns() for each in modelled]


@settings(max_examples=25)
@given(
    st.integers(1, 3),
    st.lists(
        st.tuples(st.integers(10, 30), st.sampled_from([32, 64, 96, 128, 255])),
        min_size=3,
        max_size=10,
    ),
    st.sampled_from([0.5e-3, 1e-3, 2e-3]),
)
def test_spare_capacity_goes_out_in_proportion_to_weights(cores, parts, spare_slice):
    shares = [share / 100 for share, _ in parts]
    weights = [weight for _, weight in parts]
    spare = cores - sum(shares)
    # As the rule says when none reaches its ceiling.
    expected = [spare * weight / sum(weights) for weight in weights]
    # Leave room: one that needs nearly all of a window cannot wait for the others' entitlement.
    assume(all(more + share <= 0.5 for more, share in zip(expected, shares, strict=True)))
    assume(sum(shares) <= 0.9 * cores)
    windows = 300
    busy = [
        partition(f"p{number}", share, 1, UNCAPPED, weight=weight)
        for number, (share, weight) in enumerate(zip(shares, weights, strict=True))
    ]
    occupied = occupied_ns(busy, cores, windows, spare_slice=spare_slice)
    for ns, share, more in zip(occupied, shares, expected, strict=True):
        # Four turns either way, however long it goes on.
        assert abs(ns - windows * WINDOW * (share + more)) <= 4 * spare_slice * 1e9


def test_an_unused_share_flows_to_the_others_by_weight():
    idle = partition("idle", 0.5, 1, UNCAPPED)
    busy = [
        partition("light", 0.2, 1, UNCAPPED, weight=64),
        partition("heavy", 0.2, 1, UNCAPPED, weight=192),
    ]
    light, heavy = occupied_ns(busy, 1, 100, idle)
    spare = 100 * WINDOW * 0.6
    assert light == pytest.approx(100 * WINDOW * 0.2 + spare / 4, abs=2.5 * MS)
    assert heavy == pytest.approx(100 * WINDOW * 0.2 + spare * 3 / 4, abs=2.5 * MS)
