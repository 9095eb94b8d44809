"""Checks that every name in a campaign file exists."""

from collections.abc import Sequence

from harness.campaign.schema.campaign import IDLE, Campaign, Claim
from harness.campaign.schema.messages import check_name, check_names_of, value_error
from harness.catalog import Catalog
from harness.errors import UserError
from harness.results.record import FULL_SYSTEM

_RESERVED = ("system", "outside", "next")


def check_names(campaign: Campaign, catalog: Catalog, file: str) -> None:
    """Check all names against the file itself and the catalog.

    Parameters
    ----------
    campaign
        What the file says.
    catalog
        The catalog with the campaign's own constants in it.
    file
        What messages call the campaign file.

    Raises
    ------
    UserError
        One line about the first unknown name.
    """
    workloads = {*catalog.profiles, *campaign.workloads, IDLE}
    factors, claim = campaign.factors, campaign.claim
    known = {
        "machine": ({*catalog.machines, *campaign.machines}, "machine"),
        "os": (catalog.operating_systems, "operating system"),
        "virtualization": (catalog.virtualizations, "virtualization"),
        "workload": (workloads, "workload"),
    }
    for key, (names, what) in known.items():
        check_names_of(file, f"factors.{key}", getattr(factors, key), names, what)
    _check_own(campaign, file)
    if claim is not None:
        _check_claim(claim, factors.virtualization, file)
        _check_parts(claim, _tested_workloads(campaign), file)
    _check_partitions(campaign, catalog, workloads, file)
    _check_vios(campaign, catalog, file)


def _check_own(campaign: Campaign, file: str) -> None:
    """Refuse an operating system or a workload that is missing, or that no partition uses."""
    for key in ("os", "workload"):
        values: list[str] | None = getattr(campaign.factors, key)
        own = [getattr(partition, key) for partition in campaign.partitions]
        if values is None and None in own:
            lacking = campaign.partitions[own.index(None)].name
            raise UserError(
                f"{file}: factors.{key}: is missing, and partition '{lacking}' does not name its "
                f"own {key}"
            )
        if values is not None and None not in own:
            allowed = f"has no effect, because every partition names its own {key}; leave it out"
            raise value_error(file, f"factors.{key}", values, allowed)


def _check_claim(claim: Claim, tested: Sequence[str], file: str) -> None:
    for workload, name in claim.baselines.items():
        key = f"claim.baselines.{workload}"
        check_names_of(file, key, [name], tested, "virtualization among the factors")
        if name in (*claim.firmware, *claim.software):
            raise value_error(file, key, name, "must be no virtualization that the claim tests")
    for level in ("firmware", "software"):
        names: list[str] = getattr(claim, level)
        check_names_of(file, f"claim.{level}", names, tested, "virtualization among the factors")
        for name in names:
            hosted = name.startswith("hosted-")
            if name == FULL_SYSTEM or hosted != (level == "software"):
                allowed = (
                    "must be a hosted virtualization, such as 'hosted-vmware'"
                    if level == "software"
                    else "must be neither hosted nor the baseline, such as 'shared-uncapped'"
                )
                raise value_error(file, f"claim.{level}", name, allowed)


def _tested_workloads(campaign: Campaign) -> list[str]:
    """Workloads of the cells: those of the factors, or of the partitions that name their own."""
    named = campaign.factors.workload or []
    return named or [table.workload for table in campaign.partitions if table.workload]


def _check_parts(claim: Claim, tested: Sequence[str], file: str) -> None:
    for number, part in enumerate(claim.parts):
        key = f"claim.parts.{number}.workloads"
        check_names_of(file, key, part.workloads or [], tested, "workload among the factors")
    names = list(claim.baselines)
    check_names_of(file, "claim.baselines", names, tested, "workload among the factors")


def _check_partitions(campaign: Campaign, catalog: Catalog, workloads: set[str], file: str) -> None:
    vios = {vios.name: vios for vios in campaign.vios}
    taken: set[str] = set(vios)
    for table in campaign.partitions:
        key = f"partitions.{table.name}"
        for name in table.names:
            if name in taken or name in _RESERVED:
                reason = "is taken" if name in taken else "is reserved"
                raise value_error(file, f"{key}.name", name, f"{reason}; choose another")
            taken.add(name)
        adapters = [adapter.device for adapter in table.adapters]
        for place, names, known, what in (
            ("os", [table.os], catalog.operating_systems, "operating system"),
            ("workload", [table.workload], workloads, "workload"),
            ("disks", table.disks, catalog.disks, "disk"),
            ("virtual_scsi", table.virtual_scsi, vios, "VIOS"),
            ("adapters.device", adapters, catalog.adapters, "adapter"),
            ("requires", table.requires, _features(catalog), "feature"),
        ):
            check_names_of(file, f"{key}.{place}", names, known, what)
        for name in table.virtual_scsi:
            if vios[name].backing is None:
                allowed = "that VIOS has no backing; write backing = { disk = ... } there"
                raise value_error(file, f"{key}.virtual_scsi", name, allowed)


def _check_vios(campaign: Campaign, catalog: Catalog, file: str) -> None:
    names: set[str] = set()
    for vios in campaign.vios:
        key = f"vios.{vios.name}"
        if vios.name in names or vios.name in _RESERVED:
            raise value_error(file, f"{key}.name", vios.name, "is taken; choose another")
        names.add(vios.name)
        if vios.backing is not None:
            check_name(file, f"{key}.backing.disk", vios.backing.disk, catalog.disks, "disk")
        if vios.shared_ethernet is not None:
            place, adapter = f"{key}.shared_ethernet.adapter", vios.shared_ethernet.adapter
            check_name(file, place, adapter, catalog.adapters, "adapter")
    for vios in campaign.vios:
        others = names - {vios.name}
        check_names_of(file, f"vios.{vios.name}.standby", [vios.standby], others, "other VIOS")


def _features(catalog: Catalog) -> list[str]:
    """List what operating systems can do: the truth values among their constants."""
    return sorted(
        {
            constant.path[2].replace("_", "-")
            for constant in catalog.constants.values()
            if constant.path[0] == "os"
            and len(constant.path) == 3
            and isinstance(constant.value, bool)
        }
    )
