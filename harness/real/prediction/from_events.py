"""Prediction for work that consists of the agent's events."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np

from harness.real.calibration.costs import MachineCosts
from harness.real.microbenchmarks import EVENTS, Microbenchmark
from harness.real.prediction.monte_carlo import DRAWS, Samples, draw_event, total
from harness.real.prediction.prediction import SEED, Prediction, contributions, interval
from harness.real.target.target import NATIVE

_DEVICE = "direct_"
"""Prefix of the names of events that wait for a device."""


def predict_events(
    counts: Mapping[Microbenchmark, float], catalog: MachineCosts, target: str
) -> Prediction | None:
    """Predict a transaction's time in a target from the number of each event in it.

    The cost of an event of another size is interpolated linearly between calibrated sizes.

    Parameters
    ----------
    counts
        Events of a transaction, the same in every target.
    catalog
        Costs of events.
    target
        One of the catalog's targets.

    Returns
    -------
    Prediction or None
        None if an event was not calibrated in both, or there are no events.
    """
    native, costs = catalog.costs[NATIVE], catalog.costs.get(target, {})
    random = np.random.default_rng(SEED)
    drawn: dict[str, Samples] = {}

    def one(name: str) -> Samples:
        if name not in drawn:
            waits = name.startswith(_DEVICE)
            drawn[name] = draw_event(native[name], costs[name], waits, random)
        return drawn[name]

    known = [event for event in EVENTS if event.name in native and event.name in costs]
    parts: dict[str, Samples] = {}
    zero = np.zeros(DRAWS)
    nothing = Samples(zero, zero, zero, zero)
    for event, number in counts.items():
        if not number:
            continue
        mix = _mix(event, known)
        if mix is None:
            return None
        # Extrapolation may give costs below zero.
        found = total([one(name).scaled(number * share) for name, share in mix])
        parts[event.name] = found.less(nothing)
    if not parts:
        return None
    sums = total(parts.values())
    processor = interval(sums.target / np.maximum(sums.native, 1e-12))
    return Prediction(
        target=target,
        elapsed=interval(sums.target_elapsed / np.maximum(sums.native_elapsed, 1e-12)),
        processor=processor,
        contributions=contributions(parts, shown=not processor.low <= 1.0 <= processor.high),
        notes=(),
    )


def _mix(event: Microbenchmark, known: Iterable[Microbenchmark]) -> list[tuple[str, float]] | None:
    """Return weights of calibrated events for an event's cost; None without any of its kind."""
    like = sorted((e for e in known if e.request == event.request), key=lambda e: e.size)
    for each in like:
        if each.size == event.size:
            return [(each.name, 1.0)]
    if not like:
        return None
    if len(like) == 1:
        return [(like[0].name, 1.0)]
    below, above = like[0], like[1]
    for pair in pairwise(like):
        if pair[0].size <= event.size:
            below, above = pair
    share = (event.size - below.size) / (above.size - below.size)
    return [(below.name, 1.0 - share), (above.name, share)]
