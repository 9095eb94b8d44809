"""Exact schedules: spare capacity by weight, and the worst gap between two dispatches."""

import numpy as np

from harness.model.config import Virtualization
from harness.validation import queues
from harness.validation.mechanism import Mechanism
from harness.validation.minimal_model import build, free, keep_busy, partition
from harness.validation.row import Kind, Row

UNCAPPED = Virtualization.SHARED_UNCAPPED
CAPPED = Virtualization.SHARED_CAPPED
HALF_WIDTH = 0.01
"""Largest half-width."""

WEIGHTS = (32, 64, 128, 255)


def weight_rows(quick: bool) -> list[Row]:
    """Share the spare capacity among busy micro-partitions by weight."""
    seconds = 5 if quick else 50
    entitlement = 0.1
    apps = [partition(f"w{w}", entitlement, 1, UNCAPPED, weight=w) for w in WEIGHTS]
    machine = build(free(), 1, *apps)
    for app in machine.partitions.values():
        keep_busy(app, 0.0007)
    machine.clock.run_until(seconds * 1_000_000_000)
    accounts, _ = machine.balance()
    expected = queues.spare_shares([entitlement] * len(WEIGHTS), list(WEIGHTS), 1.0)
    slice_seconds = machine.costs.number("hypervisor.spare_slice")
    rows = []
    for weight, share in zip(WEIGHTS, expected, strict=True):
        value = accounts[f"w{weight}"]["user"] / 1e9 / seconds
        # The run ends within a turn of some partition: at most four turns either way.
        end = 4 * slice_seconds / seconds
        rows.append(
            Row(
                Kind.THEORY,
                "spare capacity by weight, uncapped micro-partitions",
                f"share of weight {weight}",
                share,
                "cores",
                "HMC help: weight / sum of weights",
                value,
                value - end,
                value + end,
                "four turns on spare capacity",
                HALF_WIDTH,
                mechanisms=(Mechanism.DISPATCH,),
            )
        )
    return rows


ENTITLEMENTS = (0.1, 0.2, 0.5, 0.8)


def longest_gap(entitlement: float) -> float:
    """Simulate the worst case and measure its gap (s).

    The capped partition runs first in the first window; in the next one its neighbour is running
    already and has its own entitlement before it.
    """
    apps = [
        partition("first", entitlement, 1, CAPPED),
        partition("neighbour", 1 - entitlement, 1, UNCAPPED),
    ]
    machine = build(free(), 1, *apps)
    burst, clock = 1e-5, machine.clock
    ends = [0]

    def again() -> None:
        machine.partitions["first"].compute(burst, None, ended)

    def ended() -> None:
        ends.append(clock.now_ns)
        again()

    again()
    keep_busy(machine.partitions["neighbour"], 0.001)
    clock.run_until(200_000_000)
    return float(np.diff(ends).max()) / 1e9 - burst


def gap_rows() -> list[Row]:
    """Measure the worst gap between two dispatches as a function of entitlement."""
    rows = []
    for entitlement in ENTITLEMENTS:
        value = longest_gap(entitlement)
        expected = queues.worst_gap(entitlement, 0.010)
        rows.append(
            Row(
                Kind.THEORY,
                "worst gap between two dispatches, capped micro-partition",
                f"entitlement {entitlement:g}",
                expected,
                "s",
                "2 (1 - entitlement) windows, after IBM SG24-7940 p. 78",
                value,
                value,
                value,
                "one run, nothing is random",
                HALF_WIDTH,
                1e-6,
                mechanisms=(Mechanism.DISPATCH,),
            )
        )
    return rows
