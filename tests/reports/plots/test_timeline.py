"""Timelines keep what matters of many samples."""

from hypothesis import given
from hypothesis import strategies as st

from reports.plots import timeline as timelines

SERIES = st.lists(st.floats(0.0, 10.0), min_size=1, max_size=400).map(
    lambda values: tuple((float(at), value) for at, value in enumerate(values))
)


@given(SERIES, st.integers(1, 40))
def test_thinning_keeps_extremes_ends_and_order(series, pairs):
    found = timelines.thin(series, pairs)
    values = [value for _, value in series]
    kept = [value for _, value in found]
    assert (min(kept), max(kept)) == (min(values), max(values))
    assert (found[0], found[-1]) == (series[0], series[-1])
    assert list(found) == sorted(found)
    assert len(found) <= 2 * pairs + 2


@given(SERIES)
def test_steps_lose_no_change(series):
    found = dict(timelines.steps(series))
    value = series[0][1]
    for at, true in series:
        value = found.get(at, value)
        assert value == true


def test_no_line_spans_a_gap():
    series = ((0.0, 1.0), (1.0, 1.0), (9.0, 2.0), (10.0, 3.0), (30.0, 4.0))
    found = timelines.parts(series, 2.0)
    assert found == [series[:2], series[2:4], series[4:]]
    assert timelines.parts(series, 20.0) == [series]


def test_draws_what_changed_and_nothing_else(play, shipped):
    (scenario,) = play(shipped).elements.scenarios
    chosen = timelines.panels(scenario)
    assert [(panel.quantity, panel.of) for panel in chosen] == [
        ("vtax_requests_per_second", ""),
        ("vtax_response_mean_seconds", ""),
        (timelines.USED, "app1"),
        (timelines.USED, "app2"),
    ]
    assert {value for _, value in chosen[2].entitled} == {1.0, 2.0}
