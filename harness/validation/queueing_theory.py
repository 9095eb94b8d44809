"""Queues: with all overheads at zero the model is a queue with a known exact result.

Each queue is replicated with independent seeds, which are derived from the names of the cases. The
interval is Student's at 99 %. Of many such rows one misses by chance: a queue whose interval does
not contain the exact value is run once more with new seeds. The second sample decides; a note
marks it.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.catalog import Value
from harness.model.config import Virtualization
from harness.model.partition import SimulatedPartition
from harness.validation import queues
from harness.validation.mechanism import Mechanism
from harness.validation.minimal_model import build, free, partition
from harness.validation.row import Kind, Row

SERVICE = 0.001
"""Mean service time (s)."""
REPLICATIONS = 20
WARM_UP = 0.1
"""Part of a replication that is not measured."""
MEAN, QUANTILE = 0.01, 0.03
"""Largest half-widths."""
QUICK_FACTOR = 8
"""How much shorter the quick runs are."""
QUICK_WIDENING = 4.0
"""And how much wider their intervals may be."""
NEVER = 1e4
"""A time slice (s) longer than any service: the run queue is first come, first served."""

FULL_SYSTEM = Virtualization.FULL_SYSTEM
DEDICATED = Virtualization.DEDICATED
UNCAPPED = Virtualization.SHARED_UNCAPPED
CAPPED = Virtualization.SHARED_CAPPED
HOSTED = Virtualization.HOSTED


@dataclass(frozen=True, slots=True)
class Measure:
    """The exact value of one measure: ``mean``, ``throughput``, ``p95`` or ``p99``."""

    name: str
    expected: float
    limit: float = MEAN
    allowance: float = 0.0


@dataclass(frozen=True, slots=True)
class QueueCase:
    """A queue on the model.

    Attributes
    ----------
    utilization
        Of the cores by open Poisson arrivals; None: closed ``users`` who think for ``think``
        seconds on average.
    squared_variation
        Of the service time: 0 constant, 1 exponential, above 1 hyperexponential (balanced means).
    guests
        So many partitions of one virtual processor each, with one user each, instead of one
        partition.
    transactions
        In each replication, the warm-up among them.
    """

    name: str
    source: str
    virtualization: Virtualization
    measures: tuple[Measure, ...]
    transactions: int
    cores: int = 1
    utilization: float | None = None
    squared_variation: float = 1.0
    users: int = 0
    think: float = 0.0
    guests: int = 1
    overrides: Mapping[str, Value] | None = None
    note: str = ""


def _open_measures(utilization: float, servers: int) -> tuple[Measure, ...]:
    return (
        Measure("mean", queues.m_m_c_mean(utilization, servers, SERVICE)),
        *(
            Measure(
                f"p{round(q * 100)}",
                queues.m_m_c_quantile(q, utilization, servers, SERVICE),
                QUANTILE,
            )
            for q in (0.95, 0.99)
        ),
    )


def _closed_measures(
    users: int, servers: int, think: float, allowance: float = 0.0
) -> tuple[Measure, ...]:
    rate, response = queues.repairman(users, servers, think, SERVICE)
    return (
        Measure("throughput", rate, MEAN, allowance),
        Measure("mean", response, MEAN, allowance),
    )


_KLEINROCK = "Kleinrock, Queueing Systems I"
_SLICES = 20
_QUANTUM = SERVICE / _SLICES
_QUANTUM_NOTE = "processor sharing is the limit of ever shorter slices; these are 1/20 of a service"
_LIMIT = 0.01
"""The rest of the distance from that limit, as threads that wake are preferred."""

_FURTHER = 0.1


def _slowdown(busy: int) -> float:
    """How many times as long work takes while so many processors are busy."""
    return 1.0 + _FURTHER * (busy - 1)


QUEUES: tuple[QueueCase, ...] = (
    QueueCase(
        "M/M/1, full-system partition",
        _KLEINROCK,
        FULL_SYSTEM,
        _open_measures(0.5, 1),
        120_000,
        utilization=0.5,
    ),
    QueueCase(
        "M/M/4, uncapped micro-partition",
        f"{_KLEINROCK} (Erlang C)",
        UNCAPPED,
        _open_measures(0.7, 4),
        120_000,
        cores=4,
        utilization=0.7,
    ),
    QueueCase(
        "M/D/1, dedicated partition",
        "Pollaczek-Khinchine; Erlang 1909",
        DEDICATED,
        (
            Measure("mean", queues.pollaczek_khinchine(0.6, 0.0, SERVICE)),
            Measure("p95", queues.m_d_1_quantile(0.95, 0.6, SERVICE), QUANTILE),
            Measure("p99", queues.m_d_1_quantile(0.99, 0.6, SERVICE), QUANTILE),
        ),
        80_000,
        utilization=0.6,
        squared_variation=0.0,
    ),
    QueueCase(
        "M/G/1, squared variation 2, hosted guest",
        "Pollaczek-Khinchine",
        HOSTED,
        (Measure("mean", queues.pollaczek_khinchine(0.5, 2.0, SERVICE)),),
        300_000,
        utilization=0.5,
        squared_variation=2.0,
    ),
    QueueCase(
        "M/G/1, squared variation 4, uncapped micro-partition",
        "Pollaczek-Khinchine",
        UNCAPPED,
        (Measure("mean", queues.pollaczek_khinchine(0.3, 4.0, SERVICE)),),
        300_000,
        utilization=0.3,
        squared_variation=4.0,
    ),
    QueueCase(
        "M/M/1 in time slices, full-system partition",
        "Kleinrock II: services without memory make the mean independent of the order",
        FULL_SYSTEM,
        (Measure("mean", queues.processor_sharing_mean(0.4, SERVICE)),),
        60_000,
        utilization=0.4,
        overrides={"os.aix-5.3.timeslice": _QUANTUM},
        note="exact for slices of any length",
    ),
    QueueCase(
        "M/M/4, each busy processor slows the others by a tenth, full-system partition",
        f"{_KLEINROCK} (birth and death); Gunther 2007, chapter 4",
        FULL_SYSTEM,
        (Measure("mean", queues.slowed_mean(0.5, 4, _slowdown, SERVICE), MEAN, _LIMIT),),
        100_000,
        cores=4,
        utilization=0.5,
        overrides={
            "os.aix-5.3.timeslice": _QUANTUM,
            "processor.contention.further": _FURTHER,
        },
        note="exact if work slows at once; the model looks again after each slice (1/20)",
    ),
    QueueCase(
        "M/G/1 processor sharing, squared variation 2, full-system partition",
        "Kleinrock II, 4.4",
        FULL_SYSTEM,
        (Measure("mean", queues.processor_sharing_mean(0.4, SERVICE)),),
        100_000,
        utilization=0.4,
        squared_variation=2.0,
        overrides={"os.aix-5.3.timeslice": _QUANTUM},
        note=_QUANTUM_NOTE,
    ),
    QueueCase(
        "closed processor sharing, 6 hosted guests, squared variation 2",
        "Baskett, Chandy, Muntz, Palacios 1975 (insensitive: as M/M/1//6)",
        HOSTED,
        _closed_measures(6, 1, 0.006, _LIMIT),
        40_000,
        squared_variation=2.0,
        users=6,
        think=0.006,
        guests=6,
        overrides={"hosted.host.timeslice": _QUANTUM},
        note=f"{_QUANTUM_NOTE}; the host's scheduler shares by run time",
    ),
    QueueCase(
        "M/M/4//20, full-system partition",
        f"{_KLEINROCK} (machine repairman)",
        FULL_SYSTEM,
        _closed_measures(20, 4, 0.004),
        60_000,
        cores=4,
        users=20,
        think=0.004,
    ),
    QueueCase(
        "M/M/2//30, uncapped micro-partition",
        f"{_KLEINROCK} (machine repairman)",
        UNCAPPED,
        _closed_measures(30, 2, 0.010),
        100_000,
        cores=2,
        users=30,
        think=0.010,
    ),
)


def services(generator: np.random.Generator, squared_variation: float, count: int) -> list[float]:
    """Draw service times with mean :data:`SERVICE`."""
    if squared_variation == 0.0:
        return [SERVICE] * count
    unit = generator.exponential(1.0, count)
    if squared_variation != 1.0:
        often = (1 + math.sqrt((squared_variation - 1) / (squared_variation + 1))) / 2
        short = generator.random(count) < often
        unit = unit * np.where(short, 0.5 / often, 0.5 / (1 - often))
    drawn: list[float] = (unit * SERVICE).tolist()
    return drawn


def replicate(case: QueueCase, replication: int, transactions: int) -> dict[str, float]:
    """Run a queue once; return its measures by name.

    The seed depends on the case's name and the replication only.
    """
    generator = np.random.default_rng([*case.name.encode(), replication])
    slices = {f"os.{os}.timeslice": NEVER for os in ("aix-5.3", "sles-9", "rhel-as-3")}
    constants = free({**slices, **(case.overrides or {})})
    vps = case.cores if case.guests == 1 else 1
    cores = float(vps) if case.guests == 1 or case.virtualization is HOSTED else 1 / case.guests
    apps = [partition(f"p{index}", cores, vps, case.virtualization) for index in range(case.guests)]
    flavour = "vmware" if case.virtualization is HOSTED else None
    machine = build(constants, case.cores, *apps, flavour=flavour)
    modelled = list(machine.partitions.values())
    demands = services(generator, case.squared_variation, transactions)
    ends: list[tuple[int, int]] = []
    clock = machine.clock
    demand = iter(demands)

    def begin(app: SimulatedPartition, then: Callable[[], object] | None) -> None:
        needed = next(demand, None)
        if needed is None:
            return
        start_ns = clock.now_ns

        def done() -> None:
            ends.append((clock.now_ns, clock.now_ns - start_ns))
            if then is not None:
                then()

        app.compute(needed, None, done)

    if case.utilization is not None:
        mean_ns = SERVICE / (case.utilization * case.cores) * 1e9
        gaps = iter(np.rint(generator.exponential(mean_ns, transactions)).astype(int).tolist())

        def arrive() -> None:
            begin(modelled[0], None)
            gap = next(gaps, None)
            if gap is not None:
                clock.call_in(gap, arrive)

        clock.call_in(next(gaps), arrive)
    else:
        thoughts = _thoughts(generator, case.think)

        def think(app: SimulatedPartition) -> None:
            clock.call_in(next(thoughts), lambda: begin(app, lambda: think(app)))

        for user in range(case.users):
            think(modelled[user % case.guests])
    while len(ends) < transactions:
        clock.run_until(clock.now_ns + 1_000_000_000)
    return _measures(ends)


def _thoughts(generator: np.random.Generator, mean_seconds: float) -> Iterator[int]:
    while True:
        yield from np.rint(generator.exponential(mean_seconds * 1e9, 10_000)).astype(int).tolist()


def _measures(ends: list[tuple[int, int]]) -> dict[str, float]:
    """Measure what ended after the warm-up, the emptying of a closed queue left out."""
    table = np.array(ends[round(len(ends) * WARM_UP) : round(len(ends) * 0.99)], dtype=np.float64)
    responses = table[:, 1] / 1e9
    span = (table[-1, 0] - table[0, 0]) / 1e9
    p95, p99 = np.quantile(responses, [0.95, 0.99])
    return {
        "mean": float(responses.mean()),
        "throughput": (len(table) - 1) / span,
        "p95": float(p95),
        "p99": float(p99),
    }


def student(values: list[float], level: float = 0.99) -> tuple[float, float, float]:
    """Mean of independent values and the ends of Student's interval."""
    array = np.array(values)
    quantile = float(special.stdtrit(len(array) - 1, (1 + level) / 2))
    half = quantile * float(array.std(ddof=1)) / math.sqrt(len(array))
    mean = float(array.mean())
    return mean, mean - half, mean + half


def rows_of(
    case: QueueCase, values: list[dict[str, float]], *, quick: bool = False, second: bool = False
) -> list[Row]:
    """Compare the replications of a queue with theory."""
    notes = [case.note] if case.note else []
    if quick:
        notes.append(f"quick: intervals may be {QUICK_WIDENING:g} times as wide")
    if second:
        notes.append("second sample: the first one missed")
    rows = []
    for measure in case.measures:
        value, low, high = student([each[measure.name] for each in values])
        rows.append(
            Row(
                Kind.THEORY,
                case.name,
                {"mean": "mean response"}.get(measure.name, measure.name),
                measure.expected,
                "/s" if measure.name == "throughput" else "s",
                case.source,
                value,
                low,
                high,
                f"99 %, {len(values)} replications",
                measure.limit * (QUICK_WIDENING if quick else 1.0),
                measure.allowance,
                "; ".join(notes),
                mechanisms=(Mechanism.DISPATCH,),
            )
        )
    return rows


def queue_rows(case: QueueCase, quick: bool) -> list[Row]:
    """Run a queue and, if theory is not in the interval, once more."""
    transactions = case.transactions // (QUICK_FACTOR if quick else 1)
    rows: list[Row] = []
    for second in (False, True):
        first = REPLICATIONS if second else 0
        values = [replicate(case, first + r, transactions) for r in range(REPLICATIONS)]
        rows = rows_of(case, values, quick=quick, second=second)
        if all(row.holds_expected for row in rows):
            break
    return rows
