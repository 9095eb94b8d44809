"""Costs of single events in each target, measured side by side.

All targets keep running. A block measures every event in every target once, in random order, so
that slow changes of the machine affect all alike; a ratio compares measurements of one block.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from harness.real.host.cpu_time import tree_faults
from harness.real.host.interference import Sample
from harness.real.microbenchmarks import Microbenchmark
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.target import NATIVE, Target
from harness.statistics.intervals import Bootstrap, Interval
from harness.statistics.ratios import paired_ratios, ratio_bootstrap

BATCH_SECONDS = 0.05
"""Approximate time of the events of one measurement."""

MINIMUM_BLOCKS = 8
MAXIMUM_BLOCKS = 20
MAXIMUM_SECONDS = 150.0
"""Time after which no further block begins, if the minimum is done."""
HALF_WIDTH = 0.05
"""Half width of each ratio's interval, as a share of the ratio, at which an event is done; the
maximum of blocks is the other limit."""

_WARM_UP_BATCHES = 6
_ALIKE = 0.1
_LARGEST_COUNT = 1 << 28
_CHANNEL_REQUESTS = 5


@dataclass(slots=True)
class Series:
    """Measurements of one event in one target."""

    count: int = 0
    """Events per measurement."""
    settled: bool = False
    """Whether the warm-up ended, with two measurements in a row that differ by at most a tenth."""
    samples: dict[int, Sample] = field(default_factory=dict)
    """Samples by block."""
    faults: float = 0.0
    """Page faults of one event; measured natively only."""
    refused: str = ""
    """Reason why there are no samples."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost of an event in a target."""

    seconds: Interval
    """Time of one event by this machine's clock."""
    processor_seconds: Interval
    """Processor time of the whole process tree for one event."""
    ratio: Interval | None
    """Ratio of the time to native; None for native itself, or if one of the two is within noise."""
    processor_ratio: Interval | None
    """Ratio of the processor time to native, with the same exceptions."""
    clocks: float | None
    """Time by the target's clock for a second by this machine's; None if it is within noise."""
    disturbed: int
    """Number of disturbed measurements."""
    others: float | None
    """Mean share of the machine's processors that other programs took; None if the system does not
    show it."""
    stolen: float | None
    """Mean share that the machine's own hypervisor withheld, or None."""

    @property
    def above_noise(self) -> bool:
        """Whether the cost is above noise."""
        return self.seconds.low > 0.0


class Calibration:
    """Calibration and its measurements so far.

    Parameters
    ----------
    targets
        Running and answering, each name once.
    events
        Events to measure.
    """

    def __init__(self, targets: Sequence[Target], events: Sequence[Microbenchmark]) -> None:
        self.targets = tuple(targets)
        self.events = tuple(events)
        self.blocks = 0
        self.complete = False
        self.failures: dict[str, str] = {}
        """Reason why a running target failed, by its name."""
        self.channel: dict[str, list[float]] = {target.name: [] for target in targets}
        """Seconds of requests without work, by target."""
        self.series = {
            (target.name, event.name): Series() for target in targets for event in events
        }

    def run(
        self,
        *,
        seed: int = 0,
        minimum: int = MINIMUM_BLOCKS,
        maximum: int = MAXIMUM_BLOCKS,
        batch_seconds: float = BATCH_SECONDS,
        maximum_seconds: float = MAXIMUM_SECONDS,
    ) -> Iterator[int]:
        """Measure; yield the number of blocks so far, 0 after the warm-up.

        Parameters
        ----------
        seed
            Seed of the order within blocks.
        minimum, maximum
            Number of blocks.
        batch_seconds
            Intended time of a measurement.
        maximum_seconds
            Time without the warm-up, after which no block begins beyond the minimum.
        """
        order = Random(seed)
        for target in self.targets:
            for event in self.events:
                self._try(target, event, lambda t, e: self._warm_up(t, e, batch_seconds))
        yield 0
        end = time.monotonic() + maximum_seconds
        wanted = set(self.events)
        while self.blocks < maximum and wanted:
            pairs = [(target, event) for event in self.events for target in self.targets]
            pairs = [pair for pair in pairs if pair[1] in wanted]
            order.shuffle(pairs)
            for target, event in pairs:
                self._try(target, event, self._measure)
            for target in self.targets:
                self._measure_channel(target)
            self.blocks += 1
            if self.blocks >= minimum:
                wanted = {event for event in wanted if self._too_wide(event)}
                if time.monotonic() > end:
                    wanted = set()
            self.complete = self.blocks >= maximum or not wanted
            yield self.blocks

    def estimate(self, target: str, event: str) -> Estimate | None:
        """Estimate a cost; None without samples."""
        series = self.series[target, event]
        if not series.samples:
            return None
        blocks = sorted(series.samples)
        samples = [series.samples[block] for block in blocks]
        times = np.array([(s.seconds, s.processor_seconds) for s in samples]) / series.count
        seconds, processor = Bootstrap(times).intervals()
        outside = sum(sample.seconds for sample in samples)
        inside = sum(sample.inside_seconds for sample in samples)
        return Estimate(
            seconds=seconds,
            processor_seconds=processor,
            ratio=self._ratio(target, event, lambda sample: sample.seconds),
            processor_ratio=self._ratio(target, event, lambda sample: sample.processor_seconds),
            clocks=inside / outside if seconds.low > 0.0 else None,
            disturbed=sum(bool(sample.condition.disturbed) for sample in samples),
            others=_mean([sample.condition.others for sample in samples]),
            stolen=_mean([sample.condition.stolen for sample in samples]),
        )

    def _ratio(self, target: str, event: str, value: Callable[[Sample], float]) -> Interval | None:
        base = self.series.get((NATIVE, event))
        if target == NATIVE or base is None:
            return None
        series = self.series[target, event]
        common = sorted(series.samples.keys() & base.samples.keys())
        if len(common) < 2:
            return None
        measured = [value(series.samples[block]) / series.count for block in common]
        native = [value(base.samples[block]) / base.count for block in common]
        both = Bootstrap(np.array([measured, native]).T).intervals()
        if min(interval.low for interval in both) <= 0.0:
            return None
        # A measurement below zero has no ratio; without it the mean would be biased.
        if min(*measured, *native) <= 0.0:
            return None
        return ratio_bootstrap(paired_ratios(measured, native)).intervals()[0].transformed(math.exp)

    def _too_wide(self, event: Microbenchmark) -> bool:
        for target in self.targets:
            found = self.estimate(target.name, event.name)
            if found is None or target.name in self.failures:
                continue
            if target.name == NATIVE:
                limit = HALF_WIDTH * found.seconds.estimate
                if found.seconds.high - found.seconds.low > 2 * limit:
                    return True
            elif found.ratio is None or found.ratio.high > found.ratio.low * (1 + HALF_WIDTH) ** 2:
                return True
        return False

    def _try(
        self, target: Target, event: Microbenchmark, do: Callable[[Target, Microbenchmark], None]
    ) -> None:
        """Do something with a target; record the reason if it fails."""
        series = self.series[target.name, event.name]
        if target.name in self.failures or series.refused:
            return
        try:
            do(target, event)
        except RefusalError as refusal:
            series.refused = str(refusal)
        except TargetError as failure:
            self._give_up(target, f"{event.name}: {failure}")

    def _warm_up(self, target: Target, event: Microbenchmark, batch_seconds: float) -> None:
        """Find the number of events of a measurement, and measure until the time is stable."""
        series = self.series[target.name, event.name]
        count = 1
        while count < _LARGEST_COUNT:
            taken = max(target.measure(event, count).inside_seconds, 1e-9)
            if taken > batch_seconds / 4:
                # The first time may contain work that is done once: an emulator translates code.
                taken = max(target.measure(event, count).inside_seconds, 1e-9)
            if taken > batch_seconds / 4:
                count = max(1, round(count * batch_seconds / taken))
                break
            count *= max(2, min(16, int(batch_seconds / 3 / taken)))
        series.count = min(count, _LARGEST_COUNT)
        before = math.inf
        for _ in range(_WARM_UP_BATCHES):
            taken = target.measure(event, series.count).seconds
            if abs(taken - before) <= _ALIKE * taken:
                series.settled = True
                break
            before = taken
        if target.name == NATIVE:
            series.faults = _faults_each(target, event, max(1, series.count // 4))

    def _measure(self, target: Target, event: Microbenchmark) -> None:
        series = self.series[target.name, event.name]
        series.samples[self.blocks] = target.measure(event, series.count)

    def _measure_channel(self, target: Target) -> None:
        if target.name in self.failures:
            return
        try:
            self.channel[target.name] += [
                target.channel_seconds() for _ in range(_CHANNEL_REQUESTS)
            ]
        except TargetError as failure:
            self._give_up(target, f"the channel: {failure}")

    def _give_up(self, target: Target, reason: str) -> None:
        self.failures[target.name] = reason
        target.end()


def _faults_each(target: Target, event: Microbenchmark, count: int) -> float:
    faults = []
    for number in (0, count):
        before = tree_faults(target.pid)
        target.measure(event, number)
        faults.append(tree_faults(target.pid) - before)
    return max(faults[1] - faults[0], 0) / count


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
