"""What makes a program's time, its computing apart: counts of a profile, at the cost of events.

A measured event is often several things at once: a fork holds three calls, two context switches and
dozens of page faults, and a profile counts each of them by itself. So a cause costs what its event
costs without the other causes in it, and nothing is counted twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

HOT = ("compute", "streams", "chases")
"""Events that stand for user code of integers, one at a time, in a few places: inner loops."""
DIFFUSE = ("branches", "sprawls")
"""Events that stand for such code in many places, near to one another or far apart."""
SAMPLED = {"floating": "floats", "vector": "strings"}
"""The event that stands for the rest, by the quantity of a profile that says how much it is."""

KERNEL = (
    "calls",
    "io_calls",
    "stats",
    "opens",
    "selects",
    "signals",
    "faults",
    "mappings",
    "files",
    "forks",
    "switches",
    "cached_reads_4k",
)
"""Events that what is left of the system time may be like."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An event's cost, in other words: ``(event - less - contains) / per``."""

    event: str
    less: str = ""
    """Another event, whose whole cost is taken off."""
    per: float = 1.0
    """How many of the cause make the event."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of system time."""

    name: str
    counts: Mapping[str, float]
    """Quantities of a profile, each with its weight; their sum is the number."""
    costs: tuple[Cost, ...]
    """Several where it is not known which one a program meets; each is as likely then."""
    contains: Mapping[str, float] = field(default_factory=dict)
    """Causes, further up in the table, that an event holds besides; page faults that were measured
    with the event come on top."""
    waits: bool = False
    """Whether its event waits for a device."""
    user: bool = False
    """Whether some of it is user time, nobody knows how much: a program that begins asks its
    processor for its features, which takes long under many hypervisors."""


_RINGS = tuple(
    Cost(f"ring_{processes}p_{kib}k", less=f"tokens_{kib}k")
    for processes in (2, 8, 16)
    for kib in (0, 16, 64)
)
_BETWEEN = 65536 - 4096

CAUSES = (
    Cause("calls", {"calls": 1}, (Cost("calls"),)),
    Cause("io_calls", {"io_calls": 1, "messages": 1}, (Cost("io_calls"),)),
    Cause(
        "io_bytes",
        {"io_bytes": 1},
        (Cost("cached_reads_64k", less="cached_reads_4k", per=_BETWEEN),),
    ),
    Cause("stats", {"stats": 1}, (Cost("stats"),)),
    Cause("opens", {"opens": 1}, (Cost("opens"),)),
    Cause("selects", {"selects": 1}, (Cost("selects"),)),
    Cause("signal_installs", {"signal_installs": 1}, (Cost("signal_installs"),)),
    Cause("signals", {"signals": 1}, (Cost("signals"),), {"calls": 2}),
    Cause("page_faults", {"page_faults": 1, "major_faults": 1}, (Cost("faults"),)),
    Cause("mmaps", {"mmaps": 1}, (Cost("mappings"),)),
    Cause("context_switches", {"voluntary_switches": 1, "involuntary_switches": 1}, _RINGS),
    Cause("forks", {"forks": 1}, (Cost("forks"),), {"calls": 3, "context_switches": 2}),
    Cause(
        "vforks",
        {"vforks": 1, "threads": 1},
        (Cost("vforks"),),
        {"calls": 3, "context_switches": 2},
    ),
    Cause("execs", {"execs": 1}, (Cost("execs", less="forks"),), {"calls": 1}, user=True),
    # A file is created and deleted: half of it for either.
    Cause("files", {"file_creates": 1, "file_deletes": 1}, (Cost("files", per=2),), {"opens": 0.5}),
    Cause(
        "packets",
        {"packets": 1},
        (Cost("exchanges_64b", per=2),),
        {"io_calls": 2, "context_switches": 1},
    ),
    Cause("block_reads", {"block_reads": 1}, (Cost("direct_reads_4k"),), waits=True),
    Cause(
        "block_read_bytes",
        {"block_read_bytes": 1, "block_reads": -4096},
        (Cost("direct_reads_64k", less="direct_reads_4k", per=_BETWEEN),),
        waits=True,
    ),
    Cause("syncs", {"syncs": 1}, (Cost("synced_writes_4k"),), {"io_calls": 1}, waits=True),
)
"""Each after those that it contains."""

WAITING = frozenset(cost.event for cause in CAUSES if cause.waits for cost in cause.costs)
"""Events that wait for a device. The others take as long as they compute, if nobody else does."""
