"""Text from elsewhere, where it leaves the program."""

import csv
import io
import unicodedata
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_fd_to_metric_families
from stores import export

from harness.cli.output import Messages, Output, Screen
from harness.printable import LONGEST_MESSAGE, one_line, printable
from harness.results.packed_result import pack
from harness.results.store import Failure, Store
from reports.builder import build_reports

HOSTILE = "=a\rb\x1b[31m\x00\u202eevil\u2066\u200b\ud800[red]x[/]\ufeff"
"""What moves the cursor, turns the direction, has no width, cannot be encoded, is markup of Rich,
is a formula."""


@given(st.text() | st.text(st.characters(categories=["C", "Z"])))
@example(HOSTILE)
def test_what_is_printable_stays_and_all_else_is_an_escape(text):
    shown = printable(text)
    assert printable(shown) == shown
    shown.encode()
    assert not any(
        unicodedata.category(each) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        for each in shown.replace("\n", "").replace("\t", "")
    )
    if text.isprintable():
        assert shown == text


@given(st.text(), st.integers(1, 50))
def test_a_line_is_one_and_not_long(text, longest):
    line = one_line(text, longest)
    assert len(line.splitlines()) <= 1
    assert len(line) <= 10 * longest + 40


def test_ten_megabytes_of_message_are_cut():
    line = one_line("x" * 10_000_000)
    assert line.startswith("x" * LONGEST_MESSAGE + "...")
    assert len(line) < LONGEST_MESSAGE + 50


@pytest.mark.parametrize("kind", [Output, Messages])
def test_streams_take_printable_text_only(kind, monkeypatch):
    held = io.BytesIO()
    stream = kind(held, encoding="utf-8", errors="backslashreplace")
    monkeypatch.setattr("sys.stdout" if kind is Output else "sys.stderr", stream)
    stream.write(HOSTILE)
    Screen(stderr=kind is Messages).print(HOSTILE, end="")
    stream.flush()
    both = HOSTILE + HOSTILE.replace("\r", "")  # which Rich drops
    assert held.getvalue().decode().replace("\n", "") == printable(both)


@pytest.fixture
def hostile(synthetic, tmp_path):
    """A campaign whose every name and message is hostile, as a damaged or foreign store has it."""
    campaign = synthetic(
        true={"shared-uncapped": {}, "hosted-uml": {"response": 1.5}}, replications=3
    )
    name = HOSTILE.replace("\ud800", "")
    cells = tuple(
        replace(cell, load=(("users", name),), workload=name) for cell in campaign.record.cells
    )
    title = {"en": name, "ja": name}
    record = replace(campaign.record, name=name, title=title, cells=cells)
    with Store.start(tmp_path, record) as store:
        for cell in cells:
            where = (f"{cell.position}", cell.position)
            for number in (0, 1):
                result = campaign.result(campaign.record.cells[cell.position], number)
                store.add(f"{where[0]}-{number}", where[1], number, "d", {}, pack(result))
            told = HOSTILE + "y" * 10**6
            store.add(f"{where[0]}-2", where[1], 2, "d", {}, (Failure.ERROR, told))
    return tmp_path


def shown_well(text: str) -> bool:
    return printable(text) == text and "\\x1b[31m" in text


def test_nothing_hostile_leaves_by_a_file(hostile):
    with Store.open(hostile) as store:
        assert all(len(run.reason) < 2 * LONGEST_MESSAGE for run in store.runs())
        written = export(store, "csv").read_bytes().decode()
        assert shown_well(written)
        rows = list(csv.reader(io.StringIO(written, newline="")))
        assert len(rows) == 1 + len(store.campaign.cells) * 3
        assert not any(cell.startswith("=") for row in rows for cell in row)
        table = pq.read_table(export(store, "parquet")).to_pydict()
        assert shown_well(table["workload"][0])
        path = export(store, "openmetrics")
    assert shown_well(path.read_bytes().decode())
    with path.open(encoding="utf-8", newline="\n") as file:
        families = list(text_fd_to_metric_families(file))
    workloads = {s.labels.get("workload") for each in families for s in each.samples}
    assert printable(HOSTILE.replace("\ud800", "")) in workloads


def test_nothing_hostile_is_in_a_page(hostile):
    assert shown_well(build_reports(hostile)[0].read_bytes().decode())
