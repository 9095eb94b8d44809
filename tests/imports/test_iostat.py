"""``iostat -D``: blocks of each disk."""

import pytest
from measured_files import DISK, IOSTAT

from harness.imports.iostat import read_iostat
from harness.imports.recording import key


def test_rates_and_service_times():
    (recording,) = read_iostat(IOSTAT)

    first, second = recording.intervals
    assert first.seconds == 10.0
    assert first.values[key("vtax_disk_operations_total", disk="hdisk0")] == pytest.approx(40)
    assert first.values[key("vtax_disk_bytes_total", disk="hdisk0")] == pytest.approx(164e3)
    assert first.values[key("vtax_disk_busy_seconds_total", disk="hdisk0")] == pytest.approx(5)
    served = key("vtax_disk_read_service_seconds", disk="hdisk0")
    assert first.values[served] == pytest.approx(0.008)
    assert second.values[served] == pytest.approx(1.5)
    waited = key("vtax_disk_queue_wait_seconds", disk="hdisk0")
    assert first.values[waited] == pytest.approx(0.0005)
    assert recording.unknown["column maxserv"] == 4


def test_without_interval_only_times_and_a_short_line_is_broken():
    (recording,) = read_iostat(
        IOSTAT.replace("# iostat -dD hdisk0 10 2\n", "").replace("50.0     16.4K", "50.0")
    )

    first = recording.intervals[0]
    assert first.seconds is None
    assert not [name for name, _ in first.values if name.endswith("_total")]
    assert recording.broken_lines == 2
    assert "--interval" in recording.notes[0]


def test_a_disk_that_comes_again_starts_a_new_interval():
    (recording,) = read_iostat(DISK + DISK.replace("hdisk0", "hdisk1") + DISK, 1.0)

    assert [len({labels for _, labels in each.values}) for each in recording.intervals] == [2, 1]
