"""``lparstat``: reports of utilization (also ``-h``), of memory (``-m``), of frequency (``-E``).

A report is a line ``System configuration:``, headings, dashes, and a line of numbers for each
interval. Columns are found by their headings. Shares of time are relative to the entitlement, or
to the processors consumed where an uncapped partition has more than that (IBM, AIX documentation,
lparstat command). That vcsw, phint and hcalls are counts of the interval and not rates is inferred:
reports since the start of the system show counts. A note says so.
"""

import re

from harness.imports.lparstat_calls import read_call
from harness.imports.lparstat_facts import read_fact, standard_facts
from harness.imports.recording import Interval, Key, Recording, key
from harness.imports.text import interval_of_command, number, size_bytes

NAME = "lparstat"

_CONFIGURATION = re.compile(r"^\s*system configuration\s*:?\s*(?P<rest>.*)$", re.IGNORECASE)
_SETTING = re.compile(r"([A-Za-z]+)=([^=]*?)(?=\s+[A-Za-z]+=|\s*$)")
_DASHES = re.compile(r"[-\s]*-[-\s]*")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d")
_CALLS_HEADING = "%Total Time"
_FACT = re.compile(r"^[A-Z][A-Za-z0-9/() \-]{2,42}? *: .*$")

_SHARES = {"%user": "user", "%sys": "os", "%wait": "wait", "%idle": "idle"}

_GAUGES: dict[str, tuple[Key, float]] = {
    "physc": (key("vtax_partition_physc_cores"), 1.0),
    "lbusy": (key("vtax_partition_logical_busy_ratio"), 0.01),
    "app": (key("vtax_pool_available_processors"), 1.0),
    "physb": (key("vtax_partition_physb_cores"), 1.0),
    "pmem": (key("vtax_partition_physical_memory_bytes"), 1024.0**3),
}
_COUNTS: dict[str, tuple[Key, float]] = {
    "vcsw": (key("vtax_partition_dispatches_total"), 1.0),
    "phint": (key("vtax_partition_phantom_interrupts_total"), 1.0),
    "hcalls": (key("vtax_partition_hypervisor_calls_total"), 1.0),
    "hpi": (key("vtax_partition_hypervisor_page_ins_total"), 1.0),
    "hpit": (key("vtax_partition_hypervisor_page_in_seconds_total"), 0.001),
}
_DERIVED = ("%entc",)
"""Follows from physc and the entitlement."""
_ACTUAL = "Actual"
_POOLS = "iompn:"
"""Heading of the table of I/O memory pools (``-m -e``), which is not taken in."""
_STATES = ("user", "sys", "wait", "idle")


def is_lparstat(text: str) -> bool:
    """Whether a text is output of lparstat, apart from ``-i``."""
    heads = [line.split() for line in text.splitlines()[:200]]
    known = any(set(_SHARES) & set(words) or "physb" in words or _actual(words) for words in heads)
    return known or "Detailed information on Hypervisor Calls" in text


def read_lparstat(text: str, interval_seconds: float | None = None) -> list[Recording]:
    """Read the output of lparstat.

    Parameters
    ----------
    text
        The output, of one call or of several.
    interval_seconds
        Length of its intervals; None: as the text states it, if it does.
    """
    recording = Recording(NAME)
    lines = text.splitlines()
    recording.lines = len(lines)
    reader = _Reader(recording, interval_seconds)
    for place, line in enumerate(lines, 1):
        reader.line(place, line)
    reader.end()
    return [recording]


def _actual(words: list[str]) -> bool:
    return any(_ACTUAL in word for word in words) and any("Normalis" in word for word in words)


class _Reader:
    def __init__(self, recording: Recording, seconds: float | None) -> None:
        self._recording = recording
        self._seconds = seconds
        self._given = seconds is not None
        self._heads: list[str] = []
        self._calls = self._frequency = self._configured = self._pools = False

    def line(self, place: int, line: str) -> None:
        words = line.split()
        stated = interval_of_command(line, "lparstat")
        configuration = _CONFIGURATION.match(line)
        if not words or _DASHES.fullmatch(line):
            return
        if stated is not None and not self._given:
            self._seconds = stated
        elif configuration is not None:
            self._heads, self._calls, self._frequency, self._pools = [], False, False, False
            self._configured = True
            self._settings(configuration["rest"])
        elif self._configured and _SETTING.match(line.strip()) and not self._heads:
            self._settings(line)
        elif _CALLS_HEADING in line or "Hypervisor Calls" in line:
            self._calls, self._heads = True, []
        elif self._calls:
            read_call(self._recording, place, words)
        elif _actual(words):
            self._frequency = True
        elif self._frequency and words[0] == "user":
            self._heads = words
        elif self._frequency and self._heads:
            self._frequencies(place, words)
        elif set(_SHARES) & set(words) or "physb" in words:
            self._heads, self._pools = words, False
        elif self._pools or words[0] == _POOLS:
            self._pools = True
            self._recording.unknown[_POOLS] += 1
        elif self._heads:
            self._row(place, words)
        elif words[0].startswith(("lparstat", "#", "$")) or "Utilisation" in line:
            pass
        elif _FACT.match(line):
            read_fact(self._recording, line)
        else:
            self._recording.unknown[f"line {' '.join(words)[:30]!r}"] += 1

    def end(self) -> None:
        recording = self._recording
        counts = {name for name, _ in _COUNTS.values()}
        if self._seconds and any(counts & each.values.keys() for each in recording.intervals):
            recording.note(
                "vcsw, phint and hcalls are taken as counts of the interval, not as rates; that is "
                "inferred from reports since the start of a system."
            )
        if recording.intervals and self._seconds is None:
            recording.note(
                "The file does not state the length of its intervals: counts (vcsw, phint) and "
                "processor seconds are left out; --interval adds them."
            )
        for interval in recording.intervals:
            interval.seconds = self._seconds
            if self._seconds is None:
                interval.values = {
                    each: value
                    for each, value in interval.values.items()
                    if not each[0].endswith("_total")
                }
            else:
                self._per_interval(interval, self._seconds)

    def _per_interval(self, interval: Interval, seconds: float) -> None:
        """Turn rates of processors into seconds of processors."""
        values = interval.values
        physc = values.get(_GAUGES["physc"][0])
        if physc is not None:
            values[key("vtax_partition_dispatched_seconds_total")] = physc * seconds
        for each in [each for each in values if each[0] == "vtax_processor_seconds_total"]:
            values[each] *= seconds
        hypervisor = key("vtax_partition_hypervisor_seconds_total")
        if hypervisor in values:
            values[hypervisor] *= seconds

    def _settings(self, text: str) -> None:
        facts = self._recording.facts
        settings = {name.lower(): value.strip() for name, value in _SETTING.findall(text)}
        facts |= standard_facts(settings, size_bytes)
        if "mem" in settings and "memory_bytes" not in facts:
            self._recording.unknown[f"setting mem={settings['mem']}"] += 1

    def _row(self, place: int, words: list[str]) -> None:
        recording, heads = self._recording, self._heads
        clock = [word for word in words if _CLOCK.fullmatch(word)]
        if clock and not any(head.lower() == "time" for head in heads):
            words = [word for word in words if word not in clock]
        if len(words) != len(heads):
            recording.breaks(place, f"{len(words)} values under {len(heads)} headings")
            return
        values: dict[Key, float] = {}
        shares: dict[str, float] = {}
        ratio = None
        for head, word in zip(heads, words, strict=True):
            if word == "-" or head.lower() == "time":
                continue
            try:
                value = number(word)
            except ValueError as error:
                recording.breaks(place, f"{head}: {error}")
                return
            if head in _SHARES:
                shares[_SHARES[head]] = value / 100.0
            elif head == "%hypv":
                ratio = value / 100.0
            elif head in _GAUGES or head in _COUNTS:
                name, unit = (_GAUGES | _COUNTS)[head]
                values[name] = value * unit
            elif head not in _DERIVED:
                recording.unknown[f"column {head}"] += 1
        self._processors(values, shares, ratio)
        recording.intervals.append(Interval(values))

    def _processors(
        self, values: dict[Key, float], shares: dict[str, float], hypervisor: float | None
    ) -> None:
        """Add processor time by cause; seconds of processors for each second."""
        facts, recording = self._recording.facts, self._recording
        physc = values.get(_GAUGES["physc"][0])
        cores = facts.get("entitlement_cores")
        if not isinstance(cores, float):
            logical, threads = facts.get("logical_processors"), facts.get("threads")
            if isinstance(logical, float) and isinstance(threads, float):
                cores = logical / threads
        if shares and not isinstance(cores, float):
            recording.note(
                "The entitlement is not stated: shares of time (%user, %sys) are left out."
            )
        elif isinstance(cores, float):
            base = max(cores, physc or 0.0)
            for cause, share in shares.items():
                values[key("vtax_processor_seconds_total", cause=cause)] = share * base
        if hypervisor is not None and physc is not None:
            values[key("vtax_partition_hypervisor_seconds_total")] = hypervisor * physc
            recording.note(
                "%hypv is taken as a share of the processors consumed; time of calls that only "
                "wait (cede) is in it."
            )

    def _frequencies(self, place: int, words: list[str]) -> None:
        """Read a line of ``-E``: actual values, frequency, values at the nominal frequency."""
        recording = self._recording
        found = re.search(r"([\d.,]+)\s*GHz\s*\[\s*([\d.,]+)%\]", " ".join(words))
        numbers = [word for word in words if re.fullmatch(r"[\d.,]+", word)]
        if found is None or len(numbers) != 2 * len(_STATES):
            recording.breaks(place, "is no line of frequencies")
            return
        values = {key("vtax_partition_frequency_hertz"): number(found[1]) * 1e9}
        share = number(found[2]) / 100.0
        if share:
            recording.facts["clock_hertz"] = float(f"{number(found[1]) * 1e9 / share:.3g}")
        for kind, part in (("actual", numbers[:4]), ("normalised", numbers[4:])):
            for state, word in zip(_STATES, part, strict=True):
                values[key(f"vtax_partition_{kind}_cores", state=state)] = number(word)
        recording.intervals.append(Interval(values))
