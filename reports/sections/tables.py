"""The tables of the figures, as texts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.cell_summary import CellSummary
from harness.analysis.environment import Environment
from harness.analysis.overhead import Concern, Overhead
from harness.analysis.study import EnvironmentResult, Outcome
from reports import format as numbers
from reports.view import ReportView, Work, load_text

_CONCERNS = (Concern.MIX_DIFFERS, Concern.WORK_MISSING)


@dataclass(frozen=True)
class Cost:
    """An overhead in a table."""

    virtualization: str
    estimate: str
    span: str
    """Ends of the interval; empty if nothing is known about it."""
    range: str
    """Ends of the range of one machine; empty if nothing is known about it."""
    samples: int
    doubtful: bool
    """The two sides did not complete the same mix of work."""


def cost(overhead: Overhead | None) -> Cost | None:
    """Show an overhead; None if it was not measured."""
    if overhead is None:
        return None
    interval = overhead.interval
    return Cost(
        virtualization=overhead.virtualization,
        estimate=numbers.overhead(interval.estimate),
        span=numbers.span(interval),
        range=numbers.span(overhead.range),
        samples=interval.samples,
        doubtful=any(each in interval.warnings for each in _CONCERNS),
    )


@dataclass(frozen=True)
class Where:
    """An environment in a table."""

    machine: str
    os: str
    workload: str
    load: str

    @property
    def title(self) -> str:
        """The environment in one line."""
        return " / ".join(filter(None, (self.machine, self.os, self.workload, self.load)))


def where(view: ReportView, environment: Environment) -> Where:
    """Show an environment."""
    machine, system, workload, load = environment
    return Where(machine, view.texts.name("os", system), workload, load_text(load))


@dataclass(frozen=True)
class MatrixCell:
    """An environment in the matrix of one measure."""

    outcome: str
    """Empty if it is not judged."""
    average: bool
    """Whether the outcome holds on average only, not for one machine with its own constants."""
    firmware: Cost | None
    software: Cost | None


@dataclass(frozen=True)
class MatrixRow:
    """A machine and an operating system, with all their workloads."""

    machine: str
    os: str
    load: str
    first: bool
    """Whether the machine begins here."""
    span: int
    """How many rows the machine has."""
    cells: tuple[MatrixCell | None, ...]


def matrix(view: ReportView, measure: str) -> tuple[MatrixRow, ...]:
    """Arrange the outcomes of a measure by machine and operating system, load and workload."""
    rows = []
    span = len(view.systems) * len(view.loads)
    for machine in view.machines:
        for number, (system, load) in enumerate(
            (system, load) for system in view.systems for load in view.loads
        ):
            cells = tuple(
                _matrix_cell(view.result((machine, system, workload, load), measure))
                for workload in view.workloads
            )
            title = view.texts.name("os", system)
            rows.append(MatrixRow(machine, title, load_text(load), number == 0, span, cells))
    return tuple(rows)


def _matrix_cell(result: EnvironmentResult | None) -> MatrixCell | None:
    if result is None:
        return None
    return MatrixCell(
        str(result.outcome or ""),
        average_only(result),
        cost(result.firmware),
        cost(result.software),
    )


def average_only(result: EnvironmentResult) -> bool:
    """Whether an outcome is shown, but not for one machine with its own constants."""
    return result.outcome in (Outcome.CONFIRMED, Outcome.REFUTED) and not result.robust


@dataclass(frozen=True)
class JudgedRow:
    """An environment and the outcome of the claim in it."""

    where: Where
    outcome: str
    average: bool
    """As in :class:`MatrixCell`."""
    firmware: Cost | None
    software: Cost | None
    p_values: tuple[str, ...]
    """Below margin, below software, above margin, above software."""
    why: tuple[str, ...]
    extra: str
    """Causes of the extra time of the firmware level."""


def judged(
    view: ReportView, results: Sequence[EnvironmentResult], *, explained: bool = False
) -> tuple[JudgedRow, ...]:
    """Show environments with their outcome.

    Parameters
    ----------
    explained
        Whether reasons and causes are included.
    """
    return tuple(
        JudgedRow(
            where=where(view, result.environment),
            outcome=str(result.outcome or ""),
            average=average_only(result),
            firmware=cost(result.firmware),
            software=cost(result.software),
            p_values=tuple(_probability(each) for each in (result.p_values or {}).values()),
            why=why(view, result) if explained else (),
            extra=extra(view, result) if explained else "",
        )
        for result in results
    )


def _probability(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def why(view: ReportView, result: EnvironmentResult) -> tuple[str, ...]:
    """Return the reasons of an outcome: failed tests, missing results, the range of one machine."""
    texts, alpha = view.texts, view.study.campaign.alpha
    p_values = result.p_values or {}
    margin = numbers.level(view.study.campaign.margin)
    software = "" if result.software is None else result.software.virtualization
    reasons = []
    if result.outcome is Outcome.REFUTED:
        if p_values["above-margin"] <= alpha:
            reasons.append(texts("against.above_margin", margin=margin))
        if p_values["above-software"] <= alpha:
            reasons.append(texts("against.above_software", software=software))
        if not result.robust:
            reasons.append(texts("against.may_hold"))
    elif average_only(result):
        parts = result.parts or {}
        reasons += [
            texts(f"against.may_exceed_{part}", margin=margin)
            for part, holds in parts.items()
            if not holds
        ]
    elif result.outcome is Outcome.INCONCLUSIVE and result.firmware is not None:
        if p_values["below-margin"] > alpha:
            reasons.append(texts("against.not_below_margin", margin=margin))
        if p_values["below-software"] > alpha and software:
            reasons.append(texts("against.not_below_software", software=software))
    return tuple(reasons) or (texts.said(result.reason.removesuffix(".")),)


def extra(view: ReportView, result: EnvironmentResult, most: int = 3) -> str:
    """Return the causes of the firmware level's extra time per transaction in an environment.

    The instructions of the application are left out: they are the same work. For a measure of
    response time, the part that extra processor time does not explain is waiting.
    """
    if result.firmware is None:
        return ""
    here = view.cell(result.environment, result.firmware.virtualization)
    there = view.cell(result.environment, view.baseline)
    if here is None or there is None:
        return ""
    added = {
        view.texts.name("cause", name): interval.estimate
        - (there.causes[name].estimate if name in there.causes else 0.0)
        for name, interval in here.causes.items()
        if name != "user"
    }
    spent = math.fsum(each for each in added.values() if each > 0.0)
    if result.measure != "processor-time" and here.response and there.response:
        longer = here.response.digest.mean_seconds - there.response.digest.mean_seconds
        added[view.texts("against.waiting")] = longer - spent
    total = math.fsum(each for each in added.values() if each > 0.0)
    largest = sorted(added.items(), key=lambda item: -item[1])[:most]
    parts = [
        f"{name} {numbers.seconds(each)}"
        for name, each in largest
        if each > max(0.05 * total, 1e-9)
    ]
    return view.texts("page.comma").join(parts)


@dataclass(frozen=True)
class OverheadRow:
    """All overheads in one environment."""

    machine: str
    os: str
    workload: str
    load: str
    costs: tuple[Cost | None, ...]
    deciding: tuple[str, ...]
    """The virtualizations that represent their level in the claim."""
    samples: str


def overhead_rows(view: ReportView, measure: str, machine: str) -> tuple[OverheadRow, ...]:
    """Show every overhead of a measure on one machine; the baseline has no column."""
    names = view.compared
    rows = []
    for system in view.systems:
        for work in view.works:
            result = view.result((machine, system, *work), measure)
            if result is None or not result.all:
                continue
            costs = [cost(result.all.get(name)) for name in names]
            samples = sorted({each.samples for each in costs if each is not None})
            rows.append(
                OverheadRow(
                    machine=machine,
                    os=view.texts.name("os", system),
                    workload=work[0],
                    load=load_text(work[1]),
                    costs=tuple(costs),
                    deciding=tuple(
                        each.virtualization for each in (result.firmware, result.software) if each
                    ),
                    samples=_samples(view, samples),
                )
            )
    return tuple(rows)


def _samples(view: ReportView, counts: Sequence[int]) -> str:
    low, high = counts[0], counts[-1]
    if low == high:
        return str(low)
    return view.texts("responses.users_range", low=low, high=high)


@dataclass(frozen=True)
class CellRow:
    """Measures of the runs of a cell."""

    os: str
    workload: str
    load: str
    virtualization: str
    level: str
    first: bool
    """Whether the environment begins here."""
    causes: tuple[str, ...]
    """Microseconds."""
    total: str
    throughput: str
    utilisation: str
    quantiles: tuple[tuple[str, str], ...]
    """Quantile and interval, for p50, p95 and p99."""
    responses: str
    failed: str
    runs: int


def cell_rows(view: ReportView, machine: str, causes: Sequence[str]) -> tuple[CellRow, ...]:
    """Show all cells of a machine that have a complete run."""
    rows = []
    for system in view.systems:
        for work in view.works:
            first = True
            for name in view.virtualizations:
                cell = view.cell((machine, system, *work), name)
                if cell is not None:
                    rows.append(_cell_row(view, cell, work, causes, first=first))
                    first = False
    return tuple(rows)


def _cell_row(
    view: ReportView, cell: CellSummary, work: Work, causes: Sequence[str], *, first: bool
) -> CellRow:
    quantiles = {} if cell.response is None else cell.response.quantiles
    total = cell.processor_seconds
    return CellRow(
        os=view.texts.name("os", cell.cell.os),
        workload=work[0],
        load=load_text(work[1]),
        virtualization=cell.cell.virtualization,
        level=view.level(cell.cell.virtualization),
        first=first,
        causes=tuple(
            numbers.microseconds(cell.causes[name].estimate) if name in cell.causes else ""
            for name in causes
        ),
        total="" if total is None else numbers.microseconds(total.estimate),
        throughput=numbers.plain(cell.throughput.estimate),
        utilisation="" if cell.utilisation is None else numbers.share(cell.utilisation.estimate),
        quantiles=tuple(
            (numbers.seconds(quantiles[key].estimate), numbers.seconds_span(quantiles[key]))
            if key in quantiles
            else ("", "")
            for key in ("p50", "p95", "p99")
        ),
        responses="0" if cell.response is None else f"{cell.response.count:,}",
        failed=f"{cell.failed_transactions:,.0f}",
        runs=cell.runs,
    )
