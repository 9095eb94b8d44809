"""Measures of one run, read from its exposition.

Everything is of the measured time only: counters are increases over it.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import ConfigDict, Field, GetPydanticSchema, with_config
from typing_extensions import TypedDict

from harness.metrics.ddsketch import Digest

IDLE = "idle"
"""The ledger's account of idle processors."""

QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
"""Quantiles of the response time that are measures."""

_TARGET = "target"
"""Cause of a real target's processor time; short work may show none."""

_WORK = ("user", "os")
"""The causes of processor time that a transaction's own work has on a modelled machine."""

NO_TRANSACTION = "no transaction was completed"
NO_WORK = "no processor time was used beyond clock ticks"

_PARTITION = "vtax_partition_"

_REAL = ("vtax_condition_", "vtax_target_")

_SUMMED = (
    "physc_cores",
    "dispatches_total",
    "dispatch_wait_seconds_total",
    "phantom_interrupts_total",
)
"""What is summed over partitions for :meth:`Measures.flat`."""


_STRICT = with_config(ConfigDict(strict=True, allow_inf_nan=False, extra="forbid"))
"""How this is read again where it is kept as JSON."""


Count = Annotated[int, Field(ge=0, lt=2**62)]
"""A number of things, which compiled modules can count."""


@_STRICT
class _Digest(TypedDict):
    sum_ns: int
    buckets: list[Count]
    counts: list[Count]


DigestJson = Annotated[dict[str, Any], GetPydanticSchema(lambda _, schema_of: schema_of(_Digest))]
"""A :class:`Digest` in its JSON form."""


@_STRICT
@dataclass(frozen=True, slots=True)
class Measures:
    """Measures of one run."""

    measured_seconds: float
    warm_up_seconds: float
    transactions: float
    """How many were completed without failing."""
    failed: float
    """How many failed."""
    processor_seconds: dict[str, float]
    """Processor seconds of the whole machine by cause, idle included."""
    responses: dict[str, tuple[float, float]]
    """``partition/group/name`` -> how many responses, sum of their times in seconds. The baseline
    does the work of all partitions in one; there, ``partition`` is the one that the work is
    taken from, so that the same work has the same key everywhere."""
    digest: DigestJson
    """Response times of all transactions together."""
    quantiles: dict[str, float]
    """The :data:`QUANTILES` of these, in seconds; empty without responses."""
    partitions: dict[str, dict[str, float]]
    """Partition -> what it exposed about itself (``entitlement_cores``, ``dispatches_total``...),
    and what follows from that: ``physc_cores``, processors consumed, and ``entc_ratio``, that as a
    share of the entitlement."""
    warm_up_trustworthy: bool = True
    """False if no end of the warm-up was found."""
    condition: dict[str, float] = field(default_factory=dict)
    """Condition of a real machine during the run (``condition_disturbed``...), and working time of
    a target by both clocks (``target_inside_seconds``...); empty for a simulated run."""

    @property
    def processor_seconds_per_transaction(self) -> float:
        """All processor time that was not idle, for each transaction; NaN without transactions."""
        busy = math.fsum(spent for cause, spent in self.processor_seconds.items() if cause != IDLE)
        return busy / self.transactions if self.transactions else math.nan

    @property
    def mean_response_seconds(self) -> float:
        """Mean of waiting and service of all responses; NaN without any."""
        count = math.fsum(count for count, _ in self.responses.values())
        return (
            math.fsum(total for _, total in self.responses.values()) / count if count else math.nan
        )

    @property
    def utilisation(self) -> float:
        """Share of the machine's processor time that was not idle; NaN if none is booked."""
        total = math.fsum(self.processor_seconds.values())
        return 1.0 - self.processor_seconds.get(IDLE, 0.0) / total if total else math.nan

    @property
    def nothing_done(self) -> str:
        """Why the run has nothing to compare: nothing was done; empty if something was."""
        if not self.transactions:
            return NO_TRANSACTION
        if _TARGET in self.processor_seconds or any(map(self.processor_seconds.get, _WORK)):
            return ""
        return NO_WORK

    def flat(self) -> dict[str, float]:
        """Return the run's numbers under plain names, for a table with a row for each run.

        Units are in the names. What could not be measured is left out. Numbers of partitions are
        sums over all partitions.
        """
        numbers = {
            "measured_seconds": self.measured_seconds,
            "warm_up_seconds": self.warm_up_seconds,
            "warm_up_trustworthy": float(self.warm_up_trustworthy),
            "transactions": self.transactions,
            "transactions_failed": self.failed,
            "processor_seconds_per_transaction": self.processor_seconds_per_transaction,
            "response_seconds_mean": self.mean_response_seconds,
        }
        if self.measured_seconds > 0.0:
            numbers["transactions_per_second"] = self.transactions / self.measured_seconds
        for name, seconds in self.quantiles.items():
            numbers[f"response_seconds_{name}"] = seconds
        numbers["utilisation_ratio"] = self.utilisation
        for cause, seconds in sorted(self.processor_seconds.items()):
            numbers[f"processor_seconds_{cause}"] = seconds
        numbers.update(self.condition)
        for name in _SUMMED:
            values = [each[name] for each in self.partitions.values() if name in each]
            if values:
                numbers[name.removesuffix("_total")] = math.fsum(values)
        return {name: value for name, value in numbers.items() if math.isfinite(value)}


def measure(
    samples: Iterable[tuple[str, Mapping[str, str], float]],
    digests: Iterable[Digest],
    *,
    measured_seconds: float,
    warm_up_seconds: float,
) -> Measures:
    """Read a run's measures from its exposition and its digests of response times."""
    transactions: dict[str, list[float]] = {"ok": [], "failed": []}
    spent: defaultdict[str, list[float]] = defaultdict(list)
    counts: defaultdict[str, float] = defaultdict(float)
    sums: defaultdict[str, float] = defaultdict(float)
    partitions: defaultdict[str, dict[str, float]] = defaultdict(dict)
    condition: dict[str, float] = {}
    trustworthy = True
    for name, labels, value in samples:
        if name == "vtax_processor_seconds_total":
            spent[labels["cause"]].append(value)
        elif name == "vtax_transactions_total":
            transactions["ok" if labels["outcome"] == "ok" else "failed"].append(value)
        elif name == "vtax_response_seconds_count":
            counts[_work(labels)] += value
        elif name == "vtax_response_seconds_sum":
            sums[_work(labels)] += value
        elif name.startswith(_PARTITION) and labels.keys() == {"partition"}:
            partitions[labels["partition"]][name.removeprefix(_PARTITION)] = value
        elif name.startswith(_REAL):
            condition[name.removeprefix("vtax_").removesuffix("_total")] = value
        elif name == "vtax_warm_up_trustworthy":
            trustworthy = value != 0.0
    for numbers in partitions.values():
        if "dispatched_seconds_total" in numbers and measured_seconds > 0.0:
            numbers["physc_cores"] = numbers["dispatched_seconds_total"] / measured_seconds
            if numbers.get("entitlement_cores"):
                numbers["entc_ratio"] = numbers["physc_cores"] / numbers["entitlement_cores"]
    digest = Digest.merged(digests)
    return Measures(
        measured_seconds=measured_seconds,
        warm_up_seconds=warm_up_seconds,
        transactions=math.fsum(transactions["ok"]),
        failed=math.fsum(transactions["failed"]),
        processor_seconds={cause: math.fsum(spent[cause]) for cause in sorted(spent)},
        responses={work: (counts[work], sums[work]) for work in sorted(counts) if counts[work]},
        digest=digest.to_json(),
        quantiles={key: digest.quantile(q) for key, q in QUANTILES.items()} if digest.count else {},
        partitions=dict(partitions),
        warm_up_trustworthy=trustworthy,
        condition=condition,
    )


def slowdown(measured: Measures, baseline: Measures) -> float:
    """Time that the baseline's work takes, relative to the time that it took there.

    The work is the baseline's responses, each kind as often as it occurred there. So neither a
    shift between slow and fast kinds nor a starved partition, which completes less, changes what
    is compared. Kinds that only one of the two completed are left out; NaN if none remains.
    """
    here, there = [], []
    for work, (count, total) in baseline.responses.items():
        if work in measured.responses:
            responses, spent = measured.responses[work]
            here.append(count * (spent / responses))
            there.append(total)
    reference = math.fsum(there)
    return math.fsum(here) / reference if reference > 0.0 else math.nan


def unmatched(measured: Measures, baseline: Measures) -> float:
    """Share of the baseline's responses whose kind of work the other run never completed."""
    total = math.fsum(count for count, _ in baseline.responses.values())
    missing = [n for work, (n, _) in baseline.responses.items() if work not in measured.responses]
    return math.fsum(missing) / total if total else 0.0


def mix_distance(measured: Measures, baseline: Measures) -> float:
    """How differently the responses of two runs are divided among kinds of work, 0 to 1.

    It is the share of responses that would have to be of another kind (the total variation
    distance); 0 if either run has none.
    """
    here = math.fsum(count for count, _ in measured.responses.values())
    there = math.fsum(count for count, _ in baseline.responses.values())
    if not here or not there:
        return 0.0
    kinds = sorted(measured.responses.keys() | baseline.responses.keys())
    nothing = (0.0, 0.0)
    return 0.5 * math.fsum(
        abs(
            measured.responses.get(kind, nothing)[0] / here
            - baseline.responses.get(kind, nothing)[0] / there
        )
        for kind in kinds
    )


def _work(labels: Mapping[str, str]) -> str:
    """Name a kind of work: partition, group and request.

    In the baseline, groups of users are named ``partition/group`` after where they come from.
    """
    group = labels["group"]
    origin = group if "/" in group else f"{labels['partition']}/{group}"
    return f"{origin}/{labels['name']}"
