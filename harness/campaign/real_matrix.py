"""The cells of a campaign on real targets: the machine that vtax runs on, and ways to divide it."""

import json
from collections.abc import Iterator, Sequence
from itertools import product

from harness.campaign.cell import Cell
from harness.campaign.configure import Context
from harness.campaign.matrix import Entry, declared_files
from harness.campaign.reader import THIS_MACHINE, CampaignFile, Load
from harness.campaign.schema.campaign import Campaign
from harness.campaign.schema.messages import check_name, check_names_of, value_error
from harness.campaign.workload import Group, Workload, resolve_workload
from harness.catalog import Catalog
from harness.errors import UserError
from harness.model.config import UserGroup
from harness.results.record import LEVELS, NATIVE

OS = "linux"


def real_entries(file: CampaignFile, loads: Sequence[Load]) -> Iterator[Entry]:
    """Yield the cells of a campaign on real targets, for each load in turn.

    Whether a target works is found out when it is used, not here.

    Raises
    ------
    UserError
        If something is asked for that real targets do not have.
    """
    # No constant of the catalog has a part in it: what things cost is measured.
    catalog = Catalog({})
    contexts: dict[str, Context] = {}
    declared = declared_files(loads[0].campaign, file)
    position = 0
    for load in loads:
        campaign = load.campaign
        _check(file, campaign)
        names = campaign.factors.workload or []
        written = json.dumps(campaign.model_dump(mode="json", include={"workloads"}))
        if written not in contexts:
            workloads = {
                name: resolve_workload(name, campaign, catalog, file.name, file.base)
                for name in names
            }
            contexts[written] = Context(campaign, catalog, catalog.nominal(), workloads, file.name)
        context = contexts[written]
        virtualizations = list(dict.fromkeys((NATIVE, *campaign.factors.virtualization)))
        for virtualization, name in product(virtualizations, names):
            workload = context.workloads[name]
            cell = _cell(file, campaign, load, virtualization, workload)
            yield Entry.of(position, cell, context, (*declared, *workload.files), file.base)
            position += 1


def _cell(
    file: CampaignFile, campaign: Campaign, load: Load, virtualization: str, workload: Workload
) -> Cell:
    settings = campaign.campaign
    return Cell(
        machine=THIS_MACHINE,
        os=OS,
        virtualization=virtualization,
        workload=workload.name,
        load=load.values,
        nominal_system=None,
        drawn_demands=(),
        duration_seconds=workload.duration_seconds or settings.duration,
        warm_up_seconds=settings.warm_up,
        groups=tuple(_user(file, group) for group in workload.groups),
    )


def _user(file: CampaignFile, group: Group) -> UserGroup:
    key = f"workloads.{group.name}"
    if group.arrivals is not None:
        raise UserError(f"{file.name}: {key}.arrivals: a real target has users only")
    users = group.users
    if group.disk:
        raise value_error(file.name, f"{key}.disk", group.disk, "a real target has one disk, 0")
    if users is not None and users.of(1.0) != 1.0:
        raise value_error(
            file.name, f"{key}.users", users.of(1.0), "a real target has one user at a time"
        )
    return UserGroup(
        name=group.name,
        user=group.user,
        users=1,
        think_time_seconds=group.think_time_seconds,
        demand=group.demand,
    )


def _check(file: CampaignFile, campaign: Campaign) -> None:
    """Check what names stand for, and that nothing is asked for that only a model has."""
    factors = campaign.factors
    if list(factors.machine) != [THIS_MACHINE]:
        raise value_error(
            file.name, "factors.machine", factors.machine, f"'{THIS_MACHINE}' stands alone"
        )
    for key in ("partitions", "vios", "machines", "catalog", "claim"):
        if key in file.data:
            raise UserError(f"{file.name}: {key}: only a modelled machine has it; leave it out")
    for key in factors.loads:
        if key.partition(".")[0] not in ("workloads", "campaign"):
            raise UserError(
                f"{file.name}: factors.{key}: only a modelled machine has it; leave it out"
            )
    if campaign.campaign.catalog:
        raise UserError(
            f"{file.name}: campaign.catalog: costs of a real machine are measured; leave it out"
        )
    if factors.os is not None:
        raise value_error(
            file.name, "factors.os", factors.os, "a real machine has its own; leave it out"
        )
    check_names_of(
        file.name,
        "factors.virtualization",
        factors.virtualization,
        LEVELS,
        "virtualization of a real machine",
    )
    if not factors.workload:
        raise UserError(f"{file.name}: factors.workload: is missing")
    for name in factors.workload:
        check_name(file.name, "factors.workload", name, campaign.workloads, "workload")
        if len(campaign.workloads[name]) > 1:
            raise UserError(
                f"{file.name}: workloads.{name}: a real target has one group of users at a time"
            )
