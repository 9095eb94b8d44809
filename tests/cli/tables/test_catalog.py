import re

import pytest
from rich.console import Console, RenderableType

from harness.catalog import load_catalog
from harness.cli.tables.catalog import find, overview, show
from harness.errors import UserError

CATALOG = load_catalog()


def printed(renderable: RenderableType, width: int = 200) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_the_overview_names_every_item() -> None:
    text = printed(overview(CATALOG))
    names = (
        *CATALOG.machines,
        *CATALOG.operating_systems,
        *CATALOG.virtualizations,
        *CATALOG.disks,
        *CATALOG.adapters,
        *CATALOG.profiles,
    )
    for name in names:
        assert re.search(rf"^  {re.escape(name)} ", text, re.MULTILINE), name
    assert "9117-570, 16 cores, 1.9 GHz, 512 GiB" in text


def test_a_constant_is_shown_with_range_source_and_status() -> None:
    text = printed(show(CATALOG, "hypervisor.vp_switch"))
    for part in ("5000 cycles", "range 1650 .. 16500 cycles", "assumed", "Not published"):
        assert part in text


def test_names_and_sources_are_not_broken_at_80_columns() -> None:
    lines = printed(show(CATALOG, "vios"), width=80).splitlines()
    for constant in find(CATALOG, "vios"):
        assert sum(line.startswith(f"{constant.name}  ") for line in lines) == 1
    sources = {f"    source: {each.source}" for each in find(CATALOG, "vios")}
    assert {source for source in sources if len(source) <= 80} <= {line.rstrip() for line in lines}


def test_a_table_is_shown_with_its_points() -> None:
    text = printed(show(CATALOG, "vios.sea.cycles_per_byte.threaded"), width=400)
    assert "11.2, 5 cycles/B" in text
    assert "at 1500, 9000 B" in text
    assert "recalled, unverified" in text


@pytest.mark.parametrize(
    ("name", "includes", "excludes"),
    [
        ("p5-570", "machines.p5-570.clock", "machines.p5-550.clock"),
        ("aix-5.3", "os.aix-5.3.tick_rate", "os.sles-9.tick_rate"),
        ("ds4400-raid0-5", "disks.ds4400-raid0-5.spindles", "disks.internal-scsi.spindles"),
        ("ethernet-1gb", "ethernet.ethernet-1gb.line_rate", "ethernet.ethernet-10gb.line_rate"),
        ("commercial", "profiles.commercial.demand.forks", "profiles.integer.user"),
        ("shared-uncapped", "hypervisor.window", "hosted.vmware.world_switch"),
        ("hosted-vmware", "hosted.vmware.world_switch", "hypervisor.window"),
        ("uml", "events.uml.calls", "events.vmware.calls"),
        ("vios.vscsi", "vios.vscsi.cycles.physical", "vios.sea.transaction_cycles.threaded"),
        ("hypervisor.window", "hypervisor.window", "hypervisor.wake"),
        ("hypervisor", "hypervisor.wake", "vios.vscsi.cycles.physical"),
    ],
)
def test_items_and_prefixes(name: str, includes: str, excludes: str) -> None:
    names = [constant.name for constant in find(CATALOG, name)]
    assert includes in names
    assert excludes not in names
    assert names == sorted(names)


@pytest.mark.parametrize(
    "name", (*CATALOG.virtualizations, *CATALOG.disks, *CATALOG.adapters, *CATALOG.profiles)
)
def test_everything_that_is_listed_can_be_shown(name: str) -> None:
    assert find(CATALOG, name)
    assert name in printed(show(CATALOG, name))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("p5-57", "p5-570"), ("hosted-vmwear", "hosted-vmware"), ("vios.vsci", "vios.vscsi")],
)
def test_a_typo_gets_the_nearest_name(name: str, nearest: str) -> None:
    with pytest.raises(UserError, match=rf"^catalog: '{name}' is .*; did you mean '{nearest}'\?$"):
        show(CATALOG, name)


def test_half_a_word_is_no_prefix() -> None:
    with pytest.raises(UserError):
        find(CATALOG, "hypervisor.w")


def test_what_a_user_wrote_is_not_taken_for_markup() -> None:
    overrides = {
        "hypervisor": {
            "window": {"value": 5, "unit": "ms", "source": "[red]me[/]", "status": "verified"}
        }
    }
    catalog = load_catalog(overrides=overrides)
    assert "[red]me[/]" in printed(show(catalog, "hypervisor.window"))
