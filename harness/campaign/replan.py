"""A finished campaign, planned once more: what further studies of it start from."""

from pathlib import Path

from harness.campaign.plan import Plan, make_plan
from harness.campaign.provenance import model_digest
from harness.errors import UserError
from harness.results.store import Store
from workloads.user_code import permitting


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
        If that is another campaign by now: its file, a catalog, the user's code or the model has
        changed. Changed code of the user's is not executed.
    """
    record = store.campaign
    try:
        if record.model != model_digest(real=record.real is not None):
            raise UserError("the model is another version")
        # Nothing of the user's is executed that is not what the results were made with.
        with permitting({file["sha256"] for file in record.files}):
            plan = make_plan(record.source, seed=record.seed, replications=replications)
        if plan.record().identity != record.identity:
            raise UserError("its file or the catalog has changed")
    except UserError as error:
        raise UserError(
            f"{directory}: not the campaign that {record.source!r} is today ({error}); run it "
            "again, in another directory, and study that"
        ) from None
    return plan
