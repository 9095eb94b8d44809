"""``lslparutil`` of an HMC: cycles of each partition of a managed system.

Lines are ``NAME=VALUE,...``, or values under a line of names (``-F ... --header``). Cycles are
counters: differences of two samples of a partition give the processors consumed.
"""

import csv
import re
from datetime import datetime
from itertools import pairwise

from harness.imports.recording import Fact, Interval, Recording, key
from harness.imports.text import MEGA, clock_time, first_number

NAME = "lslparutil"

_READ = {
    *("time", "event_type", "resource_type", "sys_time", "time_cycles", "lpar_name", "lpar_id"),
    *("curr_proc_mode", "curr_proc_units", "curr_procs", "curr_sharing_mode", "curr_uncap_weight"),
    *("curr_mem", "entitled_cycles", "capped_cycles", "uncapped_cycles"),
}


def is_lslparutil(text: str) -> bool:
    """Whether a text is output of lslparutil."""
    head = text[:20_000]
    return "capped_cycles" in head and ("lpar_name" in head or "lpar_id" in head)


def read_lslparutil(text: str) -> list[Recording]:
    """Read samples; each partition is a recording of its own."""
    lines = text.splitlines()
    whole = Recording(NAME, lines=len(lines))
    heads: list[str] | None = None
    samples: dict[str, list[dict[str, str]]] = {}
    for place, words in enumerate(csv.reader(lines), 1):
        if not any(words):
            continue
        if "capped_cycles" in words and "=" not in words[0]:
            heads = words
            continue
        if heads is None:
            pairs = [word.partition("=") for word in words]
            sample = {name: value for name, sign, value in pairs if sign}
        elif len(words) == len(heads):
            sample = dict(zip(heads, words, strict=True))
        else:
            whole.breaks(place, f"{len(words)} values under {len(heads)} names")
            continue
        name = sample.get("lpar_name") or sample.get("lpar_id")
        if sample.get("resource_type", "lpar") != "lpar":
            whole.unknown[f"resource {sample['resource_type']}"] += 1
        elif sample.get("event_type", "sample") != "sample":
            whole.unknown[f"event {sample['event_type']}"] += 1
        elif name is None or "capped_cycles" not in sample:
            whole.breaks(place, "is no sample of a partition")
        else:
            samples.setdefault(name, []).append(sample)
            for each in sample.keys() - _READ:
                whole.unknown[f"attribute {each}"] += 1
    recordings = [_partition(name, each) for name, each in samples.items()]
    if not recordings:
        return [whole]
    first = recordings[0]
    first.unknown, first.broken, first.broken_lines = (
        whole.unknown,
        whole.broken,
        whole.broken_lines,
    )
    first.lines = whole.lines
    return recordings


def _partition(name: str, samples: list[dict[str, str]]) -> Recording:
    recording = Recording(NAME, partition=name)
    # The HMC lists the newest sample first.
    ordered = sorted(samples, key=lambda each: (_at(each) or datetime.min, _cycles(each, "time")))
    recording.facts = _facts(ordered[-1])
    for before, after in pairwise(ordered):
        ends, began = _at(after), _at(before)
        ticks = _cycles(after, "time") - _cycles(before, "time")
        consumed = sum(_cycles(after, each) - _cycles(before, each) for each in _CONSUMED)
        if ends is None or began is None or ends <= began or ticks <= 0.0 or consumed < 0.0:
            recording.note(
                "Samples without a time or time_cycles, or whose counters went back (a restart), "
                "have no interval."
            )
            continue
        seconds = (ends - began).total_seconds()
        physc = consumed / ticks
        values = {
            key("vtax_partition_physc_cores"): physc,
            key("vtax_partition_dispatched_seconds_total"): physc * seconds,
        }
        recording.intervals.append(Interval(values, seconds, ends))
    return recording


_CONSUMED = ("capped", "uncapped")


def _cycles(sample: dict[str, str], name: str) -> float:
    return first_number(sample.get(f"{name}_cycles", "")) or 0.0


def _at(sample: dict[str, str]) -> datetime | None:
    return clock_time(sample.get("sys_time") or sample.get("time", ""))


def _facts(sample: dict[str, str]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    if "curr_proc_mode" in sample:
        facts["type"] = "shared" if sample["curr_proc_mode"] == "shared" else "dedicated"
    mode = sample.get("curr_sharing_mode")
    if mode is not None and re.fullmatch("cap|uncap", mode):
        facts["mode"] = f"{mode}ped"
    for name, fact, unit in (
        ("curr_proc_units", "entitlement_cores", 1.0),
        ("curr_procs", "virtual_processors", 1.0),
        ("curr_uncap_weight", "weight", 1.0),
        ("curr_mem", "memory_bytes", float(MEGA)),
    ):
        found = first_number(sample.get(name, ""))
        if found is not None:
            facts[fact] = found * unit
    return facts
