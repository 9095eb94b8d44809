"""Finished campaign of a sensitivity study: the environments of its claim and their runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.environment import Runs
from harness.campaign.cell import RunSpec
from harness.campaign.matrix import Entry
from harness.campaign.plan import replan
from harness.errors import UserError
from harness.metrics.measures import Measures
from harness.results.environment import Environment
from harness.results.record import CellRecord
from harness.results.store import Store
from harness.studies.base import FinishedCampaign, selected_environments

ENOUGH = 3
"""Replications that an environment needs to be judged at all."""


@dataclass(frozen=True)
class EnvironmentRuns:
    """Environment with the runs of the campaign that a study repeats there."""

    key: Environment
    cells: tuple[CellRecord, ...]
    entries: Mapping[str, Entry]
    """Virtualization -> its place in the matrix: the baseline and those of the claim."""
    baseline: str
    firmware: tuple[str, ...]
    software: tuple[str, ...]
    replications: tuple[int, ...]
    """Replications that all of these cells have."""
    runs: Runs
    specs: Mapping[tuple[str, int], RunSpec]
    """Virtualization and replication -> run as the campaign made it."""

    def measures(self, virtualization: str) -> Mapping[int, Measures]:
        """Measures of the runs of a cell, by replication."""
        return self.runs[self.entries[virtualization].position]

    def with_runs(self, new: Mapping[str, Mapping[int, Measures]]) -> Runs:
        """Return the runs, those of some virtualizations replaced."""
        return {**self.runs, **{self.entries[name].position: runs for name, runs in new.items()}}


@dataclass(frozen=True)
class SensitivityCampaign(FinishedCampaign):
    """Finished campaign with the environments of its claim."""

    environments: tuple[EnvironmentRuns, ...]


def finished_campaign(directory: Path, only: Sequence[str] = ()) -> SensitivityCampaign:
    """Read a finished campaign and plan it again.

    Raises
    ------
    UserError
        If there is no campaign with a claim, or it is not the one that would be run today: its
        file, a catalog or the model has changed.
    """
    with Store.open(directory) as store:
        record = store.campaign
        if record.claim is None:
            raise UserError(f"{directory}: campaign {record.name!r} makes no claim to study")
        replications = int(record.replications["minimum"])
        plan = replan(store, directory, replications)
        names = {*record.claim["firmware"], *record.claim["software"]}
        members = {
            key: {
                name: entry
                for name, entry in entries.items()
                if name in names or name == record.baseline_of(key)
            }
            for key, entries in selected_environments(plan, only)[0].items()
        }
        positions = {each.position for entries in members.values() for each in entries.values()}
        runs = store.measures(positions, replications)
    specs = {
        (spec.cell_position, spec.replication): spec
        for spec in plan.runs(0, replications, positions)
    }
    environments, left_out = [], []
    for key, entries in members.items():
        firmware, software = (
            tuple(name for name in record.claim[level] if name in entries)
            for level in ("firmware", "software")
        )
        own = {each.position: runs.get(each.position, {}) for each in entries.values()}
        common = sorted(set(range(replications)).intersection(*own.values()))
        possible = firmware and (software or not record.claim["software"])
        if record.baseline_of(key) not in entries or not possible:
            left_out.append(f"{key.title}: the machine cannot hold a level of the claim")
        elif len(common) < ENOUGH:
            left_out.append(
                f"{key.title}: {len(common)} of {replications} replications are complete"
            )
        else:
            environments.append(
                EnvironmentRuns(
                    key=key,
                    cells=tuple(each for each in record.cells if each.environment == key),
                    entries=entries,
                    baseline=record.baseline_of(key),
                    firmware=firmware,
                    software=software,
                    replications=tuple(common),
                    runs={
                        position: {number: measured[number] for number in common}
                        for position, measured in own.items()
                    },
                    specs={
                        (name, number): specs[entry.position, number]
                        for name, entry in entries.items()
                        for number in common
                    },
                )
            )
    if not environments:
        raise UserError(f"{directory}: no environment can be studied ({'; '.join(left_out)})")
    return SensitivityCampaign(plan, record, replications, tuple(left_out), tuple(environments))
