"""nmon recordings of AIX and Linux, also of ``topas_nmon``.

A file is comma-separated: settings (``AAA``), configuration (``BBB``), a heading for each section,
times (``ZZZZ``) and a line for each section and snapshot. Lines may be in any order; sorted files
are usual. Columns are found by their headings.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from harness.imports.recording import Interval, Key, Recording, key
from harness.imports.text import clock_time, number

NAME = "nmon"

_SNAPSHOT = re.compile(r"T\d+")
_CONTINUED = re.compile(r"(DISK[A-Z]+?)(\d+)$")
_NET = re.compile(r"(?P<adapter>.+)-(?P<way>read|write)(?:-KB)?(?:/s)?")
_DISKS = {
    "DISKBUSY": ("vtax_disk_busy_seconds_total", 0.01),
    "DISKREAD": ("vtax_disk_read_bytes_total", 1024.0),
    "DISKWRITE": ("vtax_disk_written_bytes_total", 1024.0),
    "DISKXFER": ("vtax_disk_operations_total", 1.0),
    "DISKREADSERV": ("vtax_disk_read_service_seconds", 0.001),
    "DISKWRITESERV": ("vtax_disk_write_service_seconds", 0.001),
    "DISKSERV": ("vtax_disk_service_seconds", 0.001),
    "DISKWAIT": ("vtax_disk_queue_wait_seconds", 0.001),
}
"""Section -> metric, and the factor to its unit; counters per second."""

_LPAR = {
    "physicalcpu": (key("vtax_partition_physc_cores"), 1.0),
    "entitled": (key("vtax_partition_entitlement_cores"), 1.0),
    "virtualcpus": (key("vtax_partition_virtual_processors"), 1.0),
    "weight": (key("vtax_partition_weight"), 1.0),
    "poolcpus": (key("vtax_pool_size_processors"), 1.0),
    "poolidle": (key("vtax_pool_available_processors"), 1.0),
}
_VM = {
    "pgpgin": key("vtax_partition_page_ins_total"),
    "pgin": key("vtax_partition_page_ins_total"),
    "pgpgout": key("vtax_partition_page_outs_total"),
    "pgout": key("vtax_partition_page_outs_total"),
}
_CAUSES = {"user%": "user", "sys%": "os", "wait%": "wait", "idle%": "idle", "steal%": "stolen"}


def is_nmon(text: str) -> bool:
    """Whether a text is a recording of nmon."""
    lines = text.splitlines()
    return any(line.startswith("AAA,") for line in lines[:2000]) or any(
        re.match(r"(CPU_ALL|LPAR|ZZZZ|DISKBUSY),T\d+,", line) for line in lines[:2000]
    )


def read_nmon(text: str) -> list[Recording]:
    """Read a recording."""
    lines = text.splitlines()
    reader = _Reader(Recording(NAME, lines=len(lines)))
    for place, line in enumerate(lines, 1):
        reader.line(place, line)
    reader.end()
    return [reader.recording]


@dataclass
class _Reader:
    recording: Recording
    settings: dict[str, list[str]] = field(default_factory=dict)
    headings: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, list[tuple[int, str, list[str]]]] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)

    def line(self, place: int, line: str) -> None:
        words = [word.strip() for word in line.split(",")]
        section = words[0]
        if not line.strip():
            return
        if section == "AAA" and len(words) > 1:
            self.settings[words[1]] = words[2:]
        elif section.startswith("BBB"):
            self._configuration(words)
        elif section == "ZZZZ":
            at = clock_time(",".join(words[2:4]))
            if at is None:
                self.recording.breaks(place, "ZZZZ: is no time and date")
            else:
                self.times[words[1]] = at
        elif len(words) < 2 or re.fullmatch(r"[A-Z][A-Z0-9_]*", section) is None:
            self.recording.breaks(place, "is no section of nmon")
        elif section in ("TOP", "UARG", "ERROR"):
            self.recording.unknown[section] += 1
        elif _SNAPSHOT.fullmatch(words[1]):
            self.rows.setdefault(section, []).append((place, words[1], words[2:]))
        else:
            self.headings.setdefault(section, words[2:])

    def _configuration(self, words: list[str]) -> None:
        """Read clock and machine from the configuration, which is commands' output."""
        text = ",".join(words[2:]).replace('"', " ")
        facts = self.recording.facts
        for name, fact in (("System Model:", "machine"), ("machine\t\t:", "machine")):
            if name in text:
                facts[fact] = text.partition(name)[2].strip()
        found = re.search(r"Processor Clock Speed:\s*([\d.]+)\s*MHz", text)
        if found is not None:
            facts["clock_hertz"] = number(found[1]) * 1e6
        found = re.search(r"lparno_partitionname,\s*\d+\s*,?\s*(\S+)", text)
        if found is not None and not self.recording.partition:
            self.recording.partition = found[1]

    def end(self) -> None:
        recording = self.recording
        recording.partition = recording.partition or (self.settings.get("host") or [""])[0]
        facts = recording.facts
        if "AIX" in self.settings:
            facts["os"] = f"AIX {self.settings['AIX'][0]}"
        elif "OS" in self.settings:
            facts["os"] = " ".join(self.settings["OS"][:2])
        snapshots: dict[str, dict[Key, float]] = {}
        cores: dict[str, float] = {}
        for section in sorted(self.rows, key=lambda name: (name != "LPAR", name)):
            self._section(section, snapshots, cores)
        self._intervals(snapshots)

    def _section(
        self, section: str, snapshots: dict[str, dict[Key, float]], cores: dict[str, float]
    ) -> None:
        recording = self.recording
        continued = _CONTINUED.fullmatch(section)
        base = continued[1] if continued is not None and continued[1] in _DISKS else section
        readers: dict[str, Callable[[list[str], list[str]], dict[Key, float]]] = {
            "LPAR": self._lpar,
            "NET": _net,
            "VM": _vm,
        }
        read = readers.get(section)
        if base in _DISKS:
            name, unit = _DISKS[base]
            read = lambda heads, words: _disks(name, unit, heads, words)  # noqa: E731
        if read is None and section != "CPU_ALL":
            recording.unknown[section] += len(self.rows[section])
            return
        if section not in self.headings:
            recording.unknown[f"{section} without headings"] += len(self.rows[section])
            return
        heads = self.headings[section]
        for place, snapshot, words in self.rows[section]:
            if len(words) > len(heads) and any(words[len(heads) :]):
                recording.breaks(place, f"{section}: {len(words)} values, {len(heads)} headings")
                continue
            values = snapshots.setdefault(snapshot, {})
            try:
                if read is None:
                    values |= self._cpu_all(heads, words, values, cores)
                else:
                    values |= read(heads, words)
            except ValueError as error:
                recording.breaks(place, f"{section}: {error}")

    def _lpar(self, heads: list[str], words: list[str]) -> dict[Key, float]:
        values: dict[Key, float] = {}
        facts = self.recording.facts
        by_head: dict[str, float] = {}
        for head, value in _numbers(heads, words):
            name = head.lower()
            by_head[name] = value
            if name in _LPAR:
                metric, unit = _LPAR[name]
                values[metric] = value * unit
        for name, fact in (
            ("entitled", "entitlement_cores"),
            ("virtualcpus", "virtual_processors"),
            ("logicalcpus", "logical_processors"),
            ("weight", "weight"),
            ("poolcpus", "pool_processors"),
        ):
            if name in by_head:
                facts[fact] = by_head[name]
        if "sharedcpu" in by_head:
            facts["type"] = "shared" if by_head["sharedcpu"] else "dedicated"
        if "capped" in by_head:
            facts["mode"] = "capped" if by_head["capped"] else "uncapped"
        if "folded" in by_head and "virtualcpus" in by_head:
            values[key("vtax_partition_unfolded_virtual_processors")] = (
                by_head["virtualcpus"] - by_head["folded"]
            )
        if "physicalcpu" in by_head:
            values[key("vtax_partition_dispatched_seconds_total")] = by_head["physicalcpu"]
        return values

    def _cpu_all(
        self, heads: list[str], words: list[str], known: dict[Key, float], cores: dict[str, float]
    ) -> dict[Key, float]:
        """Read shares of processor time, in processors."""
        shares = {_CAUSES[h.lower()]: v for h, v in _numbers(heads, words) if h.lower() in _CAUSES}
        count = next(
            (v for h, v in _numbers(heads, words) if h.lower() in ("cpus", "physicalcpus")), None
        )
        entitlement = known.get(_LPAR["entitled"][0])
        if self.recording.facts.get("type") == "shared" and entitlement is not None:
            base: float | None = max(entitlement, known.get(_LPAR["physicalcpu"][0], 0.0))
        else:
            base = count
        if base is None:
            self.recording.note("CPU_ALL does not state the number of processors: it is left out.")
            return {}
        return {
            key("vtax_processor_seconds_total", cause=cause): share / 100.0 * base
            for cause, share in shares.items()
        }

    def _intervals(self, snapshots: dict[str, dict[Key, float]]) -> None:
        """Order the snapshots by time; counters become increases."""
        recording = self.recording
        stated = (self.settings.get("interval") or [""])[0]
        usual = float(stated) if stated.isdigit() and int(stated) else None
        if not self.times and snapshots:
            recording.note(
                "The file has no times (ZZZZ): snapshots are in the order of their numbers."
            )
        before: datetime | None = None
        order = sorted(snapshots, key=lambda name: (self.times.get(name, datetime.max), name))
        for name in order:
            ends = self.times.get(name)
            seconds = usual
            if before is not None and ends is not None:
                seconds = (ends - before).total_seconds()
            if seconds == 0.0:
                recording.note("Snapshots with the time of the one before are left out.")
                continue
            values = {
                each: value
                for each, value in snapshots[name].items()
                if value >= 0.0 or not each[0].endswith("_total")
            }
            if len(values) < len(snapshots[name]):
                recording.note(
                    "Negative counts are left out: nmon writes them for what it cannot read."
                )
            recording.intervals.append(Interval(_increases(values, seconds), seconds, ends))
            before = ends
        if any(each.seconds is None for each in recording.intervals):
            recording.note(
                "The length of the interval is not stated (AAA,interval): counts of intervals "
                "without a time are left out."
            )


def _increases(values: dict[Key, float], seconds: float | None) -> dict[Key, float]:
    """Turn counters per second into their increase; leave them out if the time is unknown."""
    return {
        each: value * (seconds or 1.0) if each[0].endswith("_total") else value
        for each, value in values.items()
        if seconds is not None or not each[0].endswith("_total")
    }


def _numbers(heads: list[str], words: list[str]) -> Iterator[tuple[str, float]]:
    """Yield headings with their numbers; columns without a value are left out."""
    for head, word in zip(heads, words, strict=False):
        if head and word:
            yield head, number(word)


def _disks(name: str, unit: float, heads: list[str], words: list[str]) -> dict[Key, float]:
    values: dict[Key, float] = {}
    for disk, value in _numbers(heads, words):
        values[key(name, disk=disk)] = value * unit
    return values


def _net(heads: list[str], words: list[str]) -> dict[Key, float]:
    values: dict[Key, float] = {}
    for head, value in _numbers(heads, words):
        found = _NET.fullmatch(head)
        if found is not None:
            direction = "in" if found["way"] == "read" else "out"
            name = key("vtax_network_bytes_total", way=found["adapter"], direction=direction)
            values[name] = value * 1024.0
    return values


def _vm(heads: list[str], words: list[str]) -> dict[Key, float]:
    values: dict[Key, float] = {}
    for head, value in _numbers(heads, words):
        if head.lower() in _VM:
            values[_VM[head.lower()]] = value
    return values
