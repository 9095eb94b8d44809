"""Values of real systems, and the comparison of two imports."""

import math
import random

import pytest
from scipy import stats

from harness.analysis.measured_values import (
    BATCHES,
    MeasuredValue,
    interval_values,
    measured_changes,
)
from harness.results.run_result import RunResult


def test_counters_become_rates_of_intervals_and_gauges_stay():
    counter, gauge = "vtax_disk_bytes_total", "vtax_partition_physc_cores"
    result = RunResult(
        samples=[("vtax_partition_weight", {"partition": "p"}, 128.0)],
        digests={},
        warm_up_seconds=0.0,
        measured_seconds=15.0,
        requests=0,
        timeline=[
            (0.0, counter, {"disk": "d"}, 0.0),
            (5.0, counter, {"disk": "d"}, 50.0),
            (5.0, gauge, {"partition": "p"}, 0.5),
            (15.0, counter, {"disk": "d"}, 250.0),
            (15.0, gauge, {"partition": "p"}, 0.7),
        ],
    )

    assert interval_values(result) == {
        "disk_bytes/s d": [10.0, 20.0],
        "physc_cores": [0.5, 0.7],
        "weight": [128.0],
    }


def _values(*columns):
    return tuple(
        MeasuredValue("p", f"value {place}", tuple(column)) for place, column in enumerate(columns)
    )


def test_the_test_is_welchs_adjusted_for_all_values():
    draw = random.Random(5)
    first = [[draw.gauss(mean, 1.0) for _ in range(BATCHES)] for mean in (10.0, 10.0)]
    second = [[draw.gauss(mean, 2.0) for _ in range(12)] for mean in (13.0, 10.0)]
    changes = measured_changes(_values(*first), _values(*second), 0.05)

    exact = stats.ttest_ind(second[0], first[0], equal_var=False)
    assert changes[0].p_value == pytest.approx(2 * exact.pvalue)
    interval = exact.confidence_interval(0.95)
    assert (changes[0].low, changes[0].high) == pytest.approx((interval.low, interval.high))
    assert [each.direction for each in changes] == ["higher", "no change shown"]


def test_settings_differ_or_not_and_single_values_show_nothing():
    first = _values([1.0, 1.0], [2.0, 2.0], [3.0])
    second = _values([1.0, 1.0], [1.0, 1.0], [9.0])

    changes = measured_changes(first, second, 0.05)

    assert [each.direction for each in changes] == ["no change shown", "lower", "no change shown"]
    assert changes[2].low is None
    assert not math.isnan(changes[0].p_value)
