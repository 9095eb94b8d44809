"""What all tables of a campaign file have in common, and kinds of values that several hold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from harness.campaign.schema.limits import ARRIVALS, CHARACTERS, NAME, USERS, Range, WholeRange
from harness.units import Ratio, Seconds, read_quantity


def _different(values: list[Any]) -> list[Any]:
    if len({(type(value), value) for value in values}) < len(values):
        raise ValueError("names a value twice")
    return values


Different = AfterValidator(_different)
"""Marks a list without duplicates."""

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

    choices: ClassVar[tuple[str, ...]] = ()
    """Keys of which exactly one must be given."""

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        keys = self.choices
        given = [key for key in keys if getattr(self, key) is not None]
        if keys and len(given) != 1:
            wrong = f", not {' and '.join(given)}" if given else ""
            raise ValueError(f"needs exactly one of {', '.join(keys[:-1])} and {keys[-1]}{wrong}")
        return self

    @property
    def choice(self) -> str:
        """The one of :attr:`choices` that is given."""
        return next(key for key in self.choices if getattr(self, key) is not None)

    def refuse(self, keys: Iterable[str], why: str) -> None:
        """Refuse keys that are given although they have no effect.

        Raises
        ------
        ValueError
            If one of them is given.
        """
        for key in keys:
            if key in self.model_fields_set and getattr(self, key) is not None:
                name = type(self).model_fields[key].alias or key
                raise ValueError(f"{name} has no effect {why}; leave it out")


LANGUAGES = ("en", "ja")
"""Languages that a text can be given in; the first one is always there."""

_PER_CORE = ["per", "core"]


@dataclass(frozen=True, slots=True)
class Scaled:
    """A number, or a number for each core of a partition's capacity."""

    number: float
    per_core: bool = False

    def of(self, cores: float) -> float:
        """Return the number for a partition with so many cores."""
        return self.number * cores if self.per_core else self.number

    def whole(self, cores: float) -> int:
        """Return the number for a partition with so many cores, rounded up, at least 1."""
        return max(1, ceil(self.of(cores) - 1e-9))


def _scaled(
    dimension: str, example: str, allowed: Range | WholeRange, *, whole: bool
) -> Callable[[object], Scaled]:
    """Make a reader of ``N`` or ``"N per core"``, where N is of a dimension and within a range."""

    def read(written: object) -> Scaled:
        if isinstance(written, Scaled):
            return written
        wanted = f"write {example}"
        if isinstance(written, bool) or not isinstance(written, (int, float, str)):
            raise ValueError(wanted)
        words = written.rsplit(maxsplit=2) if isinstance(written, str) else []
        per_core = len(words) == 3 and words[1:] == _PER_CORE
        try:
            number = read_quantity(words[0] if per_core else written, dimension)
        except ValueError as error:
            raise ValueError(wanted if whole else f"{error}; {wanted}") from None
        if number <= 0:
            raise ValueError(f"must be more than 0; {wanted}")
        if whole and not per_core and (isinstance(written, str) or number != int(number)):
            raise ValueError(wanted)
        if number > allowed.most or (number < allowed.least and not whole):
            unit = "" if whole else " /s"
            raise ValueError(f"must be from {allowed.least:,.9g} to {allowed.most:,.9g}{unit}")
        return Scaled(number, per_core=per_core)

    return read


Count = Annotated[
    Scaled,
    BeforeValidator(_scaled("count", "a whole number or 'N per core'", USERS, whole=True)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": USERS.most},
                {"type": "string", "pattern": r"^\s*[0-9.]+\s+per\s+core\s*$"},
            ],
            "examples": [8, "2 per core"],
        }
    ),
]
"""A whole number, or ``"2 per core"``."""

Arrivals = Annotated[
    Scaled,
    BeforeValidator(_scaled("rate", "'400 /s' or '25 /s per core'", ARRIVALS, whole=False)),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*[0-9.eE+-]+\s*(/s|/min|/h|k?Hz)(\s+per\s+core)?\s*$",
            "examples": ["400 /s", "25 /s per core"],
        }
    ),
]
"""A rate of arrivals: ``"400 /s"`` or ``"25 /s per core"``."""


def _text(written: object) -> dict[str, str]:
    wanted = 'write a text, or { en = "...", ja = "..." }'
    if isinstance(written, str):
        written = {LANGUAGES[0]: written}
    if not isinstance(written, dict) or LANGUAGES[0] not in written:
        raise ValueError(wanted)
    for language, text in written.items():
        if language not in LANGUAGES or not isinstance(text, str):
            raise ValueError(wanted)
        if len(text) > CHARACTERS:
            raise ValueError(f"a text has at most {CHARACTERS:,} characters")
    return written


Text = Annotated[
    dict[str, str],
    BeforeValidator(_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": CHARACTERS},
                {
                    "type": "object",
                    "properties": {
                        language: {"type": "string", "maxLength": CHARACTERS}
                        for language in LANGUAGES
                    },
                    "required": [LANGUAGES[0]],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
"""A text in English or in several languages."""


@dataclass(frozen=True)
class Short:
    """Marks a table that may also be written in a shorter form, which a JSON Schema describes."""

    form: dict[str, Any]

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [self.form, handler(core_schema)]}


class OneOrMany:
    """Marks a list of tables that may also be written as one table alone."""

    @staticmethod
    def read(written: Any) -> Any:
        """Make a list of a table."""
        return [written] if isinstance(written, dict) else written

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        many = handler(core_schema)
        return {"anyOf": [many["items"], many]}
