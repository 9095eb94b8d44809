"""Summary of the runs of one cell: processor time by cause, throughput and response times."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from harness.metrics.ddsketch import Digest
from harness.metrics.measures import IDLE, QUANTILES, Measures
from harness.results.record import CellRecord
from harness.statistics.intervals import Bootstrap, Interval
from harness.statistics.ratios import exp


@dataclass(frozen=True)
class ResponseDistribution:
    """Response times of all transactions of a cell, all replications together."""

    digest: Digest
    """Of all runs together."""
    quantiles: dict[str, Interval]
    """``p50``, ``p95``, ``p99`` in seconds: geometric mean of the replications' quantiles."""

    @property
    def count(self) -> int:
        """How many responses."""
        return self.digest.count


@dataclass(frozen=True)
class CellSummary:
    """Summary of the runs of one cell; intervals are over its replications."""

    cell: CellRecord
    runs: int
    """How many runs are complete."""
    causes: dict[str, Interval]
    """Processor seconds per transaction by cause, idle left out; in alphabetical order."""
    processor_seconds: Interval | None
    """All of these together; None if no transaction was completed."""
    throughput: Interval
    """Transactions per second."""
    failed_transactions: float
    """How many transactions failed, in all runs together."""
    utilisation: Interval | None
    """Share of the machine's processor time that was not idle."""
    response: ResponseDistribution | None
    """None without responses."""
    partitions: dict[str, dict[str, float]]
    """Partition -> its metrics, mean over the runs."""
    warm_up_seconds: Interval
    """End of the warm-up."""
    condition: dict[str, float] = field(default_factory=dict)
    """Condition of a real machine during the runs, mean over the runs that have it."""


def summarise(
    cell: CellRecord, runs: Mapping[int, Measures], *, level: float, seed: int
) -> CellSummary | None:
    """Summarise the runs of a cell, by replication; None if there is none.

    Parameters
    ----------
    level
        Confidence of the intervals.
    seed
        Makes the resamples.
    """
    measured = [runs[replication] for replication in sorted(runs)]
    if not measured:
        return None

    def interval(read: Callable[[Measures], float]) -> Interval | None:
        return _interval([read(run) for run in measured], level, seed)

    causes = {}
    for name in sorted({cause for run in measured for cause in run.processor_seconds} - {IDLE}):
        spent = _interval([_per_transaction(run, name) for run in measured], level, seed)
        if spent is not None:
            causes[name] = spent
    throughput = interval(lambda run: run.transactions / run.measured_seconds)
    warm_up = interval(lambda run: run.warm_up_seconds)
    assert throughput is not None
    assert warm_up is not None
    return CellSummary(
        cell=cell,
        runs=len(measured),
        causes=causes,
        processor_seconds=interval(lambda run: run.processor_seconds_per_transaction),
        throughput=throughput,
        failed_transactions=math.fsum(run.failed for run in measured),
        utilisation=interval(lambda run: run.utilisation),
        response=_response(measured, level, seed),
        partitions=_partitions(measured),
        warm_up_seconds=warm_up,
        condition=_condition(measured),
    )


def _interval(values: Sequence[float], level: float, seed: int) -> Interval | None:
    """Interval of the mean of what there is; None if there is nothing."""
    if all(math.isnan(value) for value in values):
        return None
    return Bootstrap(values, seed=seed).intervals(level)[0]


def _per_transaction(run: Measures, cause: str) -> float:
    spent = run.processor_seconds.get(cause, 0.0)
    return spent / run.transactions if run.transactions else math.nan


def _response(measured: Sequence[Measures], level: float, seed: int) -> ResponseDistribution | None:
    quantiles = {}
    for name in QUANTILES:
        logs = [math.log(run.quantiles[name]) if run.quantiles else math.nan for run in measured]
        interval = _interval(logs, level, seed)
        if interval is not None:
            quantiles[name] = interval.transformed(exp)
    if not quantiles:
        return None
    return ResponseDistribution(
        Digest.merged(Digest.from_json(run.digest) for run in measured), quantiles
    )


def _partitions(measured: Sequence[Measures]) -> dict[str, dict[str, float]]:
    partitions: dict[str, dict[str, float]] = {}
    for partition, numbers in measured[0].partitions.items():
        partitions[partition] = {
            name: fmean(run.partitions.get(partition, {}).get(name, 0.0) for run in measured)
            for name in sorted(numbers)
        }
    return partitions


def _condition(measured: Sequence[Measures]) -> dict[str, float]:
    names = sorted({name for run in measured for name in run.condition})
    return {
        name: fmean(run.condition[name] for run in measured if name in run.condition)
        for name in names
    }
