"""Which cells are not known precisely enough yet.

Going on until an interval is narrow makes it end early where the values happen to look alike, so
that it is a little too narrow. Simulated, from 10 replications in blocks of 10 up to 60, with the
target that does most harm: of normal log ratios a 95 % interval then contains the mean in 94.5 %
instead of 96 % of all cases, and a test at 5 % errs in 5.6 % instead of 4.4 %; of log-normal ones
92 % instead of 94.5 %, and 10.6 % instead of 8.1 %. At the very small levels that many environments
need, errors double. That is stated rather than mended, because the Latin hypercube makes intervals
wider than they need be wherever constants matter (:mod:`harness.statistics.uncertainty`).
"""

from harness.campaign.store import Store
from harness.environments import EnvironmentResult, environment_results
from harness.metrics.measures import Measures, measure
from harness.statistics.estimates import Interval


def too_wide(store: Store, replications: int) -> frozenset[int]:
    """Find the cells whose environment needs more replications.

    An environment needs more if the interval of the firmware's overhead is wider, to either side,
    than the campaign's ``half_width`` in any measure of the claim. Without a claim, every overhead
    in slowdown and processor time counts, and the half-width is a share of the ratio to the
    baseline: where one target takes twice the time and another ten times, no absolute one fits
    both. All its cells go on together, because replications are paired.

    Parameters
    ----------
    store
        A campaign with a half-width.
    replications
        How many of the first replications to judge by.

    Returns
    -------
    frozenset of int
        Positions in the matrix; empty without a half-width.
    """
    campaign = store.campaign
    target = campaign.replications["half_width"]
    if target is None:
        return frozenset()
    runs: dict[int, dict[int, Measures]] = {}
    for run in store.runs():
        if run.result is not None and run.replication < replications:
            runs.setdefault(run.cell.position, {})[run.replication] = measure(
                run.result.samples,
                run.result.digests.values(),
                measured_seconds=run.result.measured_seconds,
                warm_up_seconds=run.result.warm_up_seconds,
            )
    relative = campaign.claim is None
    wide = {
        result.environment
        for result in environment_results(campaign, runs)
        if any(_half_width(each, relative) > target for each in _deciding(result, relative))
    }
    return frozenset(cell.position for cell in campaign.cells if cell.environment in wide)


_UNCLAIMED = ("slowdown", "processor-time")
"""Measures that decide where there is no claim to name them."""


def _deciding(result: EnvironmentResult, every: bool) -> list[Interval]:
    """Return the intervals that must be narrow."""
    if every:
        return [each.interval for each in result.all.values() if result.measure in _UNCLAIMED]
    claimed = result.outcome is not None and result.firmware is not None
    return [result.firmware.interval] if claimed and result.firmware else []


def _half_width(interval: Interval, relative: bool) -> float:
    half = (interval.high - interval.low) / 2
    return half / (1 + interval.estimate) if relative else half
