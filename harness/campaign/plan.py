"""The plan of a campaign: its cells and its runs."""

import json
import random
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.campaign.cell import Cell, RunSpec, sha256_of
from harness.campaign.matrix import Entry, matrix_entries, scenario_entries, selected_entries
from harness.campaign.provenance import model_digest, versions
from harness.campaign.reader import (
    CampaignFile,
    has_matrix,
    is_real,
    read_campaign,
    read_loads,
)
from harness.campaign.real_matrix import real_entries
from harness.campaign.schema.campaign import Campaign, Replications
from harness.campaign.schema.limits import REPLICATIONS, SEED
from harness.catalog import Catalog, Constants
from harness.errors import UserError
from harness.files import shortened
from harness.results.record import FULL_SYSTEM, NATIVE, CampaignRecord, CellRecord
from harness.results.store import Store
from harness.statistics.latin_hypercube import latin_hypercube
from workloads.loading import UserFile
from workloads.user_code import permitting

_CLAIM = {
    "en": "In every environment the firmware level of virtualization costs less than the software "
    "level, and less than the margin.",
    "ja": "すべての環境で、ファームウェアレベルの仮想化のオーバーヘッドは、"
    "ソフトウェアレベルの仮想化より小さく、許容範囲より小さい。",
}


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
    per_draw: int
    """Replications with each draw of the uncertain constants."""
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
    def real(self) -> bool:
        """Whether it is about real targets of this machine."""
        return is_real(self.file)

    @property
    def files(self) -> tuple[UserFile, ...]:
        """The user's files that decide what its runs result in, sorted by path."""
        found = {file.path: file for entry in self.matrix for file in entry.files}
        return tuple(found[path] for path in sorted(found))

    @property
    def notes(self) -> tuple[str, ...]:
        """What in the user's files may differ from run to run."""
        return tuple(note for file in self.files for note in file.notes)

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
        stated = cell.scenario is not None and replication == 0
        constants, digest = self._draw(entry.context.catalog, replication, stated=stated)
        return RunSpec(
            cell=cell,
            cell_position=entry.position,
            replication=replication,
            seed=self.seed,
            constants=constants,
            base=entry.base,
            files=entry.files,
            starts=self.campaign.campaign.starts,
            model=model_digest(real=self.real),
            constants_digest=digest,
        )

    def _draw(self, catalog: Catalog, replication: int, *, stated: bool) -> tuple[Constants, str]:
        """Draw the constants of a replication: the same quantiles for all cells.

        A scenario's first run takes them as they are stated.
        """
        draw = replication // self.per_draw
        key = (id(catalog), -1 if stated else draw)
        if key not in self._constants:
            if stated:
                constants = catalog.nominal()
            else:
                quantiles = self._quantiles[draw]
                constants = catalog.draw({name: quantiles[name] for name in catalog.uncertain})
            digest = constants.digest()
            self._constants[key] = constants, digest
            self.drawn[digest] = {name: constants[name] for name in catalog.uncertain}
        return self._constants[key]

    @cached_property
    def _quantiles(self) -> tuple[dict[str, float], ...]:
        names = {name for catalog in self._catalogs for name in catalog.uncertain}
        return latin_hypercube(
            sorted(names), -(-max(self.minimum, self.maximum) // self.per_draw), self.seed
        )

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
        constants = [[asdict(c) for c in each.constants.values()] for each in self._catalogs]
        catalogs: list[list[dict[str, Any]]] = json.loads(json.dumps(constants))
        chosen = None if claim is None else claim.model_dump(exclude={"text"})
        if chosen is not None and not chosen["parts"] and chosen["measures"] is None:
            chosen["measures"] = ["slowdown", "processor-time"]
        identity = sha256_of(
            {
                "name": settings.name,
                "margin": settings.margin,
                "alpha": settings.alpha,
                "claim": chosen,
                "seed": self.seed,
                "starts": settings.starts.isoformat(),
                "cells": [e.cell.digest if e.cell else e.infeasible for e in self.matrix],
                "files": [
                    [(file.path, file.sha256) for file in entry.files] for entry in self.matrix
                ],
                "catalogs": catalogs,
                "model": model_digest(real=self.real),
            }
        )
        return CampaignRecord(
            name=settings.name,
            title=settings.title or {"en": settings.name},
            identity=identity,
            claim=None
            if chosen is None or claim is None
            else {**chosen, "text": claim.text or _CLAIM},
            margin=settings.margin,
            alpha=settings.alpha,
            seed=self.seed,
            replications={
                "minimum": self.minimum,
                "maximum": self.maximum,
                "half_width": self.half_width,
                "per_draw": self.per_draw,
            },
            starts=settings.starts.isoformat(),
            source=self.file.source,
            text=self.file.text,
            constants=tuple(catalogs[0]),
            versions=versions(),
            model=model_digest(real=self.real),
            cells=cells,
            baseline=NATIVE if self.real else FULL_SYSTEM,
            files=tuple({"path": file.path, "sha256": file.sha256} for file in self.files),
        )


def make_plan(
    source: str,
    *,
    seed: int | None = None,
    replications: int | None = None,
    only: Sequence[str] = (),
    option: str = "--only",
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
    option
        What messages call the option that ``only`` was given with.

    Raises
    ------
    UserError
        One line about what is wrong, and where.
    """
    file = read_campaign(source)
    loads = read_loads(file)
    entries = real_entries if is_real(file) else matrix_entries
    cells = tuple(entries(file, loads)) if has_matrix(file) else ()
    matrix = (*cells, *scenario_entries(file, loads[0].campaign, len(cells)))
    wanted = matrix if not only else selected_entries(matrix, only, option)
    selected = frozenset(entry.position for entry in wanted if entry.cell is not None)
    if not matrix:
        raise UserError(f"{file.name}: scenario: there is none, and no factors either")
    if not selected:
        reasons = [entry.infeasible for entry in wanted if entry.infeasible]
        why = f" ({wanted[0].machine}, {wanted[0].virtualization}: {reasons[0]})" if reasons else ""
        raise UserError(f"{file.name}: factors: no cell of the campaign is feasible{why}")
    settings = loads[0].campaign.campaign
    planned = settings.replications
    if not cells and "replications" not in settings.model_fields_set and replications is None:
        replications = 1
    if not cells and "warm_up" in settings.model_fields_set:
        raise UserError(
            f"{file.name}: campaign.warm_up: has no effect, because scenarios have none; leave "
            "it out"
        )
    for name, given, allowed in (
        ("--replications", replications, REPLICATIONS),
        ("--seed", seed, SEED),
    ):
        if given is not None and not allowed.least <= given <= allowed.most:
            raise UserError(
                f"{name} = {shortened(given)}: must be from {allowed.least:,} to {allowed.most:,}"
            )
    return Plan(
        file=file,
        campaign=loads[0].campaign,
        seed=settings.seed if seed is None else seed,
        minimum=planned.minimum if replications is None else replications,
        maximum=planned.maximum if replications is None else replications,
        half_width=planned.half_width if replications is None else None,
        per_draw=planned.per_draw if replications is None else _per_draw(planned, replications),
        matrix=matrix,
        selected=selected,
    )


def _per_draw(planned: Replications, replications: int) -> int:
    """Replications with each draw where the user says how many there are: at least two draws."""
    fits = replications % planned.per_draw == 0 and replications >= 2 * planned.per_draw
    return planned.per_draw if fits else 1


def replan(store: Store, directory: Path, replications: int | None = None) -> Plan:
    """Plan the campaign of a store as it would be run today.

    Parameters
    ----------
    directory
        The store's, for the message.
    replications
        Instead of the file's.

    Raises
    ------
    UserError
        If that is another campaign by now: its file, a catalog, the user's code or the model has
        changed. Changed code of the user's is not executed.
    """
    record = store.campaign
    if record.imported is not None:
        raise UserError(
            f"{directory}: was imported from real systems, which cannot be run again; "
            "'vtax import --as-campaign' writes a campaign that models them"
        )
    try:
        if record.model != model_digest(real=record.real is not None):
            raise UserError("the model is another version")
        # Nothing of the user's is executed that is not what the results were made with.
        with permitting({file["sha256"] for file in record.files}):
            plan = make_plan(record.source, seed=record.seed, replications=replications)
        if plan.record().identity != record.identity:
            raise UserError("its file or the catalog has changed")
    except UserError as error:
        raise UserError(
            f"{directory}: not the campaign that {record.source!r} is today ({error}); run it "
            "again, in another directory, and study that"
        ) from None
    return plan
