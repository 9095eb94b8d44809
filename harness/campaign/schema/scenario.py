"""The tables of a scenario: actions on running machines, and expectations."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from harness.campaign.schema.actions import Actions
from harness.campaign.schema.fields import Different, Name, OneOrMany, PositiveTime, Table, Text
from harness.campaign.schema.limits import CORES, FIRES
from harness.campaign.schema.metrics import METRICS
from harness.campaign.schema.partitions import Partition, Vios
from harness.units import Seconds

Element = Literal[
    "systems",
    "plm",
    "dlpar",
    "vlan",
    "virtual-io",
    "micro-partitioning",
    "hypervisor",
    "capacity-on-demand",
    "mobility",
    "isolation",
    "physical",
]
"""The seven elements of the study, and further ones."""

if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[tuple(METRICS)]

Quantity = Annotated[
    str | int | float,
    Field(examples=["5 ms", 0.1, "operations.mobility.suspension"]),
]
"""A number with its unit, or the name of a constant of the catalog that is expected."""

Names = Annotated[
    list[str],
    BeforeValidator(lambda written: [written] if isinstance(written, str) else written),
    Field(min_length=1),
    Different,
    OneOrMany(),
]
Interval = Annotated[list[Seconds], Field(min_length=2, max_length=2)]


class Step(Actions):
    """An action at a simulated time; exactly one kind of action."""

    at: Seconds
    """When, from the start of the scenario."""
    name: Name | None = None
    """The name that expectations use."""


class Condition(Table):
    """The condition of a rule."""

    metric: MetricName
    """The metric that it observes."""
    of: Names | None = None
    """Partitions or VIOS; without it all."""
    above: Quantity | None = None
    """It holds while the metric is above this value."""
    below: Quantity | None = None
    """It holds while the metric is below this value."""
    duration: Seconds = 0.0
    """How long it must hold before the rule acts."""

    choices = ("above", "below")


class Rule(Actions):
    """An action that is done when a condition holds."""

    name: Name | None = None
    """The name that expectations use."""
    when: Condition
    """The condition; it is evaluated at each sample of the timeline."""
    times: Annotated[int, Field(ge=FIRES.least, le=FIRES.most)] = 1
    """The maximum number of times that it acts."""


class Reference(Table):
    """The value that a measured value is compared with; keys left out are as in the expectation."""

    metric: MetricName | None = None
    """Another metric."""
    of: Names | None = None
    """Other partitions or VIOS."""
    group: str | None = None
    """Another group of users."""
    key: str | None = None
    """Another cause of processor time, or `all`."""
    between: Interval | None = None
    """Another time."""

    @model_validator(mode="after")
    def _another(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("needs one of metric, of, group, key and between")
        return self


class Expectation(Table):
    """An expectation."""

    name: Text
    """What is expected, in words."""
    metric: MetricName
    """The metric."""
    of: Names | None = None
    """Partitions or VIOS; without it all. Several are taken together."""
    each: bool = False
    """Each of them must fulfil it; reports show the one that is farthest off."""
    group: str | None = None
    """Requests of this group of users only."""
    step: str | None = None
    """The step or rule, for metrics of actions."""
    key: str | None = None
    """Which result of it, for metric = "result"; which kind of Capacity on Demand, for "bill";
    which cause, for "processor-time" (without it all)."""
    between: Interval | None = None
    """From when to when; without it from beginning to end."""
    statistic: Literal["mean", "minimum", "maximum", "last"] = "mean"
    """Of the samples taken in that time, where the metric is sampled."""
    over_runs: Literal["mean", "deviation", "p50", "p95", "p99"] | None = None
    """Of the values of all replications: this must fulfil it; without it each of them must."""
    to: Reference | None = None
    """Expect the relation to this instead of the value itself."""
    difference_from: Reference | None = None
    """Expect the difference from this instead of the value itself."""
    equals: Quantity | bool | None = None
    """The value expected, within the tolerance; a status as a text."""
    at_least: Quantity | None = None
    """The smallest value allowed."""
    at_most: Quantity | None = None
    """The largest value allowed."""
    times: Annotated[float, Field(ge=1e-9, le=1e9)] = 1.0
    """Factor on an expected constant."""
    tolerance: Quantity = 0
    """Allowed difference from equals: a share of it, as "5 %", or a quantity of its kind."""
    reason: str | None = None
    """Text that the reason of a refusal must contain."""
    source: str
    """The source of the expected value."""
    rests_on: list[str] = []
    """Constants of the catalog that decide the outcome; reports list the assumed ones."""

    choices = ("equals", "at_least", "at_most")

    @model_validator(mode="after")
    def _one_relation(self) -> Self:
        if self.to is not None and self.difference_from is not None:
            raise ValueError("has to and difference_from; give one of them")
        return self

    @property
    def relation(self) -> str:
        """``equals``, ``at_least`` or ``at_most``."""
        return self.choice

    @property
    def expected(self) -> Any:
        """The value expected, or the smallest or the largest one."""
        return getattr(self, self.relation)

    @property
    def reference(self) -> "Expectation | None":
        """What the value is put in relation to: the same of other things; None without."""
        other = self.difference_from if self.to is None else self.to
        if other is None:
            return None
        changed = {key: getattr(other, key) for key in other.model_fields_set}
        return self.model_copy(update=changed)


class OtherMachine(Table):
    """One more machine of a scenario."""

    name: Name
    """The name of the machine in steps."""
    machine: str
    """Its kind: a machine of the catalog or of this file."""
    os: str | None = None
    """The operating system of partitions that do not name their own."""
    virtualization: str = "shared-uncapped"
    """The way of dividing it."""
    workload: str | None = None
    """The workload of partitions that do not name their own."""
    lan: str = "lan"
    """The network outside to which its adapters are connected."""
    san: str = "san"
    """The storage network to which its VIOS are connected."""
    partitions: list[Partition] = []
    """Its partitions at the beginning."""
    vios: list[Vios] = []
    """Its Virtual I/O Servers."""


class Scenario(Table):
    """Partitions under load, actions on them, and expectations."""

    name: Name
    """Short name, for --only scenario=..."""
    title: Text
    """What is done, in words."""
    element: Element
    """The element of the study that it belongs to."""
    machine: str
    """A machine of the catalog or of this file."""
    site: Name = "here"
    """The name of this machine in steps."""
    active_cores: Annotated[int, Field(ge=CORES.least, le=CORES.most)] | None = None
    """Cores that are active at first (Capacity on Demand); without it all."""
    os: str | None = None
    """The operating system of partitions that do not name their own."""
    virtualization: str = "shared-uncapped"
    """The way of dividing the machine."""
    workload: str | None = None
    """The workload of partitions that do not name their own."""
    lan: str = "lan"
    """The network outside to which the machine's adapters are connected."""
    san: str = "san"
    """The storage network to which its VIOS are connected."""
    duration: PositiveTime
    """Simulated time."""
    sample: PositiveTime | None = None
    """Time between two samples of the timeline; without it, 200 samples are taken."""
    partitions: list[Partition] | None = None
    """Instead of the file's."""
    vios: list[Vios] | None = None
    """Instead of the file's."""
    machines: Annotated[list[OtherMachine], BeforeValidator(OneOrMany.read), OneOrMany()] = []
    """Further machines."""
    step: list[Step] = []
    """Actions at given times, in order of time."""
    rule: list[Rule] = []
    """Actions that conditions trigger."""
    expect: Annotated[list[Expectation], Field(min_length=1)]
    """The expectations."""
