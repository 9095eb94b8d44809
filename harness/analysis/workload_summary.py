"""The campaign's answer in one table: each workload, firmware beside the best software."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.environment import EnvironmentResult
from harness.analysis.finding import Span, span
from harness.results.environment import Load

SHOWN = ("slowdown", "machine-share")
"""The measures of the table: what users wait for, and what the owner pays for."""


@dataclass(frozen=True)
class Levels:
    """A measure of a workload over all environments."""

    firmware: Span | None
    """None if it was not measured."""
    software: Span | None


@dataclass(frozen=True)
class WorkloadSummary:
    """A workload over all machines and operating systems."""

    workload: str
    load: Load
    measures: dict[str, Levels]
    """Those of :data:`SHOWN`."""


def workload_summaries(compared: Sequence[EnvironmentResult]) -> tuple[WorkloadSummary, ...]:
    """Sum up the overheads of each workload, in the order of the matrix.

    ``firmware`` is the highest of the claim's firmware virtualizations in each environment,
    ``software`` the lowest of its software virtualizations.
    """
    groups: dict[tuple[str, Load], list[EnvironmentResult]] = {}
    for result in compared:
        if result.measure in SHOWN:
            where = result.environment
            groups.setdefault((where.workload, where.load), []).append(result)
    return tuple(
        WorkloadSummary(
            *key,
            measures={
                name: Levels(
                    firmware=span(each.firmware for each in results if each.measure == name),
                    software=span(each.software for each in results if each.measure == name),
                )
                for name in SHOWN
            },
        )
        for key, results in groups.items()
    )
