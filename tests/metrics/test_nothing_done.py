"""A run in which nothing was done has nothing to compare."""

import math
from dataclasses import replace

import pytest

from harness.analysis.overhead import MEASURES, compared
from harness.metrics.measures import NO_TRANSACTION, NO_WORK, Measures, measure


@pytest.fixture
def run(make_result):
    def measured(causes: dict[str, float], times: tuple[float, ...] = (0.01, 0.02)) -> Measures:
        kind = ("app1", "g", "pay")
        result = make_result(responses={kind: times} if times else {}, causes=causes)
        return measure(
            result.samples, result.digests.values(), measured_seconds=60.0, warm_up_seconds=0.0
        )

    return measured


def test_clock_ticks_and_switches_of_an_idle_machine_are_no_work(run):
    idle = {"tick": 1.0, "hypervisor": 0.5, "host": 0.1, "user": 0.0, "os": 0.0, "idle": 58.0}
    assert run(idle).nothing_done == NO_WORK
    assert run({**idle, "user": 1e-9}).nothing_done == ""
    assert run({**idle, "os": 1e-9}).nothing_done == ""
    assert run(idle, ()).nothing_done == NO_TRANSACTION
    assert run({"user": 1.0}, ()).nothing_done == NO_TRANSACTION


def test_a_real_target_may_show_no_processor_time(run):
    assert run({"target": 0.0, "idle": 60.0}).nothing_done == ""


@pytest.mark.parametrize("name", MEASURES)
def test_nothing_is_compared_where_either_side_did_nothing(run, name):
    busy, idle = run({"user": 1.0, "idle": 59.0}), run({"tick": 1.0, "idle": 59.0})
    assert all(map(math.isnan, compared(name, busy, idle)))
    assert all(map(math.isnan, compared(name, idle, busy)))
    assert all(map(math.isnan, compared(name, busy, replace(busy, transactions=0.0))))
    assert all(map(math.isfinite, compared(name, busy, busy)))
