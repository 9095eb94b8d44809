"""iperf3's JSON."""

import json

import pytest
from measured_files import IPERF3

from harness.imports.iperf3 import read_iperf3
from harness.imports.recording import key


@pytest.mark.parametrize(
    ("start", "direction"),
    [
        ({}, "out"),
        ({"test_start": {"reverse": 1}}, "in"),
        ({"accepted_connection": {}}, "in"),
        ({"accepted_connection": {}, "test_start": {"reverse": 1}}, "out"),
    ],
)
def test_bytes_by_direction(start, direction):
    (recording,) = read_iperf3(json.dumps({**IPERF3, "start": {**IPERF3["start"], **start}}))

    sent = key("vtax_network_bytes_total", way="iperf3", direction=direction)
    assert [each.values[sent] for each in recording.intervals] == [1000, 3000]
    assert recording.intervals[1].ends.timestamp() == 1700000002


def test_processor_shares_and_what_is_missing():
    (recording,) = read_iperf3(json.dumps(IPERF3))

    spent = key("vtax_processor_seconds_total", cause="os")
    assert recording.intervals[0].values[spent] == pytest.approx(0.4)
    assert recording.partition == "client1"
    assert recording.broken_lines == 1
    assert recording.unknown == {"server_output_text": 1}
