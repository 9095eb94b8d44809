"""Which cells are not known precisely enough yet.

Going on until an interval is narrow makes it end early where the values happen to look alike, so
that it is a little too narrow. Simulated, from 10 replications in blocks of 10 up to 60, with the
target that does most harm: of normal log ratios a 95 % interval then contains the mean in 94.5 %
instead of 96 % of all cases, and a test at 5 % errs in 5.6 % instead of 4.4 %; of log-normal ones
92 % instead of 94.5 %, and 10.6 % instead of 8.1 %. At the very small levels that many environments
need, errors double. That is stated rather than mended, because the Latin hypercube makes intervals
wider than they need be wherever constants matter (:mod:`harness.statistics.latin_hypercube`).
"""

from harness.analysis.environment import deciding, environment_results
from harness.results.store import Store


def cells_needing_more_runs(store: Store, replications: int) -> frozenset[int]:
    """Find the cells whose environment needs more replications.

    An environment needs more if the interval of the firmware's overhead ratio is wider, to either
    side and as a share of the ratio, than the campaign's ``half_width`` in any measure of the
    claim. Without a claim, every overhead in slowdown and processor time counts. All its cells go
    on together, because replications are paired.

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
    runs = store.measures(replications=replications)
    wide = {
        result.environment
        for result in environment_results(campaign, runs)
        if any(each.half_width > target for each in deciding(campaign, result))
    }
    return frozenset(cell.position for cell in campaign.cells if cell.environment in wide)
