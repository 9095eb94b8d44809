"""A search for capacities that never ran, with numbers of every kind."""

from typing import Any

from harness.analysis.study import Study
from harness.results.capacities import Bounds, Capacities, CellCapacity, Searched
from harness.results.record import FULL_SYSTEM


def capable(study: Study, **changes: Any) -> Capacities:
    """Make up capacities of all environments of a study, of its baseline and its claim."""
    claim = study.campaign.claim or {"firmware": (), "software": ()}
    names = [*claim["firmware"], *claim["software"]]
    places = dict.fromkeys(each.environment for each in study.environments)
    found = Capacities(
        identity=study.campaign.identity,
        model=study.campaign.model,
        quantile="p95",
        times_baseline=2.0,
        step=1.044,
        smallest=1 / 16,
        largest=8.0,
        confidence=0.95,
        replications=5,
        runs=1234,
        environments=tuple(_searched(place, names, number) for number, place in enumerate(places)),
        left_out=("p5-520 / aix-5.3 / idle: no run of full-system has a result",),
    )
    return found.model_copy(update=changes)


def _searched(place: Any, names: list[str], number: int) -> Searched:
    capacities = [
        CellCapacity(
            virtualization=FULL_SYSTEM,
            per_second=Bounds(estimate=1000.0, low=900.0, high=1100.0),
            load=Bounds(estimate=2.0, low=1.8, high=2.2),
            at_least=False,
            of_baseline=None,
        )
    ]
    for index, name in enumerate(names):
        ratio = 0.97 - 0.2 * index - 0.01 * number
        capacities.append(
            CellCapacity(
                virtualization=name,
                per_second=Bounds(estimate=1000 * ratio, low=None, high=None),
                load=Bounds(estimate=2 * ratio, low=None, high=None),
                at_least=False,
                of_baseline=Bounds(estimate=ratio, low=ratio - 0.04, high=ratio + 0.03),
            )
        )
    return Searched(
        **place._asdict(),
        limit_seconds=0.0324,
        capacities=tuple(capacities),
    )
