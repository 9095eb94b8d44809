"""``vtax watch`` and plain Locust, as a user starts them."""

import json
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from serving import LOOPBACK, ROOT, eventually, free_port, get, listens_on, started
from typer.testing import CliRunner

from harness.cli.app import app
from harness.metrics.families import FAMILIES

BIN = Path(sys.executable).parent


def post(url: str, **fields: object) -> str:
    data = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(url, data, timeout=20) as answer:
        return answer.read().decode()


def status(url: str, data: bytes | None = None, **headers: str) -> int:
    """How a server answers."""
    request = urllib.request.Request(url, data)
    for name, text in headers.items():
        request.add_header(name.replace("_", "-"), text)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def value(exposition: str, name: str) -> float:
    """The sum of a metric's samples."""
    found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", exposition, re.MULTILINE)
    assert found, name
    return sum(map(float, found))


def test_a_cell_is_watched_changed_and_left():
    page, metrics = free_port(), free_port()
    with started(
        BIN / "vtax",
        *("watch", "smoke", "--only", "workload=vscsi-random"),
        *("--only", "virtualization=shared-uncapped", "--speed", 5),
        *("--port", page, "--metrics-port", metrics),
    ) as process:
        first = eventually(f"http://127.0.0.1:{metrics}/metrics", process)
        assert set(re.findall(r"^# HELP (\S+)", first, re.MULTILINE)) > {
            family.sample_name for family in FAMILIES
        }
        assert value(first, "vtax_pacing_speed_ratio") == 5
        assert "<html" in eventually(f"http://127.0.0.1:{page}/", process)
        while json.loads(get(f"http://127.0.0.1:{page}/stats/requests"))["user_count"] != 24:
            time.sleep(0.05)
        post(f"http://127.0.0.1:{page}/swarm", user_count=30, spawn_rate=100)
        while json.loads(get(f"http://127.0.0.1:{page}/stats/requests"))["user_count"] != 30:
            time.sleep(0.05)
        while value(get(f"http://127.0.0.1:{metrics}/metrics"), "vtax_transactions_total") <= value(
            first, "vtax_transactions_total"
        ):
            time.sleep(0.05)
        post(f"http://127.0.0.1:{page}/stop")
        while (shown := json.loads(get(f"http://127.0.0.1:{page}/stats/requests")))["state"] != (
            "stopped"
        ):
            time.sleep(0.05)
        assert shown["stats"][0]["median_response_time"] % 1 != 0
        last = get(f"http://127.0.0.1:{metrics}/metrics")
        assert value(last, "vtax_simulated_seconds_total") > 0
        assert listens_on(process) == {LOOPBACK}
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0
    assert f"http://127.0.0.1:{page} (Locust)" in out
    assert f"http://127.0.0.1:{metrics}/metrics" in out
    assert "5 x those of simulated time" in out
    assert re.search(r"watched \S+ s of simulated time, \d+ transactions; at worst \S+ s", err)
    assert "Traceback" not in err


FOREIGN = [
    {"Host": "evil.example"},
    {"Origin": "http://evil.example"},
    {"Referer": "http://evil.example/page"},
    {"Sec_Fetch_Site": "cross-site"},
]


def test_pages_of_other_sites_can_neither_read_nor_change_what_is_watched():
    page, metrics = free_port(), free_port()
    with started(
        *(BIN / "vtax", "watch", "smoke", "--port", page, "--metrics-port", metrics)
    ) as process:
        base = f"http://127.0.0.1:{page}"
        eventually(base, process)
        while json.loads(get(f"{base}/stats/requests"))["state"] == "ready":
            time.sleep(0.05)
        users = json.loads(get(f"{base}/stats/requests"))["user_count"]
        form = b"user_count=1&spawn_rate=10"
        for headers in FOREIGN:
            assert status(f"http://127.0.0.1:{metrics}/metrics", **headers) == 403
            for path in ("/", "/stats/requests", "/logs", "/stats/report", "/assets/no", "/socket"):
                assert status(base + path, **headers) == 403
            for path in ("/swarm", "/stop", "/stats/reset", "/user"):
                assert status(base + path, form, **headers) == 403
        for path in ("/swarm", "/stop", "/stats/reset"):
            assert status(base + path) == 405
        assert status(f"{base}/swarm", b"user_count=100000000&spawn_rate=100000000") == 422
        assert status(f"{base}/swarm", bytes(100_000)) == 413
        shown = json.loads(get(f"{base}/stats/requests"))
        assert (shown["state"], shown["user_count"]) in (("running", users), ("spawning", users))
        assert status(f"{base}/swarm", form, Origin=base, Sec_Fetch_Site="same-origin") == 200
        while json.loads(get(f"{base}/stats/requests"))["user_count"] != 1:
            time.sleep(0.05)
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0
    assert "Traceback" not in err


def test_a_signal_ends_it_while_thousands_of_users_are_spawned():
    page, metrics = free_port(), free_port()
    with started(
        *(BIN / "vtax", "watch", "smoke", "--speed", 1000),
        *("--port", page, "--metrics-port", metrics),
    ) as process:
        eventually(f"http://127.0.0.1:{page}/", process)
        post(f"http://127.0.0.1:{page}/swarm", user_count=10_000, spawn_rate=10_000)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGTERM)  # its users may not have stopped in time
    assert "Traceback" not in err


@pytest.mark.parametrize("again", [False, True])
def test_a_signal_ends_what_leaves_no_turn_to_anything_else(again):
    program = """
        from gevent.event import Event
        from harness.cli import watch

        with watch._stopped_by_signals(Event()):
            print("ready", flush=True)
            while True:
                pass
    """
    with started(sys.executable, "-c", textwrap.dedent(program)) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        if again:
            process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
    assert process.returncode in (
        (-signal.SIGTERM, -signal.SIGHUP) if again else (-signal.SIGTERM,)
    )


@pytest.mark.slow
def test_a_pace_that_cannot_be_kept_is_told():
    page, metrics = free_port(), free_port()
    with started(
        *(BIN / "vtax", "watch", "smoke", "--speed", 1_000_000),
        *("--port", page, "--metrics-port", metrics),
    ) as process:
        url = f"http://127.0.0.1:{metrics}/metrics"
        eventually(url, process)
        told = process.stderr.readline()
        assert re.match(r"vtax: simulated time runs \S+ s late: .*--speed", told)
        shown = get(url)
        assert value(shown, "vtax_pacing_late_seconds") > 1
        assert value(shown, "vtax_pacing_worst_late_seconds") > 1
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0
    assert "behind its pace" in err


def test_plain_locust_drives_a_modelled_partition():
    metrics = free_port()
    with started(
        *(BIN / "locust", "-f", "workloads/cpu.py", "--headless", "--run-time", "4s"),
        *("--machine", "p5-520", "--virtualization", "hosted-vmware", "--speed", 3),
        *("--metrics-port", metrics, "--json", "--only-summary"),
    ) as process:
        exposition = eventually(f"http://127.0.0.1:{metrics}/metrics", process)
        assert listens_on(process) == {LOOPBACK}
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert 'machine="p5-520"' in exposition
    assert "p5-520 / aix-5.3 / hosted-vmware / integer, at 3 x the wall clock" in err
    shown = json.loads(out[out.index("[") :])
    assert sum(each["num_requests"] for each in shown) > 0
    assert {each["method"] for each in shown} == {f"app{n} integer" for n in (1, 2, 3)}


def test_plain_locusts_page_is_for_this_computer_only():
    page, metrics = free_port(), free_port()
    with started(
        *(BIN / "locust", "-f", "workloads/cpu.py", "--campaign", "smoke", "--autostart"),
        *("--web-port", page, "--metrics-port", metrics, "CommercialTransaction"),
    ) as process:
        assert "<html" in eventually(f"http://127.0.0.1:{page}/", process)
        while not json.loads(get(f"http://127.0.0.1:{page}/stats/requests"))["stats"][0]["name"]:
            time.sleep(0.05)
        assert listens_on(process) == {LOOPBACK}
        for headers in FOREIGN:
            assert status(f"http://127.0.0.1:{page}/", **headers) == 403
        assert status(f"http://127.0.0.1:{page}/swarm", b"user_count=100000000&spawn_rate=1") == 422
        assert 'workload="commercial"' in get(f"http://127.0.0.1:{metrics}/metrics")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--machine", "p5-52"], "did you mean 'p5-520'?"),
        (["--campaign", "dlpar"], "scenarios only"),
        (["--speed", "0"], "0 is not from 0.001 to 1,000,000"),
    ],
)
def test_plain_locust_refuses_what_cannot_be_in_one_line(words, told):
    command = [BIN / "locust", "-f", "workloads/cpu.py", "--headless", *words]
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def refused(*words: str) -> str:
    result = CliRunner().invoke(app, ["watch", *words])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def test_what_cannot_be_watched_is_told_in_one_line():
    assert "--speed = 0" in refused("smoke", "--speed", "0")
    assert "--speed = nan" in refused("smoke", "--speed", "nan")
    assert "choose another" in refused("smoke", "--port", "9000", "--metrics-port", "9000")
    assert "scenarios only" in refused("dlpar")
    assert "--only machine=p5-52: no such machine; did you mean 'p5-520'" in refused(
        "smoke", "--only", "machine=p5-52"
    )


@pytest.mark.parametrize(
    ("option", "other"), [("--port", "--metrics-port"), ("--metrics-port", "--port")]
)
def test_a_port_that_is_taken_is_told_in_one_line(option, other):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = refused("smoke", option, port, other, str(free_port()))
        assert f"{option} = {port}: cannot be listened on" in message
