"""What a report shows besides the study: drawn constants, validation, what costs were made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.campaign.store import Store
from harness.explanation.used import used_constants
from harness.validation.record import ValidationRecord, read_record


@dataclass(frozen=True)
class Evidence:
    """All of it; nothing by default."""

    drawn: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """For each draw of the uncertain constants its values, by name."""
    validation: ValidationRecord | None = None
    """What the model was held against; None if that was not kept beside the results."""
    used: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Virtualization -> the constants that its costs were made of, beyond the baseline's."""


def gather(store: Store, directory: Path) -> Evidence:
    """Gather what lies in a directory of results.

    Raises
    ------
    UserError
        If the validation kept there is damaged.
    """
    validation = read_record(directory)
    return Evidence(store.drawn(), validation, used_constants(store))
