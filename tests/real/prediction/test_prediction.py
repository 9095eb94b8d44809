"""Predictions from artificial profiles and catalogs, whose sums are known."""

import numpy as np
import pytest

from harness.errors import UserError
from harness.real.calibration.costs import EventCost, MachineCosts
from harness.real.prediction.cost_model import CAUSES, WAITING
from harness.real.prediction.prediction import COMPUTING, REST, predict
from harness.real.profiling.profile import QUANTITIES, Measurement, Profile
from harness.statistics.intervals import Interval


def interval(value: float, spread: float = 0.0) -> Interval:
    """A log-symmetric interval: ``spread`` is the standard deviation of the logarithm."""
    factor = np.exp(1.96 * spread)
    return Interval(value, value / factor, value * factor, 0.95, 8)


def profile(spread: float = 0.0, **measured: float) -> Profile:
    found = {
        name: Measurement(interval(value, spread), "made up") for name, value in measured.items()
    }
    return Profile("app", ("app",), found, {})


def catalog(events: dict[str, tuple[float, float]], spread: float = 0.0, **faults: float):
    """Native costs and ratios by event; elapsed ratios are twice those of processor time."""
    native, target = {}, {}
    for name, (cost, ratio) in events.items():
        native[name] = EventCost(
            interval(cost * (3 if name in WAITING else 1), spread),
            interval(cost, spread),
            None,
            None,
            faults.get(name, 0.0),
        )
        target[name] = EventCost(
            interval(cost * ratio * 2, spread),
            interval(cost * ratio, spread),
            interval(2 * ratio, spread),
            interval(ratio, spread),
            0.0,
        )
    return MachineCosts({"native": native, "guest": target}, {"kvm": "no such thing"}, {})


def test_without_uncertainty_a_prediction_is_the_exact_sum():
    app = profile(user=2.0, system=1.0, waiting=0.0, calls=100_000, page_faults=50_000)
    costs = catalog({"compute": (1e-6, 2.5), "calls": (1e-6, 6.0), "faults": (4e-6, 6.0)})
    found = predict(app, costs, "guest")
    # 0.1 s of calls and 0.2 s of faults are explained; 0.7 s are like one of the two.
    target = 2.0 * 2.5 + 0.1 * 6 + 0.2 * 6 + 0.7 * 6
    assert found.processor.estimate == pytest.approx(target / 3.0)
    assert found.processor.low == pytest.approx(found.processor.high)
    assert found.elapsed.estimate == pytest.approx(2 * target / 3.0)
    assert {one.cause: (one.native, one.target) for one in found.contributions} == {
        COMPUTING: pytest.approx((2.0, 5.0)),
        "calls": pytest.approx((0.1, 0.6)),
        "page_faults": pytest.approx((0.2, 1.2)),
        REST: pytest.approx((0.7, 4.2)),
    }


def test_what_an_event_contains_is_counted_once():
    app = profile(user=0.0, system=1.0, waiting=0.0, calls=300, page_faults=5000, forks=100)
    costs = catalog(
        {"compute": (1.0, 1.0), "calls": (1e-6, 5), "faults": (2e-6, 5), "forks": (203e-6, 10)},
        forks=50.0,
    )
    found = {one.cause: one for one in predict(app, costs, "guest").contributions}
    # Of a fork's 203 us, 50 faults take 100 and three calls 3.
    assert found["forks"].native == pytest.approx(100 * 100e-6)
    assert found["forks"].target == pytest.approx(100 * (2030e-6 - 50 * 10e-6 - 3 * 5e-6))
    assert found["page_faults"].native == pytest.approx(5000 * 2e-6)


def test_what_explains_too_much_is_made_smaller_and_nothing_is_left():
    app = profile(user=1.0, system=0.1, waiting=0.0, calls=200_000)
    found = predict(app, catalog({"compute": (1.0, 2.0), "calls": (1e-6, 6.0)}), "guest")
    parts = {one.cause: one for one in found.contributions}
    assert parts["calls"].native == pytest.approx(0.1)
    assert parts["calls"].target == pytest.approx(0.6)
    assert parts[REST].native == pytest.approx(0.0, abs=1e-12)
    assert any("made smaller by 50%" in note for note in found.notes)


def test_what_is_partly_user_time_is_taken_from_where_there_is_time():
    costs = catalog(
        {"compute": (1.0, 9.0), "forks": (1e-3, 2.0), "execs": (11e-3, 3.0), "calls": (1e-9, 1.0)}
    )
    # Ten programs took 0.1 s to begin, and there is no system time: all of it was user time.
    app = profile(user=0.5, system=0.0, waiting=0.0, execs=10)
    found = {one.cause: one for one in predict(app, costs, "guest").contributions}
    assert found["execs"].native == pytest.approx(0.1, rel=1e-3)
    assert found["execs"].target == pytest.approx(10 * (33e-3 - 2e-3), rel=1e-3)
    assert found[COMPUTING].native == pytest.approx(0.4, rel=1e-3)
    # Nor user time: all of it was system time.
    app = profile(user=0.0, system=0.5, waiting=0.0, execs=10)
    found = {one.cause: one for one in predict(app, costs, "guest").contributions}
    assert found["execs"].native == pytest.approx(0.1, rel=1e-3)
    assert found[REST].native == pytest.approx(0.4, rel=1e-3)
    # Both: nobody knows, but all of it is somewhere, once.
    app = profile(user=0.5, system=0.5, waiting=0.0, execs=10)
    found = {one.cause: one for one in predict(app, costs, "guest").contributions}
    assert 0.4 < found[COMPUTING].native < 0.5
    assert sum(one.native for one in found.values()) == pytest.approx(1.0)


def test_waiting_stays_and_devices_wait_as_long_as_measured():
    app = profile(user=1.0, system=0.0, waiting=3.0)
    sleeping = predict(app, catalog({"compute": (1.0, 2.0), "calls": (1e-6, 2.0)}), "guest")
    assert sleeping.processor.estimate == pytest.approx(2.0)
    assert sleeping.elapsed.estimate == pytest.approx((1.0 * 4.0 + 3.0) / (1.0 + 3.0))
    app = profile(user=1.0, system=1.0, waiting=3.0, block_reads=1000, block_read_bytes=4096_000)
    costs = {"compute": (1.0, 1.0), "calls": (1e-6, 1.0), "direct_reads_4k": (1e-4, 2.0)}
    # Of each read's 300 us natively 200 are waiting: 0.2 of the 3 s. There it takes 1200 us.
    reading = predict(app, catalog(costs), "guest")
    elapsed = 1.0 * 2.0 + 0.9 * 2.0 + 1000 * 1200e-6 + 2.8
    assert reading.elapsed.estimate == pytest.approx(elapsed / 5.0)


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_shares_sum_to_one(spread):
    events = dict.fromkeys(("calls", "faults", "files", "opens", "io_calls"), (1e-06, 5.0))
    app = profile(
        spread, user=1.0, system=2.0, waiting=0.5, calls=1e5, page_faults=1e5, opens=1e4, stats=9e4
    )
    found = predict(app, catalog({"compute": (1.0, 3.0), **events}, spread), "guest")
    assert sum(one.share for one in found.contributions) == pytest.approx(1.0)
    assert sum(one.extra_share for one in found.contributions) == pytest.approx(1.0)
    assert sum(one.native for one in found.contributions) == pytest.approx(3.0, rel=0.05)
    assert any("no cost of stats" in note for note in found.notes)


def test_where_no_difference_is_shown_there_is_nothing_to_share_out():
    found = predict(
        profile(user=1.0, system=0.0, waiting=0.0), catalog({"compute": (1.0, 1.0)}), "guest"
    )
    assert all(np.isnan(one.extra_share) for one in found.contributions)
    assert sum(one.share for one in found.contributions) == pytest.approx(1.0)


def test_an_unknown_mix_spans_the_kinds_and_what_the_profile_tells_narrows_it():
    costs = catalog({"compute": (1.0, 2.0), "branches": (1.0, 6.0), "floats": (1.0, 20.0)})
    app = {"user": 1.0, "system": 0.0, "waiting": 0.0}
    unknown = predict(profile(**app), costs, "guest").processor
    assert unknown.low < 4.0 < 12.0 < unknown.high
    integer = predict(profile(**app, floating=0.0), costs, "guest").processor
    assert 2.0 <= integer.low < 2.3
    assert 5.7 < integer.high <= 6.0
    floating = predict(profile(**app, floating=1.0), costs, "guest").processor
    assert (floating.low, floating.high) == pytest.approx((20.0, 20.0))
    spread = predict(profile(**app, floating=0.0, diffuse=0.25), costs, "guest").processor
    assert spread.estimate == pytest.approx(0.25 * 6 + 0.75 * 2)
    vectors = catalog({"compute": (1.0, 2.0), "strings": (1.0, 10.0), "floats": (1.0, 20.0)})
    mixed = predict(profile(**app, floating=0.25, vector=0.5), vectors, "guest").processor
    assert mixed.estimate == pytest.approx(0.25 * 20 + 0.5 * 10 + 0.25 * 2)


def test_intervals_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(5)
    held, trials, spread = 0, 300, 0.1
    truth = {"calls": (1e-6, 6.0), "faults": (4e-6, 9.0), "io_calls": (2e-6, 4.0)}
    counts = {"calls": 2e5, "page_faults": 1e5, "io_calls": 5e4}
    user, computing = 1.0, 2.5
    system = sum(n * truth[e][0] for n, e in zip(counts.values(), truth, strict=True))
    target = user * computing + sum(
        n * truth[e][0] * truth[e][1] for n, e in zip(counts.values(), truth, strict=True)
    )

    def measured(value: float) -> float:
        return value * np.exp(spread * random.standard_normal())

    for _ in range(trials):
        app = profile(
            spread,
            user=measured(user),
            system=measured(system),
            waiting=0.0,
            **{name: measured(number) for name, number in counts.items()},
        )
        events = {e: (measured(cost), measured(ratio)) for e, (cost, ratio) in truth.items()}
        events["compute"] = (1.0, measured(computing))
        found = predict(app, catalog(events, spread), "guest").processor
        held += found.low <= target / (user + system) <= found.high
    assert held >= 0.95 * trials - 3 * np.sqrt(trials * 0.95 * 0.05)


def test_the_same_profile_and_catalog_give_the_same_prediction():
    app = profile(0.3, user=1.0, system=1.0, waiting=0.0, calls=1e5)
    costs = catalog({"compute": (1.0, 2.0), "branches": (1.0, 3.0), "calls": (1e-6, 6.0)}, 0.1)
    assert predict(app, costs, "guest") == predict(app, costs, "guest")


@pytest.mark.parametrize(
    ("target", "told"), [("kvm", "no such thing"), ("xen", "it has guest"), ("native", "guest")]
)
def test_a_target_without_costs_is_one_line(target, told):
    app = profile(user=1.0, system=0.0, waiting=0.0)
    with pytest.raises(UserError, match=told):
        predict(app, catalog({"compute": (1.0, 2.0)}), target)
    with pytest.raises(UserError, match="no cost of computing"):
        predict(app, catalog({"calls": (1.0, 2.0)}), "guest")


def test_a_program_that_took_nothing_is_one_line():
    with pytest.raises(UserError, match="app took no processor time"):
        predict(profile(user=0.0, system=0.0), catalog({"compute": (1.0, 2.0)}), "guest")


def test_every_cause_comes_after_what_it_contains_and_counts_what_a_profile_has():
    seen = set()
    for cause in CAUSES:
        assert cause.contains.keys() <= seen
        assert cause.counts.keys() <= QUANTITIES.keys()
        seen.add(cause.name)
