"""What a report shows besides the study: validation, sensitivity and the like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.analysis.breakdown.constants_used import used_constants
from harness.results.store import Store
from harness.studies.capacity.result import Capacities
from harness.studies.sensitivity.result import Sensitivity
from harness.validation.record import ValidationRecord


@dataclass(frozen=True)
class Evidence:
    """All of it; nothing by default."""

    drawn: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """For each draw of the uncertain constants its values, by name."""
    validation: ValidationRecord | None = None
    """What the model was held against; None if that was not kept beside the results."""
    sensitivity: Sensitivity | None = None
    """What 'vtax sensitivity' has found; None if it was not run."""
    capacity: Capacities | None = None
    """What 'vtax capacity' has found; None if it was not run."""
    used: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Virtualization -> the constants that its costs were made of, beyond the baseline's."""


def gather(store: Store, directory: Path) -> Evidence:
    """Gather what lies in a directory of results.

    Raises
    ------
    UserError
        If what is kept there is damaged.
    """
    return Evidence(
        drawn=store.drawn(),
        validation=ValidationRecord.read(directory),
        sensitivity=Sensitivity.read(directory),
        capacity=Capacities.read(directory),
        used=used_constants(store),
    )
