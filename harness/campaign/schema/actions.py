"""The tables of a campaign file for actions on a running machine."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from harness.campaign.schema.fields import Different, Table
from harness.campaign.schema.limits import ARRIVALS, CORES, SHORTEST_SAMPLING, USERS
from harness.units import Bytes, Rate, Ratio, Seconds


class Load(Table):
    """Change the number of users or the rate of arrivals."""

    of: str
    """The partition."""
    group: str | None = None
    """Which of its groups of users; needed where there are several."""
    users: Annotated[int, Field(ge=0, le=USERS.most)] | None = None
    """Number of closed users from now on."""
    arrivals: Annotated[Rate, Field(le=ARRIVALS.most)] | None = None
    """Rate of open arrivals from now on."""

    choices = ("users", "arrivals")


class Dlpar(Table):
    """Dynamic logical partitioning: move something, or change how a partition shares."""

    move: Literal["processing-units", "virtual-processors", "cores", "memory", "adapter"] | None = (
        None
    )
    """What moves."""
    amount: str | int | float | None = None
    """How much: cores, a number of virtual processors, or a size such as "1 GiB"."""
    virtual_processors: Annotated[int, Field(ge=0, le=1024)] = 0
    """How many virtual processors go with processing units."""
    device: str | None = None
    """The adapter that moves."""
    source: Annotated[str | None, Field(alias="from")] = None
    """The partition that loses it; without it, what no partition owns."""
    target: Annotated[str | None, Field(alias="to")] = None
    """The partition that gets it; without it, no partition owns it."""
    change: str | None = None
    """The partition whose sharing changes."""
    weight: Annotated[int, Field(ge=0, le=255)] | None = None
    """Its new weight."""
    capped: bool | None = None
    """Whether it is capped from now on."""

    choices = ("move", "change")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.change is not None:
            if self.weight is None and self.capped is None:
                raise ValueError("change needs a weight or capped")
            moving = ("amount", "virtual_processors", "device", "source", "target")
            self.refuse(moving, "with change")
            return self
        self.refuse(["weight", "capped"], "with move")
        if self.move != "processing-units":
            self.refuse(["virtual_processors"], f"with move = '{self.move}'")
        self.refuse(
            ["amount" if self.move == "adapter" else "device"], f"with move = '{self.move}'"
        )
        if self.source is None and self.target is None:
            raise ValueError("move needs from or to, or both")
        needed = "device" if self.move == "adapter" else "amount"
        if getattr(self, needed) is None:
            raise ValueError(f"move = '{self.move}' needs {needed}")
        return self


class SendMessage(Table):
    """Send a message from one partition to another, or outside, and wait until it has arrived."""

    source: Annotated[str, Field(alias="from")]
    """The sending partition."""
    target: Annotated[str, Field(alias="to")]
    """The receiver: a partition, or "outside"."""
    size: Bytes = 1024
    """Size of the message."""


class Memory(Table):
    """Change how much memory the programs of a partition need."""

    of: str
    """The partition."""
    needs: Bytes
    """Memory from now on; before, seven tenths of the memory of the partition."""


class Plm(Table):
    """Start the Partition Load Manager."""

    policy: str
    """Its policy file, in IBM's format, relative to this file."""


class Cod(Table):
    """Capacity on Demand."""

    activate: Literal["permanent", "on-off", "reserve", "trial", "utility"] | None = None
    """Activate installed cores in this way."""
    deactivate: Literal["on-off"] | None = None
    """Turn cores off again."""
    cores: Annotated[int, Field(ge=CORES.least, le=CORES.most)]
    """Number of cores."""
    machine: str | None = None
    """Which machine; without it the scenario's own."""

    choices = ("activate", "deactivate")


class Migrate(Table):
    """Live Partition Mobility."""

    partition: str
    """The partition that moves."""
    target: Annotated[str, Field(alias="to")]
    """The machine to which it moves."""


class Fleet(Table):
    """Move partitions for maintenance, for balance, or to use fewer machines."""

    maintain: str | None = None
    """Empty this machine, switch it off, on again, and move all back."""
    duration: Seconds | None = None
    """How long it is maintained."""
    balance: Annotated[list[str], Field(min_length=1), Different] | None = None
    """Move partitions among these machines until they are loaded alike."""
    threshold: Annotated[Ratio, Field(gt=0, lt=1)] = 0.1
    """The difference of loads that is good enough."""
    sampling: Annotated[Seconds, Field(ge=SHORTEST_SAMPLING)] = 60.0
    """How long loads are observed before each decision."""
    consolidate: Annotated[list[str], Field(min_length=1), Different] | None = None
    """Bring all partitions of these machines together on few, and switch the others off."""
    return_after: Seconds | None = None
    """When all move back, counted from the beginning; without it never."""

    choices = ("maintain", "balance", "consolidate")

    @model_validator(mode="after")
    def _one_use(self) -> Self:
        if (self.maintain is None) != (self.duration is None):
            raise ValueError("duration goes with maintain, and maintain needs it")
        if self.balance is None:
            self.refuse(["threshold", "sampling"], "without balance")
        if self.consolidate is None:
            self.refuse(["return_after"], "without consolidate")
        return self


class Fault(Table):
    """A failure."""

    panic: str | None = None
    """The operating system of this partition or VIOS stops, and boots again."""
    host: str | None = None
    """The operating system under a monitor stops, on this machine."""
    adapter: str | None = None
    """This adapter breaks."""
    of: str | None = None
    """The partition or VIOS that owns the adapter."""
    repair: Seconds | None = None
    """When a new adapter works; without it never."""

    choices = ("panic", "host", "adapter")

    @model_validator(mode="after")
    def _one_fault(self) -> Self:
        if (self.adapter is None) != (self.of is None):
            raise ValueError("of goes with adapter, and adapter needs it")
        if self.adapter is None:
            self.refuse(["repair"], "without adapter")
        return self


class Attach(Table):
    """Give a partition a disk over a virtual Fibre Channel adapter."""

    partition: str
    """The partition that gets it."""
    fibre_channel: str
    """The disk, by its name in the catalog."""
    vios: str
    """The VIOS that owns the adapter."""


_KINDS = ("load", "dlpar", "reach", "memory", "plm", "cod", "migrate", "fleet", "attach", "fault")


class Actions(Table):
    """An action; exactly one of the kinds."""

    load: Load | None = None
    """More or fewer users."""
    dlpar: Dlpar | None = None
    """Move resources between running partitions."""
    reach: SendMessage | None = None
    """Send a message over the network."""
    memory: Memory | None = None
    """Programs need more or less memory."""
    plm: Plm | None = None
    """Start the Partition Load Manager."""
    cod: Cod | None = None
    """Activate cores, or turn them off."""
    migrate: Migrate | None = None
    """Move a running partition to another machine."""
    fleet: Fleet | None = None
    """Maintain, balance or consolidate machines by moving partitions."""
    attach: Attach | None = None
    """Attach a disk over virtual Fibre Channel."""
    fault: Fault | None = None
    """Make something fail."""

    choices = _KINDS

    @property
    def kind(self) -> str:
        """Which kind of action it is."""
        return self.choice

    @property
    def action(self) -> Any:
        """The action itself."""
        return getattr(self, self.kind)
