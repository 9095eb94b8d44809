"""Causes of a program's time besides computing: counts of a profile, with the costs of events.

A measured event often contains several causes: a fork contains three calls, two context switches
and dozens of page faults, and a profile counts each of them separately. So a cause costs what its
event costs without the other causes in it, and nothing is counted twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

HOT = ("compute", "streams", "chases")
"""Events that represent user code of single integers in few places: inner loops."""
DIFFUSE = ("branches", "sprawls")
"""Events that represent such code in many places, near to one another or far apart."""
SAMPLED = {"floating": "floats", "vector": "strings"}
"""Events that represent the rest, by the quantity of a profile that gives its share."""

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
"""Events that the remaining system time may resemble."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of a cause by an event: ``(event - less - contains) / per``."""

    event: str
    less: str = ""
    """Another event, whose whole cost is subtracted."""
    per: float = 1.0
    """Number of the cause in the event."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Cause of system time."""

    name: str
    counts: Mapping[str, float]
    """Weights of a profile's quantities; the weighted sum is the number of the cause."""
    costs: tuple[Cost, ...]
    """Several of the same probability, if it is not known which one applies to a program."""
    contains: Mapping[str, float] = field(default_factory=dict)
    """Numbers of other causes in an event, earlier in the table. The page faults that were measured
    with the event are subtracted as well."""
    waits: bool = False
    """Whether its event waits for a device."""
    user: bool = False
    """Whether an unknown part of it is user time: at its begin a program queries the processor's
    features, which takes long under many hypervisors."""


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
    # A file is created and deleted: half of the cost for each.
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
"""All causes, each after those that it contains."""

WAITING = frozenset(cost.event for cause in CAUSES if cause.waits for cost in cause.costs)
"""Events that wait for a device. The time of the others is their processor time, on an idle
machine."""
