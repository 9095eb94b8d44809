"""Times of hypervisor calls as constants."""

import pytest
from measured_files import CALLS, LPARSTAT

from harness.catalog import load_catalog
from harness.imports.calls_catalog import write_calls
from harness.imports.results import read_files

FREQUENCY = (
    " --------Actual--------              ------Normalised------\n"
    " user   sys  wait  idle      freq    user   sys  wait  idle\n"
    "0.080 0.012 0.000 0.108 1.8GHz[ 50%] 0.040 0.006 0.000 0.154\n"
)


def _written(tmp_path, text):
    path = tmp_path / "db.txt"
    path.write_text(text)
    return write_calls(read_files([path]), tmp_path)


def test_calls_replace_the_constants_of_the_model_where_the_clock_is_known(tmp_path):
    path = _written(tmp_path, CALLS + "System configuration: ent=1\n" + FREQUENCY)
    catalog = load_catalog([path])

    call = catalog.constants["hypervisor.call.measured_send_crq"]
    assert call.source.startswith("lparstat -H, measured on db, date not stated: mean of 20 calls")
    assert catalog.nominal().number("hypervisor.call.measured_send_crq") == pytest.approx(8e-6)
    # 8 us at 3.6 GHz.
    assert catalog.nominal().number("hypervisor.call.queue_element") == pytest.approx(28800)
    assert catalog.nominal().number("hypervisor.call.lan_buffer") == (
        load_catalog().nominal().number("hypervisor.call.lan_buffer")
    )
    assert "waiting" in catalog.constants["hypervisor.call.measured_cede"].meaning


def test_without_a_clock_the_models_constants_stay_and_the_file_says_so(tmp_path):
    path = _written(tmp_path, CALLS)

    assert "are not replaced" in " ".join(path.read_text().split("\n# "))
    constants = load_catalog([path]).nominal()
    assert constants.number("hypervisor.call.queue_element") == 1300


def test_without_calls_there_is_no_file(tmp_path):
    assert _written(tmp_path, LPARSTAT) is None
