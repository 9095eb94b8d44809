"""The metrics that expectations and rules of a scenario can name."""

from collections.abc import Mapping
from typing import NamedTuple

from harness.model.ledger import CAUSE_LABELS

REQUESTS, PARTITION, MACHINE, ACTION = "requests", "partition, VIOS", "machine", "action"


class Metric(NamedTuple):
    """A metric of a scenario."""

    of: str
    """What has it: ``REQUESTS`` (of partitions), ``PARTITION``, ``MACHINE`` or ``ACTION``."""
    dimension: str | None
    """None: a text, or a result, whose dimension is in :data:`RESULTS`."""
    meaning: str
    sample: str = ""
    """Name of its samples on the timeline; empty if it is not sampled."""


METRICS: Mapping[str, Metric] = {
    "requests": Metric(REQUESTS, "count", "Requests that ended well."),
    "failed": Metric(REQUESTS, "count", "Requests that failed."),
    "throughput": Metric(REQUESTS, "rate", "Requests that ended well, per second."),
    "bandwidth": Metric(REQUESTS, "bandwidth", "Bytes of their transfers, per second."),
    "response-mean": Metric(REQUESTS, "time", "Mean response time."),
    "response-deviation": Metric(REQUESTS, "time", "Standard deviation of the response time."),
    "response-p50": Metric(REQUESTS, "time", "Median response time."),
    "response-p95": Metric(REQUESTS, "time", "95th percentile of the response time."),
    "response-p99": Metric(REQUESTS, "time", "99th percentile of the response time."),
    "longest-gap": Metric(REQUESTS, "time", "Longest time without a request that ended well."),
    "physc": Metric(
        PARTITION, "cores", "Physical processors consumed.", "vtax_partition_physc_cores"
    ),
    "processor-time": Metric(
        PARTITION, "time", "Processor time spent on its behalf, by the cause in `key` or by all."
    ),
    "entc": Metric(PARTITION, "ratio", "The same as a share of the entitlement."),
    "entitlement": Metric(
        PARTITION,
        "cores",
        "Entitled capacity, or own cores.",
        "vtax_partition_entitlement_cores",
    ),
    "virtual-processors": Metric(
        PARTITION, "count", "Virtual processors.", "vtax_partition_virtual_processors"
    ),
    "unfolded": Metric(
        PARTITION,
        "count",
        "Virtual processors that are not folded.",
        "vtax_partition_unfolded_virtual_processors",
    ),
    "weight": Metric(PARTITION, "count", "Weight for spare capacity.", "vtax_partition_weight"),
    "memory": Metric(PARTITION, "size", "Memory of the partition.", "vtax_partition_memory_bytes"),
    "adapters": Metric(PARTITION, "count", "Physical adapters.", "vtax_partition_adapters"),
    "down": Metric(PARTITION, "count", "1 while it is down.", "vtax_partition_down"),
    "pool": Metric(MACHINE, "cores", "Processors of the shared pool.", "vtax_pool_size_processors"),
    "pool-idle": Metric(
        MACHINE, "cores", "Idle processors of the shared pool.", "vtax_pool_available_processors"
    ),
    "power": Metric(MACHINE, "power", "Power that the machine draws.", "vtax_machine_power_watts"),
    "bill": Metric(MACHINE, "count", "What Capacity on Demand charges, for the kind in `key`."),
    "status": Metric(ACTION, None, "`done`, `refused` or `failed`."),
    "lasted": Metric(ACTION, "time", "Duration of the action."),
    "result": Metric(ACTION, None, "The result that `key` names."),
}
"""By name, in the order of the documentation. Of several partitions a ratio is averaged; what
else is sampled is added up."""

CAUSES: tuple[str, ...] = ("all", *CAUSE_LABELS)
"""Causes of processor time, all of them first."""

RESULTS: Mapping[str, str] = {
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
"""Result of an operation -> its dimension."""


def names_of(of: str) -> tuple[str, ...]:
    """Return the names of the metrics of one kind of thing."""
    return tuple(name for name, metric in METRICS.items() if metric.of == of)


def dimension_of(metric: str, key: str | None) -> str | None:
    """Return the dimension of a metric, which for a result depends on its key; None of a text."""
    return RESULTS.get(key or "") if metric == "result" else METRICS[metric].dimension
