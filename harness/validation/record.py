"""The validation table as a file in a directory of results; the report shows it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from pydantic import ConfigDict

from harness.campaign.provenance import model_digest, versions
from harness.catalog import load_catalog
from harness.results.result_file import ResultFile
from harness.validation.row import Row


class ValidationRecord(ResultFile):
    """All rows, and which model they are of."""

    FILE_NAME: ClassVar[str] = "validation.json"
    COMMAND: ClassVar[str] = "vtax validate --save-to"
    model_config = ConfigDict(ser_json_inf_nan="strings")

    model_digest: str
    """Of the model's source; see :func:`harness.campaign.provenance.model_digest`."""
    constants_digest: str
    """Of the catalog; see :func:`digest_of_constants`."""
    versions: dict[str, str]
    quick: bool
    """Whether runs were shorter, and so intervals wider, than in a full validation."""
    rows: tuple[Row, ...]
    """In the order of the table."""


def recorded(rows: Iterable[Row], *, quick: bool) -> ValidationRecord:
    """Make the record of rows of this model and the shipped catalog."""
    constants = [asdict(constant) for constant in load_catalog().constants.values()]
    return ValidationRecord(
        model_digest=model_digest(),
        constants_digest=digest_of_constants(constants),
        versions=versions(),
        quick=quick,
        rows=tuple(rows),
    )


def digest_of_constants(constants: Iterable[Mapping[str, Any]]) -> str:
    """Return SHA-256 of the values and ranges of constants, without source and status.

    Parameters
    ----------
    constants
        With ``name``, ``value``, ``low`` and ``high``, as a campaign's record has them.
    """
    values = sorted([each["name"], each["value"], each["low"], each["high"]] for each in constants)
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
