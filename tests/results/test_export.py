import csv
from datetime import datetime

import pyarrow.parquet as pq
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from stores import export

from harness.campaign.plan import make_plan
from harness.metrics.ddsketch import Digest
from harness.results.export import all_columns
from harness.results.packed_result import pack
from harness.results.run_result import RunResult
from harness.results.store import Failure, Store


def result(number: float) -> RunResult:
    digest = Digest()
    digest.add(round(number * 1e6) + 1)
    labels = {"partition": "app1", "group": 'quote"d', "name": "back\\slash\nline"}
    return RunResult(
        samples=[
            ("vtax_processor_seconds_total", {"partition": "app1", "cause": "user"}, number),
            ("vtax_transactions_total", {**labels, "outcome": "ok"}, 10.0),
            ("vtax_response_seconds_count", labels, 1.0),
            ("vtax_response_seconds_sum", labels, number / 1e3),
            ("vtax_partition_physc_cores", {"partition": "app1"}, 0.5),
        ],
        digests={"/".join(labels.values()): digest},
        warm_up_seconds=0.25,
        measured_seconds=2.0,
        requests=10,
        timeline=[(0.5, "vtax_partition_physc_cores", {"partition": "app1"}, 0.4)],
    )


@pytest.fixture
def filled(tmp_path, write):
    """A store with every run but one, which failed; added in no particular order."""
    plan = make_plan(str(write(('"mine"]', '"mine"]\n"partitions.app.weight" = [1, 2]'))))
    directory = tmp_path / "out"
    with Store.start(directory, plan.record()) as store:
        for spec in plan.runs():
            where = (spec.identity, spec.cell_position, spec.replication, spec.constants_digest)
            drawn = plan.drawn[spec.constants_digest]
            if (spec.cell_position, spec.replication) == (3, 1):
                store.add(*where, drawn, (Failure.ERROR, "boom, or worse"))
            else:
                number = spec.cell_position + spec.replication / 10
                store.add(*where, drawn, pack(result(number)))
    with Store.open(directory) as store:
        yield plan, store


def test_there_is_one_row_for_each_run_sorted_by_cell_and_replication(filled):
    plan, store = filled
    table = all_columns(store).columns()
    assert {len(column) for column in table.values()} == {len(plan.runs())}
    places = list(zip(table["cell"], table["replication"], strict=True))
    assert places == sorted(places)
    failed = places.index((3, 1))
    assert [i for i, status in enumerate(table["status"]) if status == "failed"] == [failed]
    assert (table["failure"][failed], table["reason"][failed]) == ("error", "boom, or worse")
    assert table["requests"][failed] is None


def test_rows_hold_names_loads_parameters_constants_and_measures(filled):
    plan, store = filled
    table = all_columns(store).columns()
    specs = {(spec.cell_position, spec.replication): spec for spec in plan.runs()}
    for row, place in enumerate(zip(table["cell"], table["replication"], strict=True)):
        spec = specs[place]
        assert table["virtualization"][row] == spec.cell.virtualization
        assert (
            table["load.partitions.app.weight"][row]
            == dict(spec.cell.load)["partitions.app.weight"]
        )
        assert table["system.machine.cores"][row] == 8
        assert table["seed"][row] == 5
        vp_switch = spec.constants.number("hypervisor.vp_switch")
        assert table["constant.hypervisor.vp_switch"][row] == vp_switch
        _, cycles = spec.constants.table("vios.vscsi.cycles.physical")
        assert table["constant.vios.vscsi.cycles.physical[1]"][row] == cycles[1]
        for partition in spec.system.partitions:
            prefix = f"system.partitions.{partition.name}"
            assert table[f"{prefix}.entitlement_cores"][row] == partition.entitlement_cores
            for group in partition.groups:
                demand = f"{prefix}.groups.{group.name}.demand.processor"
                assert table[demand][row] == group.demand["processor"]
        if table["status"][row] == "complete":
            number = spec.cell_position + spec.replication / 10
            assert table["processor_seconds_user"][row] == number
            sample = 'vtax_processor_seconds_total{cause="user",partition="app1"}'
            assert table[sample][row] == number
    assert not any("_bucket" in name for name in table)


def test_csv_and_parquet_hold_the_same_table(filled):
    _, store = filled
    table = all_columns(store).columns()
    with export(store, "csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    parquet = pq.read_table(export(store, "parquet")).to_pydict()
    assert header == list(parquet) == list(table)
    for position, name in enumerate(header):
        for row, value in zip(rows, table[name], strict=True):
            text = row[position]
            if value is None:
                assert text == ""
            elif isinstance(value, float):
                assert float(text) == value
            else:
                assert text == (str(value).lower() if isinstance(value, bool) else str(value))
        assert parquet[name] == table[name]


def test_openmetrics_has_simulated_timestamps(filled):
    plan, store = filled
    text = export(store, "openmetrics").read_text(encoding="utf-8")
    assert text.endswith("# EOF\n")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    kinds = {name: family.type for name, family in families.items()}
    assert kinds["vtax_processor_seconds"] == "counter"
    assert kinds["vtax_response_seconds"] == "histogram"
    assert kinds["vtax_partition_physc_cores"] == "gauge"

    begin = datetime.fromisoformat("2007-04-02T09:00:00+09:00").timestamp()
    chosen = [
        sample
        for sample in families["vtax_processor_seconds"].samples
        if sample.labels["replication"] == "1"
        and sample.labels["os"] == "rhel-as-3"
        and sample.labels["workload"] == "mine"
        and sample.labels["virtualization"] == "hosted-uml"
        and sample.labels["load_partitions_app_weight"] == "2"
    ]
    last = plan.matrix[-1]
    assert [sample.value for sample in chosen] == [0.0, last.position + 0.1]
    assert [float(sample.timestamp) - begin for sample in chosen] == [0.25, 2.25]
    gauge = [
        (float(sample.timestamp) - begin, sample.value)
        for sample in families["vtax_partition_physc_cores"].samples
        if sample.labels.items() >= {"replication": "0", "virtualization": "dedicated"}.items()
    ]
    assert gauge[:2] == [(0.5, 0.4), (2.25, 0.5)]
    histogram = families["vtax_response_seconds"].samples
    counts = [s.value for s in histogram if s.name.endswith("_count")]
    assert counts == [1.0] * store.counts()["complete"]
    assert sum(s.value for s in histogram if s.labels.get("le") == "+Inf") == len(counts)
    digests = families["vtax_response_digest_responses"].samples
    assert sum(sample.value for sample in digests) == len(counts)
    (info,) = families["vtax_campaign_info"].samples
    assert info.labels == {"campaign": "small", "identity": store.campaign.identity}
    for name, at in (("begin", begin), ("end", begin + 2.25)):
        (moment,) = families[f"vtax_campaign_{name}_timestamp_seconds"].samples
        assert moment.labels == {"campaign": "small"}
        assert moment.value == at
    every = [s for f in families.values() for s in f.samples if "vtax_campaign_" not in s.name]
    assert {s.labels["campaign"] for s in every} == {"small"}
    assert len({s.labels["cell"] for s in every}) == len(plan.matrix)
    (names,) = {s.labels["name"] for s in families["vtax_response_seconds"].samples}
    assert names == "back\\slash\nline"
    complete = store.counts()["complete"]
    assert len(families["vtax_processor_seconds"].samples) == 2 * complete


def test_nothing_is_left_behind_but_the_file(filled):
    _, store = filled
    before = {path.name for path in store.directory.iterdir()}
    for form in ("csv", "parquet", "openmetrics"):
        export(store, form)
    after = {path.name for path in store.directory.iterdir()}
    assert after - before == {"runs.csv", "runs.parquet", "runs.openmetrics"}
