"""The data of a report: a study by machine, operating system and workload."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from harness.analysis.cell_summary import CellSummary
from harness.analysis.claim import measures_of, parts_of
from harness.analysis.study import EnvironmentResult, Study
from harness.results.environment import Environment, Load
from harness.results.record import CellRecord
from reports.evidence import Evidence
from reports.i18n import Texts
from reports.palette import Style, level_of, styles

Work = tuple[str, Load]
"""A workload and its load: a row of a figure or table."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class ReportView:
    """A study, ready to be shown."""

    study: Study
    texts: Texts
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def claim(self) -> dict[str, Any] | None:
        """The campaign's claim."""
        return self.study.campaign.claim

    @cached_property
    def matrix(self) -> tuple[CellRecord, ...]:
        """Cells that are compared with each other: all but scenarios."""
        return tuple(cell for cell in self.study.campaign.cells if cell.scenario is None)

    @property
    def shown_machines(self) -> tuple[str, ...]:
        """Machines of the matrix and of scenarios."""
        return distinct(cell.machine for cell in self.study.campaign.cells)

    @property
    def shown_systems(self) -> tuple[str, ...]:
        """Operating systems of the matrix and of scenarios."""
        return distinct(cell.os for cell in self.study.campaign.cells)

    @cached_property
    def shown_virtualizations(self) -> tuple[str, ...]:
        """Virtualizations of the matrix and of scenarios."""
        return distinct(cell.virtualization for cell in self.study.campaign.cells)

    @cached_property
    def machines(self) -> tuple[str, ...]:
        """Machines, in the order of the matrix."""
        return distinct(cell.machine for cell in self.matrix)

    @cached_property
    def systems(self) -> tuple[str, ...]:
        """Operating systems."""
        return distinct(cell.os for cell in self.matrix)

    @cached_property
    def workloads(self) -> tuple[str, ...]:
        """Workloads."""
        return distinct(cell.workload for cell in self.matrix)

    @cached_property
    def loads(self) -> tuple[Load, ...]:
        """Loads; a single empty one unless the campaign varies something further."""
        return distinct(cell.load for cell in self.matrix)

    @cached_property
    def works(self) -> tuple[Work, ...]:
        """Workloads with their loads, all loads of a workload together."""
        works = distinct((cell.workload, cell.load) for cell in self.matrix)
        return tuple(sorted(works, key=lambda work: self.workloads.index(work[0])))

    @cached_property
    def virtualizations(self) -> tuple[str, ...]:
        """Virtualizations, the baseline included."""
        return distinct(cell.virtualization for cell in self.matrix)

    @property
    def real(self) -> bool:
        """Whether it is a campaign on real targets."""
        return self.study.campaign.real is not None

    @property
    def baseline(self) -> str:
        """The virtualization that all others are compared with."""
        return self.study.campaign.baseline

    @cached_property
    def compared(self) -> tuple[str, ...]:
        """Virtualizations without the baseline."""
        return tuple(name for name in self.virtualizations if name != self.baseline)

    @cached_property
    def styles(self) -> dict[str, Style]:
        """How each virtualization is drawn."""
        return styles(self.virtualizations, self.claim, self.baseline)

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures with figures: those of the claim."""
        return measures_of(parts_of(self.study.campaign)) or ("slowdown", "processor-time")

    @property
    def focus(self) -> str:
        """The operating system of figures that show one only: that of the worst environment."""
        verdict = self.study.verdict
        if verdict is not None and verdict.worst is not None:
            return verdict.worst.environment.os
        return self.systems[0]

    def margin(self, measure: str) -> float:
        """Return the margin of a measure: that of the claim's part, or of the campaign."""
        parts = parts_of(self.study.campaign)
        own = (each.margins[measure] for each in parts if measure in each.margins)
        return next(own, self.study.campaign.margin)

    def level(self, virtualization: str) -> str:
        """Return ``baseline``, ``firmware``, ``software`` or ``other``."""
        return level_of(virtualization, self.claim, self.baseline)

    def cell(self, environment: Environment, virtualization: str) -> CellSummary | None:
        """Find a cell; None if it has no complete run."""
        return self._cells.get((*environment, virtualization))

    def result(self, environment: Environment, measure: str) -> EnvironmentResult | None:
        """Find a comparison."""
        return self._results.get((*environment, measure))

    @cached_property
    def _cells(self) -> dict[tuple[Any, ...], CellSummary]:
        return {
            (*each.cell.environment, each.cell.virtualization): each for each in self.study.cells
        }

    @cached_property
    def _results(self) -> dict[tuple[Any, ...], EnvironmentResult]:
        return {(*each.environment, each.measure): each for each in self.study.environments}


def distinct(values: Iterable[_T]) -> tuple[_T, ...]:
    """Drop repetitions, keeping the order."""
    return tuple(dict.fromkeys(values))


def chunks(values: Sequence[_T], size: int) -> list[Sequence[_T]]:
    """Divide into parts of at most so many."""
    return [values[start : start + size] for start in range(0, len(values), size)]


def load_text(load: Load) -> str:
    """Write a load: ``partitions.app.count = 4``; empty if there is none."""
    return ", ".join(f"{name} = {value}" for name, value in load)


def work_text(work: Work, separator: str = ", ") -> str:
    """Write a workload and its load."""
    workload, load = work
    return f"{workload}{separator}{load_text(load)}" if load else workload
