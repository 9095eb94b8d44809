"""``lparstat -i``: settings."""

from measured_files import SETTINGS

from harness.imports.lparstat_facts import read_lparstat_i


def test_settings():
    (recording,) = read_lparstat_i(SETTINGS)

    assert recording.partition == "db"
    assert recording.facts == {
        "type": "shared",
        "threads": 4.0,
        "mode": "uncapped",
        "entitlement_cores": 0.3,
        "virtual_processors": 2.0,
        "memory_bytes": 12288 * 2**20,
        "weight": 40.0,
        "pool_processors": 32.0,
        "machine_cores": 64.0,
    }
    assert recording.unknown == {"setting Unallocated Weight": 1, "setting Sub Processor Mode": 1}
    assert recording.broken == ["line 13: is no name and value"]


def test_settings_of_a_dedicated_partition_without_values():
    (recording,) = read_lparstat_i(
        SETTINGS.replace(": 40", ": -").replace("Shared-SMT-4", "Dedicated").replace(": 32", ": -")
    )

    assert recording.facts["type"] == "dedicated"
    assert not {"weight", "pool_processors", "threads"} & recording.facts.keys()
