"""Records that are kept as JSON: parts of result files, and the files beside a campaign's runs."""

from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UserError
from harness.files import read_bytes, whole_file, writing
from harness.results.environment import Environment, Load

MOST_BYTES = 2**26
"""Size of the largest result file that is read."""

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Record(BaseModel):
    """Immutable part of a JSON file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EnvironmentRecord(Record):
    """Part of a JSON file about one environment."""

    machine: str
    os: str
    workload: str
    load: Load

    @property
    def environment(self) -> Environment:
        """The environment."""
        return Environment(self.machine, self.os, self.workload, self.load)


class ResultFile(Record):
    """JSON file in a campaign's directory."""

    FILE_NAME: ClassVar[str]
    COMMAND: ClassVar[str]
    """Command that writes the file; the directory follows."""

    def write(self, directory: Path) -> Path:
        """Write the file, replacing an earlier one in one step, and return its path.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        path = directory / self.FILE_NAME
        with writing(path), whole_file(path) as unfinished:
            unfinished.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """Read the file; None if there is none.

        Raises
        ------
        UserError
            If the file is damaged.
        """
        path = directory / cls.FILE_NAME
        if not path.exists():
            return None
        text = read_bytes(path, MOST_BYTES)
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise UserError(
                f"{path}: is damaged ({first_error(error, 'the file')}); remove it, or write it "
                f"again with '{cls.COMMAND} {directory}'"
            ) from None


class StudyFile(ResultFile):
    """Result file of a study of a campaign."""

    identity: str
    """Of the campaign."""

    @classmethod
    def read_of(cls, directory: Path, identity: str) -> Self | None:
        """Read the file; None if there is none, or it is of another campaign.

        Raises
        ------
        UserError
            If the file is damaged.
        """
        found = cls.read(directory)
        return found if found is not None and found.identity == identity else None


def first_error(error: ValidationError, whole: str) -> str:
    """First error of a validation, in one line: where it is and what is wrong.

    Parameters
    ----------
    whole
        Name of the place where an error concerns no part.
    """
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or whole
    return f"{place}: {first['msg']}"
