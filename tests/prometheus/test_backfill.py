import os
import re
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from files import tree
from programs import program
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from stores import export

from harness.errors import UserError
from harness.prometheus.backfill import backfill, link_blocks
from harness.results.store import Store

LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module", autouse=True)
def promtool() -> str:
    return program("promtool", "prometheus")


@pytest.fixture
def campaign(synthetic):
    """Two machines, three virtualizations, four replications; names that need quoting."""
    true = {'shared "uncapped"': {"response": 1.02}, "back\\slash": {"response": 1.3}}
    return synthetic(true, replications=4)


@pytest.fixture
def results(campaign, tmp_path) -> Path:
    campaign.fill(tmp_path / "out").close()
    return tmp_path / "out"


def deliver(directory: Path):
    with Store.open(directory) as store:
        return backfill(store)


def dumped(promtool: str, blocks: Path, scratch: Path) -> set[tuple[frozenset, float, int]]:
    """All samples in blocks: labels (the name among them), value, time in ms."""
    link_blocks(blocks, scratch)
    (scratch / "wal").mkdir()
    text = subprocess.run(
        [promtool, "tsdb", "dump", str(scratch)], capture_output=True, text=True, check=True
    ).stdout
    found = set()
    for line in text.splitlines():
        labels, value, at = line.rsplit(" ", 2)
        pairs = {(name, eval(f'"{quoted}"')) for name, quoted in LABEL.findall(labels)}
        found.add((frozenset(pairs), float(value), int(at)))
    return found


def test_the_blocks_hold_every_sample_of_the_export_and_no_other(results, promtool, tmp_path):
    blocks, held, written = deliver(results)
    assert written
    with Store.open(results) as store:
        text = export(store, "openmetrics").read_text(encoding="utf-8")
    wanted = {
        (
            frozenset({("__name__", sample.name), *sample.labels.items()} - {("partition", "")}),
            sample.value,
            int(Decimal(str(sample.timestamp)) * 1000),
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert len(wanted) == held.samples
    assert dumped(promtool, blocks, tmp_path / "scratch") == wanted


def test_samples_within_a_millisecond_are_one_and_the_later_one(synthetic, promtool, tmp_path):
    class Recording(synthetic):
        def result(self, cell, replication):
            result = super().result(cell, replication)
            labels = {"partition": "app1"}
            result.timeline = [
                (at, "vtax_partition_weight", labels, value)
                for at, value in ((0.5, 1.0), (0.5001, 2.0), (0.5004, 3.0), (0.501, 4.0))
            ]
            return result

    Recording({}, machines=["p5-570"], replications=1).fill(tmp_path / "out").close()
    blocks, _, _ = deliver(tmp_path / "out")
    found = {
        (value, at - 1_175_472_000_000)
        for labels, value, at in dumped(promtool, blocks, tmp_path / "scratch")
        if ("__name__", "vtax_partition_weight") in labels
    }
    assert found == {(3.0, 500), (4.0, 501)}


def test_a_repetition_changes_nothing(results):
    deliver(results)
    before = tree(results)
    _, _, written = deliver(results)
    assert not written
    assert tree(results) == before


def test_what_was_measured_later_is_delivered_later(campaign, tmp_path):
    partial = type(campaign)(campaign.true, replications=4, absent={("p5-570", "full-system", 3)})
    partial.fill(tmp_path / "out").close()
    _, first, _ = deliver(tmp_path / "out")
    campaign.fill(tmp_path / "whole").close()
    (tmp_path / "whole" / "store.sqlite").replace(tmp_path / "out" / "store.sqlite")
    _, second, written = deliver(tmp_path / "out")
    assert written
    assert second.samples > first.samples
    assert deliver(tmp_path / "out")[1:] == (second, False)


@pytest.mark.parametrize("part", ["meta.json", "index", "chunks/000001"])
def test_blocks_that_were_damaged_are_made_anew(results, promtool, tmp_path, part):
    blocks, held, _ = deliver(results)
    (broken,) = blocks.glob(f"*/{part}")
    broken.unlink()
    again, same, written = deliver(results)
    assert written
    assert (again, same) == (blocks, held)
    assert len(dumped(promtool, blocks, tmp_path / "scratch")) == held.samples


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'no space left on device' >&2; exit 1", r"promtool failed \(no space left on de"),
        ('grep -v \'replication="3"\' "$4" >"$4.less"; exec REAL "$1" "$2" "$3" "$4.less" "$5"',
         r"\d+ samples from \d+ to \d+ ms arrived, not \d+"),
        ("exit 0", "0 samples from 0 to 0 ms arrived"),
    ],
)  # fmt: skip
def test_what_prometheus_does_not_take_is_told_and_delivered_later(
    results, promtool, tmp_path, monkeypatch, script, told
):
    fake = tmp_path / "bin" / "promtool"
    fake.parent.mkdir()
    real = f'if [ "$2" = dump ]; then exec {promtool} "$@"; fi'
    fake.write_text(f"#!/bin/sh\n{real}\n{script.replace('REAL', promtool)}\n")
    fake.chmod(0o755)
    before = tree(results)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(fake.parent), prepend=os.pathsep)
        with pytest.raises(UserError, match=told) as error:
            deliver(results)
    assert "\n" not in str(error.value)
    assert tree(results) == before
    assert {path.name for path in results.iterdir()} == {"store.sqlite"}
    _, held, written = deliver(results)
    assert written
    assert held.samples


def test_without_a_result_there_is_nothing_to_deliver(synthetic, tmp_path):
    failing = {("p5-570", name, 0) for name in ("full-system", "dedicated")}
    synthetic({"dedicated": {}}, machines=["p5-570"], replications=1, failing=failing).fill(
        tmp_path
    ).close()
    with pytest.raises(UserError, match="no run has a result yet"):
        deliver(tmp_path)


def test_a_missing_program_is_told_with_its_package(results, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UserError, match=r"promtool is not installed .*apt-get install prometheus"):
        deliver(results)
