import math
from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.cell_summary import summarise
from harness.metrics.measures import measure
from harness.statistics.intervals import Caution

KIND = ("app1", "commercial", "pay")


@pytest.fixture
def cell(synthetic):
    return synthetic(true={}).record.cells[0]


@pytest.fixture
def runs(make_result):
    def runs(count: int, **arguments):
        rng = np.random.default_rng(5)
        found = {}
        for replication in range(count):
            result = make_result(
                responses={KIND: list(rng.gamma(2.0, 0.01, 50))},
                causes={"user": 2.0 + rng.random(), "hypervisor": 0.5, "idle": 7.0},
                gauges={"app1": {"dispatches_total": 5.0 + replication}},
                **arguments,
            )
            found[replication] = measure(
                result.samples,
                result.digests.values(),
                measured_seconds=result.measured_seconds,
                warm_up_seconds=result.warm_up_seconds,
            )
        return found

    return runs


def test_the_split_by_cause_adds_up(cell, runs) -> None:
    found = summarise(cell, runs(12), level=0.95, seed=1)
    assert list(found.causes) == ["hypervisor", "user"]
    parts = math.fsum(interval.estimate for interval in found.causes.values())
    assert parts == pytest.approx(found.processor_seconds.estimate)
    assert found.causes["hypervisor"].warnings == (Caution.NO_VARIATION,)
    user = found.causes["user"]
    assert user.low < user.estimate < user.high
    assert user.samples == found.runs == 12


def test_rates_are_of_the_measured_time(cell, runs) -> None:
    found = summarise(cell, runs(3, measured_seconds=20.0, failed=4), level=0.95, seed=1)
    assert found.throughput.estimate == pytest.approx(50 / 20)
    assert found.failed_transactions == 12.0
    assert found.partitions == {"app1": {"dispatches_total": pytest.approx(6.0)}}
    # Between 2.5 of 9.5 and 3.5 of 10.5 processor seconds were busy.
    assert 2.5 / 9.5 < found.utilisation.estimate < 3.5 / 10.5
    assert found.warm_up_seconds.estimate == 10.0


def test_responses_of_all_runs_together(cell, runs) -> None:
    measured = runs(12)
    found = summarise(cell, measured, level=0.95, seed=1).response
    assert found.count == 12 * 50
    median = math.exp(np.mean([math.log(run.quantiles["p50"]) for run in measured.values()]))
    assert found.quantiles["p50"].estimate == pytest.approx(median)
    assert found.quantiles["p50"].low < found.digest.quantile(0.5) < found.quantiles["p50"].high


def test_no_run_no_summary(cell) -> None:
    assert summarise(cell, {}, level=0.95, seed=1) is None


def test_without_transactions_there_is_no_cost_of_one(cell, runs) -> None:
    silent = {
        replication: replace(run, transactions=0.0, responses={}, quantiles={}, digest=EMPTY)
        for replication, run in runs(3).items()
    }
    found = summarise(cell, silent, level=0.95, seed=1)
    assert found.causes == {}
    assert found.processor_seconds is None
    assert found.response is None
    assert found.throughput.estimate == 0.0
    assert found.utilisation.estimate > 0.2


EMPTY = {"sum_ns": 0, "buckets": [], "counts": []}


def test_one_silent_run_does_not_hide_the_others(cell, runs) -> None:
    measured = runs(12)
    measured[3] = replace(measured[3], transactions=0.0, responses={}, quantiles={}, digest=EMPTY)
    found = summarise(cell, measured, level=0.95, seed=1)
    assert found.runs == 12
    assert found.processor_seconds.samples == found.response.quantiles["p95"].samples == 11
    assert found.throughput.samples == 12
