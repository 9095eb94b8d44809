"""Results that a report shows besides the study: validation, sensitivity, capacity."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.analysis.breakdown.constants_used import scenario_constants, used_constants
from harness.analysis.measured_values import MeasuredValue, measured_values
from harness.results.capacities import Capacities
from harness.results.sqlite import FILE_NAME
from harness.results.store import Store
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
    used: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Virtualization -> the constants of its costs that the baseline does not have."""
    staged: tuple[str, ...] = ()
    """The constants of the costs in the campaign's scenarios."""
    date: str = ""
    """Day of the last run, in UTC and ISO 8601; empty if unknown."""
    measured: tuple[MeasuredValue, ...] = ()
    """What real systems measured of themselves; none unless it is an import."""


def gather(store: Store, directory: Path) -> Evidence:
    """Read the evidence of a directory of results.

    Raises
    ------
    UserError
        If a file of them is damaged.
    """
    return Evidence(
        drawn=store.drawn(),
        validation=ValidationRecord.read(directory),
        sensitivity=Sensitivity.read(directory),
        capacity=Capacities.read(directory),
        used=used_constants(store),
        staged=scenario_constants(store),
        date=datetime.fromtimestamp((directory / FILE_NAME).stat().st_mtime, UTC)
        .date()
        .isoformat(),
        measured=measured_values(store),
    )
