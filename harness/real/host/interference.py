"""State of the machine during a measurement, and whether it was disturbed.

A quantity that the system does not offer is None, never zero.
"""

import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.real.host.cpu_time import TICK_SECONDS, tree_seconds
from harness.real.host.system import read_text

DISTURBED_SHARE = 0.10
"""A measurement is disturbed if other programs and the machine's own hypervisor together took more
than this share of all its processors. It is flagged, and used nevertheless."""

_STAT = Path("/proc/stat")
_FREQUENCY = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
_PROCESSORS = Path("/proc/cpuinfo")
_LOAD = Path("/proc/loadavg")
_ZONES = Path("/sys/class/thermal")


@dataclass(frozen=True, slots=True)
class Interference:
    """State of the machine during a measurement."""

    others: float | None
    """Share of the machine's processors that other programs took."""
    stolen: float | None
    """Share that the machine's own hypervisor, if it has one, withheld."""
    load: float | None = None
    """Load average of the last minute: processes that ran or were ready to run."""
    frequency_hertz: float | None = None
    """Frequency of the processor at the end."""
    temperature_celsius: float | None = None
    """Temperature of the hottest zone at the end."""

    @property
    def disturbed(self) -> bool | None:
        """Whether others took more than DISTURBED_SHARE; None if the system does not show it."""
        if self.others is None and self.stolen is None:
            return None
        return (self.others or 0.0) + (self.stolen or 0.0) > DISTURBED_SHARE

    def row(self) -> dict[str, float | bool | None]:
        """Return all fields by name, and ``disturbed``, for a row of a store."""
        return {**asdict(self), "disturbed": self.disturbed}


@dataclass(frozen=True, slots=True)
class Sample:
    """Cost of a number of events in a target, without their preparation and the channel.

    Of exchanges over the target's network: from the first byte sent to the last one received.
    """

    seconds: float
    """Time by this machine's clock."""
    inside_seconds: float
    """Time by the target's clock; of exchanges over the network, by this machine's."""
    processor_seconds: float
    """Processor time of the target's whole process tree, read outside it."""
    condition: Interference
    """State of the machine during the measurement."""


@dataclass(frozen=True, slots=True)
class CpuAccounting:
    """Processor seconds of the whole machine up to a point of time."""

    busy: float | None
    steal: float | None
    own: float
    """Processor seconds of this process and of the measured target."""
    time: float
    """The point of time, by this machine's monotonic clock."""

    @classmethod
    def now(cls, target: int) -> "CpuAccounting":
        """Read it; the target is the process tree that begins with this process id."""
        busy, steal = _spent()
        return cls(busy, steal, time.process_time() + tree_seconds(target), time.monotonic())

    def others_since(self, before: "CpuAccounting") -> float | None:
        """Return the share of all processors that other programs took since then."""
        if self.busy is None or before.busy is None:
            return None
        taken = (self.busy - before.busy) - (self.own - before.own)
        # The kernel counts in ticks: a single one is not significant.
        return max(0.0, taken - TICK_SECONDS) / self._capacity(before)

    def stolen_since(self, before: "CpuAccounting") -> float | None:
        """Return the share of all processors that the machine's own hypervisor withheld."""
        if self.steal is None or before.steal is None:
            return None
        return (self.steal - before.steal) / self._capacity(before)

    def condition_since(self, before: "CpuAccounting") -> Interference:
        """Return the state of the machine from then to now."""
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
    return _number(read_text(_LOAD).partition(" ")[0])


def frequency_hertz() -> float | None:
    """Return the frequency of the first processor: the governor's, else that of /proc/cpuinfo."""
    governed = _number(read_text(_FREQUENCY))
    if governed is not None:
        return governed * 1e3
    for line in read_text(_PROCESSORS).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "cpu MHz":
            megahertz = _number(value)
            return None if megahertz is None else megahertz * 1e6
    return None


def temperatures_celsius() -> dict[str, float]:
    """Return the temperature of each zone that has one, by the zone's name."""
    read = {
        zone.parent.name: _number(read_text(zone))
        for zone in sorted(_ZONES.glob("thermal_zone*/temp"))
    }
    return {name: value / 1e3 for name, value in read.items() if value is not None}


def _spent() -> tuple[float | None, float | None]:
    """Return the busy and the stolen seconds of all processors so far."""
    # cpu user nice system idle iowait irq softirq steal; older kernels have fewer columns.
    ticks = [_number(text) for text in read_text(_STAT).partition("\n")[0].split()[1:]]
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
