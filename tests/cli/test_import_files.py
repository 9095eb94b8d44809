"""``vtax import`` and the commands on its results."""

import json
import subprocess
import sys

import pytest
from measured_files import CALLS, LPARCFG, LPARCFG_LATER, LPARSTAT


def _vtax(*words, cwd):
    command = [sys.executable, "-m", "harness", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "before.txt").write_text(LPARSTAT)
    (tmp_path / "after.txt").write_text(LPARSTAT.replace("1.00 200.0", "0.40  80.0"))
    (tmp_path / "calls.txt").write_text(CALLS)
    (tmp_path / "cfg.txt").write_text(LPARCFG + LPARCFG_LATER)
    return tmp_path


def test_two_imports_are_compared(place):
    for name in ("before", "after"):
        done = _vtax("import", f"{name}.txt", "--name", "web", "--out", name, cwd=place)
        assert done.returncode == 0, done.stderr
        assert "column %nsp (3)" in done.stdout
    done = _vtax("compare", "before", "after", "--json", cwd=place)

    assert done.returncode == 0, done.stderr
    found = {each["value"]: each for each in json.loads(done.stdout)["measured"]}
    assert found["physc_cores"]["first"] == pytest.approx(0.75)
    assert found["entitlement_cores"]["direction"] == "no change shown"
    assert "neither better nor worse" in " ".join(
        _vtax("compare", "before", "after", cwd=place).stdout.split()
    )


def test_report_verdict_and_explain_of_an_import(place):
    _vtax("import", "before.txt", "calls.txt", "--name", "web", "--out", "o", cwd=place)
    done = _vtax("report", "o", "--lang", "both", cwd=place)
    assert done.returncode == 0, done.stderr
    page = (place / "o" / "report.html").read_text()

    assert "What these counters cannot see" in page and "physc_cores" in page
    assert "column %nsp (3)" in page and "line 10: 3 values under 13 headings" in page
    for command, reason in (
        ("verdict", "has no claim"),
        ("explain", "was imported from real systems"),
        ("capacity", "was imported from real systems"),
    ):
        refused = _vtax(command, "o", cwd=place)
        assert refused.returncode == 2 and reason in refused.stderr
    assert (place / "o" / "hypervisor_calls.toml").is_file()


def test_campaign_of_an_import_is_run_and_reported_beside_the_measurement(place):
    done = _vtax("import", "cfg.txt", "--out", "o", "--as-campaign", "m.toml", cwd=place)
    assert done.returncode == 0, done.stderr
    done = _vtax("run", "m.toml", "--out", "r", "--replications", "2", "--workers", "1", cwd=place)
    assert done.returncode == 0, done.stderr
    assert _vtax("report", "r", cwd=place).returncode == 0
    page = (place / "r" / "report.html").read_text()

    assert "Measurement beside model" in page
    assert "dispatches per second (vcsw)" in page and "sets the load" in page


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("m.toml",), "is in no format that is taken in; these are: fio JSON"),
        (("absent",), "cannot be read"),
        (("before.txt", "--timezone", "Mars/One"), "no such time zone"),
        (("before.txt", "--machine", "p5-570"), "has no effect without --as-campaign"),
    ],
)
def test_refusals_are_one_line_with_exit_code_2(place, words, reason):
    (place / "m.toml").write_text("[campaign]\n")
    done = _vtax("import", *words, "--out", "o", cwd=place)

    assert done.returncode == 2
    assert reason in done.stderr and done.stderr.count("\n") == 1
    assert not (place / "o").exists()
