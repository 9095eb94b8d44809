"""What the command line prints."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from harness import units
from harness.analysis.overhead import Overhead, percent
from harness.analysis.scenario_results import Row, ScenarioResults
from harness.analysis.study import EnvironmentResult, Outcome, Study, Verdict
from harness.campaign.cell import RunSpec
from harness.campaign.matrix import Entry
from harness.campaign.plan import Plan
from harness.campaign.resources import needed, size
from harness.campaign.run_time import Remaining
from harness.results.store import Failure

_COLOURS = {"confirmed": "green", "refuted": "red", "inconclusive": "yellow"}


def plan_table(plan: Plan, workers: int) -> RenderableType:
    """Show the matrix of a plan, its counts, its expected duration and what else it needs."""
    matrix = [entry for entry in plan.matrix if not entry.scenario]
    scenarios = _scenarios(plan)
    if not matrix:
        return Group(scenarios, *_files(plan), Text(_counts(plan, workers)))
    loads = [name for name, _ in matrix[0].load]
    table = Table(title=Text(f"{plan.campaign.campaign.name}: the matrix"), show_lines=True)
    for name in ("machine", *loads, "os", "virtualization", "workload"):
        table.add_column(Text(name), overflow="fold")
    for names, systems in _alike(plan).items():
        machine_and_load, virtualizations, workloads = names
        cells = (", ".join(systems), ", ".join(virtualizations), ", ".join(workloads))
        table.add_row(*map(Text, (*machine_and_load, *cells)))
    parts: list[RenderableType] = [table]
    if len(matrix) < len(plan.matrix):
        parts.append(scenarios)
    parts += [*map(Text, _reasons(plan.infeasible)), *_files(plan)]
    return Group(*parts, Text(_counts(plan, workers)))


def _files(plan: Plan) -> list[Text]:
    """Name the user's files, whose change makes it another campaign."""
    names = ", ".join(file.path for file in plan.files)
    return [Text(f"your files: {names}")] if names else []


def _scenarios(plan: Plan) -> Table:
    table = Table(title=Text(f"{plan.campaign.campaign.name}: the scenarios"))
    for name in ("scenario", "what is done", "machine", "virtualization", "expectations"):
        table.add_column(Text(name), overflow="fold")
    for cell in plan.cells:
        script = cell.scenario
        if script is not None:
            names = (script.name, script.title["en"], cell.machine, cell.virtualization)
            table.add_row(*map(Text, (*names, str(len(script.expect)))))
    return table


def _alike(
    plan: Plan,
) -> dict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], list[str]]:
    """Bring together what is combined with the same: (machine and load, ways, work) -> systems."""
    rows: dict[tuple[tuple[str, ...], str], dict[str, list[str]]] = {}
    for entry in plan.matrix:
        if entry.position in plan.selected and not entry.scenario:
            key = ((entry.machine, *(value for _, value in entry.load)), entry.os)
            work = rows.setdefault(key, {}).setdefault(entry.virtualization, [])
            work.append(entry.workload)
    alike: dict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (machine_and_load, system), cells in rows.items():
        ways: dict[tuple[str, ...], list[str]] = {}
        for virtualization, work in cells.items():
            ways.setdefault(tuple(work), []).append(virtualization)
        for workloads, virtualizations in ways.items():
            place = (machine_and_load, tuple(virtualizations), workloads)
            alike.setdefault(place, []).append(system)
    return alike


def _reasons(infeasible: Sequence[Entry]) -> list[str]:
    """Say why cells are infeasible, once for all operating systems and workloads."""
    reasons: dict[str, int] = {}
    for entry in infeasible:
        text = f"infeasible: {entry.machine}, {entry.virtualization}: {entry.infeasible}"
        reasons[text] = reasons.get(text, 0) + 1
    return [f"{text} ({count} cells)" for text, count in reasons.items()]


def _counts(plan: Plan, workers: int) -> str:
    cells = plan.cells
    needs = needed(plan, workers)
    times = str(plan.minimum)
    if plan.maximum > plan.minimum and plan.half_width is not None:
        times = f"{plan.minimum} to {plan.maximum}, until within {percent(plan.half_width)}"
    infeasible = len(plan.infeasible)
    return (
        f"{len(cells)} cells ({infeasible} infeasible) x {times} replications = "
        f"{len(cells) * plan.minimum} runs{' at least' if plan.maximum > plan.minimum else ''}; "
        f"expected to take about {duration(needs.seconds)} with {workers} "
        f"worker{'s' * (workers != 1)}, {size(needs.memory_bytes)} of memory and "
        f"{size(needs.disk_bytes)} of disk space"
    )


def duration(seconds: float) -> str:
    """Write a time as people say it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    if minutes < 300 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    days = seconds / 86400
    return f"{days:,.0f} days" if days < 730 else f"{days / 365:.3g} years"


class _RemainingColumn(ProgressColumn):
    """The time left, from what runs of each kind took so far."""

    def __init__(self, remaining: Remaining) -> None:
        super().__init__()
        self._remaining = remaining

    def render(self, task: Task) -> Text:
        if not task.completed:
            return Text(f"about {duration(self._remaining.seconds())} left (a guess)")
        return Text(f"about {duration(self._remaining.seconds())} left")


class ProgressBar:
    """A progress bar that observes an execution."""

    def __init__(self, console: Console, workers: int) -> None:
        self._remaining = Remaining(workers)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _RemainingColumn(self._remaining),
            TextColumn("{task.fields[failures]}"),
            console=console,
            refresh_per_second=4,
        )
        self._task = self._progress.add_task("runs", total=0, failures="")
        self._total = 0
        self._failures = 0

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, what: str) -> None:
        """Say what is being done."""
        self._progress.update(self._task, description=what)

    def begin(self, outstanding: Sequence[RunSpec]) -> None:
        """Add runs to be done."""
        self._remaining.expect(outstanding)
        self._total += len(outstanding)
        self._progress.update(self._task, total=self._total)

    def done(self, spec: RunSpec, seconds: float, failure: Failure | None) -> None:
        """Move on by a run."""
        self._remaining.done(spec, seconds)
        self._failures += failure is not None
        text = f"{self._failures} failed" if self._failures else ""
        self._progress.update(self._task, advance=1, failures=text)


def verdict_text(study: Study, verdict: Verdict) -> RenderableType:
    """Show a verdict: the whole, each measure, the worst environment of each."""
    table = Table()
    for name in ("measure", "outcome", "worst environment", "firmware", "software"):
        table.add_column(name, overflow="fold")
    for each in verdict.measures:
        worst = each.worst
        table.add_row(
            Text(each.measure),
            _outcome(str(each.outcome)),
            Text("" if worst is None else _environment(worst)),
            Text("" if worst is None else _overhead(worst.firmware)),
            Text("" if worst is None else _overhead(worst.software)),
        )
    claim = verdict.claim_text.get("en", "")
    level = percent(1 - verdict.alpha)
    lines = [
        Text.assemble(f"{study.campaign.name}: ", _outcome(str(verdict.outcome))),
        Text(f"claim: {claim}"),
        *_robust(verdict, level),
        Text(
            f"margin {percent(verdict.margin)}; beside an overhead the {level} interval of its "
            "mean over draws of the constants, below it the range of one machine"
        ),
    ]
    if verdict.worst is not None:
        worst = verdict.worst
        lines.append(Text(f"worst: {_environment(worst)}, {worst.measure}: {worst.reason}"))
    return Group(*lines, table, *(Text(f"note: {note}") for note in verdict.notes))


def _robust(verdict: Verdict, level: str) -> list[Text]:
    """Say how many outcomes hold for one machine with constants of its own, too."""
    total = len(verdict.environments)
    return [
        Text(
            f"{outcome} in {count} of {total} environments and measures, in "
            f"{verdict.count(outcome, robust=True)} of them also for one machine with constants "
            f"of its own ({level})"
        )
        for outcome in (Outcome.CONFIRMED, Outcome.REFUTED)
        if (count := verdict.count(outcome))
    ]


def elements_text(study: Study, elements: ScenarioResults) -> RenderableType:
    """Show what scenarios have shown: every expectation beside what was measured."""
    table = Table()
    for name in ("scenario", "expected", "", "measured", "passed"):
        table.add_column(name, overflow="fold")
    for row in elements.rows:
        passed = "yes" if row.passed else f"no ({row.passed_runs} of {row.runs})"
        if row.assumed:
            passed += ", rests on assumed constants"
        table.add_row(
            Text(row.scenario),
            Text(row.name["en"]),
            Text(_expected(row)),
            Text(_value(row.measured, row.unit)),
            Text(passed, style="" if row.passed else "bold red"),
        )
    met = sum(row.passed for row in elements.rows)
    lines = [
        Text.assemble(f"{study.campaign.name}: scenarios ", _outcome(str(elements.outcome))),
        Text(f"{met} of {len(elements.rows)} expectations met in every run"),
    ]
    for scenario in elements.scenarios:
        if not scenario.runs:
            why = f": {scenario.failed[0]}" if scenario.failed else ""
            lines.append(Text(f"note: scenario {scenario.name} has no result{why}"))
    return Group(*lines, table)


_RELATIONS = {"equals": "", "at-least": "at least ", "at-most": "at most "}


def _expected(row: Row) -> str:
    text = _RELATIONS[row.relation] + _value(row.expected, row.unit)
    return f"{text} ± {_value(row.tolerance, row.unit)}" if row.tolerance else text


def _value(value: float | str | None, unit: str) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return value
    value, unit = units.readable(value, unit)
    return f"{value:.4g} {unit}".strip()


def _outcome(name: str) -> Text:
    return Text(name, style=f"bold {_COLOURS[name]}")


def _environment(result: EnvironmentResult) -> str:
    load = "".join(f", {name} = {value}" for name, value in result.load)
    return f"{result.machine} / {result.os} / {result.workload}{load}"


def _overhead(overhead: Overhead | None) -> str:
    if overhead is None:
        return "not measured"
    interval, span = overhead.interval, overhead.range
    return (
        f"{overhead.virtualization} {percent(interval.estimate)} "
        f"({percent(interval.low)} to {percent(interval.high)})\n"
        f"one machine {percent(span.low)} to {percent(span.high)}"
    )
