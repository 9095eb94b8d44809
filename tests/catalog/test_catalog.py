from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.catalog import Catalog, load_catalog
from harness.catalog.catalog import parse_configuration

CATALOG = load_catalog()


@pytest.fixture
def catalog() -> Catalog:
    return CATALOG


def test_the_nominal_values_are_the_stated_ones(catalog: Catalog) -> None:
    nominal = catalog.nominal()
    assert dict(nominal) == {name: c.value for name, c in catalog.constants.items()}
    assert nominal.digest() == load_catalog().nominal().digest()


@given(st.data(), st.floats(min_value=0, max_value=1))
@settings(max_examples=30)
def test_only_what_is_drawn_moves_and_stays_in_its_range(data: st.DataObject, u: float) -> None:
    names = data.draw(st.sets(st.sampled_from(CATALOG.uncertain), max_size=8))
    drawn = CATALOG.draw(dict.fromkeys(names, u))
    nominal = CATALOG.nominal()
    assert {name for name in nominal if drawn[name] != nominal[name]} <= names
    for name in names:
        constant = CATALOG.constants[name]
        assert drawn[name] == constant.draw(u)


def test_every_uncertain_constant_reaches_both_ends(catalog: Catalog) -> None:
    lowest = catalog.draw(dict.fromkeys(catalog.uncertain, 0.0))
    highest = catalog.draw(dict.fromkeys(catalog.uncertain, 1.0))
    for name in catalog.uncertain:
        assert lowest[name] == catalog.constants[name].low
        assert highest[name] == catalog.constants[name].high
        assert lowest[name] != highest[name]


def test_a_draw_has_another_digest(catalog: Catalog) -> None:
    drawn = catalog.draw({"hypervisor.vp_switch": 0.9})
    assert drawn.digest() != catalog.nominal().digest()


def test_an_unknown_name_is_a_programming_error(catalog: Catalog) -> None:
    with pytest.raises(KeyError, match=r"hypervisor\.vp_swich"):
        catalog.draw({"hypervisor.vp_swich": 0.5})


def test_items(catalog: Catalog) -> None:
    assert {"570-power6", "p5-520", "p5-550", "p5-570"} <= set(catalog.machines)
    assert list(catalog.machines) == sorted(catalog.machines)
    assert catalog.operating_systems == ("aix-5.3", "rhel-as-3", "sles-9")
    assert catalog.flavours == ("esx-3", "uml", "vmware", "xen-3")
    assert catalog.virtualizations == (
        "full-system",
        "physical",
        "dedicated",
        "shared-capped",
        "shared-uncapped",
        "hosted-esx-3",
        "hosted-uml",
        "hosted-vmware",
        "hosted-xen-3",
    )
    assert catalog.disks == ("ds4400-raid0-5", "internal-scsi")
    assert catalog.adapters == ("ethernet-100mb", "ethernet-10gb", "ethernet-1gb")
    assert catalog.title("os", "aix-5.3") == "AIX 5L V5.3"
    assert catalog.published("processor.reference_clock") == "1.65 GHz"


def test_what_was_sold(catalog: Catalog) -> None:
    sold = {(s.generation, c, s.clock_hz) for s in catalog.sold("p5-570") for c in s.cores}
    assert ("POWER5", 16, 1.9e9) in sold
    assert ("POWER5", 16, 1.5e9) not in sold
    assert ("POWER5+", 16, 2.2e9) in sold


@pytest.mark.parametrize("machine", CATALOG.machines)
def test_what_a_campaign_gets_without_asking_was_sold(catalog: Catalog, machine: str) -> None:
    nominal = catalog.nominal()
    model, generation = (nominal.text(f"machines.{machine}.{k}") for k in ("model", "generation"))
    cores, clock_hz = (nominal.number(f"machines.{machine}.{k}") for k in ("cores", "clock"))
    assert any(
        (s.model, s.generation, s.clock_hz) == (model, generation, clock_hz) and cores in s.cores
        for s in catalog.sold(machine)
    )


def test_a_profile_of_several_groups(catalog: Catalog) -> None:
    profile = catalog.profile("carrier-mix")
    assert [group.name for group in profile.groups] == ["records", "relay", "subscriber"]
    relay = profile.groups[1]
    assert relay.user == "workloads/carrier.py:MessageRelay"
    assert relay.users == "2 per core"
    assert relay.think_time_seconds == 0.01
    assert relay.demand["processor"] == "profiles.carrier-mix.relay.demand.processor"


@pytest.mark.parametrize("text", ["9117-570 2 @ 1.5 GHz", "a b 2,4 @ 1.5", "a b two @ 1 GHz"])
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not read like|needs a unit"):
        parse_configuration(text)


def test_costs_of_the_levels_are_numbers_and_belong_to_one_level_only() -> None:
    firmware, software = (set(CATALOG.costs(level)) for level in ("firmware", "software"))
    assert not firmware & software
    assert {"hypervisor.vp_switch", "vios.vscsi.cycles.physical"} <= firmware
    assert {"processor.memory_latency", "processor.working_set", "vios.working_set"} <= firmware
    assert {"hosted.transfer", "hosted.uml.packet.monitor", "hosted.vmware.footprint"} <= software
    for name in firmware | software:
        assert CATALOG.constants[name].unit in ("s", "cycles", "cycles/B", "B", "count", ""), name
    # A factor stands for all that it multiplies, so that nothing is multiplied twice.
    assert set(CATALOG.costs("firmware", together=True)) == firmware
    assert set(CATALOG.costs("software", together=True)) < software


def test_every_entry_of_the_levels_names_a_constant() -> None:
    for name in ("firmware.costs", "software.costs", "software.together"):
        for pattern in CATALOG.constants[f"levels.{name}"].value:
            assert any(fnmatchcase(each, pattern) for each in CATALOG.constants), pattern


def test_which_constants_are_a_level_s_costs_can_be_changed_like_any_constant() -> None:
    own = load_catalog(
        overrides={
            "levels": {
                "firmware": {
                    "costs": {
                        "value": ["hypervisor.call.null"],
                        "source": "ours",
                        "status": "assumed",
                    }
                }
            }
        }
    )
    assert own.costs("firmware") == ("hypervisor.call.null",)
