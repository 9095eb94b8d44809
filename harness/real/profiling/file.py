"""File of a profile: the measurements, and a workload made of them for campaigns.

``[profile]`` contains the measurements. ``[profiles.NAME]`` is an item of vtax's catalog: a
campaign with ``catalog = ["app.toml"]`` can name the workload NAME, in which one execution of the
program is one transaction. Modelled machines use processor time of POWER5 at 1.65 GHz. No
publication converts this machine's processor time to it, so that the workload's processor time is
assumed, with a wide range; everything else is measured.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.catalog.loader import load_catalog
from harness.errors import UserError
from harness.real.profiling.command_text import command_line
from harness.real.profiling.profile import QUANTITIES, Profile
from harness.statistics.intervals import Interval

_NAME = 60
USER = "workloads/program.py:ProgramExecution"
REFERENCE_HERTZ = 1.65e9
WORK_PER_CYCLE = (1.5, 3.0, 6.0)
"""Work per cycle of a present x86 core, as a multiple of POWER5's: low, middle, high."""

_EVENTS: Mapping[str, tuple[str, ...]] = {
    "calls": ("calls",),
    "io_calls": ("io_calls", "messages"),
    "stats": ("stats",),
    "opens": ("opens",),
    "selects": ("selects",),
    "signal_installs": ("signal_installs",),
    "signals": ("signals",),
    # A process begun in its parent's memory costs no fork: it is part of the execution.
    "forks": ("forks", "threads"),
    "execs": ("execs",),
    "context_switches": ("voluntary_switches", "involuntary_switches"),
    "file_creates": ("file_creates",),
    "file_deletes": ("file_deletes",),
    "mmaps": ("mmaps",),
    "page_faults": ("page_faults", "major_faults"),
}
"""Quantities whose sum is the number of an event of a demand, by event."""


def workload_name(text: str) -> str:
    """Return a name for a workload from that of a file or program."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_NAME].strip("-")
    return name or "program"


def profile_document(profile: Profile) -> dict[str, Any]:
    """Return the content of a profile's file."""
    return {
        "profile": {
            "name": profile.name,
            "command": list(profile.command),
            **profile.about,
            "measured": {
                name: {
                    "value": _digits(found.value.estimate),
                    "low": _digits(found.value.low),
                    "high": _digits(found.value.high),
                    "unit": QUANTITIES[name].unit,
                    "samples": found.value.samples,
                    "method": found.method,
                    "meaning": QUANTITIES[name].meaning,
                }
                for name, found in profile.measured.items()
            },
            "absent": dict(profile.absent),
        },
        "profiles": {profile.name: _workload(profile)},
    }


def _workload(profile: Profile) -> dict[str, Any]:
    machine = profile.about.get("machine", {})
    source = (
        f"vtax profile, {machine.get('measured_at', 'at an unknown time')}, on "
        f"{machine.get('processor', 'an unknown processor')}"
    )
    defined = {"source": source, "status": "verified"}
    demand: dict[str, Any] = {}
    hertz = machine.get("frequency_hertz")
    user = profile.interval("user")
    if hertz and user is not None:
        low, middle, high = (hertz / REFERENCE_HERTZ * work for work in WORK_PER_CYCLE)
        demand["processor"] = {
            "value": _digits(user.estimate * middle),
            "low": _digits(user.low * low),
            "high": _digits(user.high * high),
            "unit": "s",
            "source": f"{source}: {user.estimate:.4g} s at {hertz / 1e9:.4g} GHz. Our choice: in a "
            f"cycle {WORK_PER_CYCLE[0]:g} to {WORK_PER_CYCLE[2]:g} times the work of POWER5's",
            "status": "assumed",
            "meaning": "Processor time of one execution in user mode, on POWER5 at 1.65 GHz.",
        }
    for event, names in _EVENTS.items():
        number = _sum(profile, names)
        demand[event] = _count(number, " + ".join(names), defined)
    for name, quantity in (("read", "block_read_bytes"), ("written", "block_write_bytes")):
        found = profile.interval(quantity)
        if found is not None and found.estimate >= 1.0:
            meaning = f"Bytes {name} of the disk in one execution."
            demand[name] = {"value": round(found.estimate), "unit": "B", **defined}
            demand[name]["meaning"] = meaning
    return {
        "title": {
            "value": command_line(profile.command),
            **defined,
            "meaning": "The command that was profiled.",
        },
        "user": {"value": USER, **defined, "meaning": "The Locust user class that does it."},
        "users": {"value": "1 per core", **defined, "meaning": "Number of users by default."},
        "demand": {name: entry for name, entry in demand.items() if entry is not None},
    }


def _sum(profile: Profile, names: tuple[str, ...]) -> Interval | None:
    found = [one for name in names if (one := profile.interval(name)) is not None]
    if not found:
        return None
    return Interval(
        sum(one.estimate for one in found),
        sum(one.low for one in found),
        sum(one.high for one in found),
        found[0].level,
        found[0].samples,
    )


def _count(number: Interval | None, what: str, defined: Mapping[str, str]) -> dict[str, Any] | None:
    if number is None or number.high == 0.0:
        return None
    return {
        "value": _digits(number.estimate),
        "low": _digits(number.low),
        "high": _digits(number.high),
        "unit": "",
        **defined,
        "meaning": f"Mean number in one execution: {what}.",
    }


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


def default_name(command: str, out: Path | None) -> str:
    """Return a profile's name, after its file or the program.

    Raises
    ------
    UserError
        If the catalog already has a workload of the file's name.
    """
    if out is None:
        return workload_name(Path(command).name)
    name = workload_name(out.stem)
    if name in load_catalog().profiles:
        raise UserError(f"vtax has a workload {name!r} of its own; call the file otherwise")
    return name
