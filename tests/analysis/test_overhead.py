import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.overhead import MEASURES, Concern, Overhead, Replications, overheads
from harness.metrics.ddsketch import Digest
from harness.metrics.measures import Measures
from harness.statistics.intervals import Caution, Interval


def compared(name: str, measured: dict[str, Replications], base: Replications):
    return overheads([name], measured, base, level=0.95, seed=1)[name]


def run(factor: float = 1.0, *, cost: float = 1.0, count: float = 100.0) -> Measures:
    """One kind of work: responses of 10 ms times the factor, processor time of 5 ms."""
    seconds = 0.01 * factor
    return Measures(
        measured_seconds=60.0,
        warm_up_seconds=0.0,
        transactions=count,
        failed=0.0,
        processor_seconds={"user": 0.005 * cost * count, "idle": 3.0},
        responses={"app1/g/n": (count, count * seconds)} if count else {},
        digest=Digest().to_json(),
        quantiles={"p50": seconds, "p95": 2 * seconds, "p99": 3 * seconds} if count else {},
        partitions={},
    )


def noise(seed: int, size: int = 12) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0.0, 0.2, size))


@pytest.mark.parametrize("name", MEASURES)
def test_what_both_sides_share_does_not_widen_the_interval(name: str) -> None:
    shared, own = noise(1), 1.0 + 0.001 * (noise(2) - 1.0)
    baseline = {place: run(each, cost=each) for place, each in enumerate(shared)}
    measured = {
        place: run(1.25 * each, cost=1.25 * each) for place, each in enumerate(shared * own)
    }
    found = compared(name, {"hosted": measured}, baseline)["hosted"]
    if name == "machine-share":
        busy = np.array([each.utilisation for each in baseline.values()])
        assert found.interval.estimate == pytest.approx(0.25 * busy.mean(), rel=0.02)
        return
    assert found.interval.low <= 0.25 <= found.interval.high
    assert found.interval.high - found.interval.low < 0.002
    assert found.interval.samples == 12
    assert found.interval.warnings == ()
    assert (found.virtualization, found.measure) == ("hosted", name)


@pytest.mark.parametrize("name", MEASURES)
def test_the_baseline_itself_costs_nothing(name: str) -> None:
    baseline = {place: run(each, cost=each) for place, each in enumerate(noise(1))}
    found = compared(name, {"physical": baseline}, baseline)["physical"]
    assert found.interval.low == found.interval.estimate == found.interval.high == 0.0
    assert found.interval.warnings == (Caution.NO_VARIATION,)


def test_each_measure_is_its_own() -> None:
    baseline = dict(enumerate(map(run, noise(1))))
    dearer = {place: run(each, cost=2.0) for place, each in enumerate(noise(1))}
    costs = {
        name: compared(name, {"x": dearer}, baseline)["x"].interval.estimate for name in MEASURES
    }
    # Twice the processor time of a seventh of the machine, which is 0.5 of 3.5 processors.
    expected = {"processor-time": pytest.approx(1.0), "machine-share": pytest.approx(1 / 7)}
    assert costs == {**dict.fromkeys(MEASURES, 0.0), **expected}


@given(st.sets(st.integers(0, 15)), st.sets(st.integers(0, 15)))
def test_pairs_are_the_replications_that_both_sides_have(here: set[int], there: set[int]) -> None:
    found = compared(
        "slowdown",
        {"x": {place: run(1.0 + place / 100) for place in here}},
        {place: run() for place in there},
    )
    both = here & there
    assert set(found) == ({"x"} if both else set())
    for overhead in found.values():
        assert overhead.interval.samples == len(both)
        ratios = {place: each for place, each in enumerate(overhead.ratios) if each is not None}
        assert ratios == {place: pytest.approx(1.0 + place / 100) for place in both}
        assert np.isnan(overhead.column()).sum() == len(overhead.ratios) - len(both)


def test_one_virtualization_does_not_change_what_another_costs() -> None:
    baseline = dict(enumerate(map(run, noise(1))))
    first, second = dict(enumerate(map(run, noise(2)))), {3: run(), 4: run(count=0.0)}
    alone = compared("slowdown", {"a": first}, baseline)
    both = compared("slowdown", {"b": second, "a": first}, baseline)
    assert both["a"].interval.low == pytest.approx(alone["a"].interval.low)
    assert both["b"].interval.warnings == (Caution.SINGLE_SAMPLE, Concern.WORK_MISSING)
    assert (both["b"].interval.low, both["b"].interval.high) == (-1.0, math.inf)


def test_nothing_completed_is_no_overhead() -> None:
    stalled = {place: run(count=0.0) for place in range(5)}
    baseline = {place: run() for place in range(5)}
    for name in MEASURES:
        assert compared(name, {"x": stalled}, baseline) == {}
        assert compared(name, {"x": baseline}, stalled) == {}


def mixed(fast: float, slow: float) -> Measures:
    responses = {"fast": (fast, fast * 0.1), "slow": (slow, slow * 1.0)}
    alone = run(count=fast + slow)
    return Measures(
        measured_seconds=alone.measured_seconds,
        warm_up_seconds=0.0,
        transactions=fast + slow,
        failed=0.0,
        processor_seconds=alone.processor_seconds,
        responses={kind: each for kind, each in responses.items() if each[0]},
        digest=alone.digest,
        quantiles=alone.quantiles,
        partitions={},
    )


@pytest.mark.parametrize(
    ("fast", "slow", "slowdown", "other"),
    [
        (50.0, 50.0, (), ()),
        (53.0, 47.0, (), ()),
        (60.0, 40.0, (), (Concern.MIX_DIFFERS,)),
        (100.0, 0.0, (Concern.WORK_MISSING,), (Concern.MIX_DIFFERS,)),
    ],
)
def test_other_work_than_the_baseline_did_is_told(
    fast: float, slow: float, slowdown: tuple[str, ...], other: tuple[str, ...]
) -> None:
    baseline = {place: mixed(50.0, 50.0) for place in range(3)}
    measured = {place: mixed(fast, slow) for place in range(3)}
    for name in MEASURES:
        found = compared(name, {"x": measured}, baseline)["x"]
        expected = slowdown if name == "slowdown" else other
        assert found.interval.warnings == (Caution.NO_VARIATION, *expected)


def test_more_replications_narrow_the_interval_and_not_the_range() -> None:
    """What the replications' constants leave open does not go away."""
    spread = {}
    for size in (20, 320):
        drawn = 1.2 * noise(3, size)
        baseline = {place: run() for place in range(size)}
        measured = dict(enumerate(map(run, drawn)))
        found = compared("slowdown", {"hosted": measured}, baseline)["hosted"]
        assert found.range.estimate == pytest.approx(found.interval.estimate)
        assert found.range.low < found.interval.low < found.interval.high < found.range.high
        spread[size] = [
            math.log1p(each.high) - math.log1p(each.low) for each in (found.interval, found.range)
        ]
    assert spread[320][0] < 0.4 * spread[20][0]
    assert spread[320][1] == pytest.approx(2 * 1.96 * 0.2, rel=0.15)


def test_the_baseline_itself_has_a_point_for_a_range() -> None:
    baseline = {place: run(each) for place, each in enumerate(noise(1))}
    found = compared("slowdown", {"physical": baseline}, baseline)["physical"]
    assert found.range.low == found.range.high == 0.0


def test_the_half_width_is_a_share_of_the_ratio() -> None:
    interval = Interval(estimate=4.0, low=3.5, high=4.5, level=0.95, samples=10)
    one = Overhead("hosted-uml", "slowdown", interval, interval, ())
    assert one.half_width == pytest.approx(0.5 / 5.0)
