"""What work that consists of the agent's events is predicted to take in a target."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np

from harness.real.calibration.costs import EventCost, MachineCosts
from harness.real.microbenchmarks import EVENTS, Microbenchmark
from harness.real.prediction.monte_carlo import DRAWS, Samples, draw_event, total
from harness.real.prediction.prediction import SEED, Prediction, contributions, interval
from harness.real.target.target import NATIVE

_DEVICE = "direct_"
"""What the names of events begin with that wait for a device."""


def predict_events(
    counts: Mapping[Microbenchmark, float], catalog: MachineCosts, target: str
) -> Prediction | None:
    """Predict what a transaction takes in a target, from the number of each event in it.

    Events of a size that was not calibrated cost what a straight line through the two sizes
    nearest to it says.

    Parameters
    ----------
    counts
        Events of a transaction, the same in every target.
    catalog
        What events cost.
    target
        One of the catalog's.

    Returns
    -------
    Prediction or None
        None if an event was not calibrated in both, or nothing is done at all.
    """
    native, costs = catalog.costs[NATIVE], catalog.costs.get(target, {})
    random = np.random.default_rng(SEED)
    drawn: dict[str, Samples] = {}

    def one(name: str) -> Samples:
        if name not in drawn:
            waits = name.startswith(_DEVICE)
            drawn[name] = draw_event(native[name], costs[name], waits, random)
        return drawn[name]

    parts: dict[str, Samples] = {}
    zero = np.zeros(DRAWS)
    nothing = Samples(zero, zero, zero, zero)
    for event, number in counts.items():
        if not number:
            continue
        mix = _mix(event, _common(native, costs))
        if mix is None:
            return None
        # Beyond the sizes that were calibrated a line may lead below nothing.
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
        contributions=contributions(parts, told=not processor.low <= 1.0 <= processor.high),
        notes=(),
    )


def _common(
    native: Mapping[str, EventCost], costs: Mapping[str, EventCost]
) -> list[Microbenchmark]:
    return [event for event in EVENTS if event.name in native and event.name in costs]


def _mix(event: Microbenchmark, known: Iterable[Microbenchmark]) -> list[tuple[str, float]] | None:
    """Say an event's cost as shares of calibrated ones; None if there are none like it."""
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
