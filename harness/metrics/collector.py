"""Prometheus collectors of a simulated machine and of a paced clock."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from harness.engine.realtime_clock import RealtimeClock
from harness.metrics.families import (
    FAMILIES,
    RESPONSE,
    RESPONSE_BOUNDS,
    RESPONSE_HELP,
    RESPONSE_LABELS,
)
from harness.metrics.observer import Observation

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""Value by name and sorted labels."""


class MachineCollector(Collector):
    """Reads everything off a machine whenever it is asked.

    Parameters
    ----------
    observation
        The machine and its users' transactions.
    common
        Labels that every sample has in front of its own.
    """

    def __init__(self, observation: Observation, common: Mapping[str, str] | None = None) -> None:
        self.observation = observation
        self._names = tuple(common or ())
        self._values = tuple((common or {}).values())

    def collect(self) -> Iterator[Metric]:
        """Yield every family with its samples as they stand at this moment."""
        for family in FAMILIES:
            kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = kind(family.name, family.help, labels=(*self._names, *family.labels))
            for labels, value in family.read(self.observation):
                metric.add_metric((*self._values, *labels), value)
            yield metric
        yield self._responses()

    def _responses(self) -> HistogramMetricFamily:
        metric = HistogramMetricFamily(
            RESPONSE, RESPONSE_HELP, labels=(*self._names, *RESPONSE_LABELS)
        )
        for key, kind in self.observation.transactions.items():
            buckets = kind.response.histogram(RESPONSE_BOUNDS)
            metric.add_metric((*self._values, *key), buckets, kind.response.sum_ns / 1e9)
        return metric


class PacingCollector(Collector):
    """Reads a clock's pace; brings its time up to the present first.

    The pace that it really has is the rate of ``vtax_simulated_seconds_total``.
    """

    def __init__(self, clock: RealtimeClock, labels: Mapping[str, str]) -> None:
        self.clock = clock
        self.labels = dict(labels)

    def collect(self) -> Iterator[Metric]:
        """Yield the families as they stand at this moment."""
        self.clock.sync()
        for name, text, value in (
            (
                "vtax_pacing_speed_ratio",
                "Simulated seconds for each second of the wall clock, as asked for.",
                self.clock.speed,
            ),
            (
                "vtax_pacing_late_seconds",
                "How late the paced clock runs now, in seconds of the wall clock.",
                self.clock.late_seconds,
            ),
            (
                "vtax_pacing_worst_late_seconds",
                "The latest that the paced clock has been, in seconds of the wall clock.",
                self.clock.worst_late_seconds,
            ),
        ):
            metric = GaugeMetricFamily(name, text, labels=list(self.labels))
            metric.add_metric(list(self.labels.values()), value)
            yield metric


def registry_for(observation: Observation) -> CollectorRegistry:
    """Make a registry that exposes one machine and nothing of this process."""
    registry = CollectorRegistry()
    registry.register(MachineCollector(observation))
    return registry


def expose(registry: CollectorRegistry) -> Samples:
    """Read all samples of a registry."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }
