"""The cells of a campaign: the product of its factors, and its scenarios."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from itertools import product
from pathlib import Path
from typing import Any

from harness.campaign.cell import Cell
from harness.campaign.check_names import check_names
from harness.campaign.configure import Context, configure, drawn_demands, label
from harness.campaign.hypervisor_limits import Infeasible
from harness.campaign.reader import THIS_MACHINE, CampaignFile, Load, included, read_loads
from harness.campaign.scenario.resolve import resolve, system_of, with_machine
from harness.campaign.schema.campaign import IDLE, MATRIX, Campaign
from harness.campaign.schema.messages import value_error
from harness.campaign.schema.scenario import OtherMachine, Scenario
from harness.campaign.selectors import parse_factor
from harness.campaign.unused import check_bridges, check_matrix
from harness.campaign.workload import Workload, resolve_workload
from harness.catalog import Catalog, load_catalog
from harness.errors import UserError
from harness.model.config import SystemConfiguration
from harness.results.record import FULL_SYSTEM
from workloads.loading import UserFile, relative
from workloads.user_code import digest_of, is_users

SCENARIO = "scenario"
"""The factor that names scenarios, for choosing among them."""


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
    files: tuple[UserFile, ...]
    """The user's files that decide what its runs result in, sorted by path."""
    cell: Cell | None
    """None if the combination is infeasible."""
    infeasible: str | None
    """Why it is."""
    base: Path
    """The folder that its locustfiles are relative to."""

    @classmethod
    def of(
        cls, position: int, cell: Cell, context: Context, files: Iterable[UserFile], base: Path
    ) -> "Entry":
        """Make the entry of a cell that can be run."""
        known = {file.path: file for file in files}
        names: dict[str, Any] = {key: getattr(cell, key) for key in (*MATRIX, "load")}
        return cls(
            position=position,
            **names,
            context=context,
            files=tuple(known[path] for path in sorted(known)),
            cell=cell,
            infeasible=None,
            base=base,
        )

    @property
    def scenario(self) -> str:
        """The name of the scenario; empty for a cell of the matrix."""
        script = None if self.cell is None else self.cell.scenario
        return "" if script is None else script.name

    def value(self, factor: str) -> str:
        """Return the value of a factor as text; empty if it has none."""
        if factor in (*MATRIX, SCENARIO):
            return str(getattr(self, factor))
        return dict(self.load).get(factor, "")


def matrix_entries(file: CampaignFile, loads: Sequence[Load]) -> Iterator[Entry]:
    """Yield the cells of a campaign's matrix, for each load in turn."""
    catalogs: dict[str, Catalog] = {}
    base = file.base
    declared = declared_files(loads[0].campaign, file)
    position = 0
    for load in loads:
        campaign = load.campaign
        written = json.dumps(campaign.catalog, sort_keys=True, default=str)
        if written not in catalogs:
            extra = [base / name for name in campaign.campaign.catalog]
            catalogs[written] = load_catalog(extra, campaign.catalog, f"{file.name}: catalog")
        context = _context(campaign, catalogs[written], file)
        check_matrix(campaign, file.name)
        for names in _names(campaign):
            yield _entry(position, load, context, base, declared, *names)
            position += 1


def scenario_entries(file: CampaignFile, campaign: Campaign, position: int) -> Iterator[Entry]:
    """Yield the scenarios of a file and of those that it includes.

    Parameters
    ----------
    position
        The place of the first one.
    """
    others = included(file, campaign.campaign.include)
    sources = [(file, campaign), *((each, read_loads(each)[0].campaign) for each in others)]
    names: set[str] = set()
    for source, written in sources:
        extra = [source.base / name for name in written.campaign.catalog]
        catalog = load_catalog(extra, written.catalog, f"{source.name}: catalog")
        for table in written.scenario:
            if table.name in names:
                raise UserError(f"{source.name}: scenario.{table.name}.name: is taken")
            names.add(table.name)
            yield _scenario(position, source, written, table, catalog)
            position += 1


def _scenario(
    position: int, file: CampaignFile, campaign: Campaign, table: Scenario, catalog: Catalog
) -> Entry:
    where = f"{file.name}: scenario.{table.name}"
    contexts: dict[str, Context] = {}
    systems: dict[str, SystemConfiguration] = {}
    files = list(declared_files(campaign, file))
    try:
        parts: list[tuple[str, Scenario | OtherMachine]] = [(table.site, table)]
        parts.extend((part.name, part) for part in table.machines)
        for name, part in parts:
            if name in systems:
                raise UserError(f"{where}: machines.{name}.name: is taken; choose another")
            staged = with_machine(campaign, part, where)
            context = _context(staged, catalog, replace(file, label=where))
            check_bridges(staged.vios, where)
            contexts[name], systems[name] = context, system_of(context, part)
            for workload in context.workloads.values():
                files.extend(workload.files)
        own = contexts[table.site]
        script = resolve(table, contexts, systems, catalog, where, file.base)
        cell = Cell(
            machine=table.machine,
            os=label([p.os for p in own.campaign.partitions], table.os),
            virtualization=table.virtualization,
            workload=label([p.workload for p in own.campaign.partitions], table.workload),
            load=(),
            nominal_system=systems[table.site],
            drawn_demands=drawn_demands(own, systems[table.site], table.workload),
            duration_seconds=table.duration,
            warm_up_seconds=0.0,
            scenario=script,
        )
        for written, digest in script.policies.items():
            path = str(file.base / written)
            if is_users(path):
                files.append(UserFile(relative(path, file.base), digest))
    except UserError as error:
        raise UserError(str(error).replace(": factors.", ": ", 1)) from None
    return Entry.of(position, cell, own, files, file.base)


def declared_files(campaign: Campaign, file: CampaignFile) -> tuple[UserFile, ...]:
    """Find the files of ``[campaign] files``, sorted by path.

    Raises
    ------
    UserError
        If there is no such file, or one cannot be read.
    """
    found: dict[str, UserFile] = {}
    for written in campaign.campaign.files:
        exact = file.base / written
        try:
            if has_magic(written) and not exact.exists():
                matching = sorted(glob(written, root_dir=file.base, recursive=True))  # noqa: PTH207
                paths = [str(file.base / name) for name in matching if (file.base / name).is_file()]
            else:
                paths = [str(exact)] * exact.is_file()
            if not paths:
                wrong = f"there is no such file in {file.base}"
                if exact.is_dir():
                    wrong = f"is a folder; write '{written.rstrip('/')}/*' for its files"
                raise value_error(file.name, "campaign.files", written, wrong)
            for path in paths:
                name = relative(path, file.base)
                found[name] = UserFile(name, digest_of(path))
        except (OSError, ValueError) as error:
            raise UserError(
                f"{file.name}: campaign.files = {written!r}: cannot be read "
                f"({getattr(error, 'strerror', None) or error})"
            ) from None
    return tuple(found[name] for name in sorted(found))


def _context(campaign: Campaign, catalog: Catalog, file: CampaignFile) -> Context:
    check_names(campaign, catalog, file.name)
    named = [partition.workload for partition in campaign.partitions]
    workloads: dict[str, Workload] = {}
    for name in [*(campaign.factors.workload or ()), *named]:
        if name is not None and name != IDLE and name not in workloads:
            resolved = resolve_workload(name, campaign, catalog, file.name, file.base)
            if resolved.runs_programs:
                raise UserError(
                    f"{file.name}: workloads.{name}.user: runs programs, which no modelled "
                    f"partition can; machine = ['{THIS_MACHINE}'] does"
                )
            workloads[name] = resolved
    return Context(campaign, catalog, catalog.nominal(), workloads, file.name)


def _names(campaign: Campaign) -> Iterator[tuple[str, str | None, str, str | None]]:
    """Yield the names of all cells of a load, the last factor varying fastest."""
    factors = campaign.factors
    virtualizations = list(factors.virtualization)
    if campaign.claim is not None and FULL_SYSTEM not in virtualizations:
        virtualizations.insert(0, FULL_SYSTEM)
    systems: list[str | None] = [None] if factors.os is None else [*factors.os]
    workloads: list[str | None] = [None] if factors.workload is None else [*factors.workload]
    yield from product(factors.machine, systems, virtualizations, workloads)


def _entry(
    position: int,
    load: Load,
    context: Context,
    base: Path,
    declared: Sequence[UserFile],
    machine: str,
    os: str | None,
    virtualization: str,
    workload: str | None,
) -> Entry:
    partitions = context.campaign.partitions
    names: dict[str, Any] = {
        "machine": machine,
        "os": label([partition.os for partition in partitions], os),
        "virtualization": virtualization,
        "workload": label([partition.workload for partition in partitions], workload),
        "load": load.values,
    }
    named = {partition.workload or workload for partition in partitions}
    resolved = [context.workloads[name] for name in sorted(filter(None, named - {IDLE}))]
    files = {file.path: file for file in declared}
    files.update({file.path: file for one in resolved for file in one.files})
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
            **names,
            nominal_system=system,
            drawn_demands=drawn_demands(context, system, workload),
            duration_seconds=max(durations, default=settings.duration),
            warm_up_seconds=settings.warm_up,
        )
    return Entry(
        position=position,
        **names,
        context=context,
        files=tuple(files[path] for path in sorted(files)),
        cell=cell,
        infeasible=reason,
        base=base,
    )


def selected_entries(
    matrix: Sequence[Entry], only: Sequence[str], option: str = "--only"
) -> list[Entry]:
    """Find the cells that fit all ``factor=value`` texts, given with an option of that name."""
    factors = [*MATRIX, *(name for name, _ in matrix[0].load)]
    if any(entry.scenario for entry in matrix):
        factors.append(SCENARIO)
    values: Mapping[str, set[str]] = {
        factor: {entry.value(factor) for entry in matrix} for factor in factors
    }
    wanted: dict[str, set[str]] = {}
    for text in only:
        factor, value = parse_factor(text, values, option, "machine=p5-570")
        wanted.setdefault(factor, set()).add(value)
    return [
        entry
        for entry in matrix
        if all(entry.value(factor) in allowed for factor, allowed in wanted.items())
    ]
