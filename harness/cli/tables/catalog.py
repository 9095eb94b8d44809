"""The catalog in the terminal: its items, and the constants of one item."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.catalog.catalog import VIRTUALIZATIONS, Catalog, items
from harness.catalog.constant import Constant, Status
from harness.cli.tables.table import add_row, block
from harness.errors import UserError, nearest

STATUS_TEXTS: Mapping[Status, tuple[str, str]] = {
    Status.VERIFIED: ("verified", "green"),
    Status.RECALLED: ("recalled, unverified", "yellow"),
    Status.ASSUMED: ("assumed", "red"),
}
"""How each status is shown, and in which colour."""

_EVERYWHERE = ("processor", "io", "network.tcp", "native")
_FIRMWARE = (*_EVERYWHERE, "hypervisor", "vios", "network.virtual")
_READS: Mapping[str, Sequence[str]] = {
    "full-system": _EVERYWHERE,
    "physical": _EVERYWHERE,
    "dedicated": _FIRMWARE,
    "shared-capped": _FIRMWARE,
    "shared-uncapped": _FIRMWARE,
}


def overview(catalog: Catalog) -> RenderableType:
    """List machines, operating systems, virtualizations, devices and workload profiles."""
    machines = [
        (name, catalog.title("machines", name), _machine(catalog, name))
        for name in catalog.machines
    ]
    systems = [
        (name, catalog.title("os", name), f"{catalog.published(f'os.{name}.tick_rate')} tick")
        for name in catalog.operating_systems
    ]
    virtualizations = [
        *((name, text, "") for name, text in VIRTUALIZATIONS.items()),
        *(
            (f"hosted-{name}", f"Guests of {catalog.flavour(name)}.", "")
            for name in catalog.flavours
        ),
    ]
    devices = [
        *((name, catalog.title("disks", name), "disk") for name in catalog.disks),
        *((name, catalog.title("ethernet", name), "adapter") for name in catalog.adapters),
    ]
    profiles = [
        (name, catalog.title("profiles", name), ", ".join(_users(catalog, name)))
        for name in catalog.profiles
    ]
    return Group(
        _items("Machines", machines),
        _items("Operating systems", systems),
        _items("Virtualizations", virtualizations),
        _items("Devices", devices),
        _items("Workload profiles", profiles),
    )


def show(catalog: Catalog, name: str) -> RenderableType:
    """Print each constant of an item, or each whose name begins with the parts given.

    Parameters
    ----------
    name
        A machine, an operating system, a device, a virtualization, a hosted flavour, a workload
        profile, or the beginning of constants' names (``vios.vscsi``).

    Raises
    ------
    UserError
        When there is nothing of that name; the nearest one is suggested.
    """
    blocks = (
        block(
            Text.assemble((each.name, "bold"), "  ", STATUS_TEXTS[each.status]),
            Text(each.meaning),
            *_values(each),
            f"source: {each.source}",
        )
        for each in find(catalog, name)
    )
    return Group(Text(name, "bold"), *blocks)


def find(catalog: Catalog, name: str) -> tuple[Constant, ...]:
    """Find the constants of an item or under a prefix, in the order of their names; see `show`."""
    prefixes = _prefixes(catalog).get(name, (name,))
    constants = tuple(
        constant
        for constant in catalog.constants.values()
        if any(f"{constant.name}.".startswith(f"{prefix}.") for prefix in prefixes)
    )
    if constants:
        return constants
    known = {*_prefixes(catalog), *_beginnings(catalog)}
    raise UserError(
        f"catalog: '{name}' is neither an item nor the beginning of a constant's name"
        f"{nearest(name, sorted(known))}"
    )


def _prefixes(catalog: Catalog) -> dict[str, Sequence[str]]:
    prefixes: dict[str, Sequence[str]] = {
        name: (f"{collection}.{name}",)
        for collection in ("machines", "os", "disks", "ethernet", "profiles")
        for name in items(catalog.constants, collection)
    }
    prefixes.update(_READS)
    for flavour in catalog.flavours:
        reads = (f"hosted.{flavour}", "hosted.host", "hosted.transfer", f"events.{flavour}")
        prefixes[flavour] = reads
        prefixes[f"hosted-{flavour}"] = (*_EVERYWHERE, "events.native", *reads)
    return prefixes


def _beginnings(catalog: Catalog) -> set[str]:
    return {
        ".".join(constant.path[:length])
        for constant in catalog.constants.values()
        for length in range(1, len(constant.path) + 1)
    }


def _items(title: str, rows: Iterable[tuple[str, str, str]]) -> Table:
    made = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
    made.add_column(style="bold", overflow="fold")
    for row in rows:
        add_row(made, *row)
    return made


def _machine(catalog: Catalog, name: str) -> str:
    model, cores, clock, memory = (
        catalog.published(f"machines.{name}.{key}") for key in ("model", "cores", "clock", "memory")
    )
    return f"{model}, {cores}, {clock}, {memory}"


def _users(catalog: Catalog, profile: str) -> list[str]:
    return [group.user.rpartition(":")[2] for group in catalog.profile(profile).groups]


def _values(constant: Constant) -> Iterator[Text]:
    stated = constant.published_range
    yield Text(f"{constant.published}, range {stated}" if stated else constant.published)
    if constant.at:
        points = ", ".join(f"{point:.10g}" for point in constant.at)
        yield Text(f"at {points} {constant.at_unit}")
