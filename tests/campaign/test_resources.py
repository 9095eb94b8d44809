"""The needs of a campaign are estimated, and what the machine lacks is reported before it runs."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from harness.campaign import resources
from harness.campaign.plan import make_plan
from harness.campaign.resources import Resources, available, excess, needed
from harness.cli.app import app

ENOUGH = Resources(seconds=1e12, memory_bytes=1e15, disk_bytes=1e15)
MINE = 'users = "3 per core"\nthink_time = "5 ms"'


def needs(write, *changes, workers=1):
    return needed(make_plan(str(write(*changes))), workers)


def test_more_of_anything_needs_more(write):
    little = needs(write)
    assert 0 < little.seconds < 60
    users = needs(write, (MINE, "users = 200000"))
    assert users.memory_bytes > little.memory_bytes + 2 * 200_000 * 1e3
    # What arrives and is not served is kept; two processors serve at most 1,000 a second.
    served = needs(write, (MINE, 'arrivals = "900 /s"'))
    assert served.memory_bytes == pytest.approx(little.memory_bytes, rel=0.01)
    longer = ('duration = "100 ms"', 'duration = "100 s"')
    kept = needs(write, (MINE, 'arrivals = "20000 /s"'), longer)
    assert kept.memory_bytes > 100 * 15_000 * 1e3
    assert needs(write, longer).seconds > 100 * little.seconds / 10
    repeated = needs(write, ("replications = 2", "replications = 200"))
    assert repeated.seconds == pytest.approx(100 * little.seconds)
    assert repeated.disk_bytes == pytest.approx(100 * little.disk_bytes)


def test_workers_share_the_time_and_have_memory_of_their_own(write):
    one, four = needs(write, workers=1), needs(write, workers=4)
    assert four.seconds == pytest.approx(one.seconds / 4)
    assert four.memory_bytes > 2 * one.memory_bytes


def test_users_that_hardly_compute_make_many_requests(write):
    work = ('demand = { processor = "2 ms" }', 'demand = { processor = "1 ns" }')
    busy = needs(write, work, ('think_time = "5 ms"', 'think_time = "0 s"'))
    assert busy.seconds > 100 * needs(write).seconds


def test_what_the_machine_lacks_is_reported():
    assert excess(replace(ENOUGH, seconds=1.0), ENOUGH) == []
    assert excess(replace(ENOUGH, memory_bytes=2e15), ENOUGH) == [
        "needs about 1,862,645.1 GiB of memory, more than the 931,322.6 GiB that are free"
    ]
    assert excess(replace(ENOUGH, disk_bytes=2e15), ENOUGH)[0].startswith("needs about 1,862,645.1")
    assert excess(Resources(30 * 86400.0, 1.0, 1.0), Resources(7 * 86400.0, 2.0, 2.0)) == [
        "is expected to take about 30 days, more than 7"
    ]


def test_the_machine_has_something(tmp_path):
    has = available(tmp_path / "not" / "there" / "yet")
    assert has.seconds == resources.LONGEST_SECONDS
    assert 2**20 < has.memory_bytes < 2**60
    assert 0 < has.disk_bytes < 2**70


def test_run_refuses_what_plan_warns_of_unless_it_is_forced(write, tmp_path, monkeypatch):
    path, out = str(write()), tmp_path / "out"
    few = Resources(seconds=1e-3, memory_bytes=1e15, disk_bytes=1e15)
    monkeypatch.setattr(resources, "available", lambda directory: few)
    planned = CliRunner().invoke(app, ["plan", path])
    assert planned.exit_code == 0
    assert "is expected to take about 0 days, more than 0: 'vtax run' refuses it" in planned.output
    small = ["--only", "workload=integer", "--only", "virtualization=full-system", "--workers", "1"]
    arguments = ["run", path, "--out", str(out), "--only", "os=aix-5.3", *small]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 2
    assert not out.exists()
    assert "--force runs it nevertheless" in refused.output
    forced = CliRunner().invoke(app, [*arguments, "--force"])
    assert forced.exit_code == 0, forced.output
    assert "2 runs complete" in forced.output
