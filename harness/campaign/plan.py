"""The matrix of a campaign: which cells there are, and which runs."""

import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

from harness.campaign.cell import Cell, Locustfile, RunSpec, sha256_of
from harness.campaign.complaint import one_of
from harness.campaign.configure import Context, configure, drawn_demands, label
from harness.campaign.groups import Workload, resolve_workload
from harness.campaign.limits import Infeasible
from harness.campaign.names import BASELINE, check_names
from harness.campaign.provenance import model_digest, versions
from harness.campaign.reading import CampaignFile, Load, read_campaign, read_loads
from harness.campaign.record import CampaignRecord, CellRecord
from harness.campaign.schema import IDLE, MATRIX, Campaign
from harness.catalog import Catalog, Constants, load_catalog
from harness.errors import UserError
from harness.statistics.uncertainty import latin_hypercube

_CLAIM = (
    "In every environment the firmware level of virtualization costs less than the software level, "
    "and less than the margin."
)


@dataclass(frozen=True)
class Entry:
    """A place in the matrix."""

    position: int
    machine: str
    os: str
    virtualization: str
    workload: str
    load: tuple[tuple[str, str], ...]
    context: Context
    locustfiles: tuple[Locustfile, ...]
    cell: Cell | None
    """None if the combination is infeasible."""
    infeasible: str | None
    """Why it is."""

    def value(self, factor: str) -> str:
        """Return the value of a factor as text."""
        found = getattr(self, factor) if factor in MATRIX else dict(self.load)[factor]
        return str(found)


@dataclass(frozen=True)
class Plan:
    """A campaign, resolved: what would be run, or is.

    Attributes
    ----------
    matrix
        Every cell, in the order of the factors; always the whole campaign.
    selected
        Positions of the cells to be run: feasible, and not left out by the user.
    minimum, maximum
        How many replications each cell gets.
    """

    file: CampaignFile
    campaign: Campaign
    """As of the first load."""
    seed: int
    minimum: int
    maximum: int
    half_width: float | None
    """Target for the overhead ratio's interval; None: exactly ``minimum`` replications."""
    matrix: tuple[Entry, ...]
    selected: frozenset[int]
    drawn: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Digest of constants -> values of the uncertain ones, for the replications made so far."""
    _constants: dict[tuple[int, int], tuple[Constants, str]] = field(default_factory=dict)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells to be run, in the order of the matrix."""
        return tuple(
            entry.cell for entry in self.matrix if entry.cell and entry.position in self.selected
        )

    @property
    def infeasible(self) -> tuple[Entry, ...]:
        """The cells that cannot be, in the order of the matrix."""
        return tuple(entry for entry in self.matrix if entry.infeasible is not None)

    def runs(
        self, first: int = 0, last: int | None = None, positions: Collection[int] | None = None
    ) -> list[RunSpec]:
        """Return the runs of replications ``first`` up to, not including, ``last``.

        All cells of a replication come before the next replication, in a random order of its own
        that depends on the seed and the replication only.

        Parameters
        ----------
        first, last
            Range of replications; by default those that every cell gets.
        positions
            Only cells at these places of the matrix.
        """
        specs = []
        for replication in range(first, self.minimum if last is None else last):
            order = list(self.matrix)
            random.Random(f"{self.seed} {replication}").shuffle(order)
            for entry in order:
                if entry.cell is None or entry.position not in self.selected:
                    continue
                if positions is None or entry.position in positions:
                    specs.append(self._spec(entry, entry.cell, replication))
        return specs

    def _spec(self, entry: Entry, cell: Cell, replication: int) -> RunSpec:
        constants, digest = self._draw(entry.context.catalog, replication)
        return RunSpec(
            cell=cell,
            cell_position=entry.position,
            replication=replication,
            seed=self.seed,
            constants=constants,
            base=self.file.base,
            locustfiles=entry.locustfiles,
            starts=self.campaign.campaign.starts,
            model=model_digest(),
            constants_digest=digest,
        )

    def _draw(self, catalog: Catalog, replication: int) -> tuple[Constants, str]:
        """Draw the constants of a replication: the same quantiles for all cells."""
        key = (id(catalog), replication)
        if key not in self._constants:
            quantiles = self._quantiles[replication]
            constants = catalog.draw({name: quantiles[name] for name in catalog.uncertain})
            digest = constants.digest()
            self._constants[key] = constants, digest
            self.drawn[digest] = {name: constants[name] for name in catalog.uncertain}
        return self._constants[key]

    @cached_property
    def _quantiles(self) -> tuple[dict[str, float], ...]:
        names = {name for catalog in self._catalogs for name in catalog.uncertain}
        return latin_hypercube(sorted(names), max(self.minimum, self.maximum), self.seed)

    @cached_property
    def _catalogs(self) -> tuple[Catalog, ...]:
        """The different catalogs of the loads, in the order of the matrix."""
        return tuple({id(e.context.catalog): e.context.catalog for e in self.matrix}.values())

    def record(self) -> CampaignRecord:
        """Return what the store keeps of the campaign, apart from its runs."""
        settings, claim = self.campaign.campaign, self.campaign.claim
        cells = tuple(
            CellRecord(
                position=entry.position,
                machine=entry.machine,
                os=entry.os,
                virtualization=entry.virtualization,
                workload=entry.workload,
                load=entry.load,
                infeasible=entry.infeasible,
                parameters={} if entry.cell is None else entry.cell.parameters,
            )
            for entry in self.matrix
        )
        catalogs = [_constants_json(catalog) for catalog in self._catalogs]
        chosen = None if claim is None else claim.model_dump(exclude={"text"})
        identity = sha256_of(
            {
                "name": settings.name,
                "margin": settings.margin,
                "alpha": settings.alpha,
                "claim": chosen,
                "seed": self.seed,
                "starts": settings.starts.isoformat(),
                "cells": [e.cell.digest if e.cell else e.infeasible for e in self.matrix],
                "locustfiles": [
                    [(file.path, file.sha256) for file in entry.locustfiles]
                    for entry in self.matrix
                ],
                "catalogs": catalogs,
                "model": model_digest(),
            }
        )
        return CampaignRecord(
            name=settings.name,
            title=settings.title or {"en": settings.name},
            identity=identity,
            claim=None
            if chosen is None or claim is None
            else {**chosen, "text": claim.text or {"en": _CLAIM}},
            margin=settings.margin,
            alpha=settings.alpha,
            seed=self.seed,
            replications={
                "minimum": self.minimum,
                "maximum": self.maximum,
                "half_width": self.half_width,
            },
            starts=settings.starts.isoformat(),
            source=self.file.source,
            text=self.file.text,
            constants=tuple(catalogs[0]),
            versions=versions(),
            model=model_digest(),
            cells=cells,
        )


def make_plan(
    source: str,
    *,
    seed: int | None = None,
    replications: int | None = None,
    only: Sequence[str] = (),
) -> Plan:
    """Read a campaign and resolve it. Nothing is run or written.

    Parameters
    ----------
    source
        A shipped name or the path of a campaign file.
    seed, replications
        Instead of the file's.
    only
        ``factor=value`` texts; a cell is run if each factor named has one of its values.

    Raises
    ------
    UserError
        One line about what is wrong, and where.
    """
    file = read_campaign(source)
    loads = read_loads(file)
    matrix = tuple(_entries(file, loads))
    wanted = matrix if not only else _selected(matrix, only)
    selected = frozenset(entry.position for entry in wanted if entry.cell is not None)
    if not selected:
        reasons = [entry.infeasible for entry in wanted if entry.infeasible]
        why = f" ({wanted[0].machine}, {wanted[0].virtualization}: {reasons[0]})" if reasons else ""
        raise UserError(f"{file.name}: factors: no cell of the campaign is feasible{why}")
    settings = loads[0].campaign.campaign
    planned = settings.replications
    if replications is not None and replications < 1:
        raise UserError(f"--replications = {replications}: must be at least 1")
    return Plan(
        file=file,
        campaign=loads[0].campaign,
        seed=settings.seed if seed is None else seed,
        minimum=planned.minimum if replications is None else replications,
        maximum=planned.maximum if replications is None else replications,
        half_width=planned.half_width if replications is None else None,
        matrix=matrix,
        selected=selected,
    )


def _entries(file: CampaignFile, loads: Sequence[Load]) -> Iterator[Entry]:
    catalogs: dict[str, Catalog] = {}
    base = file.base
    position = 0
    for load in loads:
        campaign = load.campaign
        written = json.dumps(campaign.catalog, sort_keys=True, default=str)
        if written not in catalogs:
            extra = [base / name for name in campaign.campaign.catalog]
            catalogs[written] = load_catalog(extra, campaign.catalog, f"{file.name}: catalog")
        context = _context(campaign, catalogs[written], file)
        for names in _names(campaign):
            yield _entry(position, load, context, *names)
            position += 1


def _context(campaign: Campaign, catalog: Catalog, file: CampaignFile) -> Context:
    check_names(campaign, catalog, file.name)
    named = [partition.workload for partition in campaign.partitions]
    workloads: dict[str, Workload] = {}
    for name in [*(campaign.factors.workload or ()), *named]:
        if name is not None and name != IDLE and name not in workloads:
            resolved = resolve_workload(name, campaign, catalog, file.name, file.base)
            workloads[name] = resolved
    return Context(campaign, catalog, catalog.nominal(), workloads, file.name)


def _names(campaign: Campaign) -> Iterator[tuple[str, str | None, str, str | None]]:
    """Yield the names of all cells of a load, the last factor varying fastest."""
    factors = campaign.factors
    virtualizations = list(factors.virtualization)
    if campaign.claim is not None and BASELINE not in virtualizations:
        virtualizations.insert(0, BASELINE)
    systems: list[str | None] = [None] if factors.os is None else [*factors.os]
    workloads: list[str | None] = [None] if factors.workload is None else [*factors.workload]
    yield from product(factors.machine, systems, virtualizations, workloads)


def _entry(
    position: int,
    load: Load,
    context: Context,
    machine: str,
    os: str | None,
    virtualization: str,
    workload: str | None,
) -> Entry:
    partitions = context.campaign.partitions
    os_label = label([partition.os for partition in partitions], os)
    workload_label = label([partition.workload for partition in partitions], workload)
    named = {partition.workload or workload for partition in partitions}
    resolved = [context.workloads[name] for name in sorted(filter(None, named - {IDLE}))]
    files = {file.path: file for one in resolved for file in one.locustfiles}
    cell: Cell | None = None
    reason: str | None = None
    try:
        system = configure(context, machine, os, virtualization, workload)
    except Infeasible as problem:
        reason = str(problem)
    else:
        settings = context.campaign.campaign
        durations = [one.duration_seconds or settings.duration for one in resolved]
        cell = Cell(
            machine=machine,
            os=os_label,
            virtualization=virtualization,
            workload=workload_label,
            load=load.values,
            nominal_system=system,
            drawn_demands=drawn_demands(context, system, workload),
            duration_seconds=max(durations, default=settings.duration),
            warm_up_seconds=settings.warm_up,
        )
    return Entry(
        position=position,
        machine=machine,
        os=os_label,
        virtualization=virtualization,
        workload=workload_label,
        load=load.values,
        context=context,
        locustfiles=tuple(files[path] for path in sorted(files)),
        cell=cell,
        infeasible=reason,
    )


def _selected(matrix: Sequence[Entry], only: Sequence[str]) -> list[Entry]:
    """Find the cells that fit all ``factor=value`` texts."""
    factors = [*MATRIX, *(name for name, _ in matrix[0].load)]
    values: Mapping[str, set[str]] = {
        factor: {entry.value(factor) for entry in matrix} for factor in factors
    }
    wanted: dict[str, set[str]] = {}
    for text in only:
        factor, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--only {text}: write factor=value, such as machine=p5-570")
        if factor not in values:
            raise UserError(f"--only {text}: {one_of(factor, factors, 'factor')}")
        if value not in values[factor]:
            raise UserError(f"--only {text}: {one_of(value, values[factor], factor)}")
        wanted.setdefault(factor, set()).add(value)
    return [
        entry
        for entry in matrix
        if all(entry.value(factor) in allowed for factor, allowed in wanted.items())
    ]


def _constants_json(catalog: Catalog) -> list[dict[str, Any]]:
    constants = [asdict(constant) for constant in catalog.constants.values()]
    plain: list[dict[str, Any]] = json.loads(json.dumps(constants))
    return plain
