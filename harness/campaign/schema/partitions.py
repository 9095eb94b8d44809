"""The tables of a campaign file that divide a machine: partitions, Virtual I/O Servers, devices."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from harness.campaign.schema.fields import Count, Different, OneOrMany, PartitionName, Share, Table
from harness.campaign.schema.limits import CORES, MEMORY, PARTITIONS
from harness.units import Bytes

Vlan = Annotated[int, Field(ge=1, le=4094)]


class VirtualEthernet(Table):
    """A virtual Ethernet adapter."""

    vlan: Vlan = 1
    """The port's VLAN (PVID)."""
    tagged_vlans: Annotated[list[Vlan], Field(max_length=20), Different] = []
    """Further VLANs, with 802.1Q tags."""
    mtu: Annotated[int, Field(ge=68, le=65394)] = 1500
    """Largest packet in bytes."""

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.vlan in self.tagged_vlans:
            raise ValueError(f"VLAN {self.vlan} is the port's own and tagged; leave out one")
        return self


class Adapter(Table):
    """A physical Ethernet adapter."""

    device: Annotated[str, Field(examples=["ethernet-1gb"])]
    """Its name in the catalog."""
    mtu: Annotated[int, Field(ge=68, le=9000)] = 1500
    """Largest packet in bytes."""


class Divided(Table):
    """What partitions and VIOS have in common: their part of the machine."""

    name: PartitionName
    """The name that other tables use."""
    share: Share | None = None
    """Capacity as a part of the machine's cores."""
    entitlement: Annotated[float, Field(gt=0, le=CORES.most)] | None = None
    """Capacity in cores, such as 1.5."""
    cores: Annotated[int, Field(ge=CORES.least, le=CORES.most)] | None = None
    """Capacity in whole cores."""
    virtual_processors: Count | None = None
    """How many, or "2 per core" of the capacity; without it as many as the capacity needs."""
    weight: Annotated[int, Field(ge=0, le=255)] = 128
    """Weight for spare capacity when uncapped."""
    capped: bool | None = None
    """In shared cells: capped or not, instead of the factor."""
    memory: Annotated[Bytes, Field(gt=0, le=MEMORY.most)] | None = None
    """Without it, a part of the machine's memory in proportion to the capacity."""

    choices = ("share", "entitlement", "cores")


class PartitionLimits(Table):
    """The least and the most that a partition may have while it runs."""

    minimum_cores: Annotated[float, Field(gt=0, le=CORES.most)] | None = None
    """Entitlement or own cores."""
    maximum_cores: Annotated[float, Field(gt=0, le=CORES.most)] | None = None
    """Entitlement or own cores."""
    minimum_virtual_processors: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Fewest virtual processors."""
    maximum_virtual_processors: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Most virtual processors."""
    minimum_memory: Annotated[Bytes, Field(gt=0, le=MEMORY.most)] | None = None
    """Least memory."""
    maximum_memory: Annotated[Bytes, Field(gt=0, le=MEMORY.most)] | None = None
    """Most memory."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name in ("cores", "virtual_processors", "memory"):
            least, most = getattr(self, f"minimum_{name}"), getattr(self, f"maximum_{name}")
            if least is not None and most is not None and least > most:
                raise ValueError(f"maximum_{name} must be at least minimum_{name}")
        return self


class Partition(Divided):
    """A partition, or several equal ones."""

    count: Annotated[int, Field(ge=PARTITIONS.least, le=PARTITIONS.most)] = 1
    """How many; more than one are called app1, app2 and so on."""
    os: str | None = None
    """Instead of the factor's."""
    virtualization: Literal["dedicated", "shared-capped", "shared-uncapped"] | None = None
    """Instead of the factor's, in cells that have logical partitions."""
    workload: str | None = None
    """Instead of the factor's; "idle" for none."""
    virtual_scsi: list[str] = []
    """Names of VIOS that serve a disk each."""
    disks: list[str] = []
    """Disks attached directly, by their names in the catalog."""
    queue_depth: Annotated[int, Field(ge=1, le=256)] | None = None
    """Operations outstanding on each disk; without it the operating system's own."""
    virtual_ethernet: Annotated[
        list[VirtualEthernet], BeforeValidator(OneOrMany.read), OneOrMany()
    ] = []
    """Virtual Ethernet adapters."""
    adapters: list[Adapter] = []
    """Physical adapters of its own."""
    folding: bool = False
    """Whether its operating system folds virtual processors that it does not need."""
    limits: PartitionLimits = PartitionLimits()
    """The limits within which operations may change it while it runs."""
    requires: list[str] = []
    """Features that its operating system must have, such as "dlpar-memory"."""

    @model_validator(mode="after")
    def _no_unused_keys(self) -> Self:
        if self.virtualization is not None:
            self.refuse(["capped"], f"with virtualization = '{self.virtualization}'")
        if not self.disks and not self.virtual_scsi:
            self.refuse(["queue_depth"], "without disks")
        return self

    @property
    def names(self) -> list[str]:
        """The partitions' names."""
        if self.count == 1:
            return [self.name]
        return [f"{self.name}{number}" for number in range(1, self.count + 1)]


class Backing(Table):
    """The devices behind the virtual disks of a VIOS."""

    disk: Annotated[str, Field(examples=["ds4400-raid0-5"])]
    """Its name in the catalog."""
    kind: Annotated[Literal["physical", "logical-volume"], Field(alias="as")] = "physical"
    """How clients get it: as a whole disk or as a logical volume."""
    devices: Annotated[int, Field(ge=1, le=256)] | None = None
    """How many devices the logical volumes of all clients are on, in turn; without it, one for
    each."""

    @model_validator(mode="after")
    def _no_unused_keys(self) -> Self:
        if self.kind == "physical":
            self.refuse(["devices"], "with as = 'physical', where each client has a whole disk")
        return self


class SharedEthernet(Table):
    """A Shared Ethernet Adapter."""

    adapter: Annotated[str, Field(examples=["ethernet-1gb"])]
    """The physical adapter's name in the catalog."""
    mtu: Annotated[int, Field(ge=68, le=9000)] = 1500
    """Largest packet in bytes."""
    threaded: bool = True
    """Whether it queues packets for threads; otherwise it works at interrupt level."""
    vlans: Annotated[list[Vlan], Field(min_length=1), Different] = [1]
    """VLANs that it bridges to the outside."""


class Vios(Divided):
    """A Virtual I/O Server."""

    processors: Literal["as-partitions", "dedicated", "shared"] = "as-partitions"
    """Whether it has cores of its own; as-partitions: dedicated in dedicated cells only."""
    backing: Backing | None = None
    """The devices behind its virtual disks."""
    disk_adapters: Annotated[int, Field(ge=1, le=64)] | None = None
    """How many host adapters these devices are on, in turn; without it, the catalog's number."""
    shared_ethernet: SharedEthernet | None = None
    """Bridges virtual networks to the outside."""
    standby: str | None = None
    """Another VIOS of the machine, with paths to the same disks and networks, that takes over when
    this one is down."""

    @model_validator(mode="after")
    def _no_unused_keys(self) -> Self:
        if self.processors == "dedicated":
            self.refuse(["weight", "capped"], "with processors = 'dedicated'")
        if self.capped:
            self.refuse(["weight"], "with capped = true")
        if self.backing is None:
            self.refuse(["disk_adapters"], "without backing")
        if self.backing is None and self.shared_ethernet is None:
            self.refuse(["standby"], "without backing or shared_ethernet")
        return self
