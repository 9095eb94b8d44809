"""What a machine is made of and how it is divided: the input of the model.

Everything here is resolved: no factors, no shares, no defaults left to fill in. A campaign's plan
produces these values; :mod:`harness.model.machine` builds a running machine from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction


class Virtualization(StrEnum):
    """How a machine is divided."""

    FULL_SYSTEM = "full-system"
    """One partition that owns the whole machine: the baseline."""
    PHYSICAL = "physical"
    """Electrically separate parts of the machine, each with whole cores and its own adapters."""
    DEDICATED = "dedicated"
    """Logical partitions with whole cores of their own, virtual I/O through a VIOS."""
    SHARED_CAPPED = "shared-capped"
    """Micro-partitions that never get more than their entitlement."""
    SHARED_UNCAPPED = "shared-uncapped"
    """Micro-partitions that compete by weight for what others leave."""
    HOSTED = "hosted"
    """Guests of a monitor on a host operating system; a flavour names the published system."""


SHARED = (Virtualization.SHARED_CAPPED, Virtualization.SHARED_UNCAPPED)
"""Of partitions that share processors."""


@dataclass(frozen=True, slots=True)
class MachineConfiguration:
    """A machine as it was sold."""

    name: str
    """The catalog's or the campaign's name for it, such as ``p5-570``."""
    model: str
    """Type and model, such as ``9117-570``."""
    generation: str
    """``POWER5``, ``POWER5+`` or ``POWER6``."""
    cores: int
    clock_hz: float
    memory_bytes: int
    active_cores: int | None = None
    """Cores that are activated (Capacity on Demand); None: all that are installed."""


@dataclass(frozen=True, slots=True)
class DiskConfiguration:
    """A disk that a partition sees.

    With a ``vios`` it is a virtual SCSI disk backed by a device there; without, the device is
    attached directly.
    """

    device: str
    """The catalog's name of the backing device, such as ``ds4400-raid0-5``."""
    vios: str | None = None
    backing: str = "physical"
    """``physical`` or ``logical-volume``; meaningful with a VIOS only."""
    queue_depth: int | None = None
    """Operations outstanding at once; None takes the operating system's own."""
    standby: str | None = None
    """A second VIOS that takes over when the first is down; None: there is none."""
    shared: str | None = None
    """The name of the device, if virtual disks of others are on it, too; None: it has its own."""
    bus: str | None = None
    """The I/O bus that its host adapter is on; None: an adapter and a bus of its own."""
    adapter: int = 0
    """Which of the host adapters on that bus."""


@dataclass(frozen=True, slots=True)
class VirtualEthernetConfiguration:
    """A virtual Ethernet adapter (802.1Q)."""

    vlan: int = 1
    """The port's VLAN (PVID)."""
    tagged_vlans: tuple[int, ...] = ()
    mtu_bytes: int = 1500


@dataclass(frozen=True, slots=True)
class EthernetConfiguration:
    """A physical Ethernet adapter that a partition or a VIOS owns."""

    device: str
    """The catalog's name, such as ``ethernet-1gb``."""
    mtu_bytes: int = 1500
    bus: str | None = None
    """The I/O bus that it is on, with what else is there; None: one of its own."""


@dataclass(frozen=True, slots=True)
class SharedEthernetConfiguration:
    """A Shared Ethernet Adapter: a VIOS bridges virtual LANs to one physical adapter."""

    adapter: EthernetConfiguration
    vlans: tuple[int, ...] = (1,)
    threaded: bool = True


@dataclass(frozen=True, slots=True)
class UserGroup:
    """Locust users of one class that put work on one partition."""

    name: str
    """The workload's name; unique within its partition."""
    user: str
    """``path/to/locustfile.py:UserClass``, relative to the project or to the campaign file."""
    users: int | None = None
    """How many closed users; None for open arrivals."""
    arrivals_per_second: float | None = None
    """The rate of open (Poisson) arrivals; None for closed users."""
    think_time_seconds: float = 0.0
    """Mean think time of a closed user (exponential)."""
    disk: int = 0
    """The index of the partition's disk that the users work on."""
    demand: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    """The parameters of the user class's demand, in SI units."""


@dataclass(frozen=True, slots=True)
class PartitionConfiguration:
    """A logical (or physical) partition, or a guest of a hosted monitor."""

    name: str
    os: str
    virtualization: Virtualization
    entitlement_cores: float
    """Entitled capacity when shared; the number of own cores when dedicated or physical; the
    number of virtual processors when hosted."""
    virtual_processors: int
    weight: int = 128
    """Weight for spare capacity, 0 to 255; meaningful for shared-uncapped only."""
    folding: bool = False
    """Whether the operating system folds virtual processors that it does not need (AIX 5.3 from
    maintenance level 3 on)."""
    memory_bytes: int = 0
    disks: tuple[DiskConfiguration, ...] = ()
    virtual_ethernet: tuple[VirtualEthernetConfiguration, ...] = ()
    ethernet: tuple[EthernetConfiguration, ...] = ()
    """Adapters attached directly."""
    groups: tuple[UserGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class ViosConfiguration:
    """A Virtual I/O Server: a partition that serves disks and networks to others."""

    name: str
    virtualization: Virtualization
    """``dedicated``, ``shared-capped`` or ``shared-uncapped``."""
    entitlement_cores: float
    virtual_processors: int
    weight: int = 128
    memory_bytes: int = 0
    shared_ethernet: SharedEthernetConfiguration | None = None


@dataclass(frozen=True, slots=True)
class SystemConfiguration:
    """A machine and how it is divided: all that a run needs to know about the platform."""

    machine: MachineConfiguration
    virtualization: Virtualization
    """How the machine as a whole is divided; partitions may differ among dedicated and shared."""
    partitions: tuple[PartitionConfiguration, ...]
    vios: tuple[ViosConfiguration, ...] = ()
    flavour: str | None = None
    """The hosted monitor's name in the catalog (``vmware``, ``uml``); None unless hosted."""
    lan: str = "lan"
    """The network outside to which its Ethernet adapters are connected."""
    san: str = "san"
    """The storage network to which its VIOS are connected."""

    @property
    def hosted(self) -> bool:
        """Whether the machine is divided by a monitor on a host operating system."""
        return self.virtualization is Virtualization.HOSTED


_DENOMINATOR = 10**6
"""Entitlements are fractions with at most this denominator; what differs is rounding of floats."""


def entitlement_ns(cores: float, window_ns: int) -> int:
    """Return the entitlement of a partition in a dispatch window.

    Parameters
    ----------
    cores
        Entitlement of the partition.
    window_ns
        Length of the dispatch window.

    Returns
    -------
    int
        Nanoseconds, rounded down: what fits into the pool in cores fits into every window.
    """
    return int(Fraction(cores).limit_denominator(_DENOMINATOR) * window_ns)
