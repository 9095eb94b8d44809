"""The command ``vtax calibrate``."""

import os
import signal
import subprocess
import sys
import time
import tomllib

import pytest
from traces import traces
from typer.testing import CliRunner

from harness.cli.app import app

pytestmark = pytest.mark.slow


def calibrate(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["calibrate", *map(str, arguments)])
    return done.exit_code, done.stderr


@pytest.mark.parametrize(
    ("targets", "told"),
    [("xen", "there is no target 'xen'"), (" ,", "no target is named")],
)
def test_a_wrong_target_is_one_line(tmp_path, targets, told):
    code, errors = calibrate("--targets", targets, "--out", tmp_path / "machine.toml")
    assert code == 2
    assert told in errors
    assert len(errors.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_missing_compiler_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.real.agent.COMPILER", "no-such-compiler")
    code, errors = calibrate("--targets", "native", "--out", tmp_path / "machine.toml")
    assert code == 2
    assert "apt-get install gcc" in errors
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path, agent):
    code, errors = calibrate("--targets", "native", "--out", tmp_path / "missing" / "machine.toml")
    assert code == 2
    assert "there is no directory" in errors


def test_an_interruption_keeps_what_was_measured_and_leaves_nothing_behind(tmp_path, agent):
    out, partial = tmp_path / "machine.toml", tmp_path / "machine.toml.partial"
    command = [sys.executable, "-c", "from harness.cli.app import main; main()", "calibrate"]
    with subprocess.Popen(
        [*command, "--targets", "native", "--out", out], stderr=subprocess.PIPE, text=True
    ) as process:
        patience = time.monotonic() + 120
        while time.monotonic() < patience:
            if partial.exists() and tomllib.loads(partial.read_text())["calibration"]["blocks"]:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert not out.exists()
    kept = tomllib.loads(partial.read_text())
    assert kept["calibration"]["complete"] is False
    assert kept["measured"]["native"]["calls"]["samples"] >= 1
    assert not traces(process.pid)


def test_a_full_machine_is_one_line_and_leaves_nothing_behind(tmp_path, agent, monkeypatch):
    def full(self, mode):
        raise OSError(28, "No space left on device", str(self))

    before = traces(os.getpid())
    monkeypatch.setattr("harness.real.target.launcher.Path.mkdir", full)
    code, errors = calibrate("--targets", "native", "--out", tmp_path / "machine.toml")
    assert code == 2
    assert "No space left on device; set TMPDIR" in errors
    assert traces(os.getpid()) == before
