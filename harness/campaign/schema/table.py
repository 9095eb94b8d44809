"""What all tables of a campaign file have in common, and kinds of values that several hold."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from harness.campaign.schema.limits import NAME
from harness.units import Ratio, Seconds


def _different(values: list[Any]) -> list[Any]:
    if len({(type(value), value) for value in values}) < len(values):
        raise ValueError("names a value twice")
    return values


Different = AfterValidator(_different)
"""Marks a list in which nothing stands twice."""

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

    def refuse(self, keys: Iterable[str], why: str) -> None:
        """Refuse keys that are given although nothing would read them.

        Raises
        ------
        ValueError
            If one of them is given.
        """
        for key in keys:
            if key in self.model_fields_set and getattr(self, key) is not None:
                name = type(self).model_fields[key].alias or key
                raise ValueError(f"{name} changes nothing {why}; leave it out")
