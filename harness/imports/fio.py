"""fio's JSON: block operations of its jobs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from harness.imports.recording import Interval, Key, Recording, key

NAME = "fio JSON"

_NANOSECONDS = {"lat_ns": 1e-9, "lat": 1e-6, "lat_us": 1e-6}
"""Key of the total latency -> its unit; versions before 3 have microseconds."""


def is_fio(data: Any) -> bool:
    """Whether parsed JSON is fio's."""
    return isinstance(data, dict) and "fio version" in data and isinstance(data.get("jobs"), list)


def read_fio(text: str) -> list[Recording]:
    """Read the result of one run of fio; text before the JSON is counted as unknown."""
    recording = Recording(NAME)
    recording.lines = len(text.splitlines())
    before = text[: text.index("{")]
    if before.strip():
        recording.unknown["text before the JSON"] += len(before.strip().splitlines())
    data = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
    values: dict[Key, float] = {}
    longest = 0.0
    for job in data["jobs"]:
        name = str(job.get("jobname", "job"))
        for way in ("read", "write"):
            longest = max(longest, _operations(values, name, way, job.get(way, {})))
        for each in sorted({"trim", "sync", "latency_ns", "latency_us", "latency_ms"} & job.keys()):
            recording.unknown[each] += 1
        seconds = float(job.get("job_runtime", 0)) / 1e3 or longest
        for share, cause in (("usr_cpu", "user"), ("sys_cpu", "os")):
            if share in job:
                name_of = key("vtax_processor_seconds_total", cause=cause)
                values[name_of] = values.get(name_of, 0.0) + float(job[share]) / 100.0 * seconds
    if not longest:
        recording.note("No job has read or written anything.")
    ends = data.get("timestamp")
    at = datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) else None
    recording.note(
        "Processor seconds are those of fio's own threads; interrupts and the hypervisor are not "
        "in them."
    )
    for each in sorted(data.keys() - {"fio version", "jobs", "timestamp", "timestamp_ms", "time"}):
        recording.unknown[each] += 1
    recording.intervals.append(Interval(values, longest or None, at))
    return [recording]


def _operations(values: dict[Key, float], job: str, way: str, found: Mapping[str, Any]) -> float:
    """Add the operations of a job in one direction; return how long it ran, in seconds."""
    count = float(found.get("total_ios", 0))
    if not count:
        return 0.0
    labels = {"disk": job}
    for name, amount in (
        ("vtax_disk_operations_total", count),
        ("vtax_disk_bytes_total", float(found.get("io_bytes", 0))),
    ):
        values[key(name, **labels)] = values.get(key(name, **labels), 0.0) + amount
    for latency, unit in _NANOSECONDS.items():
        mean = found.get(latency, {}).get("mean")
        if mean is not None:
            total = key("vtax_disk_response_seconds_total", **labels)
            values[total] = values.get(total, 0.0) + float(mean) * unit * count
            break
    for quantile, taken in sorted(found.get("clat_ns", {}).get("percentile", {}).items()):
        if float(quantile) in (50.0, 95.0, 99.0):
            name = f"p{float(quantile):g}"
            metric = key("vtax_disk_completion_seconds", disk=job, way=way, quantile=name)
            values[metric] = float(taken) / 1e9
    return float(found.get("runtime", 0)) / 1e3
