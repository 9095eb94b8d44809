"""The finished campaign that a sensitivity study starts from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.analysis.environment import Environment, Runs
from harness.campaign.cell import RunSpec, sha256_of
from harness.campaign.matrix import Entry, selected_entries
from harness.campaign.plan import Plan, replan
from harness.errors import UserError
from harness.metrics.measures import Measures
from harness.results.record import FULL_SYSTEM, CampaignRecord, CellRecord
from harness.results.store import Store
from harness.studies.runner import measured

ENOUGH = 3
"""Replications that an environment needs to be judged at all."""


@dataclass(frozen=True)
class EnvironmentRuns:
    """An environment with what its cells of the claim measured in the campaign."""

    environment: Environment
    title: str
    cells: tuple[CellRecord, ...]
    entries: dict[str, Entry]
    """Virtualization -> place in the matrix: the baseline and those of the claim."""
    firmware: tuple[str, ...]
    software: tuple[str, ...]
    replications: tuple[int, ...]
    """Those that all of these cells have."""
    runs: dict[int, dict[int, Measures]]
    """Position of the cell -> replication -> what its run measured."""
    specs: dict[tuple[str, int], RunSpec]
    """Virtualization and replication -> the run as the campaign made it."""

    def measures(self, virtualization: str) -> dict[int, Measures]:
        """Return what the runs of a cell measured."""
        return self.runs[self.entries[virtualization].position]

    def with_runs(self, new: dict[str, dict[int, Measures]]) -> Runs:
        """Put other runs in the place of a virtualization's."""
        changed = {self.entries[name].position: runs for name, runs in new.items()}
        return {**self.runs, **changed}


@dataclass(frozen=True)
class FinishedCampaign:
    """A campaign, its plan, and the environments to be studied."""

    plan: Plan
    record: CampaignRecord
    places: tuple[EnvironmentRuns, ...]
    replications: int
    """How many of each cell are looked at."""
    left_out: tuple[str, ...]
    """Environments that cannot be studied, and why."""

    def own_record(self) -> CampaignRecord:
        """Describe the store of the runs that the study makes."""
        return replace(
            self.record,
            name=f"{self.record.name}-sensitivity",
            identity=sha256_of(["sensitivity", self.record.identity, self.replications]),
        )


def ground(directory: Path, only: Sequence[str] = ()) -> FinishedCampaign:
    """Read a finished campaign and plan it once more.

    Raises
    ------
    UserError
        If there is no campaign with a claim, or it is not the one that would be run today: its
        file, a catalog or the model has changed.
    """
    with Store.open(directory) as store:
        record = store.campaign
        if record.claim is None:
            raise UserError(f"{directory}: campaign {record.name!r} makes no claim to flip")
        replications = int(record.replications["minimum"])
        plan = replan(store, directory, replications)
        places, left_out = _places(store, plan, replications, only)
    if not places:
        raise UserError(f"{directory}: no environment can be studied ({'; '.join(left_out)})")
    return FinishedCampaign(plan, record, places, replications, left_out)


def _places(
    store: Store, plan: Plan, replications: int, only: Sequence[str]
) -> tuple[tuple[EnvironmentRuns, ...], tuple[str, ...]]:
    claim = plan.campaign.claim
    assert claim is not None
    matrix = [entry for entry in plan.matrix if not entry.scenario]
    wanted = {_environment(entry) for entry in (selected_entries(matrix, only) if only else matrix)}
    names = (FULL_SYSTEM, *claim.firmware, *claim.software)
    grouped: dict[Environment, dict[str, Entry]] = {}
    for entry in matrix:
        members = grouped.setdefault(_environment(entry), {})
        if entry.virtualization in names and entry.cell is not None:
            members[entry.virtualization] = entry
    grouped = {key: members for key, members in grouped.items() if key in wanted}
    positions = {e.position for members in grouped.values() for e in members.values()}
    runs: dict[int, dict[int, Measures]] = {}
    for run in store.runs():
        if run.cell.position not in positions or run.replication >= replications:
            continue
        if run.result is not None:
            runs.setdefault(run.cell.position, {})[run.replication] = measured(
                run.result, quantiles=wants_quantiles(plan)
            )
    specs = {
        (spec.cell_position, spec.replication): spec
        for spec in plan.runs(0, replications, positions)
    }
    places, left_out = [], []
    for key, members in grouped.items():
        machine, os, workload, load = key
        title = " / ".join((machine, os, workload, *(f"{name} = {value}" for name, value in load)))
        firmware = tuple(name for name in claim.firmware if name in members)
        software = tuple(name for name in claim.software if name in members)
        common = set(range(replications))
        for entry in members.values():
            common &= runs.get(entry.position, {}).keys()
        if FULL_SYSTEM not in members or not firmware or (claim.software and not software):
            left_out.append(f"{title}: not every level of the claim is possible there")
            continue
        if len(common) < ENOUGH:
            left_out.append(f"{title}: {len(common)} of {replications} replications are complete")
            continue
        kept = tuple(sorted(common))
        places.append(
            EnvironmentRuns(
                environment=key,
                title=title,
                cells=tuple(c for c in store.campaign.cells if c.environment == key),
                entries=members,
                firmware=firmware,
                software=software,
                replications=kept,
                runs={
                    entry.position: {number: runs[entry.position][number] for number in kept}
                    for entry in members.values()
                },
                specs={
                    (name, number): specs[entry.position, number]
                    for name, entry in members.items()
                    for number in kept
                },
            )
        )
    return tuple(places), tuple(left_out)


def wants_quantiles(plan: Plan) -> bool:
    """Whether the claim speaks of quantiles of the response time."""
    claim = plan.campaign.claim
    return claim is not None and any(name.startswith("response-") for name in claim.measures)


def _environment(entry: Entry) -> Environment:
    return (entry.machine, entry.os, entry.workload, entry.load)
