"""Main effects of constants on each overhead: a two-level design in every environment.

All uncertain constants that a run of the environment reads move at once between a low and a high
value, by a design of :mod:`harness.statistics.factorial_design`. At a point of the design every
virtualization has the same arrivals and constants. A constant that no run reads has no influence,
and constants that no overhead depends on together share a column.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from harness.analysis.environment import confirmations
from harness.analysis.overhead import compared
from harness.campaign.cell import RunSpec
from harness.catalog import Constants
from harness.metrics.measures import Measures
from harness.results.run_result import RunResult
from harness.statistics.factorial_design import BLOCKS, Design, effects, two_level_design
from harness.statistics.ratios import holm
from harness.studies.runner import Runner, read_by, with_constants
from harness.studies.sensitivity.campaign import EnvironmentRuns, SensitivityCampaign
from harness.studies.sensitivity.result import Driven, Influence

LOW, HIGH = 0.1, 0.9
"""Quantiles of a constant's distribution that stand for low and high."""

SHORTER = 2
"""Runs of the design are shorter than the campaign's by this factor: what is compared shares its
arrivals, so that less time shows a difference as well."""

LEVELS = ("firmware", "software")


@dataclass(frozen=True)
class Shown:
    """Overhead that is studied: the one that decides for its level in a measure."""

    level: str
    virtualization: str
    measure: str


@dataclass(frozen=True)
class Screen:
    """The design of one environment."""

    environment: EnvironmentRuns
    shown: tuple[Shown, ...]
    columns: tuple[tuple[str, ...], ...]
    """Constants by column of the design."""
    relevant: Mapping[str, frozenset[str]]
    """Virtualization -> uncertain constants that its overhead can depend on."""
    design: Design

    @property
    def virtualizations(self) -> tuple[str, ...]:
        """Those that are run, the baseline first."""
        return tuple(
            dict.fromkeys(
                [self.environment.baseline, *(each.virtualization for each in self.shown)]
            )
        )


def shown_overheads(
    finished: SensitivityCampaign, environment: EnvironmentRuns
) -> tuple[Shown, ...]:
    """Choose the overheads that decide for their level in the verdict."""
    found = []
    for each in confirmations(finished.record, environment.cells, environment.runs):
        for level in LEVELS:
            overhead = getattr(each.result, level)
            if overhead is not None:
                found.append(Shown(level, overhead.virtualization, each.result.measure))
    return tuple(dict.fromkeys(found))


def first_runs(environment: EnvironmentRuns) -> dict[str, RunSpec]:
    """Return a run of each cell with all constants as stated, to see which ones it reads."""
    catalog = next(iter(environment.entries.values())).context.catalog
    nominal = catalog.nominal()
    return {
        name: with_constants(
            _shorter(environment.specs[name, environment.replications[0]]), nominal, 0
        )
        for name in environment.entries
    }


def _shorter(spec: RunSpec) -> RunSpec:
    cell = replace(spec.cell, duration_seconds=spec.cell.duration_seconds / SHORTER)
    return replace(spec, cell=cell)


def screen(
    finished: SensitivityCampaign, environment: EnvironmentRuns, read: Mapping[str, frozenset[str]]
) -> Screen:
    """Make the design of an environment.

    Parameters
    ----------
    read
        Virtualization -> constants that its first run has read.
    """
    catalog = environment.entries[environment.baseline].context.catalog
    uncertain = frozenset(catalog.uncertain)
    shown = shown_overheads(finished, environment)
    names = sorted({each.virtualization for each in shown})
    common = read[environment.baseline] & uncertain
    relevant = {name: (read[name] & uncertain) | common for name in names}
    own: dict[str, frozenset[str]] = {
        constant: frozenset(name for name in names if constant in read[name])
        for constant in sorted(frozenset().union(*relevant.values()) - common)
    }
    columns: list[list[str]] = []
    for constant, readers in own.items():
        for column in columns:
            if not any(readers & own[other] for other in column):
                column.append(constant)
                break
        else:
            columns.append([constant])
    columns += [[constant] for constant in sorted(common)]
    return Screen(
        environment=environment,
        shown=shown,
        columns=tuple(map(tuple, columns)),
        relevant=relevant,
        design=two_level_design(len(columns)),
    )


def design_runs(one: Screen) -> list[dict[str, RunSpec]]:
    """Return the runs of each point of a design, by virtualization."""
    environment = one.environment
    catalog = environment.entries[environment.baseline].context.catalog
    nominal = catalog.nominal()
    ends = {
        name: (catalog.constants[name].draw(LOW), catalog.constants[name].draw(HIGH))
        for column in one.columns
        for name in column
    }
    points = []
    for number, (signs, block) in enumerate(
        zip(one.design.signs.tolist(), one.design.blocks.tolist(), strict=True)
    ):
        constants: Constants = nominal.changed(
            {
                name: ends[name][sign > 0]
                for column, sign in zip(one.columns, signs, strict=True)
                for name in column
            }
        )
        # Blocks see different arrivals, as far as the campaign has replications.
        replication = environment.replications[block % min(BLOCKS, len(environment.replications))]
        points.append(
            {
                name: with_constants(
                    _shorter(environment.specs[name, replication]), constants, number + 1
                )
                for name in one.virtualizations
            }
        )
    return points


def driven(
    finished: SensitivityCampaign, one: Screen, points: Sequence[Mapping[str, Measures]]
) -> list[Driven]:
    """Estimate what each constant does to the overheads of an environment.

    Parameters
    ----------
    points
        For each point of the design what the runs measured; failed ones are missing.
    """
    found = []
    baseline = one.environment.baseline
    for shown in one.shown:
        response = np.array([_log_ratio(shown, point, baseline) for point in points])
        columns, names = [], []
        for number, column in enumerate(one.columns):
            of_mine = [name for name in column if name in one.relevant[shown.virtualization]]
            if of_mine:
                columns.append(number)
                names.append(of_mine[0])
        known = response[np.isfinite(response)]
        if not len(known):
            continue
        influences = [
            Influence(constant=name, **asdict(effect))
            for name, effect in zip(
                names,
                effects(response, one.design, columns, level=1.0 - finished.record.alpha),
                strict=True,
            )
            if math.isfinite(effect.high)
        ]
        found.append(
            Driven(
                **one.environment.key._asdict(),
                level=shown.level,
                virtualization=shown.virtualization,
                measure=shown.measure,
                overhead=math.expm1(float(known.mean())),
                runs=len(known),
                resolution=one.design.resolution,
                influences=tuple(sorted(influences, key=lambda each: (-each.share, each.constant))),
            )
        )
    return found


def _log_ratio(shown: Shown, point: Mapping[str, Measures], baseline: str) -> float:
    if shown.virtualization not in point or baseline not in point:
        return math.nan
    here, there = compared(shown.measure, point[shown.virtualization], point[baseline])
    if not (here > 0.0 and there > 0.0 and math.isfinite(here) and math.isfinite(there)):
        return math.nan
    return math.log(here / there)


def study_drivers(
    finished: SensitivityCampaign, runner: Runner
) -> tuple[list[Driven], list[dict[str, frozenset[str]]]]:
    """Study all environments.

    Returns
    -------
    list of Driven
        In the order of the environments.
    list of dict
        For each environment: virtualization -> constants that its runs read.
    """
    firsts = [first_runs(environment) for environment in finished.environments]
    results = runner.results([spec for first in firsts for spec in first.values()])
    reads = [_reads(first, results) for first in firsts]
    found: list[Driven] = []
    screens = [
        screen(finished, environment, read)
        for environment, read in zip(finished.environments, reads, strict=True)
    ]
    designs = [design_runs(one) for one in screens]
    measures = runner.measures(
        [spec for points in designs for point in points for spec in point.values()]
    )
    for one, points in zip(screens, designs, strict=True):
        known = [
            {
                name: measures[spec.identity]
                for name, spec in point.items()
                if spec.identity in measures
            }
            for point in points
        ]
        found += driven(finished, one, known)
    return _adjusted(found), reads


def _adjusted(found: Sequence[Driven]) -> list[Driven]:
    """Allow for all comparisons of the study: nothing in it is named by chance but with alpha."""
    adjusted = iter(holm([each.p for one in found for each in one.influences]).tolist())
    return [
        one.model_copy(
            update={
                "influences": tuple(
                    each.model_copy(update={"p": next(adjusted)}) for each in one.influences
                )
            }
        )
        for one in found
    ]


def _reads(
    first: Mapping[str, RunSpec], results: Mapping[str, RunResult]
) -> dict[str, frozenset[str]]:
    """Return the constants that each cell reads: all of them where its run failed."""
    return {
        name: read_by(results[spec.identity])
        if spec.identity in results
        else frozenset(spec.constants)
        for name, spec in first.items()
    }
