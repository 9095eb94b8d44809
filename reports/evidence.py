"""Results that a report shows besides the study: validation, sensitivity, capacity."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.analysis.breakdown.breakdown import explain
from harness.analysis.breakdown.constants_used import scenario_constants, used_constants
from harness.analysis.finding import WAITING
from harness.analysis.measured_values import MeasuredValue, measured_values
from harness.analysis.study import Study
from harness.errors import UserError
from harness.results.capacities import Capacities
from harness.results.discrepancy import Discrepancy
from harness.results.host import Host
from harness.results.sqlite import FILE_NAME
from harness.results.store import Store
from harness.statistics.verdict import Outcome
from harness.studies.sensitivity.result import Sensitivity
from harness.validation.record import ValidationRecord


@dataclass(frozen=True)
class Evidence:
    """These results; none by default."""

    drawn: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """For each draw of the uncertain constants its values, by name."""
    validation: ValidationRecord | None = None
    """Validation of the model; None if it was not kept with the results."""
    sensitivity: Sensitivity | None = None
    """Result of 'vtax sensitivity'; None if it was not run."""
    capacity: Capacities | None = None
    """Result of 'vtax capacity'; None if it was not run."""
    discrepancy: Discrepancy | None = None
    """Result of 'vtax discrepancy', which the study's verdict includes if it is of the same
    campaign; None if it was not run."""
    used: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Virtualization -> the constants of its costs that the baseline does not have."""
    staged: tuple[str, ...] = ()
    """The constants of the costs in the campaign's scenarios."""
    longer: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """Position of a cell -> part of its response times, one of
    :data:`harness.analysis.breakdown.accounts.WAITS` -> seconds a transaction more than its
    baseline. Only cells of findings against the claim."""
    date: str = ""
    """Day of the last run, in UTC and ISO 8601; empty if unknown."""
    measured: tuple[MeasuredValue, ...] = ()
    """What real systems measured of themselves; none unless it is an import."""
    host: str = ""
    """Computer of the last run; empty if unknown. It does not change the results."""


def gather(store: Store, directory: Path) -> Evidence:
    """Read the evidence of a directory of results.

    Raises
    ------
    UserError
        If a file of them is damaged.
    """
    host = Host.read(directory)
    written = datetime.fromtimestamp((directory / FILE_NAME).stat().st_mtime, UTC).date()
    return Evidence(
        drawn=store.drawn(),
        validation=ValidationRecord.read(directory),
        sensitivity=Sensitivity.read(directory),
        capacity=Capacities.read(directory),
        discrepancy=Discrepancy.read(directory),
        used=used_constants(store),
        staged=scenario_constants(store),
        date=written.isoformat() if host is None else host.date,
        host="" if host is None else str(host),
        measured=measured_values(store),
    )


def with_waits(evidence: Evidence, store: Store, study: Study) -> Evidence:
    """Add which parts of the response times are longer, in the findings against the claim."""
    positions = {
        (*each.environment, each.virtualization): each
        for each in store.campaign.cells
        if each.scenario is None
    }
    longer: dict[int, dict[str, float]] = {}
    for finding in study.verdict.findings if study.verdict is not None else ():
        worst = finding.worst
        if finding.outcome is Outcome.CONFIRMED or finding.measure not in WAITING:
            continue
        if worst.firmware is None:
            continue
        cell = positions[(*worst.environment, worst.firmware.virtualization)]
        # What cannot be explained has no account of its waits.
        with suppress(UserError):
            found = explain(store, cell)
            longer[cell.position] = {
                each.name: each.seconds - each.baseline_seconds
                for each in found.waits
                if each.baseline_seconds is not None
            }
    return replace(evidence, longer=longer)
