"""How a paced clock keeps its pace, as metrics."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from harness.engine.realtime_clock import RealtimeClock


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
