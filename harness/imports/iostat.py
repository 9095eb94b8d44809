"""``iostat -D`` of AIX: rates and service times of disks.

Each disk has blocks ``xfer:``, ``read:``, ``write:``, ``queue:`` with headings and a line of
numbers each; a line of dashes ends an interval. Numbers may end in K, M, G (1,000 each) and, for
times in milliseconds, in S (seconds) or H (hours).
"""

import re

from harness.imports.recording import Interval, Key, Recording, key
from harness.imports.text import interval_of_command, number

NAME = "iostat -D"

_BLOCK = re.compile(r"^\s*(?:(?P<disk>\S+)\s+)?(?P<block>xfer|read|write|queue):\s*(?P<heads>.*)$")
_DASHES = re.compile(r"\s*-{5,}\s*")
_MULTIPLES = {"K": 1e3, "M": 1e6, "G": 1e9, "S": 1e3, "H": 3.6e6}

_COLUMNS = {
    ("xfer", "%tm_act"): ("vtax_disk_busy_seconds_total", 0.01),
    ("xfer", "tps"): ("vtax_disk_operations_total", 1.0),
    ("xfer", "bread"): ("vtax_disk_read_bytes_total", 1.0),
    ("xfer", "bwrtn"): ("vtax_disk_written_bytes_total", 1.0),
    ("xfer", "bps"): ("vtax_disk_bytes_total", 1.0),
    ("read", "avgserv"): ("vtax_disk_read_service_seconds", 0.001),
    ("write", "avgserv"): ("vtax_disk_write_service_seconds", 0.001),
    ("queue", "avgtime"): ("vtax_disk_queue_wait_seconds", 0.001),
}


def is_iostat(text: str) -> bool:
    """Whether a text is output of ``iostat -D``."""
    return any(
        found is not None and found["block"] == "xfer" and "tm_act" in found["heads"]
        for found in map(_BLOCK.match, text.splitlines()[:2000])
    )


def read_iostat(text: str, interval_seconds: float | None = None) -> list[Recording]:
    """Read the output of ``iostat -D``; parameters as for lparstat."""
    recording = Recording(NAME)
    lines = text.splitlines()
    recording.lines = len(lines)
    seconds = interval_seconds
    intervals: list[dict[Key, float]] = [{}]
    disk, block = "", ""
    heads: list[str] = []
    for place, line in enumerate(lines, 1):
        found = _BLOCK.match(line)
        if interval_seconds is None and interval_of_command(line, "iostat") is not None:
            seconds = interval_of_command(line, "iostat")
        elif _DASHES.fullmatch(line):
            intervals.append({})
            heads = []
        elif found is not None:
            disk = found["disk"] or disk
            block, heads = found["block"], found["heads"].split()
            if key("vtax_disk_operations_total", disk=disk) in intervals[-1] and block == "xfer":
                intervals.append({})
        elif heads and line.strip():
            _row(recording, intervals[-1], place, line.split(), (disk, block, heads))
            heads = []
        elif line.strip() and not line.lower().lstrip().startswith(("system config", "#", "$")):
            recording.unknown[f"line {' '.join(line.split())[:30]!r}"] += 1
    for values in filter(None, intervals):
        if seconds is None:
            recording.note(
                "The file does not state the length of its intervals: operations and bytes are "
                "left out; --interval adds them."
            )
        increases = {
            each: value * (seconds or 1.0) if each[0].endswith("_total") else value
            for each, value in values.items()
            if seconds is not None or not each[0].endswith("_total")
        }
        recording.intervals.append(Interval(increases, seconds))
    return [recording]


def _row(
    recording: Recording,
    values: dict[Key, float],
    place: int,
    words: list[str],
    where: tuple[str, str, list[str]],
) -> None:
    disk, block, heads = where
    if len(words) != len(heads):
        recording.breaks(place, f"{disk} {block}: {len(words)} values, {len(heads)} headings")
        return
    for head, word in zip(heads, words, strict=True):
        metric = _COLUMNS.get((block, head))
        if metric is None:
            recording.unknown[f"column {head}"] += 1
            continue
        try:
            values[key(metric[0], disk=disk)] = _scaled(word) * metric[1]
        except ValueError as error:
            recording.breaks(place, f"{disk} {block} {head}: {error}")


def _scaled(word: str) -> float:
    multiple = _MULTIPLES.get(word[-1:].upper())
    return number(word) if multiple is None else number(word[:-1]) * multiple
