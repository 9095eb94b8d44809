"""Checks that every name in a campaign file stands for something."""

from collections.abc import Iterable, Sequence

from harness.campaign.schema.campaign import IDLE, Campaign
from harness.campaign.schema.messages import suggest, value_error
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
        One line about the first name that stands for nothing.
    """
    check = _Check(file)
    check.factors(campaign, catalog)
    check.claim(campaign)
    check.partitions(campaign, catalog)
    check.vios(campaign, catalog)
    check.deputies(campaign)


class _Check:
    def __init__(self, file: str) -> None:
        self.file = file

    def known(self, key: str, name: str, known: Iterable[str], what: str) -> None:
        names = list(known)
        if name not in names:
            raise value_error(self.file, key, name, suggest(name, names, what))

    def all_known(
        self, key: str, names: Sequence[str] | None, known: Iterable[str], what: str
    ) -> None:
        for name in names or ():
            self.known(key, name, known, what)

    def factors(self, campaign: Campaign, catalog: Catalog) -> None:
        factors = campaign.factors
        machines = {*catalog.machines, *campaign.machines}
        workloads = {*catalog.profiles, *campaign.workloads, IDLE}
        self.all_known("factors.machine", factors.machine, machines, "machine")
        self.all_known("factors.os", factors.os, catalog.operating_systems, "operating system")
        self.all_known(
            "factors.virtualization",
            factors.virtualization,
            catalog.virtualizations,
            "virtualization",
        )
        self.all_known("factors.workload", factors.workload, workloads, "workload")
        for key in ("os", "workload"):
            values: list[str] | None = getattr(factors, key)
            own = [getattr(partition, key) for partition in campaign.partitions]
            if values is None and None in own:
                lacking = campaign.partitions[own.index(None)].name
                raise UserError(
                    f"{self.file}: factors.{key}: is missing, and partition '{lacking}' does not "
                    f"name its own {key}"
                )
            if values is not None and None not in own:
                raise value_error(
                    self.file,
                    f"factors.{key}",
                    values,
                    f"changes nothing, because every partition names its own {key}; leave it out",
                )

    def claim(self, campaign: Campaign) -> None:
        if campaign.claim is None:
            return
        tested = campaign.factors.virtualization
        for level in ("firmware", "software"):
            names: list[str] = getattr(campaign.claim, level)
            self.all_known(f"claim.{level}", names, tested, "virtualization among the factors")
            for name in names:
                hosted = name.startswith("hosted-")
                if name == FULL_SYSTEM or hosted != (level == "software"):
                    allowed = (
                        "must be a hosted virtualization, such as 'hosted-vmware'"
                        if level == "software"
                        else "must be neither hosted nor the baseline, such as 'shared-uncapped'"
                    )
                    raise value_error(self.file, f"claim.{level}", name, allowed)

    def partitions(self, campaign: Campaign, catalog: Catalog) -> None:
        vios = {vios.name: vios for vios in campaign.vios}
        workloads = {*catalog.profiles, *campaign.workloads, IDLE}
        taken: set[str] = set(vios)
        for partition in campaign.partitions:
            key = f"partitions.{partition.name}"
            for name in partition.names:
                if name in taken or name in _RESERVED:
                    reason = "is taken" if name in taken else "is reserved"
                    raise value_error(self.file, f"{key}.name", name, f"{reason}; choose another")
                taken.add(name)
            if partition.os is not None:
                known_systems = catalog.operating_systems
                self.known(f"{key}.os", partition.os, known_systems, "operating system")
            if partition.workload is not None:
                self.known(f"{key}.workload", partition.workload, workloads, "workload")
            self.all_known(f"{key}.disks", partition.disks, catalog.disks, "disk")
            self.all_known(f"{key}.virtual_scsi", partition.virtual_scsi, vios, "VIOS")
            for name in partition.virtual_scsi:
                if vios[name].backing is None:
                    raise value_error(
                        self.file,
                        f"{key}.virtual_scsi",
                        name,
                        "that VIOS has no backing; write backing = { disk = ... } there",
                    )
            devices = [adapter.device for adapter in partition.adapters]
            self.all_known(f"{key}.adapters.device", devices, catalog.adapters, "adapter")
            features = _features(catalog)
            self.all_known(f"{key}.requires", partition.requires, features, "feature")

    def deputies(self, campaign: Campaign) -> None:
        for vios in campaign.vios:
            if vios.standby is not None:
                others = [other.name for other in campaign.vios if other.name != vios.name]
                self.known(f"vios.{vios.name}.standby", vios.standby, others, "other VIOS")

    def vios(self, campaign: Campaign, catalog: Catalog) -> None:
        names: set[str] = set()
        for vios in campaign.vios:
            key = f"vios.{vios.name}"
            if vios.name in names or vios.name in _RESERVED:
                raise value_error(self.file, f"{key}.name", vios.name, "is taken; choose another")
            names.add(vios.name)
            if vios.backing is not None:
                self.known(f"{key}.backing.disk", vios.backing.disk, catalog.disks, "disk")
            if vios.shared_ethernet is not None:
                adapter = vios.shared_ethernet.adapter
                where = f"{key}.shared_ethernet.adapter"
                self.known(where, adapter, catalog.adapters, "adapter")


def _features(catalog: Catalog) -> list[str]:
    """List what an operating system may be able to do: the truth values among its constants."""
    return sorted(
        {
            constant.path[2].replace("_", "-")
            for constant in catalog.constants.values()
            if constant.path[0] == "os"
            and len(constant.path) == 3
            and isinstance(constant.value, bool)
        }
    )
