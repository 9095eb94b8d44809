"""How the overhead of one cell comes about, beside its baseline: means over their replications.

Both sides are compared in the replications that both have, because these share arrivals, demands
and draws. All numbers are for one transaction. A product is the mean over the runs of count times
cost; the cost shown is the product for one event, so that the numbers agree.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from harness.analysis.breakdown.accounts import WAITS, booked, cost_items, response_parts
from harness.analysis.breakdown.run import CostItem, Run
from harness.analysis.overhead import Overhead, overheads
from harness.catalog import Constants, Value
from harness.errors import UserError
from harness.metrics.measures import Measures
from harness.model.ledger import CAUSE_LABELS
from harness.results.record import CampaignRecord, CellRecord
from harness.results.run_result import RunResult
from harness.results.store import Store
from harness.statistics.intervals import finite

MEASURES = ("slowdown", "processor-time")
"""Overheads that are explained."""


@dataclass(frozen=True)
class EventLine:
    """One kind of event for one transaction."""

    event: str
    count: float
    seconds: float
    """Processor time of these."""
    baseline_count: float | None
    """None without a baseline, as in the other lines."""
    baseline_seconds: float | None
    constants: tuple[str, ...]

    @property
    def each_seconds(self) -> float:
        """What one costs; the baseline's if there is none here."""
        if self.count:
            return self.seconds / self.count
        return (self.baseline_seconds or 0.0) / (self.baseline_count or 1.0)


@dataclass(frozen=True)
class AccountLine:
    """One cause of the ledger for one transaction."""

    cause: str
    seconds: float
    """As booked."""
    baseline_seconds: float | None
    events: tuple[EventLine, ...]
    """Largest first; the application's own instructions are demand, and have none."""

    @property
    def difference(self) -> float | None:
        """More than in the baseline."""
        return None if self.baseline_seconds is None else self.seconds - self.baseline_seconds

    @property
    def unexplained(self) -> float:
        """What is booked and is no event times its cost."""
        return self.seconds - math.fsum(each.seconds for each in self.events)


@dataclass(frozen=True)
class WaitLine:
    """A part of the response time."""

    name: str
    """A key of :data:`harness.analysis.breakdown.accounts.WAITS`."""
    seconds: float
    baseline_seconds: float | None


@dataclass(frozen=True)
class ConstantLine:
    """A constant that costs are made of."""

    name: str
    published: str
    published_range: str
    unit: str
    drawn: tuple[float, float] | None
    """Smallest and largest value in the runs; None for a table, or where it is not uncertain."""
    status: str
    source: str
    meaning: str


@dataclass(frozen=True)
class Explanation:
    """How the overhead of a cell comes about."""

    cell: CellRecord
    baseline: CellRecord | None
    """None if the cell is the baseline, or has none."""
    replications: tuple[int, ...]
    """Those that both sides have."""
    transactions: float
    """Completed in one run, on average."""
    overheads: dict[str, Overhead]
    accounts: tuple[AccountLine, ...]
    waits: tuple[WaitLine, ...]
    response_seconds: float
    baseline_response_seconds: float | None
    constants: tuple[ConstantLine, ...]
    notes: tuple[str, ...]
    monitor: str = ""
    """Name and year of the hosted monitor; empty where there is none."""

    @property
    def seconds(self) -> float:
        """Processor time of a transaction."""
        return math.fsum(each.seconds for each in self.accounts)

    @property
    def baseline_seconds(self) -> float | None:
        """Processor time of a transaction in the baseline."""
        if self.baseline is None:
            return None
        return math.fsum(each.baseline_seconds or 0.0 for each in self.accounts)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it; times are in seconds, all for one transaction."""
        return {
            "cell": self.cell.title,
            "monitor": self.monitor,
            "baseline": None if self.baseline is None else self.baseline.title,
            "replications": list(self.replications),
            "transactions": self.transactions,
            "overheads": {
                name: {
                    "overhead": each.interval.estimate,
                    "low": finite(each.interval.low),
                    "high": finite(each.interval.high),
                    "level": each.interval.level,
                }
                for name, each in self.overheads.items()
            },
            "processor_seconds": self.seconds,
            "baseline_processor_seconds": self.baseline_seconds,
            "accounts": [
                {
                    **asdict(each),
                    "difference": each.difference,
                    "unexplained": each.unexplained if each.events else None,
                    "events": [
                        {**asdict(line), "each_seconds": line.each_seconds} for line in each.events
                    ],
                }
                for each in self.accounts
            ],
            "response_seconds": self.response_seconds,
            "baseline_response_seconds": self.baseline_response_seconds,
            "response_parts": [{**asdict(each), "what": WAITS[each.name]} for each in self.waits],
            "constants": [asdict(each) for each in self.constants],
            "notes": list(self.notes),
        }


class _CompleteRun(NamedTuple):
    result: RunResult
    measures: Measures
    constants: str
    """Digest of the constants drawn for it."""


@dataclass(frozen=True)
class _Side:
    """Mean of the runs of a cell, each for one of its transactions."""

    items: dict[tuple[str, str], CostItem]
    booked: dict[str, float]
    waits: dict[str, float]
    response_seconds: float
    transactions: float


def explain(store: Store, cell: CellRecord) -> Explanation:
    """Explain a cell of a campaign's matrix from the samples that its runs left.

    Raises
    ------
    UserError
        If there is nothing to explain: no run has a result, or the cell is a scenario.
    """
    campaign = store.campaign
    if campaign.real is not None:
        raise UserError(
            f"{store.directory}: was measured on real targets, which keep no accounts; "
            f"'vtax report {store.directory}' shows what was predicted for them, and why"
        )
    if campaign.imported is not None:
        raise UserError(
            f"{store.directory}: was imported from real systems, which keep no accounts; "
            f"'vtax report {store.directory}' shows what they measured"
        )
    if cell.scenario is not None:
        raise UserError(
            f"{cell.title}: scenarios have no baseline and no steady state to be explained; "
            f"'vtax report {store.directory}' shows their timelines"
        )
    if cell.infeasible is not None:
        raise UserError(f"{cell.title}: was not run, because it cannot be: {cell.infeasible}")
    there = next(
        (
            each
            for each in campaign.cells
            if each.environment == cell.environment
            and each.virtualization == campaign.baseline_of(cell.environment)
            and each.scenario is None
            and each.position != cell.position
        ),
        None,
    )
    wanted = {cell.position} | ({there.position} if there is not None else set())
    runs: dict[int, dict[int, _CompleteRun]] = {position: {} for position in wanted}
    failures = []
    for run, result in store.results(wanted):
        if result is not None and run.measures is not None:
            complete = _CompleteRun(result, run.measures, run.constants)
            runs[run.cell.position][run.replication] = complete
        elif run.cell.position == cell.position:
            failures.append(f"{run.failure}: {run.reason}")
    here = runs[cell.position]
    if not here:
        why = f"all {len(failures)} runs failed ({failures[0]})" if failures else "no run was made"
        raise UserError(f"{cell.title}: nothing to explain: {why}")
    notes = [f"{len(failures)} runs of this cell failed and are left out."] if failures else []
    common = sorted(here)
    if there is not None:
        common = sorted(here.keys() & runs[there.position].keys())
        if not common:
            notes.append("The baseline has no run in the same replications: it is left out.")
            common, there = sorted(here), None
    elif cell.virtualization != (baseline := campaign.baseline_of(cell.environment)):
        notes.append(f"There is no {baseline} baseline in this environment.")
    try:
        return _explanation(store, cell, there, runs, common, notes)
    except KeyError as error:
        raise UserError(
            f"{store.directory}: cannot be explained by this version of vtax: its catalog lacks "
            f"{error}"
        ) from None


def _explanation(
    store: Store,
    cell: CellRecord,
    there: CellRecord | None,
    runs: Mapping[int, Mapping[int, _CompleteRun]],
    replications: Sequence[int],
    notes: list[str],
) -> Explanation:
    campaign, drawn = store.campaign, store.drawn()
    found = [runs[cell.position][each] for each in replications]
    if not any(each.measures.transactions for each in found):
        raise UserError(f"{cell.title}: nothing to explain: no transaction was completed")
    constants = [run_constants(campaign, drawn.get(run.constants, {})) for run in found]
    if any(each.digest() != run.constants for each, run in zip(constants, found, strict=True)):
        notes.append(
            "The campaign varies constants that the store does not keep for each cell, so that "
            "costs may differ from those of these runs."
        )
    if not any(name == "vtax_partition_ticks_total" for name, *_ in found[0].result.samples):
        notes.append(
            "These runs were made by an earlier version of vtax, which did not count all events: "
            "much is left unexplained. Run the campaign again to explain it."
        )
    notes += _folding(cell, found, constants)
    side = _side(cell, found, constants)
    other = None
    costs: dict[str, Overhead] = {}
    if there is not None:
        theirs = [runs[there.position][each] for each in replications]
        other = _side(there, theirs, constants)
        measures = {
            position: {each: members[each].measures for each in replications}
            for position, members in runs.items()
        }
        compared = overheads(
            MEASURES,
            {cell.virtualization: measures[cell.position]},
            measures[there.position],
            level=1.0 - campaign.alpha,
            seed=campaign.seed,
            per_draw=campaign.per_draw,
        )
        costs = {name: each[cell.virtualization] for name, each in compared.items() if each}
    accounts = _accounts(side, other)
    used = {name for each in accounts for line in each.events for name in line.constants}
    return Explanation(
        cell=cell,
        baseline=there,
        replications=tuple(replications),
        transactions=side.transactions,
        overheads=costs,
        accounts=accounts,
        waits=tuple(
            WaitLine(name, side.waits[name], None if other is None else other.waits[name])
            for name in WAITS
            if name == "left" or side.waits[name] or (other is not None and other.waits[name])
        ),
        response_seconds=side.response_seconds,
        baseline_response_seconds=None if other is None else other.response_seconds,
        constants=tuple(
            _constant(each, constants) for each in campaign.constants if each["name"] in used
        ),
        notes=tuple(notes),
        monitor=campaign.monitor(cell.virtualization),
    )


def _folding(
    cell: CellRecord, runs: Sequence[_CompleteRun], constants: Sequence[Constants]
) -> list[str]:
    """Note how often virtual processor folding looked, where a partition folds."""
    if not any(each["folding"] for each in cell.parameters["nominal_system"]["partitions"]):
        return []
    interval = constants[0].number("hypervisor.folding_interval")
    seconds = min(run.measures.measured_seconds + run.measures.warm_up_seconds for run in runs)
    looks = int(seconds / interval)
    acts = "at most one virtual processor each time" if looks else "so that it does not act"
    return [f"Virtual processor folding looked {looks} times in a run of {seconds:.3g} s, {acts}."]


def run_constants(campaign: CampaignRecord, drawn: Mapping[str, Any]) -> Constants:
    """Put the constants of a run together: the campaign's, with those that were drawn for it."""
    values = {each["name"]: _value(each["value"]) for each in campaign.constants}
    values |= {name: _value(value) for name, value in drawn.items()}
    points = {each["name"]: tuple(each["at"]) for each in campaign.constants if each["at"]}
    return Constants(values, points)


def _value(value: Any) -> Value:
    found: Value = tuple(value) if isinstance(value, list) else value
    return found


def _side(cell: CellRecord, runs: Sequence[_CompleteRun], constants: Sequence[Constants]) -> _Side:
    """Explain each run for one of its transactions, and take the mean of all runs that have any."""
    parts = []
    for complete, drawn in zip(runs, constants, strict=True):
        measures = complete.measures
        if measures.transactions:
            run = Run(complete.result.samples, cell.parameters["nominal_system"], drawn)
            response = math.fsum(total for _, total in measures.responses.values())
            parts.append((run, response, measures.transactions))
    share = 1.0 / len(parts) if parts else 0.0
    items: dict[tuple[str, str], CostItem] = {}
    accounts, waits = dict.fromkeys(CAUSE_LABELS, 0.0), dict.fromkeys(WAITS, 0.0)
    for run, response, transactions in parts:
        part = share / transactions
        for item in cost_items(run):
            key = (item.cause, item.event)
            items[key] = items.get(key, CostItem(*key, 0.0, 0.0, ())).plus(item, part)
        for cause, seconds in booked(run).items():
            accounts[cause] += seconds * part
        for name, seconds in response_parts(run, response).items():
            waits[name] += seconds * part
    return _Side(
        items,
        accounts,
        waits,
        math.fsum(waits.values()),
        math.fsum(each.measures.transactions for each in runs) / len(runs),
    )


def _accounts(side: _Side, other: _Side | None) -> tuple[AccountLine, ...]:
    lines = []
    keys = dict.fromkeys((*side.items, *(() if other is None else other.items)))
    for cause in CAUSE_LABELS:
        events = []
        for key in (each for each in keys if each[0] == cause):
            none = CostItem(cause, key[1], 0.0, 0.0, ())
            here = side.items.get(key, none)
            there = None if other is None else other.items.get(key, none)
            events.append(
                EventLine(
                    event=key[1],
                    count=here.count,
                    seconds=here.seconds,
                    baseline_count=None if there is None else there.count,
                    baseline_seconds=None if there is None else there.seconds,
                    constants=here.constants or (() if there is None else there.constants),
                )
            )
        events.sort(key=lambda line: (-max(line.seconds, line.baseline_seconds or 0.0), line.event))
        baseline = None if other is None else other.booked[cause]
        if side.booked[cause] or baseline:
            lines.append(AccountLine(cause, side.booked[cause], baseline, tuple(events)))
    return tuple(lines)


def _constant(constant: Mapping[str, Any], drawn: Sequence[Constants]) -> ConstantLine:
    name = constant["name"]
    values = [value for each in drawn if isinstance(value := each[name], float)]
    varies = constant["published_range"] and values
    return ConstantLine(
        name=name,
        published=constant["published"],
        published_range=constant["published_range"],
        unit=constant["unit"],
        drawn=(min(values), max(values)) if varies else None,
        status=constant["status"],
        source=constant["source"],
        meaning=constant["meaning"],
    )
