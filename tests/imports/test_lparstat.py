"""``lparstat``: intervals, memory, frequencies, calls; found by headings."""

import pytest
from measured_files import CALLS, LPARSTAT

from harness.imports.lparstat import is_lparstat, read_lparstat
from harness.imports.recording import key

PHYSC = key("vtax_partition_physc_cores")
USER = key("vtax_processor_seconds_total", cause="user")
DISPATCHES = key("vtax_partition_dispatches_total")


def test_intervals_are_read_by_headings():
    (recording,) = read_lparstat(LPARSTAT)

    assert recording.facts == {
        "type": "shared",
        "mode": "uncapped",
        "threads": 4.0,
        "logical_processors": 8.0,
        "entitlement_cores": 0.5,
        "pool_processors": 16.0,
        "memory_bytes": 4096 * 2**20,
    }
    first, second, third = recording.intervals
    assert first.seconds == 5.0
    # Below the entitlement, shares are of the entitlement; above, of what was consumed.
    assert first.values[USER] == pytest.approx(0.2 * 0.5 * 5)
    assert second.values[USER] == pytest.approx(0.6 * 1.0 * 5)
    assert first.values[key("vtax_partition_dispatched_seconds_total")] == pytest.approx(1.25)
    assert first.values[key("vtax_partition_hypervisor_seconds_total")] == pytest.approx(0.125)
    assert first.values[DISPATCHES] == 900
    assert any("counts of the interval" in note for note in recording.notes)
    assert first.values[key("vtax_pool_available_processors")] == 12.5
    assert third.values == second.values  # decimal commas


def test_broken_lines_are_counted_and_unknown_columns_named():
    (recording,) = read_lparstat(LPARSTAT)

    assert recording.broken_lines == 2
    assert recording.broken == [
        "line 10: 3 values under 13 headings",
        "line 11: physc: 'n/a' is not a number",
    ]
    assert recording.unknown == {"column %nsp": 3}


def test_another_order_of_columns_gives_the_same_values():
    text = (
        "System configuration: mode=Uncapped type=Shared ent=0.50 smt=On lcpu=4 mem=1024MB\n"
        "vcsw %idle physc %user %sys\n---- ---- ---- ---- ----\n 7 70.0 0.25 20.0 10.0\n"
    )
    (recording,) = read_lparstat(text, 2.0)

    (interval,) = recording.intervals
    assert interval.values[DISPATCHES] == 7
    assert interval.values[PHYSC] == 0.25
    assert interval.values[USER] == pytest.approx(0.2 * 0.5 * 2)


def test_without_a_stated_interval_counts_are_left_out():
    (recording,) = read_lparstat(LPARSTAT.replace("# lparstat -h 5 3\n", ""))

    assert recording.intervals[0].values[PHYSC] == 0.25
    assert DISPATCHES not in recording.intervals[0].values
    assert recording.intervals[0].seconds is None
    assert any("--interval" in note for note in recording.notes)


def test_dedicated_partition_counts_its_processors():
    text = (
        "System configuration: type=Dedicated mode=Capped smt=On lcpu=4 mem=8192MB\n"
        "%user %sys %wait %idle\n----- ---- ---- ----\n50.0 0.0 0.0 50.0\n"
    )
    (recording,) = read_lparstat(text, 10.0)

    # Two processors of two threads each.
    assert recording.intervals[0].values[USER] == pytest.approx(0.5 * 2 * 10)
    assert PHYSC not in recording.intervals[0].values


def test_linux_on_power_has_its_configuration_on_a_line_of_its_own():
    text = (
        "System Configuration\n"
        "type=Shared mode=Capped smt=8 lcpu=4 mem=4101120 kB cpus=24 ent=2.00 \n\n"
        "%user  %sys %wait    %idle    physc %entc lbusy   app  vcsw phint\n"
        "----- ----- -----    -----    ----- ----- ----- ----- ----- -----\n"
        " 1.00  2.00  0.00    97.00     0.10  5.00  3.00 20.00   400     1\n"
    )
    (recording,) = read_lparstat(text, 1.0)

    assert recording.facts["memory_bytes"] == 4101120 * 1024
    assert recording.facts["mode"] == "capped"
    assert recording.intervals[0].values[PHYSC] == 0.1
    assert not recording.unknown


def test_memory_report():
    text = (
        "System configuration: lcpu=4 mem=7168MB mpsz=0.00GB iome=7168.00MB iomp=16 ent=0.20\n\n"
        "physb   hpi  hpit  pmem  iomin   iomu %entc  vcsw\n----- ----- --- --- --- --- --- ---\n"
        " 0.63    12    30  7.00   46.8   -      4.1  1000\n"
    )
    (recording,) = read_lparstat(text, 1.0)

    values = recording.intervals[0].values
    assert values[key("vtax_partition_hypervisor_page_ins_total")] == 12
    assert values[key("vtax_partition_hypervisor_page_in_seconds_total")] == pytest.approx(0.03)
    assert values[key("vtax_partition_physical_memory_bytes")] == 7 * 2**30
    assert recording.unknown == {"column iomin": 1}


def test_table_of_io_memory_pools_is_named_and_not_broken():
    text = (
        "System configuration: lcpu=4 mem=7168MB mpsz=0.00GB iome=7168.00MB iomp=16 ent=0.20\n\n"
        "physb pmem vcsw\n----- ----- ----\n 0.63 7.00 1000\n\n"
        "        iompn: iomin  iodes\n   ent1.txpool  2.12  16.00\n       vscsi0 16.50  16.50\n"
    )
    (recording,) = read_lparstat(text, 1.0)

    assert len(recording.intervals) == 1
    assert recording.unknown == {"iompn:": 3}
    assert not recording.broken_lines


def test_frequency_report():
    text = (
        "System configuration: type=Shared mode=Uncapped smt=On lcpu=4 mem=1024MB ent=0.20\n\n"
        "Physical Processor Utilisation:\n\n"
        " --------Actual--------              ------Normalised------\n"
        " user   sys  wait  idle      freq    user   sys  wait  idle\n"
        " ----  ----  ----  ----   ---------  ----  ----  ----  ----\n"
        "0.080 0.012 0.000 0.108 1.8GHz[ 50%] 0.040 0.006 0.000 0.154\n"
    )
    (recording,) = read_lparstat(text)

    values = recording.intervals[0].values
    assert values[key("vtax_partition_frequency_hertz")] == 1.8e9
    assert recording.facts["clock_hertz"] == 3.6e9
    assert values[key("vtax_partition_actual_cores", state="user")] == 0.08
    assert values[key("vtax_partition_normalised_cores", state="idle")] == 0.154
    assert not recording.broken and not recording.unknown


def test_calls_of_the_hypervisor_are_summed_up_over_reports():
    second = CALLS.replace(" 10 ", " 30 ").replace("1000  ", "3000  ")
    (recording,) = read_lparstat(CALLS + second)

    assert set(recording.calls) == {"remove", "cede", "send_crq"}
    remove = recording.calls["remove"]
    assert remove.count == 40
    assert remove.mean_seconds == pytest.approx(2.5e-6)
    assert recording.broken_lines == 2


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "total used free\n1 2 3\n", "[campaign]\n"])
def test_other_texts_are_not_lparstat(text):
    assert not is_lparstat(text)
