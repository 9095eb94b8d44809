"""Summary of the runs of one cell: processor time by cause, throughput and response times."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

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

    causes = sorted({cause for run in measured for cause in run.processor_seconds} - {IDLE})
    columns = {
        "throughput": [run.transactions / run.measured_seconds for run in measured],
        "warm-up": [run.warm_up_seconds for run in measured],
        "processor": [run.processor_seconds_per_transaction for run in measured],
        "utilisation": [run.utilisation for run in measured],
        **{cause: [_per_transaction(run, cause) for run in measured] for cause in causes},
        **{
            name: [math.log(run.quantiles[name]) if run.quantiles else math.nan for run in measured]
            for name in QUANTILES
        },
    }
    found = _intervals(columns, level, seed)
    return CellSummary(
        cell=cell,
        runs=len(measured),
        causes={cause: found[cause] for cause in causes if cause in found},
        processor_seconds=found.get("processor"),
        throughput=found["throughput"],
        failed_transactions=math.fsum(run.failed for run in measured),
        utilisation=found.get("utilisation"),
        response=_response(measured, found),
        partitions=_partitions(measured),
        warm_up_seconds=found["warm-up"],
        condition=_condition(measured),
    )


def _intervals(
    columns: Mapping[str, Sequence[float]], level: float, seed: int
) -> dict[str, Interval]:
    """Interval of the mean of each column that has any value."""
    some = {name: each for name, each in columns.items() if not all(map(math.isnan, each))}
    table = np.column_stack(list(some.values()))
    return dict(zip(some, Bootstrap(table, seed=seed).intervals(level), strict=True))


def _per_transaction(run: Measures, cause: str) -> float:
    spent = run.processor_seconds.get(cause, 0.0)
    return spent / run.transactions if run.transactions else math.nan


def _response(
    measured: Sequence[Measures], logs: Mapping[str, Interval]
) -> ResponseDistribution | None:
    quantiles = {name: logs[name].transformed(exp) for name in QUANTILES if name in logs}
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
