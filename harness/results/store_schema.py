"""Schema of the JSON in a store, checked when it is read.

A table without a configuration of its own has that of the table around it.
"""

from datetime import datetime
from typing import Annotated, NotRequired, TypeVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    with_config,
)
from typing_extensions import TypedDict

from harness.results.imported import Imported
from harness.results.result_file import first_error

T = TypeVar("T")

STRICT = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")
_OPEN = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")

Number = Annotated[int, Field(ge=-(2**63), lt=2**63)] | float
Texts = dict[str, str]
"""Language -> text."""


def _time(text: str) -> str:
    """Check a point in time; it stays the text that it is."""
    datetime.fromisoformat(text)
    return text


class _Group(TypedDict):
    name: str
    users: int | None
    arrivals_per_second: Number | None
    think_time_seconds: Number


class _Disk(TypedDict):
    vios: str | None
    backing: str


class _Partition(TypedDict):
    name: str
    os: str
    virtualization: str
    groups: list[_Group]
    disks: NotRequired[list[_Disk]]


class _Adapter(TypedDict):
    mtu_bytes: int


class _Bridge(TypedDict):
    adapter: _Adapter
    threaded: bool


class _Vios(TypedDict):
    name: str
    virtualization: str
    shared_ethernet: _Bridge | None


class _Machine(TypedDict):
    clock_hz: Annotated[Number, Field(gt=0)]


class _System(TypedDict):
    machine: _Machine
    partitions: list[_Partition]
    vios: list[_Vios]
    flavour: str | None


@with_config(STRICT)
class _DrawnDemand(TypedDict):
    partition: str
    group: str
    parameter: str
    constant: str


class _Script(TypedDict):
    name: str
    title: Texts
    element: str


@with_config(_OPEN)
class _Parameters(TypedDict, total=False):
    """Of a cell, as far as anything reads them; a cell that is not run has none."""

    nominal_system: _System | None
    drawn_demands: list[_DrawnDemand]
    scenario: _Script | None
    groups: list[_Group]


@with_config(STRICT)
class Cell(TypedDict):
    """A cell, without its position."""

    machine: str
    os: str
    virtualization: str
    workload: str
    load: list[tuple[str, str]]
    infeasible: str | None
    parameters: _Parameters


class _ClaimPart(TypedDict):
    name: str
    text: Texts | None
    below: str
    measures: list[str]
    margin: Number | dict[str, Number] | None
    workloads: list[str] | None


class _Claim(TypedDict):
    firmware: list[str]
    software: list[str]
    measures: list[str] | None
    parts: NotRequired[list[_ClaimPart]]
    baselines: NotRequired[Texts]
    text: NotRequired[Texts | None]


class _Replications(TypedDict):
    minimum: Annotated[int, Field(ge=1)]
    maximum: Annotated[int, Field(ge=1)]
    half_width: Number | None
    per_draw: NotRequired[Annotated[int, Field(ge=1)]]


class _Target(TypedDict, total=False):
    kernel: str
    reason: str
    channel_seconds: Number


class _RealMachine(TypedDict, total=False):
    mitigations: Texts
    processor: str
    kernel: str
    qemu: str


class _Ratio(TypedDict):
    ratio: Number
    low: Number
    high: Number


class _Cause(TypedDict):
    cause: str
    extra_share: Number | None


_Prediction = TypedDict(
    "_Prediction",
    {
        "workload": str,
        "load": list[tuple[str, str]],
        "virtualization": str,
        "slowdown": _Ratio,
        "processor-time": _Ratio,
        "causes": list[_Cause],
    },
)


@with_config(_OPEN)
class _Real(TypedDict):
    machine: _RealMachine
    targets: dict[str, _Target]
    rounds_per_second: NotRequired[Number]
    outputs: NotRequired[dict[str, tuple[int, str]]]
    unpredicted: NotRequired[Texts]
    predictions: NotRequired[list[_Prediction]]


Value = bool | Number | str | list[Number] | list[str]


@with_config(_OPEN)
class _Constant(TypedDict):
    name: str
    value: Value
    low: Value
    high: Value
    unit: str
    published: str
    published_range: NotRequired[str]
    source: str
    status: str


class _File(TypedDict):
    path: str
    sha256: str


@with_config(STRICT)
class Campaign(TypedDict):
    """What :class:`harness.results.record.CampaignRecord` writes."""

    name: str
    title: Texts
    identity: str
    claim: _Claim | None
    margin: Annotated[Number, Field(ge=0)]
    alpha: Annotated[float, Field(gt=0, lt=1)]
    seed: int
    replications: _Replications
    starts: Annotated[str, AfterValidator(_time)]
    source: str
    text: str
    constants: list[_Constant]
    versions: Texts
    model: str
    baseline: str
    files: NotRequired[list[_File]]
    real: _Real | None
    imported: NotRequired[Imported]


CELL = TypeAdapter(Cell)
CAMPAIGN = TypeAdapter(Campaign)
DRAWN = TypeAdapter(dict[str, Value])


def read(kind: TypeAdapter[T], text: str | bytes) -> T:
    """Read JSON of a kind.

    Raises
    ------
    ValueError
        One line: where it is another kind, and how.
    """
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        raise ValueError(first_error(error, "JSON")) from None
