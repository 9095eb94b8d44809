"""iperf3's JSON: bytes of a stream, and processor shares of both ends."""

import json
from datetime import UTC, datetime
from typing import Any

from harness.imports.recording import Interval, Key, Recording, key

NAME = "iperf3 JSON"


def is_iperf3(data: Any) -> bool:
    """Whether parsed JSON is iperf3's."""
    return isinstance(data, dict) and "start" in data and "intervals" in data and "end" in data


def read_iperf3(text: str) -> list[Recording]:
    """Read the result of one run of a client or a server."""
    recording = Recording(NAME)
    recording.lines = len(text.splitlines())
    data = json.loads(text[text.index("{") :])
    start, end = data["start"], data["end"]
    system = str(start.get("system_info", "")).split()
    if len(system) > 2:
        recording.partition = system[1]
        recording.facts["os"] = f"{system[0]} {system[2]}"
    if data.get("error"):
        recording.note(f"iperf3 ended with an error: {data['error']}.")
    test = start.get("test_start", {})
    receiving = bool(test.get("reverse", 0)) != ("accepted_connection" in start)
    direction = "in" if receiving else "out"
    began = start.get("timestamp", {}).get("timesecs")
    for place, each in enumerate(data["intervals"]):
        summed = each.get("sum")
        if not isinstance(summed, dict) or "bytes" not in summed:
            recording.breaks(place + 1, "intervals: has no sum of bytes")
            continue
        sent = key("vtax_network_bytes_total", way="iperf3", direction=direction)
        values: dict[Key, float] = {sent: float(summed["bytes"])}
        if "retransmits" in summed:
            values[key("vtax_network_retransmits_total")] = float(summed["retransmits"])
        ends = None
        if isinstance(began, int | float):
            ends = datetime.fromtimestamp(began + float(summed["end"]), UTC)
        recording.intervals.append(Interval(values, float(summed["seconds"]), ends))
    used = end.get("cpu_utilization_percent", {})
    seconds = sum(each.seconds or 0.0 for each in recording.intervals)
    for name, cause in (("host_user", "user"), ("host_system", "os")):
        if name in used and seconds:
            for each in recording.intervals:
                spent = float(used[name]) / 100.0 * (each.seconds or 0.0)
                each.values[key("vtax_processor_seconds_total", cause=cause)] = spent
    if used:
        recording.note(
            "Processor seconds are those of the iperf3 process, its mean over the run; interrupts "
            "and the hypervisor are not in them."
        )
    for each in sorted(data.keys() - {"start", "intervals", "end", "error"}):
        recording.unknown[each] += 1
    return [recording]
