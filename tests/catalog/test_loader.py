from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.catalog import load_catalog
from harness.errors import UserError

Write = Callable[[str], Path]
KNOWN = 'source = "measured"\nstatus = "verified"'


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_catalog([path])
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_a_file_replaces_a_constant(write: Write) -> None:
    path = write(f'[hypervisor.window]\nvalue = 5\nunit = "ms"\n{KNOWN}')
    catalog = load_catalog([path])
    assert catalog.nominal().number("hypervisor.window") == 0.005
    assert catalog.constants["hypervisor.window"].source == "measured"
    assert load_catalog().nominal().number("hypervisor.window") == 0.010


def test_later_files_and_overrides_win(tmp_path: Path) -> None:
    paths = []
    for number in (5, 6):
        path = tmp_path / f"{number}.toml"
        path.write_text(f'[hypervisor.window]\nvalue = {number}\nunit = "ms"\n{KNOWN}')
        paths.append(path)
    assert load_catalog(paths).nominal().number("hypervisor.window") == 0.006
    overrides = {"hypervisor": {"window": {"value": 7, "unit": "ms", "source": "x"}}}
    overrides["hypervisor"]["window"]["status"] = "verified"
    assert load_catalog(paths, overrides).nominal().number("hypervisor.window") == 0.007


def test_an_operating_system_may_go_without_quotes(write: Write) -> None:
    path = write(f'[os.aix-5.3.tick_rate]\nvalue = 250\nunit = "Hz"\n{KNOWN}')
    catalog = load_catalog([path])
    assert catalog.nominal().number("os.aix-5.3.tick_rate") == 250
    assert catalog.operating_systems == load_catalog().operating_systems
    assert catalog.constants["os.aix-5.3.tick_rate"].path == ("os", "aix-5.3", "tick_rate")


MACHINE = {
    "title": 'value = "A larger machine"',
    "model": 'value = "9119-595"',
    "generation": 'value = "POWER5"',
    "cores": 'value = 64\nunit = "cores"',
    "clock": 'value = 1.9\nunit = "GHz"',
    "memory": 'value = 2048\nunit = "GiB"',
    "configurations": 'value = ["9119-595 POWER5 16,32,48,64 @ 1.9 GHz"]',
}


def machine(**changes: str | None) -> str:
    keys: dict[str, str | None] = {**MACHINE, **changes}
    return "\n".join(
        f"[machines.p5-595.{key}]\n{text}\n{KNOWN}" for key, text in keys.items() if text
    )


def test_a_file_adds_a_machine(write: Write) -> None:
    catalog = load_catalog([write(machine())])
    assert "p5-595" in catalog.machines
    (sold,) = catalog.sold("p5-595")
    assert (sold.model, sold.cores, sold.clock_hz) == ("9119-595", (16, 32, 48, 64), 1.9e9)


def test_a_new_machine_must_be_complete(write: Write) -> None:
    message = refused(write(machine(cores=None, clock=None)))
    assert message.startswith("machines.p5-595: is new and lacks clock, cores")


def test_a_mistyped_machine_is_a_new_one_that_lacks_things(write: Write) -> None:
    message = refused(write(f'[machines.p5-571.clock]\nvalue = 2.2\nunit = "GHz"\n{KNOWN}'))
    assert "machines.p5-571: is new and lacks configurations, cores" in message
    assert message.endswith("did you mean 'p5-570'?")


def test_a_configuration_must_read_like_one(write: Write) -> None:
    message = refused(write(machine(configurations='value = ["16 cores"]')))
    assert "'16 cores' does not read like '9117-570 POWER5 2,4,8 @ 1.5 GHz'" in message


def test_a_file_adds_a_profile(write: Write) -> None:
    path = write(
        f"""
        [profiles.billing.title]
        value = "Billing"
        {KNOWN}
        [profiles.billing.user]
        value = "billing.py:NightlyBilling"
        {KNOWN}
        [profiles.billing.demand.processor]
        value = 3
        unit = "ms"
        {KNOWN}
        """
    )
    profile = load_catalog([path]).profile("billing")
    (group,) = profile.groups
    assert (group.name, group.user, group.users) == (
        "billing",
        "billing.py:NightlyBilling",
        "1 per core",
    )
    assert dict(group.demand) == {"processor": "profiles.billing.demand.processor"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            '[hypervisor.vp_swich]\nvalue = 1\nunit = "us"\n' + KNOWN,
            "hypervisor.vp_swich: the catalog has no such constant; "
            "did you mean 'hypervisor.vp_switch'?",
        ),
        (
            '[window]\nvalue = 1\nunit = "us"\n' + KNOWN,
            "window: the catalog has no such constant",
        ),
        (
            '[machines.p5-570.clok]\nvalue = 1\nunit = "GHz"\n' + KNOWN,
            "machines.p5-570.clok: the catalog has no such constant; "
            "did you mean 'machines.p5-570.clock'?",
        ),
        (
            '[hypervisor.window]\nvalue = 5\nunit = "ms"',
            "hypervisor.window: it has no source and no status",
        ),
        (
            '[hypervisor.window]\nvalue = 5\nunit = "ms"\nsource = "x"',
            "hypervisor.window: it has no status",
        ),
        ("[hypervisor.window]\n" + KNOWN, "hypervisor.window: it has no value"),
        (
            '[hypervisor.window]\nvalue = 5\nunit = "ms"\nsource = ""\nstatus = "verified"',
            "hypervisor.window: source: is empty",
        ),
        (
            '[hypervisor.window]\nvalue = 5\nunit = "ms"\nsource = "x"\nstatus = "sure"',
            "hypervisor.window: status: 'sure' is not one of verified, recalled, assumed",
        ),
        (
            '[hypervisor.window]\nvalue = 5\nunits = "ms"\n' + KNOWN,
            "hypervisor.window: unknown key 'units'; did you mean 'unit'?",
        ),
        (
            '[hypervisor.window]\nvalue = 5\nunit = "GHz"\n' + KNOWN,
            "hypervisor.window: unit: is 'Hz' in SI, but must be one for 's'",
        ),
        (
            '[hypervisor.window]\nvalue = "5 ms"\n' + KNOWN,
            "hypervisor.window: value: is a text, but must be a number",
        ),
        (
            '[vios.vscsi.cycles.physical]\nvalue = [1, 2]\nunit = "cycles"\n' + KNOWN,
            "vios.vscsi.cycles.physical: at: must be given, in units of 'B'",
        ),
        (
            '[vios.vscsi.cycles.physical]\nvalue = 1\nunit = "cycles"\n' + KNOWN,
            "vios.vscsi.cycles.physical: value: is a number, but must be a list of numbers",
        ),
        (
            "[hypervisor]\nwindow = 5",
            "hypervisor.window: a constant is a table with value, unit, source and status",
        ),
        (
            '[hypervisor.window]\nvalue = 1e308\nunit = "d"\n' + KNOWN,
            "hypervisor.window: 1E+308 is too large",
        ),
        (
            '[profiles.commercial.demands.forks]\nvalue = 1\nunit = ""\n' + KNOWN,
            "profiles.commercial.demands.forks: a profile has no 'forks'",
        ),
        (
            '[profiles.commercial.usr]\nvalue = "x"\n' + KNOWN,
            "profiles.commercial.usr: a profile has no 'usr'",
        ),
        (
            '[profiles.mine.title]\nvalue = "x"\n' + KNOWN,
            "profiles.mine: is new and lacks user",
        ),
        (
            '[hosted.qemu.title]\nvalue = "x"\n' + KNOWN,
            "hosted.qemu: is new and lacks accesses_per_transmission, copy_cycles_per_byte",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_constant(
    write: Write, table: str, message: str
) -> None:
    assert message in refused(write(table))


def test_overrides_name_where_they_come_from() -> None:
    overrides: dict[str, Any] = {"hypervisor": {"window": {"value": 5, "unit": "ms"}}}
    with pytest.raises(UserError) as caught:
        load_catalog(overrides=overrides, overrides_from="carrier.toml: catalog")
    expected = "carrier.toml: catalog: hypervisor.window: it has no source and no status"
    assert str(caught.value) == expected


def test_a_file_that_is_missing_or_no_toml(tmp_path: Path, write: Write) -> None:
    missing = tmp_path / "none.toml"
    assert refused(missing) == "cannot be read (No such file or directory)"
    assert refused(write("[hypervisor")).startswith("is not TOML: ")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert refused(binary) == "is encoded in UTF-16; save it as UTF-8"


def test_a_new_flavour_needs_its_events(write: Write) -> None:
    known = load_catalog().constants
    tables = "\n".join(
        f"[hosted.qemu.{'.'.join(constant.path[2:])}]\n"
        + (
            f'value = "QEMU"\n{KNOWN}'
            if constant.unit == "" and isinstance(constant.value, str)
            else f'value = {constant.value}\nunit = "{constant.unit}"\n{KNOWN}'
        )
        for constant in known.values()
        if constant.path[:2] == ("hosted", "vmware")
    )
    assert refused(write(tables)) == "hosted.qemu: is new and lacks its events.qemu"
    events = "\n".join(
        f'[events.qemu.{constant.path[2]}]\nvalue = {constant.value}\nunit = "cycles"\n{KNOWN}'
        for constant in known.values()
        if constant.path[:2] == ("events", "vmware")
    )
    catalog = load_catalog([write(f"{tables}\n{events}")])
    assert "hosted-qemu" in catalog.virtualizations


FLAVOURS = ("native", "esx-3", "uml", "vmware", "xen-3")


def own_event(*levels: str) -> str:
    return "\n".join(
        f'[events.{level}.journal_commits]\nvalue = 9\nunit = "us"\nclock = "2.4 GHz"\n' + KNOWN
        for level in levels
    )


def test_an_event_of_ones_own_has_a_cost_on_every_level(write: Write) -> None:
    catalog = load_catalog([write(own_event(*FLAVOURS))])
    assert catalog.nominal().number("events.uml.journal_commits") == pytest.approx(9 * 2400)
    lacking = refused(write(own_event("native", "uml")))
    assert lacking == (
        "event journal_commits: is new and lacks events.esx-3.journal_commits, "
        "events.vmware.journal_commits, events.xen-3.journal_commits"
    )
    typo = own_event("native").replace("journal_commits", "page_fault")
    assert "did you mean 'page_faults'" in refused(write(typo))
    wrong = own_event(*FLAVOURS).replace('unit = "us"\nclock = "2.4 GHz"', 'unit = "B"')
    assert "unit: is 'B' in SI" in refused(write(wrong))


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("vp_switch", -8, "cycles"),
        ("vp_switch", 1e300, "cycles"),
        ("window", 0, "ms"),
        ("entitlement_step", 0, "cores"),
    ],
)
def test_replacements_out_of_all_proportion_are_refused(name, value, unit):
    entry = {"value": value, "unit": unit, "source": "x", "status": "verified", "meaning": "x."}
    with pytest.raises(UserError, match=rf"hypervisor\.{name}: value: .* out of all proportion"):
        load_catalog(overrides={"hypervisor": {name: entry}})


@pytest.mark.parametrize("value", [0, -1, 0.3])
@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("io.disk_adapters", "count"),
        ("disks.internal-scsi.spindles", "count"),
        ("processor.l2_cores", ""),
        ("processor.page", "B"),
        ("network.segment", "B"),
        ("machines.p5-570.cores", "cores"),
        ("os.sles-9.vscsi_queue_depth", "count"),
        ("operations.mobility.piece", "B"),
    ],
)
def test_less_than_one_of_what_is_needed_is_refused(name, unit, value):
    overrides = {"value": value, "unit": unit, "source": "x", "status": "verified"}
    for part in reversed(name.split(".")):
        overrides = {part: overrides}
    with pytest.raises(UserError, match=rf"{name}: value: .* out of all proportion"):
        load_catalog(overrides=overrides)


def test_a_cost_may_be_replaced_by_nothing():
    entry = {"value": 0, "unit": "cycles", "source": "x", "status": "verified", "meaning": "x."}
    catalog = load_catalog(overrides={"hypervisor": {"vp_switch": entry}})
    assert catalog.nominal().number("hypervisor.vp_switch") == 0.0
