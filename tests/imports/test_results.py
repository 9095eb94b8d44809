"""An import as a campaign's results: cells, runs, times, samples."""

import json
from datetime import UTC, timedelta, timezone

import pytest
from measured_files import BY_FORMAT, CALLS, LPARSTAT, NMON, SETTINGS

from harness.errors import UserError
from harness.imports.keep import campaign_name, keep
from harness.imports.results import read_files
from harness.prometheus.openmetrics import write_openmetrics
from harness.results.store import Store


@pytest.fixture
def write(tmp_path):
    def write(name: str, text: str):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_files_of_one_partition_are_runs_of_one_cell(write):
    paths = [write("db.nmon", NMON), write("db.txt", LPARSTAT), write("i.txt", SETTINGS)]
    found = read_files(paths, name="db")
    record = found.record("x")

    (cell,) = record.cells
    assert (cell.workload, cell.virtualization) == ("db", "shared-uncapped")
    assert (cell.machine, cell.os) == ("IBM,8205-E6C", "AIX 7.1.3.45")
    assert [(position, replication) for position, replication, _ in found.results()] == [
        (0, 0),
        (0, 1),
    ]
    assert (
        "db: files differ in entitlement_cores (0.5, 0.3); i.txt counts."
        in record.imported["notes"]
    )


def test_measures_are_those_of_the_file(write):
    found = read_files([write("web.txt", LPARSTAT)])
    ((_, _, result),) = found.results()
    measures = result.measures()

    partition = measures.partitions["web"]
    assert measures.measured_seconds == 15.0
    assert partition["physc_cores"] == pytest.approx((0.25 + 1.0 + 1.0) / 3)
    assert partition["entc_ratio"] == pytest.approx(0.75 / 0.5)
    assert partition["dispatches_total"] == 900 + 1500 + 1500
    assert measures.processor_seconds["user"] == pytest.approx(5 * (0.1 + 0.6 + 0.6))
    counted = [v for _, name, _, v in result.timeline if name == "vtax_partition_dispatches_total"]
    assert counted == [0.0, 900.0, 2400.0, 3900.0]


@pytest.mark.parametrize(
    ("zone", "starts", "noted"),
    [
        (None, "2015-12-31T23:59:00+00:00", True),
        (timezone(timedelta(hours=9)), "2015-12-31T23:59:00+09:00", False),
    ],
)
def test_times_keep_their_zone_and_a_missing_one_is_said(write, zone, starts, noted):
    found = read_files([write("db.nmon", NMON)], zone=zone)

    assert found.starts.isoformat() == starts
    assert any("--timezone" in note for note in found.files[0]["notes"]) is noted


def test_a_run_stands_at_its_own_time_after_the_earliest(write):
    later = NMON.replace("31-DEC-2015", "01-JAN-2016").replace(
        "T0002,00:00:30,01-JAN", "T0002,00:00:30,02-JAN"
    )
    found = read_files([write("a.nmon", NMON), write("b.nmon", later)], zone=UTC)

    offsets = [result.warm_up_seconds for _, _, result in found.results()]
    assert offsets == [0.0, 24 * 3600.0]


def test_the_same_import_again_changes_nothing_and_another_is_refused(write, tmp_path):
    path, out = write("db.nmon", NMON), tmp_path / "out"
    keep(read_files([path]), out)
    before = (out / "store.sqlite").read_bytes()
    keep(read_files([path.rename(tmp_path / "moved.nmon")]), out)

    assert (out / "store.sqlite").read_bytes() == before
    with pytest.raises(UserError, match="choose another --out"):
        keep(read_files([write("other.nmon", NMON.replace("0.500", "0.600"))]), out)


def test_every_format_is_stored_and_exported_with_the_metrics_of_the_model(write, tmp_path):
    paths = [write(f"{place}.txt", text) for place, text in enumerate(BY_FORMAT.values())]
    paths.append(write("calls.txt", CALLS))
    record = keep(read_files(paths), tmp_path / "out")
    with Store.open(tmp_path / "out") as store:
        assert store.campaign.imported == json.loads(json.dumps(record.imported))
        assert store.counts() == {"complete": len(list(read_files(paths).results())), "failed": 0}
        write_openmetrics(store, tmp_path / "text")
    text = (tmp_path / "text").read_text()

    families = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    helped = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP")}
    assert families - helped <= {"vtax_response_digest_responses"}
    assert 'vtax_hypervisor_calls_total{campaign="out"' in text and 'call="send_crq"' in text
    assert "vtax_partition_dispatched_seconds_total" in text


@pytest.mark.parametrize(
    ("directory", "name"), [("a b", "a-b"), ("..x", "x"), ("--", "import"), ("p5.1", "p5.1")]
)
def test_campaign_is_named_after_its_directory(tmp_path, directory, name):
    assert campaign_name(tmp_path / directory) == name
