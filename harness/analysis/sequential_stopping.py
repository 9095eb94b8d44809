"""Sequential stopping: which cells need more replications.

Stopping when an interval is narrow ends early where values look alike by chance. docs/statistics.md
has the error rates. A Latin hypercube makes intervals wider than necessary wherever constants
matter (:mod:`harness.statistics.latin_hypercube`).
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
        for result in deciding(campaign, environment_results(campaign, runs))
        if any(each.half_width > target for each in result.all.values())
    }
    return frozenset(cell.position for cell in campaign.cells if cell.environment in wide)
