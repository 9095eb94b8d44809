import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from programs import program
from typer.testing import CliRunner

from harness.analysis.study import analyse
from harness.cli.app import app
from harness.errors import UserError
from harness.prometheus import client as prometheus
from harness.prometheus.backfill import backfill
from harness.prometheus.client import Prometheus
from harness.prometheus.server import serving
from harness.results.store import Store

TRUE = {
    "shared-uncapped": {"response": 1.02, "processor": 1.03},
    "hosted-vmware": {"response": 1.3, "processor": 1.4},
}


@contextmanager
def served(store: Store) -> Iterator[Prometheus]:
    """A real Prometheus that holds the runs of a store."""
    program("prometheus")
    blocks, _, _ = backfill(store)
    with serving(blocks) as server:
        yield Prometheus(server.url)


def test_a_campaign_is_judged_by_the_same_numbers(write, tmp_path):
    campaign = write(
        ('["full-system", "shared-uncapped", "dedicated", "hosted-uml"]',
         '["full-system", "shared-uncapped", "hosted-uml"]'),
        ('"shared-uncapped", "dedicated"]\nsoftware', '"shared-uncapped"]\nsoftware'),
        ('["aix-5.3", "rhel-as-3"]', '["aix-5.3"]'),
        ('"mine"]\n', '"mine"]\n"partitions.app.weight" = [64, 128]\n'),
    )  # fmt: skip
    done = CliRunner().invoke(app, ["run", str(campaign), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    with Store.open(tmp_path / "out") as store, served(store) as there:
        from_store, from_prometheus = analyse(store), analyse(store, there.runs(store.campaign))
    assert from_store.complete == 24
    assert any(each.firmware is not None for each in from_store.environments)
    assert all(cell.response is not None for cell in from_store.cells)
    assert from_prometheus == from_store


def test_what_is_judged_is_what_prometheus_holds(synthetic, tmp_path):
    held = synthetic(TRUE, exceptions={("p5-550", "shared-uncapped"): {"response": 1.5}})
    with held.fill(tmp_path / "held") as store, served(store) as there:
        expected = analyse(store)
        with synthetic(TRUE).fill(tmp_path / "other") as other:
            assert analyse(other).outcome != expected.outcome
            assert analyse(other, there.runs(other.campaign)) == expected


def test_failed_runs_names_that_need_quoting_and_cells_with_one_set_of_labels(synthetic, tmp_path):
    class Awkward(synthetic):
        @property
        def record(self):
            record = super().record
            loads = ((("a.b", 'quote " back\\slash'), ("a-b", "日本\n{}"))), ((("a.b", "0"),))
            cells = [
                replace(cell, position=cell.position + step * len(record.cells), load=load)
                for step, load in enumerate(loads)
                for cell in record.cells
            ]
            return replace(record, name='"}\\', cells=tuple(cells))

    campaign = Awkward(
        TRUE,
        machines=["p5-570"],
        replications=5,
        failing={("p5-570", "hosted-vmware", 2)},
        idle={("p5-570", "full-system", 3)},
    )
    with campaign.fill(tmp_path) as store, served(store) as there:
        assert analyse(store, there.runs(store.campaign)) == analyse(store)


def test_runs_that_prometheus_lacks_are_told(synthetic, tmp_path):
    lacking = {("p5-570", "shared-uncapped", 0), ("p5-550", "full-system", 4)}
    with (
        synthetic(TRUE, replications=5, absent=lacking).fill(tmp_path / "some") as some,
        synthetic(TRUE, replications=5).fill(tmp_path / "all") as whole,
        served(some) as there,
    ):
        assert analyse(some, there.runs(some.campaign)) == analyse(some)
        with pytest.raises(UserError, match=r"lacks 2 of 30 runs; 'vtax observe .*all' serves"):
            analyse(whole, there.runs(whole.campaign))


def test_only_the_very_campaign_is_read(synthetic, tmp_path):
    with synthetic(TRUE, replications=2).fill(tmp_path) as store, served(store) as there:
        record = store.campaign
        with pytest.raises(UserError, match="does not hold campaign 'unknown'"):
            there.runs(replace(record, name="unknown"))
        with pytest.raises(UserError, match="holds another campaign that is named 'synthetic'"):
            there.runs(replace(record, identity="1" * 64))
        with pytest.raises(UserError, match=r"refused the query .*parse error"):
            there.query("sum(", 0.0)


class Answer(BaseHTTPRequestHandler):
    """Answers every request with the same."""

    def __init__(self, status: int, body: bytes, *arguments) -> None:
        self.status, self.body = status, body
        super().__init__(*arguments)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments) -> None:
        pass


@contextmanager
def answering(status: int, body: bytes) -> Iterator[Prometheus]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Answer, status, body)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Prometheus(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"<html>hello</html>", "what answers there is no Prometheus"),
        (200, b'{"data": []}', "what answers there is no Prometheus"),
        (404, b"not here", r"refused the query \(HTTP 404\)"),
        (503, b'{"error": "starting up"}', r"refused the query \(starting up\)"),
    ],
)
def test_servers_that_are_no_help_are_told_in_one_line(synthetic, status, body, told):
    with answering(status, body) as there, pytest.raises(UserError, match=told):
        there.runs(synthetic(TRUE).record)


def test_a_proxy_is_not_asked_about_this_machine_itself(synthetic, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with answering(418, b"") as there, pytest.raises(UserError, match="HTTP 418"):
        there.runs(synthetic(TRUE).record)


def test_a_server_that_does_not_answer_in_time_is_told(synthetic, monkeypatch):
    monkeypatch.setattr(prometheus, "_TIMEOUT_SECONDS", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(UserError, match=r"no complete answer within 0\.05 s"):
            Prometheus(f"http://127.0.0.1:{silent.getsockname()[1]}").runs(synthetic(TRUE).record)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:9090", "ftp://127.0.0.1", "http://", "http://[", "nonsense"]
)
def test_what_is_no_url_is_told(url):
    with pytest.raises(UserError, match=r"it looks like http://127.0.0.1:9090"):
        Prometheus(url)
