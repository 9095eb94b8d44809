"""Parts of a campaign file without effect: networks that lead nowhere, tables that nothing uses."""

from collections.abc import Iterator, Sequence

from harness.campaign.schema.campaign import Campaign
from harness.campaign.schema.messages import value_error
from harness.campaign.schema.partitions import Partition, Vios
from harness.errors import UserError


def check_matrix(campaign: Campaign, file: str) -> None:
    """Refuse what has no effect in any cell of a campaign's matrix.

    Raises
    ------
    UserError
        One line about the first thing.
    """
    partitions = campaign.partitions
    check_bridges(campaign.vios, file)
    for place, reason in _dead_ends(partitions, campaign.vios, outside=True):
        raise UserError(f"{file}: {place}: {reason}")
    repeated = campaign.campaign.replications
    if repeated.maximum > repeated.minimum and campaign.claim is None:
        key = "campaign.replications.maximum"
        allowed = "has no effect without a [claim]; leave it out"
        raise value_error(file, key, repeated.maximum, allowed)
    if campaign.scenario:
        return
    hosted = any(name.startswith("hosted-") for name in campaign.factors.virtualization)
    for table in partitions:
        key = f"partitions.{table.name}"
        if "limits" in table.model_fields_set:
            raise UserError(
                f"{file}: {key}.limits: have no effect without scenarios, whose operations keep "
                "to them; leave them out"
            )
        if table.capped and not hosted and "weight" in table.model_fields_set:
            raise value_error(
                file,
                f"{key}.weight",
                table.weight,
                "has no effect with capped = true where no virtualization is hosted",
            )


def check_bridges(servers: Sequence[Vios], file: str) -> None:
    """Refuse two bridges between a VLAN and the outside, unless one is the other's standby."""
    for number, server in enumerate(servers):
        for other in servers[:number]:
            both = sorted(_bridged([server]) & _bridged([other]))
            if both and server.name != other.standby and other.name != server.standby:
                raise UserError(
                    f"{file}: vios.{server.name}.shared_ethernet.vlans: {other.name} bridges VLAN "
                    f"{both[0]} too; write standby = '{server.name}' at {other.name}, or leave out "
                    "one"
                )


def unused(campaign: Campaign) -> list[str]:
    """List what a campaign file defines but does not use."""
    scenarios = campaign.scenario
    places = [campaign.factors, *scenarios, *(part for one in scenarios for part in one.machines)]
    partitions = [
        *campaign.partitions,
        *(table for one in scenarios for table in one.partitions or ()),
        *(table for one in scenarios for part in one.machines for table in part.partitions),
    ]
    workloads = {table.workload for table in partitions} | _named(places, "workload")
    found = [f"workloads.{name}" for name in campaign.workloads if name not in workloads]
    machines = _named(places, "machine")
    found += [f"machines.{name}" for name in campaign.machines if name not in machines]
    notes = [f"{name}: nothing in the file uses it" for name in found]
    if not scenarios:
        notes += _idle_servers(campaign)
    for one in scenarios:
        own = campaign.partitions if one.partitions is None else one.partitions
        servers = campaign.vios if one.vios is None else one.vios
        for place, reason in _dead_ends(own, servers, outside=False):
            notes.append(f"scenario.{one.name}.{place}: {reason}")
    return notes


def _named(places: Sequence[object], key: str) -> set[str]:
    values = [getattr(place, key) or () for place in places]
    lists = [[value] if isinstance(value, str) else value for value in values]
    return {name for names in lists for name in names}


def _bridged(servers: Sequence[Vios]) -> set[int]:
    return {
        vlan
        for server in servers
        if server.shared_ethernet is not None
        for vlan in server.shared_ethernet.vlans
    }


def _vlans(table: Partition) -> list[int]:
    return [vlan for own in table.virtual_ethernet for vlan in (own.vlan, *own.tagged_vlans)]


def _dead_ends(
    partitions: Sequence[Partition], servers: Sequence[Vios], *, outside: bool
) -> Iterator[tuple[str, str]]:
    """Yield adapters that reach nothing, with the reason.

    Parameters
    ----------
    outside
        Also those of partitions that reach each other only, although a VIOS bridges other VLANs.
    """
    bridged = _bridged(servers)
    members = [vlan for table in partitions for vlan in _vlans(table) * table.count]
    for table in partitions:
        vlans = _vlans(table)
        cut_off = bool(bridged) and not bridged.intersection(vlans) and not table.adapters
        for vlan in vlans:
            if vlan in bridged:
                continue
            alone = members.count(vlan) == 1
            if not alone and not (outside and cut_off):
                continue
            known = ", ".join(map(str, sorted(bridged)))
            reason = f"no VIOS bridges VLAN {vlan}" + (f" (bridged: {known})" if bridged else "")
            reason += (
                " and no other partition is on it" if alone else "; nothing outside is reached"
            )
            yield f"partitions.{table.name}.virtual_ethernet", reason


def _idle_servers(campaign: Campaign) -> Iterator[str]:
    """Yield what a VIOS offers and no partition uses."""
    served = {name for table in campaign.partitions for name in table.virtual_scsi}
    reached = {vlan for table in campaign.partitions for vlan in _vlans(table)}
    standbys = {server.standby for server in campaign.vios}
    for server in campaign.vios:
        if server.name in standbys:
            continue
        if server.backing is not None and server.name not in served:
            yield f"vios.{server.name}.backing: no partition has a virtual disk of it"
        bridge = server.shared_ethernet
        for vlan in bridge.vlans if bridge is not None else ():
            if vlan not in reached:
                yield f"vios.{server.name}.shared_ethernet: no partition is on VLAN {vlan}"
