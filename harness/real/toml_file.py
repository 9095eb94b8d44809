"""Reads a TOML file that vtax wrote, whatever has become of it since."""

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UserError
from harness.files import read_toml as read_any_toml
from harness.printable import one_line

LARGEST_NUMBER = 1e18
"""Of what is measured, in any unit: far beyond it, products and squares are no numbers any more."""
SMALLEST_NUMBER = 1e-18
"""Likewise: what is nearer to zero counts as zero."""
_MOST_BYTES = 1 << 24
_SHOWN = 30


def _not_tiny(value: float) -> float:
    return value if abs(value) >= SMALLEST_NUMBER else 0.0


Amount = Annotated[
    float, Field(ge=0.0, le=LARGEST_NUMBER, allow_inf_nan=False), AfterValidator(_not_tiny)
]
"""A number that is measured and not below zero."""
Number = Annotated[
    float,
    Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER, allow_inf_nan=False),
    AfterValidator(_not_tiny),
]
"""A number that is measured."""
Samples = Annotated[int, Field(ge=0, le=1_000_000_000)]

ModelT = TypeVar("ModelT", bound="TomlTable")


class TomlTable(BaseModel):
    """A table of such a file: what it must hold; more does no harm."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


def read_toml(model: type[ModelT], path: Path, what: str, written_by: str) -> ModelT:
    """Read a file and check what it holds.

    Parameters
    ----------
    model
        What it must hold.
    path
        The file.
    what
        What it should be, for messages.
    written_by
        The command that writes it, for messages.

    Raises
    ------
    UserError
        If it cannot be read, is longer than any such file, or is something else.
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
