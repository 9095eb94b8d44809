"""What all tables of a campaign file have in common, and kinds of values that several hold."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.limits import NAME
from harness.units import Ratio, Seconds

Scalar = str | int | float | bool
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=NAME)]
PartitionName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=NAME)]
PositiveTime = Annotated[Seconds, Field(gt=0)]
Share = Annotated[Ratio, Field(gt=0, le=1)]


class Table(BaseModel):
    """A table of the file. Keys that it does not know are errors that name the nearest one."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )
