"""The shared pool does, event for event, what an independent implementation of its rules does."""

import numpy as np
import pytest
from examples import number_of_examples
from hypothesis import given, settings
from hypothesis import strategies as st
from load import Events, Load, first_difference, generate, in_order, watch
from pool_oracle import schedule

from harness.engine.clock import Clock
from harness.model.cpu.cache_refill import CacheCosts
from harness.model.cpu.entities import Partition
from harness.model.cpu.shared_pool import SharedPool
from harness.model.cpu.spare_capacity import SpareCapacity
from harness.model.cpu.topology import build_processors
from harness.model.ledger import Cause, Ledger


def oracle(load: Load) -> tuple[Events, int]:
    arrays = (
        np.array(each, np.int64)
        for each in (
            load.vp_partition, load.vp_entitlement, load.weight, load.thread_partition,
            load.demand, load.pause,
        )
    )  # fmt: skip
    log, together = schedule(
        load.cores, load.per_chip, load.window, load.turn, load.switch, load.timeslice,
        *arrays, load.end,
    )  # fmt: skip
    return in_order([tuple(row) for row in log.tolist()]), int(together)


def platform(load: Load) -> Events:
    clock, ledger = Clock(), Ledger()
    pool = SharedPool(
        clock,
        ledger,
        build_processors(load.cores, load.per_chip),
        CacheCosts(),
        switch_parts=((int(Cause.HYPERVISOR), load.switch),),
        window_ns=load.window,
        spare_slice_ns=load.turn,
    )
    return watch(load, clock, ledger, pool)


def loads() -> st.SearchStrategy[Load]:
    return st.integers(0, 2**32).map(lambda seed: generate(np.random.default_rng(seed)))


def agrees(load: Load) -> bool:
    """Whether both report the same, at least up to where no rule says what comes first."""
    theirs, together = oracle(load)
    return first_difference(platform(load), theirs) >= together


@settings(max_examples=number_of_examples(2000))
@given(loads())
def test_the_pool_agrees_with_the_oracle_event_for_event(load):
    assert agrees(load)


def test_hardly_any_load_needs_the_excuse_that_two_things_fell_together():
    loads = [generate(np.random.default_rng([1, number])) for number in range(100)]
    alike = [load for load in loads if platform(load) == oracle(load)[0]]
    assert len(alike) >= 97


def without_counting(pool: SharedPool, now: int) -> None:
    """What the others have had on spare capacity since their last look is not taken in."""


def first_come_first_served(spare: SpareCapacity) -> Partition | None:
    return next(iter(spare.competing), None)


@pytest.mark.parametrize(
    ("owner", "name", "wrong"),
    [
        (SharedPool, "_count_all", without_counting),
        (SharedPool, "_laxity_used_up", lambda pool: None),
        (SharedPool, "_on_spare", lambda pool, now: None),
        (SharedPool, "_guaranteed", lambda pool, vp, now: True),
        (SharedPool, "free_processor", lambda pool, vp: pool.free.first()),
        (SpareCapacity, "best", first_come_first_served),
        (SharedPool, "_limit_all", lambda pool: None),
    ],
)
@pytest.mark.interpreted
def test_a_pool_that_breaks_a_rule_would_be_noticed(monkeypatch, owner, name, wrong):
    monkeypatch.setattr(owner, name, wrong)
    loads = (generate(np.random.default_rng([1, number])) for number in range(100))
    assert not all(agrees(load) for load in loads)
