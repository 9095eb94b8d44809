"""A campaign that models the partitions of an import."""

import tomllib

import pytest
from measured_files import LPARCFG, LPARCFG_LATER, LPARSTAT, NMON

import harness
from harness.errors import UserError
from harness.imports.model_campaign import write_campaign
from harness.imports.results import read_files


def _written(tmp_path, text, machine=""):
    path = tmp_path / "db.txt"
    path.write_text(text)
    return write_campaign(read_files([path]), "x", tmp_path / "x.toml", machine, None)


def test_settings_and_load_are_the_measured_ones(tmp_path):
    path = _written(tmp_path, LPARCFG + LPARCFG_LATER)
    written = tomllib.loads(path.read_text())

    assert written["factors"]["machine"] == ["p5-550"]  # it was sold as 9133-55A
    assert written["machines"]["p5-550"]["cores"] == 4
    (partition,) = written["partitions"]
    assert partition == {
        "name": "db",
        "workload": "db",
        "virtualization": "shared-uncapped",
        "entitlement": 1.5,
        "virtual_processors": 2,
        "weight": 128,
    }
    # Half a processor at 1.65 GHz, 5 ms each.
    assert written["workloads"]["db"]["arrivals"] == "100 /s"
    assert written["measured"]["db"] == {
        "source": "lparcfg: times not stated",
        "physc_cores": 0.5,
        "dispatches_per_second": 100.0,
    }


def test_model_consumes_what_was_measured(tmp_path):
    path = _written(tmp_path, LPARCFG + LPARCFG_LATER)
    measures = harness.simulate(path).measures()

    assert measures.partitions["db"]["physc_cores"] == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize(
    ("text", "machine", "reason"),
    [
        (NMON, "", "IBM,8205-E6C is in no catalog; add --machine with one of"),
        (NMON, "p5-57", "did you mean 'p5-570'?"),
        (LPARSTAT, "p5-570", "no partition states its type, mode, entitlement"),
    ],
)
def test_nothing_is_guessed(tmp_path, text, machine, reason):
    with pytest.raises(UserError, match=reason.replace("?", r"\?")):
        _written(tmp_path, text, machine)
