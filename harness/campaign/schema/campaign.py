"""The campaign file: every table and key that it may hold.

These models are the language's only definition: they check a file, and the JSON Schema that editors
use is generated from them. What can only be checked with the catalog at hand (names of machines,
limits of a hypervisor) is checked by :mod:`harness.campaign.references` and
:mod:`harness.campaign.configure`.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from harness.campaign.schema.fields import (
    Arrivals,
    Count,
    Different,
    Name,
    OneOrMany,
    PartitionName,
    PositiveTime,
    Scalar,
    Short,
    Table,
    Text,
)
from harness.campaign.schema.limits import CLOCK, CORES, MEMORY, REPLICATIONS, SEED, YEARS
from harness.campaign.schema.partitions import Partition, Vios
from harness.campaign.schema.scenario import Scenario
from harness.units import Bytes, Hertz, Ratio, Seconds

MATRIX = ("machine", "os", "virtualization", "workload")
"""The factors that name a cell; all others are loads."""

IDLE = "idle"
"""The workload of a partition that does nothing but tick."""

Measure = Literal[
    "slowdown",
    "processor-time",
    "machine-share",
    "response-p50",
    "response-p95",
    "response-p99",
    "capacity",
]
RunMeasure = Literal[
    "slowdown", "processor-time", "machine-share", "response-p50", "response-p95", "response-p99"
]
"""The measures that a run has by itself; the capacity is searched."""
_EXAMPLES: dict[str, list[Any]] = {
    "machine": ["p5-570", "p5-550", "p5-520"],
    "os": ["aix-5.3", "sles-9", "rhel-as-3"],
    "virtualization": [
        "full-system",
        "physical",
        "dedicated",
        "shared-capped",
        "shared-uncapped",
        "hosted-vmware",
        "hosted-uml",
    ],
}


def _warm_up(written: object) -> object:
    return None if written == "detect" else written


def _within_years(written: datetime) -> datetime:
    if not YEARS.least <= written.year <= YEARS.most:
        raise ValueError(f"must be in the years from {YEARS.least} to {YEARS.most}")
    return written


class Replications(Table):
    """How often each cell is repeated."""

    minimum: Annotated[int, Field(ge=2, le=REPLICATIONS.most)] = 10
    """Repetitions that every cell gets."""
    maximum: Annotated[int, Field(ge=2, le=REPLICATIONS.most)] = 10
    """Most repetitions, even if the interval is not narrow enough."""
    half_width: Annotated[Ratio, Field(gt=0, lt=1)] | None = None
    """Repeat until the interval of the overhead ratio is this narrow."""
    per_draw: Annotated[int, Field(ge=1, le=100)] = 1
    """Repetitions with each draw of the uncertain constants: with two or more, what the constants
    leave open and what chance does are known apart."""

    @model_validator(mode="before")
    @classmethod
    def _number_alone(cls, written: Any) -> Any:
        if isinstance(written, int) and not isinstance(written, bool):
            return {"minimum": written, "maximum": written}
        if not isinstance(written, dict):
            raise ValueError(
                "write a whole number, or { minimum = 10, maximum = 20, half_width = '1 %' }"
            )
        return written

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.maximum < self.minimum:
            raise ValueError("the maximum must be at least the minimum")
        if self.maximum > self.minimum and self.half_width is None:
            raise ValueError("a maximum above the minimum needs a half_width, such as '1 %'")
        if self.maximum == self.minimum:
            self.refuse(["half_width"], "without a maximum above the minimum")
        if self.minimum < 2 * self.per_draw and self.per_draw > 1:
            raise ValueError("the minimum must be at least two draws, 2 x per_draw")
        if self.minimum % self.per_draw or self.maximum % self.per_draw:
            raise ValueError("minimum and maximum must be multiples of per_draw")
        return self


class CampaignSettings(Table):
    """The name of the campaign and the settings of its runs."""

    name: Name
    """Short name; results go to results/<name> unless --out is given."""
    title: Text | None = None
    """Title of the report."""
    starts: Annotated[
        AwareDatetime,
        AfterValidator(_within_years),
        WithJsonSchema({"type": "string", "format": "date-time"}),
    ] = datetime.fromisoformat("2007-04-02T09:00:00+09:00")
    """The date and time at which simulated time begins, with offset from UTC; 1970 to 2999."""
    duration: PositiveTime
    """Simulated time to be measured in each run, after the warm-up."""
    warm_up: Annotated[
        Seconds | None,
        BeforeValidator(_warm_up),
        WithJsonSchema({"type": "string", "examples": ["detect", "10 s"]}),
    ] = None
    """"detect", or a simulated time that is not measured."""
    replications: Annotated[Replications, Short({"type": "integer", "minimum": 2})] = Replications()
    """How often each cell is repeated: a number, or { minimum, maximum, half_width }."""
    seed: Annotated[int, Field(ge=SEED.least, le=SEED.most)] = 1
    """All random numbers come from it."""
    margin: Annotated[Ratio, Field(gt=0, lt=1)] = 0.1
    """How much overhead is small enough."""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Level of the tests; intervals have the level 1 - alpha."""
    catalog: Annotated[list[str], Different] = []
    """Catalog files of your own, relative to this file, that add items or replace constants."""
    files: list[str] = []
    """Files that your users read, relative to this file; patterns such as "data/*.csv" too."""
    include: list[str] = []
    """Other campaigns, shipped or relative to this file, whose scenarios belong to this one."""


class ClaimPart(Table):
    """A part of the claim, with an outcome of its own. The claim holds if all parts hold."""

    name: Name
    """Short name."""
    text: Text | None = None
    """The part in words."""
    below: Literal["software", "margin"]
    """What the firmware level is shown to cost less than: every software virtualization of the
    claim, or a margin over the baseline."""
    measures: Annotated[list[Measure], Field(min_length=1), Different]
    """The measures of the part, each separately."""
    margin: (
        Annotated[Ratio, Field(gt=0, lt=1)]
        | dict[Measure, Annotated[Ratio, Field(gt=0, lt=1)]]
        | None
    ) = None
    """With below = "margin": the margin, or one for each measure; campaign.margin if left out."""
    workloads: Annotated[list[str], Field(min_length=1), Different] | None = None
    """The workloads that it is about; all if left out."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.below == "software":
            self.refuse(["margin"], 'with below = "software"')
            if "capacity" in self.measures:
                raise ValueError('measures: "capacity" is compared with the baseline only')
        elif isinstance(self.margin, dict):
            for name in self.margin:
                if name not in self.measures:
                    raise ValueError(f"margin: {name!r} is no measure of this part")
        return self


class Claim(Table):
    """The claim that the campaign tests, stated before it runs."""

    text: Text | None = None
    """The claim in words."""
    firmware: Annotated[list[str], Field(min_length=1), Different]
    """Virtualizations of the firmware level."""
    software: Annotated[list[str], Field(min_length=1), Different]
    """Virtualizations of the software level."""
    measures: Annotated[list[RunMeasure], Field(min_length=1), Different] | None = None
    """Without parts: in each of these the firmware level costs less than the margin and less than
    every software virtualization; slowdown and processor-time if left out."""
    parts: list[ClaimPart] = []
    """Parts of the claim, instead of ``measures``."""
    baselines: dict[str, str] = {}
    """Workload -> virtualization that it is compared with instead of "full-system", such as
    { vlan = "physical" }: separate machines on a wire, instead of one system with a loopback."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.parts:
            self.refuse(["measures"], "beside parts, which name their own")
            names = [part.name for part in self.parts]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"parts: {name!r} is there twice")
        return self


FactorValues = Annotated[list[Scalar], Field(min_length=1), Different]
FactorNames = Annotated[list[str], Field(min_length=1), Different]


def _loads_schema(schema: dict[str, Any]) -> None:
    """Let editors accept dotted keys without quotes too, which are tables to them."""
    schema["additionalProperties"] = {"anyOf": [schema["additionalProperties"], {"type": "object"}]}


class Factors(Table):
    """The matrix: each factor is a list, the campaign their product.

    Any further factor is the dotted path of a key of this file, such as
    "partitions.app.count" = [1, 4].
    """

    model_config = ConfigDict(extra="allow", json_schema_extra=_loads_schema)
    __pydantic_extra__: dict[str, FactorValues]

    machine: Annotated[FactorNames, Field(examples=[_EXAMPLES["machine"]])]
    """Machines of the catalog or of this file."""
    os: Annotated[FactorNames, Field(examples=[_EXAMPLES["os"]])] | None = None
    """Operating systems of partitions that do not name their own."""
    virtualization: Annotated[FactorNames, Field(examples=[_EXAMPLES["virtualization"]])]
    """Ways of dividing the machine."""
    workload: FactorNames | None = None
    """Workloads of partitions that do not name their own."""

    @property
    def matrix(self) -> dict[str, list[str]]:
        """The factors that name a cell, where they are given."""
        given = {name: getattr(self, name) for name in MATRIX}
        return {name: values for name, values in given.items() if values is not None}

    @property
    def loads(self) -> dict[str, list[Scalar]]:
        """The factors beyond the matrix, in the order of the file."""
        return dict(self.__pydantic_extra__)


class Machine(Table):
    """A machine; keys left out come from the catalog's machine of that name."""

    type: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9A-Z]{3}$", examples=["9117-570"])] | None = (
        None
    )
    """Type and model."""
    generation: str | None = None
    """Processor generation: POWER5, POWER5+, POWER6."""
    cores: Annotated[int, Field(ge=CORES.least, le=CORES.most)] | None = None
    """Number of cores."""
    clock: Annotated[Hertz, Field(ge=CLOCK.least, le=CLOCK.most)] | None = None
    """Clock of its processors, such as "1.9 GHz"."""
    memory: Annotated[Bytes, Field(ge=MEMORY.least, le=MEMORY.most)] | None = None
    """Size of its memory, such as "64 GiB"."""
    hypothetical: bool = False
    """Accept a configuration that was never sold."""


class UserGroup(Table):
    """Users of one class. Keys left out come from the catalog's profile of the same name."""

    name: Name | None = None
    """The name of the group; needed when the workload has several."""
    user: str | None = None
    """locustfile.py:UserClass, relative to this file, or a shipped one."""
    users: Count | None = None
    """Closed users: how many on each partition, or "3 per core"."""
    arrivals: Arrivals | None = None
    """Open arrivals on each partition: "400 /s" or "25 /s per core"."""
    think_time: Seconds | None = None
    """Mean think time of a closed user."""
    disk: Annotated[int, Field(ge=0, le=1023)] = 0
    """Which of the partition's disks they work on, from 0."""
    duration: PositiveTime | None = None
    """Instead of the campaign's duration, in cells of this workload."""
    demand: dict[str, Scalar] = {}
    """What one transaction asks for: the parameters of the user class."""

    @model_validator(mode="after")
    def _one_arrival_model(self) -> Self:
        if self.users is not None and self.arrivals is not None:
            raise ValueError("has users (closed) and arrivals (open); give one of them")
        if self.arrivals is not None and self.think_time is not None:
            raise ValueError("has arrivals (open) and a think_time; only users have one")
        return self


class MeasuredPartition(Table):
    """What a real system measured of a partition; it stands beside the model's values."""

    source: str
    """Where it comes from."""
    physc_cores: Annotated[float, Field(ge=0)] | None = None
    """Processors consumed (physc)."""
    dispatches_per_second: Annotated[float, Field(ge=0)] | None = None
    """Virtual context switches per second (vcsw)."""
    phantom_interrupts_per_second: Annotated[float, Field(ge=0)] | None = None
    """Phantom interrupts per second (phint)."""


class Campaign(Table):
    """A campaign file of vtax."""

    campaign: CampaignSettings
    claim: Claim | None = None
    factors: Factors
    catalog: dict[str, Any] = {}
    """Constants of the catalog replaced, in the catalog's own format."""
    machines: dict[Name, Machine] = {}
    partitions: Annotated[list[Partition], Field(min_length=1)]
    vios: list[Vios] = []
    workloads: dict[
        Name, Annotated[list[UserGroup], BeforeValidator(OneOrMany.read), OneOrMany()]
    ] = {}
    scenario: list[Scenario] = []
    """Operations on running machines, and expectations."""
    measured: dict[PartitionName, MeasuredPartition] = {}
    """Measurements of a real system by partition, as 'vtax import --as-campaign' writes them."""


def schema_text() -> str:
    """Return the JSON Schema of the campaign file, as it is shipped."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Campaign.model_json_schema(by_alias=True),
        # A campaign of scenarios alone needs neither factors nor partitions.
        "required": ["campaign"],
        "anyOf": [
            {"required": ["factors", "partitions"]},
            # Nor does one on real targets need partitions.
            {"properties": {"factors": {"properties": {"machine": {"const": ["this"]}}}}},
            {"required": ["scenario"]},
            {"properties": {"campaign": {"required": ["include"]}}},
        ],
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":  # python -m harness.campaign.schema.campaign: write the shipped file
    (Path(__file__).parent / "campaign.schema.json").write_text(schema_text(), encoding="utf-8")
