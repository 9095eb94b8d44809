"""Metrics that only imports of measurements have, and what a store keeps of an import."""

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

IMPORTED: dict[str, str] = {
    "vtax_partition_logical_busy_ratio": "Share of the logical processors in use (lbusy).",
    "vtax_partition_physb_cores": "Processors consumed in user and system mode (physb).",
    "vtax_partition_physical_memory_bytes": "Physical memory that backs the partition (pmem).",
    "vtax_partition_hypervisor_calls": "Calls of the partition to the hypervisor (hcalls).",
    "vtax_partition_hypervisor_seconds": "Processor time in the hypervisor (%hypv of physc).",
    "vtax_partition_hypervisor_page_ins": "Pages that the hypervisor paged in (hpi).",
    "vtax_partition_hypervisor_page_in_seconds": "Time that the partition waited for them (hpit).",
    "vtax_partition_frequency_hertz": "Mean frequency of the processors (lparstat -E).",
    "vtax_partition_actual_cores": "Processors by state, at their own frequency.",
    "vtax_partition_normalised_cores": "The same at the nominal frequency.",
    "vtax_partition_page_ins": "Pages read in (nmon, VM).",
    "vtax_partition_page_outs": "Pages written out (nmon, VM).",
    "vtax_partition_dispersed_dispatches": "Dispatches on another processor than before.",
    "vtax_hypervisor_calls": "Calls to the hypervisor by kind (lparstat -H).",
    "vtax_hypervisor_call_seconds": "Time in them, waiting included.",
    "vtax_hypervisor_call_mean_seconds": "The mean time of a call of its kind.",
    "vtax_hypervisor_call_longest_seconds": "The longest call of its kind.",
    "vtax_disk_read_bytes": "Bytes read from a disk.",
    "vtax_disk_written_bytes": "Bytes written to a disk.",
    "vtax_disk_read_service_seconds": "Mean service time of reads.",
    "vtax_disk_write_service_seconds": "Mean service time of writes.",
    "vtax_disk_service_seconds": "Mean service time of operations.",
    "vtax_disk_queue_wait_seconds": "Mean time in the queue of the disk's driver.",
    "vtax_disk_completion_seconds": "Quantile of the completion latency (fio).",
    "vtax_network_retransmits": "TCP segments sent again (iperf3).",
}
"""Name of a family -> its help."""


@with_config(ConfigDict(strict=True, allow_inf_nan=False, extra="forbid"))
class ImportedFile(TypedDict):
    """A file that was imported, and what it could not say."""

    path: str
    sha256: str
    format: str
    partitions: list[str]
    lines: int
    intervals: int
    first: str | None
    """Begin of its first interval in ISO 8601; None if it states no times."""
    last: str | None
    broken_lines: int
    broken: list[str]
    unknown: dict[str, int]
    notes: list[str]


@with_config(ConfigDict(strict=True, allow_inf_nan=False, extra="forbid"))
class Imported(TypedDict):
    """An import: its files, and the settings of each partition."""

    files: list[ImportedFile]
    settings: dict[str, dict[str, float | str]]
    notes: list[str]
