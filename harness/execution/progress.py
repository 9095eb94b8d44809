"""Progress of a campaign as metrics, while it runs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from harness.analysis.environment import EnvironmentResult, environment_results
from harness.analysis.samples import overhead_samples
from harness.campaign.cell import RunSpec
from harness.execution.execute import Observer
from harness.metrics.families import RECORDED
from harness.metrics.http import serving_metrics
from harness.metrics.measures import Measures
from harness.results.environment import Environment
from harness.results.record import CellRecord
from harness.results.store import Failure, Store

_OVERHEADS = ("vtax_overhead_ratio", "vtax_overhead_low_ratio", "vtax_overhead_high_ratio")


class ProgressCollector(Collector):
    """Observer of a campaign, and collector of its progress and overheads so far.

    When the metrics are read, overheads are computed again for environments with new runs.
    """

    def __init__(self, store: Store) -> None:
        self._campaign = store.campaign
        self._store = store
        self._lock = Lock()  # metrics are read in another thread
        self._planned = 0
        self._failed = 0
        self._complete = 0
        self._runs: dict[int, dict[int, Measures]] = defaultdict(dict)
        self._environments: dict[Environment, list[CellRecord]] = defaultdict(list)
        for cell in self._campaign.cells:
            self._environments[cell.environment].append(cell)
        self._of_cell = {cell.position: cell.environment for cell in self._campaign.cells}
        self._stale: set[Environment] = set()
        self._results: dict[Environment, tuple[EnvironmentResult, ...]] = {}
        for run in store.runs():
            if run.measures is not None:
                self._add(run.cell.position, run.replication, run.measures)

    def begin(self, outstanding: Sequence[RunSpec]) -> None:
        """Add runs to be done."""
        with self._lock:
            self._planned = max(self._planned, self._complete) + len(outstanding)

    def done(self, spec: RunSpec, seconds: float, failure: Failure | None) -> None:
        """Add a run that has ended."""
        measures = None if failure is not None else self._store.measured_by(spec.identity)
        with self._lock:
            if measures is None:
                self._failed += 1
            else:
                self._add(spec.cell_position, spec.replication, measures)

    def _add(self, position: int, replication: int, measures: Measures) -> None:
        self._complete += 1
        self._runs[position][replication] = measures
        self._stale.add(self._of_cell[position])

    def collect(self) -> Iterator[Metric]:
        """Yield progress, and the overhead of every cell that can already be compared."""
        with self._lock:
            metrics = [*self._progress(), *self._overheads()]
        yield from metrics

    def _progress(self) -> Iterator[Metric]:
        runs = [({"state": "complete"}, self._complete), ({"state": "failed"}, self._failed)]
        values: Mapping[str, Sequence[tuple[dict[str, str], float]]] = {
            "vtax_campaign_runs_planned": [({}, max(self._planned, self._complete))],
            "vtax_campaign_runs": runs,
            "vtax_campaign_margin_ratio": [({}, self._campaign.margin)],
        }
        for name, samples in values.items():
            family = Metric(name, RECORDED[name], "gauge")
            for labels, value in samples:
                family.add_sample(name, {"campaign": self._campaign.name, **labels}, value)
            yield family

    def _overheads(self) -> Iterator[Metric]:
        for environment in self._stale:
            part = replace(self._campaign, cells=tuple(self._environments[environment]), claim=None)
            self._results[environment] = environment_results(part, self._runs).compared
        self._stale.clear()
        levels = self._campaign.levels
        families = {name: Metric(name, RECORDED[name], "gauge") for name in _OVERHEADS}
        for environment in self._environments:
            for result in self._results.get(environment, ()):
                for name, labels, value in overhead_samples(result, levels):
                    if name in families:
                        where = {"campaign": self._campaign.name, **labels}
                        families[name].add_sample(name, where, value)
        return iter(families.values())


@contextmanager
def serve_progress(store: Store, port: int) -> Iterator[ProgressCollector]:
    """Serve a campaign's progress at ``/metrics``, on this computer only, in the context.

    Yields the observer that receives the runs.

    Raises
    ------
    UserError
        If the port cannot be listened on.
    """
    collector = ProgressCollector(store)
    registry = CollectorRegistry()
    registry.register(collector)
    with serving_metrics(registry, port):
        yield collector


class TeeObserver:
    """Two observers of one campaign."""

    def __init__(self, first: Observer, second: Observer) -> None:
        self._observers = (first, second)

    def begin(self, outstanding: Sequence[RunSpec]) -> None:
        """Pass it to both."""
        for each in self._observers:
            each.begin(outstanding)

    def done(self, spec: RunSpec, seconds: float, failure: Failure | None) -> None:
        """Pass it to both."""
        for each in self._observers:
            each.done(spec, seconds, failure)
