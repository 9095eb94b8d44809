import pytest

from harness.campaign.machine import resolve_machine
from harness.campaign.schema.campaign import Campaign
from harness.catalog import load_catalog
from harness.errors import UserError

CATALOG = load_catalog()


def resolve(name: str, catalog=CATALOG, **table):
    campaign = Campaign.model_validate(
        {
            "campaign": {"name": "c", "duration": "1 s"},
            "factors": {"machine": [name], "virtualization": ["full-system"]},
            "partitions": [{"name": "app", "cores": 1}],
            "machines": {name: table} if table else {},
        }
    )
    return resolve_machine(name, campaign, catalog, catalog.nominal(), "c.toml")


def test_without_a_table_the_machine_is_the_catalogs():
    machine = resolve("p5-570")
    assert (machine.model, machine.generation, machine.cores) == ("9117-570", "POWER5", 16)
    assert machine.clock_hz == 1.9e9
    assert machine.memory_bytes == 512 * 2**30


def test_every_machine_of_the_catalog_was_sold_as_it_stands():
    for name in CATALOG.machines:
        machine = resolve(name)
        again = resolve(name, cores=machine.cores)
        assert again == machine


def test_a_table_replaces_what_it_names():
    machine = resolve("p5-570", cores=4, clock="1.65 GHz", memory="16 GiB")
    assert (machine.cores, machine.clock_hz, machine.memory_bytes) == (4, 1.65e9, 16 * 2**30)
    assert machine.generation == "POWER5"


def test_the_generation_follows_from_the_clock():
    assert resolve("p5-570", clock="2.2 GHz").generation == "POWER5+"
    assert resolve("p5-570", clock="1.9 GHz", generation="POWER5+").generation == "POWER5+"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"cores": 6},
            "9117-570 POWER5 6 @ 1.9 GHz': was never sold; sold were POWER5 2,4,8 @ 1.5",
        ),
        ({"clock": "3 GHz"}, "POWER5 16 @ 3 GHz': was never sold"),
        ({"generation": "POWER6"}, "POWER6 16 @ 1.9 GHz': was never sold"),
        ({"type": "9999-999"}, "known types are 9111-520, 9113-550"),
    ],
)
def test_what_was_never_sold_needs_to_be_called_hypothetical(table, message):
    with pytest.raises(UserError) as caught:
        resolve("p5-570", **table)
    assert str(caught.value).startswith("c.toml: machines.p5-570 = ")
    assert message in str(caught.value)
    assert "hypothetical = true" in str(caught.value)
    resolve("p5-570", hypothetical=True, **table)


def test_a_machine_of_ones_own_says_everything():
    table = {"type": "9117-570", "generation": "POWER5", "cores": 8, "clock": "1.5 GHz"}
    with pytest.raises(UserError, match=r"machines\.mine\.memory: is missing"):
        resolve("mine", **table)
    assert resolve("mine", **table, memory="8 GiB").cores == 8


def test_a_machine_of_a_catalog_file_is_one_of_its_configurations_too():
    cores = {"value": 6, "unit": "cores", "source": "s", "status": "verified"}
    catalog = load_catalog(overrides={"machines": {"p5-550": {"cores": cores}}})
    with pytest.raises(UserError, match=r"machines\.p5-550 = '9133-55A POWER5\+ 6 .* never sold"):
        resolve("p5-550", catalog)
    assert resolve("p5-550", catalog, hypothetical=True).cores == 6
    assert resolve("p5-550", catalog, cores=4).cores == 4
