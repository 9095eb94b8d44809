"""Storing of an import as a campaign's results."""

import re
from pathlib import Path

from harness.campaign.cell import sha256_of
from harness.imports.results import Import
from harness.results.packed_result import pack
from harness.results.record import CampaignRecord
from harness.results.store import Store


def campaign_name(directory: Path) -> str:
    """Return the name of the campaign in a directory: its own, as far as a name allows."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", directory.resolve().name).strip("-._")[:64] or "import"


def keep(found: Import, directory: Path) -> CampaignRecord:
    """Write an import to the store of a directory; the same import again changes nothing.

    Raises
    ------
    UserError
        If the directory cannot be written or holds another campaign.
    """
    record = found.record(campaign_name(directory))
    with Store.start(directory, record) as store:
        held = store.complete()
        for position, replication, result in found.results():
            identity = sha256_of([record.identity, position, replication])
            if identity not in held:
                store.add(identity, position, replication, "", {}, pack(result))
    return record
