import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.ddsketch import RELATIVE_ERROR, Digest
from harness.metrics.measures import (
    QUANTILES,
    Measures,
    measure,
    mix_distance,
    slowdown,
    unmatched,
)

APP1 = ("app1", "commercial", "pay")
APP2 = ("app2", "commercial", "pay")
AS_BASELINE = {
    APP1: ("system", "app1/commercial", "pay"),
    APP2: ("system", "app2/commercial", "pay"),
}


@pytest.fixture
def read(make_result):
    def read(**arguments) -> Measures:
        result = make_result(**{"responses": {}, "causes": {}, **arguments})
        return measure(
            result.samples,
            result.digests.values(),
            measured_seconds=result.measured_seconds,
            warm_up_seconds=result.warm_up_seconds,
        )

    return read


def of(**responses: tuple[float, float]) -> Measures:
    """Measures with nothing but (count, mean response time) by kind of work."""
    return Measures(
        measured_seconds=1.0,
        warm_up_seconds=0.0,
        transactions=sum(count for count, _ in responses.values()),
        failed=0.0,
        processor_seconds={},
        responses={kind: (count, count * mean) for kind, (count, mean) in responses.items()},
        digest=Digest().to_json(),
        quantiles={},
        partitions={},
    )


def test_what_a_run_exposes_becomes_its_measures(read) -> None:
    found = read(
        responses={APP1: [0.01, 0.03], APP2: [0.02]},
        causes={"user": 3.0, "os": 1.5, "idle": 5.5},
        failed=2,
        gauges={
            "app1": {
                "dispatched_seconds_total": 30.0,
                "entitlement_cores": 0.4,
                "dispatches_total": 10.0,
            },
            "app2": {"dispatched_seconds_total": 15.0, "dispatches_total": 5.0},
        },
    )
    assert found.transactions == 3.0
    assert found.failed == 2.0
    assert found.responses == {
        "app1/commercial/pay": (2.0, pytest.approx(0.04)),
        "app2/commercial/pay": (1.0, pytest.approx(0.02)),
    }
    flat = found.flat()
    assert flat["processor_seconds_per_transaction"] == pytest.approx(1.5)
    assert flat["response_seconds_mean"] == pytest.approx(0.02)
    assert flat["response_seconds_p50"] == pytest.approx(0.02, rel=2 * RELATIVE_ERROR)
    assert flat["response_seconds_p99"] == pytest.approx(0.03, rel=2 * RELATIVE_ERROR)
    assert flat["transactions_per_second"] == pytest.approx(3 / 60)
    assert flat["utilisation_ratio"] == pytest.approx(0.45)
    assert flat["processor_seconds_idle"] == 5.5
    assert found.partitions["app1"]["physc_cores"] == pytest.approx(0.5)
    assert found.partitions["app1"]["entc_ratio"] == pytest.approx(1.25)
    assert flat["physc_cores"] == pytest.approx(0.75)
    assert flat["dispatches"] == 15.0


def test_a_run_without_transactions_leaves_out_what_is_unknown(read) -> None:
    flat = read(causes={"idle": 10.0}, trustworthy=False).flat()
    assert flat["warm_up_trustworthy"] == 0.0
    assert flat["transactions"] == 0.0
    assert flat["utilisation_ratio"] == 0.0
    assert not {name for name in flat if "response" in name or name.endswith("per_transaction")}
    assert all(map(math.isfinite, flat.values()))


def test_the_work_of_the_baseline_has_the_name_of_where_it_comes_from(read) -> None:
    divided = read(responses={APP1: [0.1], APP2: [0.2]})
    whole = read(responses={AS_BASELINE[APP1]: [0.1], AS_BASELINE[APP2]: [0.2]})
    assert divided.responses == whole.responses


def test_quantiles_are_those_of_all_responses_together(read) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.lognormal(-4, 1, 3000), rng.lognormal(-3, 1, 2000)
    found = read(responses={APP1: list(first), APP2: list(second)})
    both = np.concatenate([first, second])
    for name, q in QUANTILES.items():
        exact = np.quantile(both, q, method="inverted_cdf")
        assert found.quantiles[name] == pytest.approx(exact, rel=1.01 * RELATIVE_ERROR)


kinds = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(st.integers(1, 1000), st.floats(1e-6, 10)), min_size=1
)


@given(kinds, st.floats(0.1, 10), st.dictionaries(st.sampled_from("abcd"), st.integers(1, 1000)))
def test_slowdown_does_not_depend_on_the_mix(
    base: dict[str, tuple[int, float]], factor: float, counts: dict[str, int]
) -> None:
    other = of(**{kind: (counts.get(kind, n), factor * mean) for kind, (n, mean) in base.items()})
    assert slowdown(other, of(**base)) == pytest.approx(factor)


def test_slowdown_weights_kinds_as_the_baseline_does() -> None:
    base = of(fast=(90, 0.1), slow=(10, 1.0))
    measured = of(fast=(1000, 0.2), slow=(1, 1.0))
    assert slowdown(measured, base) == pytest.approx((90 * 0.2 + 10 * 1.0) / (90 * 0.1 + 10 * 1.0))


def test_work_that_is_missing_is_left_out_and_told() -> None:
    base, measured = of(a=(90, 0.1), b=(10, 1.0)), of(a=(90, 0.3), c=(5, 1.0))
    assert slowdown(measured, base) == pytest.approx(3.0)
    assert unmatched(measured, base) == pytest.approx(0.1)
    assert unmatched(base, base) == 0.0
    assert math.isnan(slowdown(of(), base))
    assert unmatched(of(), base) == 1.0


@given(kinds, kinds)
def test_the_distance_of_mixes_is_a_distance(
    first: dict[str, tuple[int, float]], second: dict[str, tuple[int, float]]
) -> None:
    one, other = of(**first), of(**second)
    assert mix_distance(one, other) == pytest.approx(mix_distance(other, one))
    assert 0.0 <= mix_distance(one, other) <= 1.0 + 1e-12
    assert mix_distance(one, one) == 0.0


def test_disjoint_mixes_are_as_far_apart_as_can_be() -> None:
    assert mix_distance(of(a=(3, 1.0)), of(b=(9, 1.0))) == 1.0
    assert mix_distance(of(a=(3, 1.0), b=(1, 1.0)), of(a=(1, 1.0), b=(1, 1.0))) == 0.25
    assert mix_distance(of(), of(b=(9, 1.0))) == 0.0
