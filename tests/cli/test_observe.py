import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest
from files import tree
from programs import program
from tiny import TINY

CAMPAIGN = TINY.replace('"tiny"', '"observed"')

ROOT = Path(__file__).parents[2]


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", "from harness.cli.app import main; main()", *map(str, arguments)]


def vtax(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def one_line(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 2
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A campaign that ran on a machine without Prometheus."""
    directory = tmp_path_factory.mktemp("observed")
    (directory / "observed.toml").write_text(CAMPAIGN)
    nowhere = str(directory / "nowhere")
    done = vtax("run", directory / "observed.toml", "--out", directory / "out", PATH=nowhere)
    assert done.returncode == 0, done.stderr
    missing = vtax("observe", directory / "out", PATH=nowhere)
    assert "prometheus is not installed (Debian: apt-get install prometheus)" in one_line(missing)
    return directory / "out"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_serves_until_it_is_ended_and_leaves_no_process(finished, number):
    program("prometheus")
    process = subprocess.Popen(
        command("observe", finished),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            lines = [process.stdout.readline() for _ in range(4)]
            (url,) = re.findall(r"^Prometheus: (\S+) with .* \(stop: Ctrl-C\)", lines[1])
            (server,) = psutil.Process(process.pid).children()
            with urllib.request.urlopen(f"{url}/api/v1/label/__name__/values") as reply:
                assert "vtax_overhead_ratio" in json.load(reply)["data"]
            from_store = vtax("verdict", finished, "--json")
            from_there = vtax("verdict", finished, "--json", "--prometheus", url)
            assert from_there.stdout == from_store.stdout
            assert from_there.returncode == from_store.returncode != 2
        finally:
            process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        psutil.wait_procs([server], timeout=60)
    assert not server.is_running()
    if number != signal.SIGKILL:
        assert (process.returncode, errors) == (0, "")
        assert {path.name for path in finished.iterdir()} == {
            "host.json",
            "prometheus",
            "store.sqlite",
        }
    down = one_line(vtax("verdict", finished, "--prometheus", url))
    assert f"--prometheus {url}: not reachable" in down


def test_it_can_be_only_written_and_twice_is_as_good_as_once(finished):
    program("promtool", "prometheus")
    assert vtax("observe", finished, "--no-serve").returncode == 0
    before = tree(finished)
    again = vtax("observe", finished, "--no-serve")
    assert (again.returncode, again.stderr) == (0, "")
    assert "written before" in again.stdout
    assert tree(finished) == before


def test_a_port_that_is_taken_is_told_in_one_line(finished):
    program("prometheus")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = vtax("observe", finished, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot be listened on" in done.stderr
    assert len(done.stderr.splitlines()) == 1
