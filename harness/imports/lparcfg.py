"""Snapshots of ``/proc/ppc64/lparcfg``, Linux on POWER: names and numbers.

One snapshot has settings only. Two or more of one partition in a file have increases: ``purr``
and ``timebase`` (or ``tbr``) count ticks of the same clock, so that their quotient is the
processors consumed. The frequency of the clock comes from a line ``timebase : HERTZ``, as
/proc/cpuinfo has it, or from ``DisWheRotPer``, the ticks in a turn of the hypervisor's dispatch
wheel, which takes 10 ms.
"""

import re
from itertools import pairwise

from harness.imports.recording import Interval, Key, Recording, key
from harness.imports.text import first_number

NAME = "lparcfg"

WHEEL_SECONDS = 0.010
"""Turn of the dispatch wheel (catalog: ``hypervisor.window``)."""

_VERSION = re.compile(r"lparcfg\s+[\d.]+")
_HUNDREDTHS = {"partition_entitled_capacity": "entitlement_cores"}
_NUMBERS = {
    "partition_active_processors": "virtual_processors",
    "capacity_weight": "weight",
    "system_active_processors": "machine_cores",
}
_COUNTERS = ("purr", "timebase", "tbr", "dispatches", "dispatch_dispersions", "pool_idle_time")
_READ = {*_HUNDREDTHS, *_NUMBERS, *_COUNTERS, "shared_processor_mode", "capped", "system_type"}
_READ |= {"DisWheRotPer", "pool_capacity", "pool_num_procs"}


def is_lparcfg(text: str) -> bool:
    """Whether a text is one or several snapshots of lparcfg."""
    return _VERSION.search(text[:10_000]) is not None or "partition_entitled_capacity=" in text


def read_lparcfg(text: str) -> list[Recording]:
    """Read one or several snapshots, in order of time."""
    recording = Recording(NAME)
    lines = text.splitlines()
    recording.lines = len(lines)
    snapshots: list[dict[str, str]] = []
    hertz: float | None = None
    for place, line in enumerate(lines, 1):
        if _VERSION.match(line.strip()):
            snapshots.append({})
            continue
        found = re.fullmatch(r"timebase\s*:\s*(\d+)", line.strip())
        if found is not None:
            hertz = float(found[1])
        elif "=" in line:
            name, _, value = line.partition("=")
            if not snapshots:
                snapshots.append({})
            snapshots[-1][name.strip()] = value.strip()
        elif line.strip():
            recording.breaks(place, "is no name and value")
    for snapshot in snapshots:
        for name in snapshot:
            if name not in _READ:
                recording.unknown[f"setting {name}"] += 1
    if snapshots:
        _facts(recording, snapshots[-1])
    for before, after in pairwise(snapshots):
        _interval(recording, before, after, hertz)
    return [recording]


def _facts(recording: Recording, snapshot: dict[str, str]) -> None:
    facts = recording.facts
    shared = first_number(snapshot.get("shared_processor_mode", ""))
    if shared is not None:
        facts["type"] = "shared" if shared else "dedicated"
    capped = first_number(snapshot.get("capped", ""))
    if capped is not None:
        facts["mode"] = "capped" if capped else "uncapped"
    for names, unit in ((_HUNDREDTHS, 0.01), (_NUMBERS, 1.0)):
        for name, fact in names.items():
            value = first_number(snapshot.get(name, ""))
            if value is not None:
                facts[fact] = value * unit
    pool = first_number(snapshot.get("pool_num_procs", ""))
    capacity = first_number(snapshot.get("pool_capacity", ""))
    if pool is not None:
        facts["pool_processors"] = pool
    elif capacity is not None:
        # Processors in versions up to 1.6, hundredths of them later; a pool has at least one.
        facts["pool_processors"] = capacity / 100.0 if capacity >= 100.0 else capacity
    if "system_type" in snapshot:
        facts["machine"] = snapshot["system_type"]


def _interval(
    recording: Recording, before: dict[str, str], after: dict[str, str], hertz: float | None
) -> None:
    """Add the increases between two snapshots."""
    grown: dict[str, float] = {}
    for name in _COUNTERS:
        first, second = (first_number(each.get(name, "")) for each in (before, after))
        if first is not None and second is not None:
            grown[name] = second - first
    base = grown.get("timebase", grown.get("tbr"))
    if base is None or base <= 0.0 or any(value < 0.0 for value in grown.values()):
        recording.note(
            "Snapshots without a time base, or whose counters went back (a restart), have no "
            "interval."
        )
        return
    wheel = first_number(after.get("DisWheRotPer", ""))
    if hertz is None and wheel:
        hertz = wheel / WHEEL_SECONDS
        recording.note(
            f"The clock of the time base, {hertz / 1e6:g} MHz, follows from DisWheRotPer: the "
            "dispatch wheel turns in 10 ms."
        )
    values: dict[Key, float] = {}
    if "purr" in grown:
        values[key("vtax_partition_physc_cores")] = grown["purr"] / base
    if "pool_idle_time" in grown:
        values[key("vtax_pool_available_processors")] = grown["pool_idle_time"] / base
    if hertz is None:
        recording.note(
            "The clock of the time base is not stated: counts are left out; a line "
            "'timebase : HERTZ' of /proc/cpuinfo in the file adds them."
        )
        recording.intervals.append(Interval(values))
        return
    if "purr" in grown:
        values[key("vtax_partition_dispatched_seconds_total")] = grown["purr"] / hertz
    if "dispatches" in grown:
        recording.note(
            "Half of 'dispatches' is taken: the kernel sums up yield counts, which grow at the "
            "begin and at the end of a dispatch. That is not tried on a real system."
        )
        values[key("vtax_partition_dispatches_total")] = grown["dispatches"] / 2.0
    if "dispatch_dispersions" in grown:
        values[key("vtax_partition_dispersed_dispatches_total")] = grown["dispatch_dispersions"]
    recording.intervals.append(Interval(values, base / hertz))
