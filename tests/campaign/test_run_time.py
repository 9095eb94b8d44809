import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.campaign.plan import make_plan
from harness.campaign.run_time import Remaining, expected_seconds


@pytest.fixture(scope="module")
def specs():
    return make_plan("smoke").runs()


def test_more_simulated_time_and_more_cores_take_longer():
    def seconds(name: str, *only: str) -> float:
        return expected_seconds(make_plan(name, only=only).cells[0])

    assert 0 < seconds("carrier", "machine=p5-520") < seconds("carrier", "machine=p5-570")


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_time_left_is_right_when_each_kind_takes_its_own_time(specs, data):
    """Once every kind was seen, nothing is guessed any more."""
    kinds = sorted({(spec.cell.virtualization, spec.cell.workload) for spec in specs})
    takes = {kind: data.draw(st.floats(0.01, 10.0)) for kind in kinds}
    workers = data.draw(st.integers(1, 8))
    remaining = Remaining(workers)
    remaining.expect(specs)
    assert remaining.seconds() > 0
    half = specs[: len(specs) // 2]
    assert {(spec.cell.virtualization, spec.cell.workload) for spec in half} == set(kinds)
    for spec in half:
        remaining.done(spec, takes[spec.cell.virtualization, spec.cell.workload])
    rest = [takes[s.cell.virtualization, s.cell.workload] for s in specs[len(half) :]]
    assert remaining.seconds() == pytest.approx(sum(rest) / workers)
    for spec in specs[len(half) :]:
        remaining.done(spec, 1.0)
    assert remaining.seconds() == 0


def test_kinds_not_seen_yet_follow_the_seen_ones(specs):
    remaining = Remaining(1)
    remaining.expect(specs)
    guess = remaining.seconds()
    first = specs[0]
    remaining.done(first, 3.0 * expected_seconds(first.cell))
    rest = guess - expected_seconds(first.cell)
    assert remaining.seconds() == pytest.approx(3.0 * rest)
