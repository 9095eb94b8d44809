"""nmon: sections by their headings, times, intervals."""

from datetime import datetime

import pytest
from measured_files import NMON

from harness.imports.nmon import is_nmon, read_nmon
from harness.imports.recording import key


def test_sections_become_values_of_intervals():
    (recording,) = read_nmon(NMON)

    assert recording.partition == "db"
    assert recording.facts["os"] == "AIX 7.1.3.45"
    assert recording.facts["machine"] == "IBM,8205-E6C"
    assert recording.facts["mode"] == "uncapped"
    first, second = recording.intervals
    assert (first.seconds, second.seconds) == (30.0, 60.0)
    assert second.ends == datetime(2016, 1, 1, 0, 0, 30)
    user = key("vtax_processor_seconds_total", cause="user")
    # Of the entitlement, and of what was consumed beyond it.
    assert first.values[user] == pytest.approx(0.4 * 1.0 * 30)
    assert second.values[user] == pytest.approx(0.5 * 2.0 * 60)
    assert first.values[key("vtax_partition_dispatched_seconds_total")] == pytest.approx(15.0)
    assert first.values[key("vtax_partition_unfolded_virtual_processors")] == 1
    network = key("vtax_network_bytes_total", way="en0", direction="out")
    assert first.values[network] == pytest.approx(20 * 1024 * 30)
    assert first.values[key("vtax_disk_busy_seconds_total", disk="hdisk2")] == pytest.approx(7.5)
    assert first.values[key("vtax_disk_operations_total", disk="hdisk0")] == pytest.approx(3000)
    assert first.values[key("vtax_partition_page_ins_total")] == pytest.approx(90)


def test_unknown_sections_are_named_and_broken_lines_counted():
    (recording,) = read_nmon(NMON + "NFSCLI,T0001,1\nnot a section\nTOP,00123,T0001,1\n")

    assert recording.unknown == {"PAGE": 1, "NFSCLI": 1, "TOP": 1}
    assert recording.broken_lines == 2
    assert any("DISKXFER: 'x' is not a number" in each for each in recording.broken)


def test_sorted_file_gives_the_same_values():
    lines = NMON.splitlines()
    plain, ordered = (read_nmon("\n".join(each))[0] for each in (lines, sorted(lines)))

    assert [each.values for each in plain.intervals] == [each.values for each in ordered.intervals]
    assert plain.facts == ordered.facts


def test_linux_counts_the_processors_of_cpu_all():
    text = (
        "AAA,progname,nmon\nAAA,host,lx\nAAA,OS,Linux,3.2.0,#1 SMP\nAAA,interval,10\n"
        "CPU_ALL,CPU Total lx,User%,Sys%,Wait%,Idle%,Steal%,Busy,CPUs\n"
        "CPU_ALL,T0001,25.0,5.0,0.0,60.0,10.0,,4\n"
    )
    (recording,) = read_nmon(text)

    (interval,) = recording.intervals
    assert interval.values[key("vtax_processor_seconds_total", cause="user")] == pytest.approx(10)
    assert interval.values[key("vtax_processor_seconds_total", cause="stolen")] == pytest.approx(4)
    assert recording.facts["os"] == "Linux 3.2.0"
    assert any("no times (ZZZZ)" in each for each in recording.notes)


def test_without_interval_and_times_counts_are_left_out():
    (recording,) = read_nmon(NMON.replace("AAA,interval,30\n", ""))

    first, second = recording.intervals
    assert first.seconds is None
    assert not [name for name, _ in first.values if name.endswith("_total")]
    assert second.values[key("vtax_partition_dispatched_seconds_total")] == pytest.approx(120)


def test_negative_counts_are_left_out():
    (recording,) = read_nmon(NMON.replace("VM,T0001,5,3,4", "VM,T0001,5,-1,4"))

    values = recording.intervals[0].values
    assert key("vtax_partition_page_ins_total") not in values
    assert values[key("vtax_partition_page_outs_total")] == pytest.approx(120)
    assert any("Negative counts" in note for note in recording.notes)


def test_wrong_date_is_a_broken_line():
    (recording,) = read_nmon(NMON.replace("01-JAN-2016", "41-JAN-2016"))

    assert "ZZZZ: is no time and date" in recording.broken[0]


@pytest.mark.parametrize("text", ["", "a,b,c\n", "CPU,1,2\n"])
def test_other_texts_are_not_nmon(text):
    assert not is_nmon(text)
