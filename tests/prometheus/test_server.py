import fcntl
import json
import os
import socket
import urllib.request
from pathlib import Path

import psutil
import pytest
from files import tree
from programs import program

from harness.errors import UserError
from harness.prometheus.backfill import backfill
from harness.prometheus.server import RULES, serving


@pytest.fixture(scope="module")
def blocks(synthetic, tmp_path_factory) -> Path:
    """The blocks of a small campaign."""
    program("prometheus")
    directory = tmp_path_factory.mktemp("served")
    with synthetic({"shared-uncapped": {}}, machines=["p5-570"], replications=2).fill(
        directory
    ) as store:
        return backfill(store)[0]


def ask(url: str, path: str):
    with urllib.request.urlopen(f"{url}/api/v1/{path}") as reply:
        return json.load(reply)["data"]


def rule_files(url: str) -> set[str]:
    return {group["file"] for group in ask(url, "rules")["groups"]}


def test_it_serves_the_blocks_on_loopback_and_leaves_them_and_nothing_else(blocks):
    before = tree(blocks.parent)
    with serving(blocks) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert "vtax_processor_seconds_total" in ask(server.url, "label/__name__/values")
        flags = ask(server.url, "status/flags")
        assert flags["storage.tsdb.retention.time"] == "100y"
        assert flags["web.enable-admin-api"] == flags["web.enable-lifecycle"] == "false"
        assert flags["web.enable-remote-write-receiver"] == "false"
        listening = psutil.Process(server.process.pid).net_connections("tcp")
        assert {each.laddr.ip for each in listening if each.status == "LISTEN"} == {"127.0.0.1"}
        assert rule_files(server.url) == {str(path) for path in RULES.glob("*.yml")}
    assert server.process.returncode is not None
    assert tree(blocks.parent) == before
    assert {path.name for path in blocks.parent.iterdir()} == {"prometheus", "store.sqlite"}


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "http://127.0.0.1:1"])
def test_pages_of_other_sites_may_not_read_it(blocks, origin):
    with serving(blocks) as server:
        request = urllib.request.Request(f"{server.url}/api/v1/query?query=1")
        request.add_header("Origin", origin)
        with urllib.request.urlopen(request) as reply:
            assert reply.status == 200
            assert "Access-Control-Allow-Origin" not in reply.headers


def test_every_file_of_rules_is_loaded(blocks, tmp_path):
    for name in ("a.yml", "b.yml"):
        rule = {"record": f"vtax:{name[0]}:sum", "expr": "sum(vtax_processors)"}
        (tmp_path / name).write_text(json.dumps({"groups": [{"name": "g", "rules": [rule]}]}))
    with serving(blocks, rules=tmp_path) as server:
        assert rule_files(server.url) == {str(tmp_path / name) for name in ("a.yml", "b.yml")}
        assert server.rules == 2


def test_why_it_does_not_start_is_told_in_one_line(blocks, tmp_path):
    (tmp_path / "broken.yml").write_text("groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]")
    with (
        pytest.raises(UserError, match="prometheus ended with exit code") as error,
        serving(blocks, rules=tmp_path),
    ):
        pytest.fail("it serves")
    assert "\n" not in str(error.value)
    assert {path.name for path in blocks.parent.iterdir()} == {"prometheus", "store.sqlite"}


def test_a_port_that_is_taken_is_told(blocks):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = f"--port = {port}: cannot be listened on"
        with pytest.raises(UserError, match=told), serving(blocks, port):
            pytest.fail("it serves")


def test_an_end_that_nobody_asked_for_is_told(blocks):
    with serving(blocks) as server:
        server.process.kill()
        with pytest.raises(UserError, match="prometheus ended with exit code -9"):
            server.wait()


def test_what_a_killed_vtax_left_is_removed_and_what_another_uses_is_not(blocks):
    left, used = (blocks.parent / f".vtax-serving-{name}" for name in ("left", "used"))
    for folder in (left, used):
        (folder / "data").mkdir(parents=True)
    lock = os.open(used, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with serving(blocks):
            assert not left.exists()
            assert used.exists()
    finally:
        os.close(lock)
    with serving(blocks):
        assert not used.exists()
