"""What the machine was like during a measurement, and when that disturbed it.

What a system does not offer is None, never zero.
"""

import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.real.host.cpu_time import TICK_SECONDS, tree_seconds

DISTURBED_SHARE = 0.10
"""A measurement is disturbed if other programs and the machine's own hypervisor together took more
than this share of all its processors meanwhile. It is flagged and counts nevertheless."""

_STAT = Path("/proc/stat")
_FREQUENCY = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
_PROCESSORS = Path("/proc/cpuinfo")
_LOAD = Path("/proc/loadavg")
_ZONES = Path("/sys/class/thermal")


@dataclass(frozen=True, slots=True)
class Interference:
    """What the machine was like during a measurement."""

    others: float | None
    """Share of the machine's processors that other programs took meanwhile."""
    stolen: float | None
    """Share that the machine's own hypervisor, if it has one, withheld."""
    load: float | None = None
    """Processes that ran or wanted to, over the last minute."""
    frequency_hertz: float | None = None
    """Of the processor, at the end."""
    temperature_celsius: float | None = None
    """Of the hottest zone, at the end."""

    @property
    def disturbed(self) -> bool | None:
        """Whether others took more than DISTURBED_SHARE; None if the system does not tell."""
        if self.others is None and self.stolen is None:
            return None
        return (self.others or 0.0) + (self.stolen or 0.0) > DISTURBED_SHARE

    def row(self) -> dict[str, float | bool | None]:
        """Return it for a row of a store: every field by its name, and ``disturbed``."""
        return {**asdict(self), "disturbed": self.disturbed}


@dataclass(frozen=True, slots=True)
class CpuAccounting:
    """What the whole machine had spent at a point of time, in seconds of its processors."""

    busy: float | None
    steal: float | None
    own: float
    """This process and the target that is measured."""
    time: float
    """By this machine's monotonic clock."""

    @classmethod
    def now(cls, target: int) -> "CpuAccounting":
        """Read it, the target being the process tree that begins with this process id."""
        busy, steal = _spent()
        return cls(busy, steal, time.process_time() + tree_seconds(target), time.monotonic())

    def others_since(self, before: "CpuAccounting") -> float | None:
        """Return the share of all processors that other programs took meanwhile."""
        if self.busy is None or before.busy is None:
            return None
        taken = (self.busy - before.busy) - (self.own - before.own)
        # The kernel counts in ticks: one more or less says nothing.
        return max(0.0, taken - TICK_SECONDS) / self._capacity(before)

    def stolen_since(self, before: "CpuAccounting") -> float | None:
        """Return the share of all processors that the machine's own hypervisor withheld."""
        if self.steal is None or before.steal is None:
            return None
        return (self.steal - before.steal) / self._capacity(before)

    def condition_since(self, before: "CpuAccounting") -> Interference:
        """Return the condition from a point of time to now."""
        return Interference(
            others=self.others_since(before),
            stolen=self.stolen_since(before),
            load=load(),
            frequency_hertz=frequency_hertz(),
            temperature_celsius=max(temperatures_celsius().values(), default=None),
        )

    def _capacity(self, before: "CpuAccounting") -> float:
        return (self.time - before.time) * (os.cpu_count() or 1)


def load() -> float | None:
    """Return the load average of the last minute."""
    return _number(_read(_LOAD).partition(" ")[0])


def frequency_hertz() -> float | None:
    """Return the frequency of the first processor: as it is governed, else as the kernel tells."""
    governed = _number(_read(_FREQUENCY))
    if governed is not None:
        return governed * 1e3
    for line in _read(_PROCESSORS).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "cpu MHz":
            told = _number(value)
            return None if told is None else told * 1e6
    return None


def temperatures_celsius() -> dict[str, float]:
    """Return the temperature of each zone that has one, by the zone's name."""
    told = {
        zone.parent.name: _number(_read(zone)) for zone in sorted(_ZONES.glob("thermal_zone*/temp"))
    }
    return {name: value / 1e3 for name, value in told.items() if value is not None}


def _spent() -> tuple[float | None, float | None]:
    """Return the busy and the stolen seconds of all processors so far."""
    # cpu user nice system idle iowait irq softirq steal; older kernels tell fewer.
    ticks = [_number(text) for text in _read(_STAT).partition("\n")[0].split()[1:]]
    if len(ticks) < 7:
        return None, None
    busy = [ticks[place] for place in (0, 1, 2, 5, 6)]
    steal = ticks[7] if len(ticks) > 7 else None
    return (
        sum(number or 0.0 for number in busy) * TICK_SECONDS,
        None if steal is None else steal * TICK_SECONDS,
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
