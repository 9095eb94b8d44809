"""The host's scheduler does, event for event, what an independent implementation of it does."""

from dataclasses import replace

import numpy as np
import pytest
from examples import number_of_examples
from host_oracle import host_schedule
from hypothesis import given, settings
from hypothesis import strategies as st
from load import Load, first_difference, generate, in_order, watch

from harness.engine.clock import Clock
from harness.engine.event_queue import NEVER
from harness.model.cpu.cache_refill import CacheCosts
from harness.model.cpu.host_scheduler import TimeSharing
from harness.model.cpu.topology import build_processors
from harness.model.ledger import Cause, Ledger


def agrees(load: Load, preemption: bool) -> bool:
    clock, ledger = Clock(), Ledger()
    host = TimeSharing(
        clock,
        ledger,
        build_processors(load.cores, load.per_chip),
        CacheCosts(),
        switch_parts=((int(Cause.HOST), load.switch),),
        quantum_ns=load.turn,
        wake_preemption=preemption,
    )
    theirs, together = host_schedule(
        load.cores, load.turn, load.switch, load.timeslice, preemption,
        load.vp_partition, load.thread_partition, load.demand, load.pause, load.end,
    )  # fmt: skip
    return first_difference(watch(load, clock, ledger, host), in_order(theirs)) >= together


def shorter(load: Load) -> Load:
    return replace(load, end=load.end // 4)


@settings(max_examples=number_of_examples(1000))
@given(st.integers(0, 2**32), st.booleans())
def test_the_host_agrees_with_the_oracle_event_for_event(seed, preemption):
    assert agrees(shorter(generate(np.random.default_rng(seed))), preemption)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("_least_run_time", lambda host: 0),
        ("_run_time", lambda host, vp: vp.vruntime_ns),
        ("free_processor", lambda host, vp: host.free.first()),
        ("limit", lambda host, vp: NEVER),
    ],
)
@pytest.mark.interpreted
def test_a_host_that_breaks_a_rule_would_be_noticed(monkeypatch, name, wrong):
    monkeypatch.setattr(TimeSharing, name, wrong)
    loads = (shorter(generate(np.random.default_rng([1, number]))) for number in range(60))
    assert not all(agrees(load, True) for load in loads)
