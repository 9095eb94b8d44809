import tomllib
from io import StringIO

import pytest
from rich.console import Console

from harness.catalog.schema import Entry
from harness.cli.tables.calibration import calibration_table
from harness.errors import UserError
from harness.real.calibration.calibration import Calibration
from harness.real.calibration.file import document, write
from harness.real.microbenchmarks import EVENTS
from harness.real.provenance import provenance
from harness.real.target.launcher import launcher
from harness.real.target.target import NATIVE


@pytest.fixture(scope="module")
def measured(agent):
    """A short calibration of this machine, for real."""
    with launcher() as place:
        targets = [place.open(NATIVE, agent)]
        events = [event for event in EVENTS if event.name in ("compute", "calls", "switches")]
        calibration = Calibration(targets, events)
        for _ in calibration.run(minimum=3, maximum=3, batch_seconds=0.01):
            pass
    return calibration


def test_the_file_is_read_back_as_entries_of_a_catalog(measured, tmp_path):
    path = tmp_path / "machine.toml"
    told = document(measured, {"qemu-kvm": 'no "KVM" \\ here'}, provenance())
    write(told, path)
    read = tomllib.loads(path.read_text())
    assert read == told
    assert read["calibration"]["complete"] is True
    assert read["targets"]["qemu-kvm"] == {"available": False, "reason": 'no "KVM" \\ here'}
    for event, how in read["measured"]["native"].items():
        if how["above_noise"]:
            constant = Entry(**read["costs"]["native"][event]).constant(("costs", "native", event))
            estimate = measured.estimate("native", event)
            assert constant.value == pytest.approx(estimate.seconds.estimate, rel=1e-3)
            assert constant.low <= constant.value <= constant.high
            assert constant.unit == "s"
            assert provenance()["kernel"] in constant.source
        else:
            assert event not in read["costs"].get("native", {})
            assert how["reason"] == "cannot be told from noise"
    assert [path] == list(tmp_path.iterdir())


def test_the_machine_is_described(measured):
    machine = provenance()
    assert {"kernel", "processors", "measured_at", "load", "vtax"} <= machine.keys()
    assert document(measured, {}, machine)["calibration"]["machine"] == machine


def test_a_file_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(UserError, match=r"taken: .*; name a file that can be written"):
        write({}, tmp_path / "taken")
    with pytest.raises(UserError, match="No such file or directory"):
        write({}, tmp_path / "missing" / "file")
    assert [tmp_path / "taken"] == list(tmp_path.iterdir())


def test_the_table_tells_of_every_event_target_and_reason(measured):
    console = Console(width=80, file=StringIO())
    with console.capture() as printed:
        console.print(calibration_table(measured, {"qemu-kvm": "it did not boot"}))
    text = printed.get()
    for word in ("compute", "calls", "switches", "native", "qemu-kvm is unavailable: it did not"):
        assert word in text
