"""The validation table as a file in a directory of results; the report shows it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from harness.campaign.provenance import model_digest, versions
from harness.catalog import load_catalog
from harness.results.result_file import read_result, write_result
from harness.validation.row import Row

FILE_NAME = "validation.json"


class ValidationRecord(BaseModel):
    """All rows, and the digests of their model."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

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


def write_record(record: ValidationRecord, directory: Path) -> Path:
    """Write a record into a directory of results; an earlier one is replaced in one step.

    Raises
    ------
    UserError
        If the directory cannot be written.
    """
    return write_result(record, directory / FILE_NAME)


def read_record(directory: Path) -> ValidationRecord | None:
    """Read the record of a directory of results; None if there is none.

    Raises
    ------
    UserError
        If it cannot be read or is damaged.
    """
    command = f"vtax validate --save-to {directory}"
    return read_result(ValidationRecord, directory / FILE_NAME, command)
