"""What a reader must know before relying on a campaign's numbers, in plain words."""

from collections.abc import Sequence

from harness.analysis.environment import Results, Runs, deciding
from harness.analysis.overhead import Concern
from harness.metrics.measures import NO_TRANSACTION, NO_WORK
from harness.results.discrepancy import Discrepancy
from harness.results.record import CampaignRecord
from harness.results.store import StoredRun
from harness.statistics.intervals import Caution
from harness.units import percent


def study_notes(
    campaign: CampaignRecord,
    results: Results,
    runs: Runs,
    planned: int,
    complete: int,
    failed: Sequence[StoredRun],
    damaged: int,
    misses: Discrepancy | None,
) -> tuple[str, ...]:
    """Return what a reader must know before relying on the numbers.

    Parameters
    ----------
    planned, complete
        Numbers of runs.
    damaged
        Number of parts of the store that could not be read.
    misses
        Study of the model's own misses; None if there is none of this campaign.
    """
    if campaign.imported is not None:
        return tuple(campaign.imported["notes"])
    notes: list[str] = []
    if complete + len(failed) < planned:
        notes.append(
            f"{planned - complete - len(failed)} of {planned} planned runs were not made yet."
        )
    if failed:
        notes.append(
            f"{len(failed)} runs failed; comparisons use the replications that both sides have."
        )
        first = failed[0]
        notes.append(f"First failed run: {first.cell.title}: {first.reason}")
    if damaged:
        notes.append(f"{damaged} parts of the store are damaged and were left out.")
    measured = sum(map(len, runs.values()))
    unsettled = sum(not run.warm_up_trustworthy for cell in runs.values() for run in cell.values())
    if unsettled:
        notes.append(
            f"In {unsettled} of {measured} runs no end of the warm-up was found within the first "
            "half; what they measured may contain some of it."
        )
    for what, reason in (
        ("without a completed transaction", NO_TRANSACTION),
        ("that used no processor time beyond clock ticks", NO_WORK),
    ):
        idle = [
            cell.title
            for cell in campaign.cells
            if any(run.nothing_done == reason for run in runs.get(cell.position, {}).values())
        ]
        if idle:
            notes.append(f"Runs {what}: {'; '.join(idle)}.")
    if campaign.cells and not any(
        cell.virtualization == campaign.baseline for cell in campaign.cells
    ):
        notes.append(f"There is no {campaign.baseline} baseline, so there are no overheads.")
    found = [overhead for each in results.compared for overhead in each.all.values()]
    for warning, meaning in _MEANINGS.items():
        count = sum(warning in overhead.interval.warnings for overhead in found)
        if count:
            notes.append(f"{count} of {len(found)} comparisons: {meaning}")
    target = campaign.replications.get("half_width")
    needed = [one for each in deciding(campaign, results) for one in each.all.values()]
    if target is not None and any(each.half_width > target for each in needed):
        wide = sum(each.half_width > target for each in needed)
        kind = "comparisons of the claim" if campaign.claim else "comparisons"
        notes.append(
            f"The target half-width of {percent(target)} was not reached in {wide} of "
            f"{len(needed)} {kind}."
        )
    if campaign.claim is not None and campaign.real is None and campaign.cells:
        notes += _about_misses(misses, runs)
    return tuple(notes)


MISSES_NOT_STUDIED = (
    "The model's own misses of published figures are not in the intervals and outcomes: "
    "'vtax validate --save-to DIR' and 'vtax discrepancy DIR' put them there."
)
"""Note on a claim that was judged without them."""


def _about_misses(misses: Discrepancy | None, runs: Runs) -> list[str]:
    if misses is None:
        return [MISSES_NOT_STUDIED]
    notes = [f"The study of the model's own misses: {each}." for each in misses.left_out]
    if misses.campaign_runs < sum(len(runs.get(position, {})) for position in misses.positions):
        notes.append(
            "The study of the model's own misses has fewer runs than the campaign: "
            "'vtax discrepancy DIR' makes the others."
        )
    return notes


_MEANINGS: dict[str, str] = {
    Caution.SINGLE_SAMPLE: "a single replication: the uncertainty is unknown.",
    Caution.FEW_SAMPLES: "fewer than 10 replications, too few to see skewed values.",
    Caution.NO_VARIATION: "all replications agree exactly; the interval has no width.",
    Concern.MIX_DIFFERS: "the baseline completed another mix of transactions.",
    Concern.WORK_MISSING: "some of the baseline's work was never completed, and is left out.",
}
