"""fio's JSON."""

import json

import pytest
from measured_files import FIO

from harness.imports.fio import read_fio
from harness.imports.recording import key

RESPONSE = key("vtax_disk_response_seconds_total", disk="random")


def test_operations_of_a_job():
    (recording,) = read_fio("fio: note: a warning\n" + json.dumps(FIO))

    (interval,) = recording.intervals
    assert interval.seconds == 10.0
    assert interval.ends.timestamp() == 1700000000
    values = interval.values
    assert values[key("vtax_disk_operations_total", disk="random")] == 1000
    assert values[key("vtax_disk_bytes_total", disk="random")] == 4096000
    assert values[RESPONSE] == pytest.approx(2.0)
    p99 = key("vtax_disk_completion_seconds", disk="random", way="read", quantile="p99")
    assert values[p99] == pytest.approx(0.009)
    assert values[key("vtax_processor_seconds_total", cause="os")] == pytest.approx(2.0)
    assert recording.unknown == {"text before the JSON": 1, "trim": 1, "disk_util": 1}


def test_microseconds_of_early_versions():
    job = {**FIO["jobs"][0]["read"], "lat": {"mean": 2000.0}, "lat_ns": {}}
    (recording,) = read_fio(
        json.dumps({**FIO, "jobs": [{"jobname": "random", "read": job, "write": {}}]})
    )

    assert recording.intervals[0].values[RESPONSE] == pytest.approx(2.0)
