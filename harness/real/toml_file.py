"""Reading of TOML files that vtax has written, and that may have been changed since."""

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UserError
from harness.files import read_toml as read_any_toml
from harness.printable import one_line

LARGEST_NUMBER = 1e18
"""Limit of measured numbers, in any unit, so that products and squares stay finite."""
SMALLEST_NUMBER = 1e-18
"""Numbers nearer to zero are read as zero."""
_MOST_BYTES = 1 << 24
_SHOWN = 30


def _not_tiny(value: float) -> float:
    return value if abs(value) >= SMALLEST_NUMBER else 0.0


Amount = Annotated[
    float, Field(ge=0.0, le=LARGEST_NUMBER, allow_inf_nan=False), AfterValidator(_not_tiny)
]
"""Measured number that is not below zero."""
Number = Annotated[
    float,
    Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER, allow_inf_nan=False),
    AfterValidator(_not_tiny),
]
"""Measured number."""
Samples = Annotated[int, Field(ge=0, le=1_000_000_000)]

ModelT = TypeVar("ModelT", bound="TomlTable")


class TomlTable(BaseModel):
    """Table of such a file with its required keys; further keys are allowed."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


def read_toml(model: type[ModelT], path: Path, what: str, written_by: str) -> ModelT:
    """Read a file and check its content.

    Parameters
    ----------
    model
        The required content.
    path
        The file.
    what
        Kind of file, for messages.
    written_by
        The command that writes it, for messages.

    Raises
    ------
    UserError
        If it cannot be read, is too long, or has other content.
    """
    advice = f"{written_by} writes one"
    try:
        table = read_any_toml(path, _MOST_BYTES)
    except UserError as error:
        raise UserError(f"{error}; {advice}") from None
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise UserError(f"{path}: not {what} ({_first(error)}); {advice}") from None


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    message = found["msg"].removeprefix("Value error, ")
    if found["type"] == "float_type" and type(found["input"]) is int:
        message = f"Input should be at most {LARGEST_NUMBER:g}"
    text = f"{place}: {message}" if place else message
    if isinstance(found["input"], str | int | float):
        given = repr(found["input"])
        text += f", not {given if len(given) <= _SHOWN else f'{given[:_SHOWN]}…'}"
    return one_line(text, 200)
