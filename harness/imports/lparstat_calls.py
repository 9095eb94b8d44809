"""``lparstat -H``: number and times of the calls to the hypervisor, by kind."""

import re

from harness.imports.recording import HypervisorCall, Recording
from harness.imports.text import number

WAITING_CALLS = ("cede", "confer", "prod")
"""Calls in which a virtual processor gives its processor away: their time is mostly waiting."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_COLUMNS = 6


def read_call(recording: Recording, place: int, words: list[str]) -> None:
    """Read a line of the table of calls: name, number, two shares, mean and longest time in ns."""
    if words[0] == "Call" or _NAME.fullmatch(words[0]) is None:
        return
    if len(words) != _COLUMNS:
        recording.breaks(place, f"{len(words)} values, not {_COLUMNS}")
        return
    try:
        count, _, _, mean, longest = map(number, words[1:])
    except ValueError as error:
        recording.breaks(place, str(error))
        return
    if not count:
        return
    name, seconds = words[0], mean / 1e9
    before = recording.calls.get(name)
    if before is not None:
        total = before.count * before.mean_seconds + count * seconds
        seconds = total / (before.count + count)
        longest = max(longest, before.longest_seconds * 1e9)
        count += before.count
    recording.calls[name] = HypervisorCall(int(count), seconds, longest / 1e9)
