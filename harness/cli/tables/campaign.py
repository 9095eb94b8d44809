"""Plans and progress in the terminal."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from harness.campaign.cell import RunSpec
from harness.campaign.matrix import Entry
from harness.campaign.plan import Plan
from harness.campaign.resources import needed, size
from harness.campaign.run_time import Remaining
from harness.cli.format import duration, percent
from harness.cli.tables.table import block, table
from harness.results.store import Failure


def plan_table(plan: Plan, workers: int) -> RenderableType:
    """Show the matrix of a plan, its counts, its expected duration, memory and disk space."""
    matrix = [entry for entry in plan.matrix if not entry.scenario]
    name = plan.campaign.campaign.name
    parts: list[RenderableType] = []
    if matrix:
        loads = [name for name, _ in matrix[0].load]
        columns = ("machine", *loads, "os", "virtualization", "workload")
        rows = [
            (*machine_and_load, ", ".join(systems), ", ".join(virtualizations), ", ".join(work))
            for (machine_and_load, virtualizations, work), systems in _alike(plan).items()
        ]
        parts.append(table(f"{name}: the matrix", columns, rows, lines=True))
    if len(matrix) < len(plan.matrix) or not matrix:
        parts.append(Text(f"{name}: the scenarios", "bold"))
        for cell in plan.cells:
            if (each := cell.scenario) is not None:
                where = f"{cell.machine}, {cell.virtualization}, {len(each.expect)} expectations"
                parts.append(block(Text(f"{each.name}: {where}"), each.title["en"]))
    lines = _reasons(plan.infeasible) if matrix else []
    if plan.files:
        lines.append(f"your files: {', '.join(each.path for each in plan.files)}")
    return Group(*parts, *map(Text, [*lines, _counts(plan, workers)]))


def _alike(
    plan: Plan,
) -> dict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], list[str]]:
    """Group operating systems with equal cells: (machine and load, virtualizations, workloads)."""
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
            row = (machine_and_load, tuple(virtualizations), workloads)
            alike.setdefault(row, []).append(system)
    return alike


def _reasons(infeasible: Sequence[Entry]) -> list[str]:
    """List the reasons of infeasible cells, each once for all operating systems and workloads."""
    reasons = Counter(
        f"infeasible: {entry.machine}, {entry.virtualization}: {entry.infeasible}"
        for entry in infeasible
    )
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


class ProgressBar:
    """A progress bar that observes an execution."""

    def __init__(self, console: Console, workers: int) -> None:
        self._remaining = Remaining(workers)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[failures]}"),
            console=console,
            refresh_per_second=4,
        )
        self._task = self._progress.add_task("runs", total=0, left="", failures="")
        self._total = 0
        self._failures = 0

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def describe(self, activity: str) -> None:
        """Show the present activity."""
        self._progress.update(self._task, description=activity)

    def begin(self, outstanding: Sequence[RunSpec]) -> None:
        """Add runs to be done."""
        self._remaining.expect(outstanding)
        self._total += len(outstanding)
        self._progress.update(self._task, total=self._total)
        self._show_time()

    def done(self, spec: RunSpec, seconds: float, failure: Failure | None) -> None:
        """Move on by a run."""
        self._remaining.done(spec, seconds)
        self._failures += failure is not None
        text = f"{self._failures} failed" if self._failures else ""
        self._progress.update(self._task, advance=1, failures=text)
        self._show_time()

    def _show_time(self) -> None:
        """Show the time left, from the durations of earlier runs of each kind."""
        guess = "" if self._progress.tasks[0].completed else " (a guess)"
        left = f"about {duration(self._remaining.seconds())} left{guess}"
        self._progress.update(self._task, left=left)
