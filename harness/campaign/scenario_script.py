"""A scenario resolved: plain values that travel to a worker and make up its identity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.model.config import SystemConfiguration

DIMENSIONS: dict[str, str | None] = {
    "requests": "count",
    "failed": "count",
    "throughput": "rate",
    "bandwidth": "bandwidth",
    "response-mean": "time",
    "response-p95": "time",
    "longest-gap": "time",
    "physc": "cores",
    "entc": "ratio",
    "entitlement": "cores",
    "virtual-processors": "count",
    "unfolded": "count",
    "weight": "count",
    "memory": "size",
    "adapters": "count",
    "down": "count",
    "pool": "cores",
    "pool-idle": "cores",
    "power": "power",
    "bill": "count",
    "status": None,
    "lasted": "time",
    "result": None,
}
"""Metric -> its dimension; None: a text, or whatever the result is (:data:`RESULTS`)."""

RESULTS: dict[str, str] = {
    "migrations": "count",
    "passes": "count",
    "bytes": "size",
    "missing-bytes": "size",
    "faults": "count",
    "duration": "time",
    "downtime": "time",
    "paging": "time",
    "rate": "bandwidth",
    "source-vios-cores": "cores",
    "target-vios-cores": "cores",
    "spread-before": "ratio",
    "spread-after": "ratio",
    "switched-off": "count",
}
"""What an operation has measured of itself -> its dimension."""

REQUESTS = (
    "requests",
    "failed",
    "throughput",
    "bandwidth",
    "response-mean",
    "response-p95",
    "longest-gap",
)
"""Metrics of users' requests."""

OUTCOMES = ("status", "lasted", "result")
"""Metrics of an operation."""

POOL = ("pool", "pool-idle", "power", "bill")
"""Metrics of a whole machine."""


def dimension_of(metric: str, key: str | None) -> str | None:
    """Return the dimension of a metric, which for a result depends on its key; None of a text."""
    return RESULTS.get(key or "") if metric == "result" else DIMENSIONS[metric]


@dataclass(frozen=True)
class Action:
    """Something that is done."""

    name: str
    """What expectations call it; its place in the file if it has no name of its own."""
    kind: str
    values: Mapping[str, Any]
    """Its parameters in SI units."""


@dataclass(frozen=True)
class Step:
    """An action at a time."""

    at_seconds: float
    action: Action


@dataclass(frozen=True)
class Rule:
    """An action that waits for what is observed."""

    metric: str
    of: tuple[str, ...]
    above: float | None
    below: float | None
    lasting_seconds: float
    times: int
    action: Action


@dataclass(frozen=True)
class Reading:
    """Something to be read off what a scenario has recorded."""

    metric: str
    of: tuple[str, ...]
    group: str | None
    step: str | None
    key: str | None
    begin_seconds: float
    end_seconds: float
    statistic: str
    """``mean``, ``minimum``, ``maximum`` or ``last``."""


@dataclass(frozen=True)
class Expectation:
    """What must be seen, and where that is published."""

    name: Mapping[str, str]
    """Language -> what is expected, in words."""
    reading: Reading
    each: bool
    """Each of those it is about must fulfil it."""
    relative_to: Reading | None
    difference: bool
    """Expect the difference from it rather than the relation to it."""
    relation: str
    """``equals``, ``at-least`` or ``at-most``."""
    expected: float | str | None
    """None: the value of the constant."""
    constant: str | None
    times: float
    """Factor on the constant."""
    tolerance: float
    relative_tolerance: bool
    """Whether the tolerance is a part of the expected value."""
    reason: str | None
    """Words that the reason must contain."""
    source: str
    assumed: tuple[str, ...]
    """Constants that the outcome rests on and nobody published."""


@dataclass(frozen=True)
class Script:
    """A whole scenario beside the system that its cell simulates."""

    name: str
    title: Mapping[str, str]
    element: str
    machine: str
    """What the cell's own machine is called in steps."""
    other_machines: Mapping[str, SystemConfiguration]
    """Further machines by name."""
    limits: Mapping[str, Mapping[str, float]]
    """Partition -> the least and the most that it may have while it runs."""
    sample_seconds: float
    steps: tuple[Step, ...]
    rules: tuple[Rule, ...]
    expectations: tuple[Expectation, ...]
