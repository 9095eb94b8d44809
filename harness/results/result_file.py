"""Result files beside a campaign's runs: JSON of a pydantic model, replaced in one step."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import UserError
from harness.files import read_bytes, whole_file

MOST_BYTES = 2**26
"""Size of the largest result that is read."""

ModelT = TypeVar("ModelT", bound=BaseModel)


def write_result(result: BaseModel, path: Path) -> Path:
    """Keep a result and return where; an earlier one is replaced in one step.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    try:
        with whole_file(path) as unfinished:
            unfinished.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    return path


def read_result(model: type[ModelT], path: Path, command: str) -> ModelT | None:
    """Read a result; None if there is none.

    Parameters
    ----------
    command
        What writes it, for the message.

    Raises
    ------
    UserError
        If the file is not what it should be.
    """
    if not path.exists():
        return None
    text = read_bytes(path, MOST_BYTES)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(
            f"{path}: is damaged ({place}: {first['msg']}); remove it, or make it anew with "
            f"'{command}'"
        ) from None
