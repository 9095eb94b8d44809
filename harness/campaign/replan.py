"""A finished campaign, planned once more: what further studies of it start from."""

from pathlib import Path

from harness.campaign.plan import Plan, make_plan
from harness.campaign.store import Store
from harness.errors import UserError


def replan(store: Store, directory: Path, replications: int | None = None) -> Plan:
    """Plan the campaign of a store as it would be run today.

    Parameters
    ----------
    directory
        The store's, for the message.
    replications
        Instead of the file's.

    Raises
    ------
    UserError
        If that is another campaign by now: its file, a catalog or the model has changed.
    """
    record = store.campaign
    plan = make_plan(record.source, seed=record.seed, replications=replications)
    now = plan.record()
    if now.identity != record.identity:
        what = "the model is another version" if record.model != now.model else ""
        what = what or "its file or the catalog has changed"
        raise UserError(
            f"{directory}: not the campaign that {record.source!r} is today ({what}); run it "
            "again, in another directory, and study that"
        )
    return plan
