"""Finished campaign and its environments: what every further study starts from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from harness.campaign.cell import sha256_of
from harness.campaign.matrix import Entry, selected_entries
from harness.campaign.plan import Plan
from harness.results.environment import Environment
from harness.results.record import CampaignRecord


@dataclass(frozen=True)
class FinishedCampaign:
    """Finished campaign, planned again."""

    plan: Plan
    record: CampaignRecord
    replications: int
    """Replications of each cell that the study uses."""
    left_out: tuple[str, ...]
    """Environments that cannot be studied, and why."""

    def study_record(self, study: str, *decisive: int) -> CampaignRecord:
        """Record for the store of a study's runs; ``decisive`` settings decide what they are."""
        return replace(
            self.record,
            name=f"{self.record.name}-{study}",
            identity=sha256_of([study, self.record.identity, *decisive]),
        )


def selected_environments(
    plan: Plan, only: Sequence[str]
) -> tuple[dict[Environment, dict[str, Entry]], Collection[int]]:
    """Environments in which the user selects a cell.

    Returns
    -------
    environments
        Entries that can be run, by environment and virtualization, selected or not.
    positions
        Positions of the selected cells.
    """
    matrix = [entry for entry in plan.matrix if not entry.scenario]
    selected = {entry.position for entry in (selected_entries(matrix, only) if only else matrix)}
    environments: dict[Environment, dict[str, Entry]] = {}
    wanted = set()
    for entry in matrix:
        environment = Environment(entry.machine, entry.os, entry.workload, entry.load)
        members = environments.setdefault(environment, {})
        if entry.position in selected:
            wanted.add(environment)
        if entry.cell is not None:
            members[entry.virtualization] = entry
    return {key: members for key, members in environments.items() if key in wanted}, selected
