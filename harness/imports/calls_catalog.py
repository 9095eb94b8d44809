"""Times of hypervisor calls (``lparstat -H``) as a catalog file for campaigns.

Two of the calls replace constants of the model, if the clock of the processors is known: the model
has cycles there. The others stand beside them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from harness.files import write_bytes, writing
from harness.imports.lparstat_calls import WAITING_CALLS
from harness.imports.recording import HypervisorCall
from harness.imports.results import Import

FILE_NAME = "hypervisor_calls.toml"

MODELLED = {"send_crq": "queue_element", "add_logical_lan_buf": "lan_buffer"}
"""Call of lparstat -H -> constant ``hypervisor.call.NAME`` of the model."""


def write_calls(found: Import, directory: Path) -> Path | None:
    """Write the catalog file into a directory; return its path, None if there are no calls.

    Calls of several partitions are combined, weighted by their numbers.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    calls, source = _combined(found)
    if not calls:
        return None
    clocks = {
        value
        for partition in found.partitions.values()
        if isinstance(value := partition.settings.get("clock_hertz"), float)
    }
    clock = f"{clocks.pop() / 1e9:g} GHz" if len(clocks) == 1 else None
    tables: dict[str, dict[str, Any]] = {}
    for name, call in calls.items():
        entry = _entry(name, call, source)
        tables[f"measured_{name}"] = entry
        if name in MODELLED and clock is not None:
            tables[MODELLED[name]] = {**entry, "clock": clock}
    about = [f"# Times of hypervisor calls, {source}."]
    if clock is None and MODELLED.keys() & calls:
        about.append(
            "# The clock of the processors is not stated (lparstat -E or nmon states it): the "
            "model's own constants are not replaced."
        )
    path = directory / FILE_NAME
    text = "\n".join(about) + "\n\n" + tomli_w.dumps({"hypervisor": {"call": tables}})
    with writing(path):
        write_bytes(path, text.encode())
    return path


def _combined(found: Import) -> tuple[dict[str, HypervisorCall], str]:
    combined: dict[str, HypervisorCall] = {}
    names: list[str] = []
    for name, call in _calls(found, names):
        before = combined.get(name, HypervisorCall(0, 0.0, 0.0))
        count = before.count + call.count
        total = before.count * before.mean_seconds + call.count * call.mean_seconds
        longest = max(before.longest_seconds, call.longest_seconds)
        combined[name] = HypervisorCall(count, total / count, longest)
    days = sorted(
        {
            each[:10]
            for file in found.files
            if (each := file["first"]) and set(names) & set(file["partitions"])
        }
    )
    when = f"{days[0]} to {days[-1]}" if len(days) > 1 else (days[0] if days else "date not stated")
    return combined, f"measured on {', '.join(dict.fromkeys(names))}, {when}"


def _calls(found: Import, names: list[str]) -> Iterator[tuple[str, HypervisorCall]]:
    for partition in found.partitions.values():
        for recording in partition.recordings:
            if recording.calls:
                names.append(partition.name)
                yield from recording.calls.items()


def _entry(name: str, call: HypervisorCall, source: str) -> dict[str, Any]:
    waits = "; most of it is waiting without a processor" if name in WAITING_CALLS else ""
    return {
        "value": float(f"{call.mean_seconds * 1e6:.6g}"),
        "unit": "us",
        "source": f"lparstat -H, {source}: mean of {call.count} calls, the longest "
        f"{call.longest_seconds * 1e6:.6g} us",
        "status": "verified",
        "meaning": f"The hypervisor call {name}{waits}.",
    }
