"""The commands ``vtax profile`` and ``vtax predict``."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.errors import UserError
from harness.real.calibration.file import write
from harness.real.profiling import standard_input
from harness.real.profiling.file import profile_document
from harness.real.profiling.profile import Measurement, Profile
from harness.statistics.intervals import Interval

MACHINE = """
[calibration.machine]
processor = "Another one"
kernel = "6.1"
[targets.native]
available = true
[targets.qemu-tcg]
available = true
[targets.qemu-kvm]
available = false
reason = "it did not boot"
"""


def event(target: str, name: str, microseconds: float, ratio: float | None = None) -> str:
    ratios = "".join(
        f"{kind}_ratio_{end} = {ratio}\n"
        for kind in ("time", "processor")
        for end in ("to_native", "low", "high")
        if ratio
    )
    ends = {"value": 0.99, "low": 0.98, "high": 1.0}
    return (
        f"[costs.{target}.{name}]\nunit = 'us'\n"
        + "".join(f"{key} = {share * microseconds}\n" for key, share in ends.items())
        + f"[measured.{target}.{name}]\nsamples = 8\nabove_noise = true\n"
        + "".join(f"processor_us{end} = {microseconds}\n" for end in ("", "_low", "_high"))
        + ratios
    )


def vtax(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    """A profile of a real program, and what was told of it."""
    path = tmp_path_factory.mktemp("profiled") / "lister.toml"
    done = vtax("profile", "--repeat", 2, "--out", path, "--", "ls", "-l", "/usr/bin")
    assert done.exit_code == 0, done.stderr
    return path, done.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The profile of a program whose numbers are known, and the costs of an artificial machine."""
    place = tmp_path_factory.mktemp("predicted")
    profile, machine = place / "lister.toml", place / "machine.toml"
    values = {"user": 0.02, "system": 0.03, "waiting": 0.01, "calls": 1000.0}
    measured = {
        name: Measurement(Interval(value, 0.9 * value, 1.1 * value, 0.95, 5), "by hand")
        for name, value in values.items()
    }
    about = {"machine": {"processor": "One", "kernel": "6.1"}}
    program = Profile("lister", ("ls", "-l", "/usr/bin"), measured, {}, about)
    write(profile_document(program), profile)
    machine.write_text(
        MACHINE
        + event("native", "compute", 2.0)
        + event("native", "calls", 0.1)
        + event("qemu-tcg", "compute", 5.0, 2.5)
        + event("qemu-tcg", "calls", 0.6, 6.0)
    )
    return profile, machine


def test_a_profile_is_told_and_written(profiled):
    profile, told = profiled
    assert "ls -l /usr/bin" in told
    assert str(profile) in told
    written = tomllib.loads(profile.read_text())
    assert written["profile"]["command"] == ["ls", "-l", "/usr/bin"]
    assert written["profile"]["machine"]["kernel"]
    for name, found in written["profile"]["measured"].items():
        assert name in told
        assert found["method"]
    for name in written["profile"]["absent"]:
        assert name in told
    assert written["profiles"]["lister"]["title"]["value"] == "ls -l /usr/bin"


def test_without_out_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = vtax("profile", "--repeat", 2, "--", "true")
    assert done.exit_code == 0, done.stderr
    assert "elapsed" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_prediction_is_told_with_its_causes_and_what_is_not_known(files):
    profile, machine = files
    done = vtax("predict", "--profile", profile, "--catalog", machine)
    assert done.exit_code == 0, done.stderr
    for words in (
        "qemu-tcg",
        "computing",
        "rest of the system time",
        "qemu-kvm is unavailable: it did not boot",
        "The processor differs",
    ):
        assert words in " ".join(done.stdout.split())


def test_the_same_as_json_lies_between_the_ratios_of_all_causes(files):
    profile, machine = files
    done = vtax("predict", "--profile", profile, "--catalog", machine, "--json")
    told = json.loads(done.stdout)
    assert told["command"] == ["ls", "-l", "/usr/bin"]
    found = told["targets"]["qemu-tcg"]
    for ratio in (found["processor_ratio"], found["elapsed_ratio"]):
        assert 1.0 <= ratio["low"] <= ratio["estimate"] <= ratio["high"] <= 6.0
    assert found["processor_ratio"]["low"] >= 2.5 * (1 - 1e-9)
    assert sum(cause["share"] for cause in found["causes"].values()) == pytest.approx(1.0)
    assert sum(cause["extra_share"] for cause in found["causes"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["profile", "--repeat", "1", "--", "true"], "2"),
        (["profile", "--", "/no/such/program"], "cannot be started: No such file"),
        (["profile", "--", "false"], "false ended with exit code 1"),
        (["profile", "--out", "/no/such/place/a.toml", "--", "true"], "no directory"),
        (["profile", "--out", "/", "--", "true"], "/: is a directory"),
        (["calibrate", "--out", "/"], "/: is a directory"),
        (["calibrate", "--out", "/no/such/place/a.toml"], "no directory"),
        (["profile", "--out", "a" * 300 + ".toml", "--", "true"], "File name too long"),
        (["profile", "ls", "-l"], "two dashes: vtax profile -- ls -l"),
        (["profile", "grep", "-r", "a b", "."], "two dashes: vtax profile -- grep -r 'a b' ."),
        (["profile", "--repeet", "3", "ls"], "no option --repeet"),
        (["profile", "--repeet", "3", "--", "ls"], "--repeet"),
        (["profile", "--accept-exit", "256", "--", "true"], "255"),
        (["profile", "--input", "/no/such", "--", "cat"], "--input /no/such: No such file"),
        (["profile", "--input", "/", "--", "cat"], "--input /: is a directory"),
        (["profile", "--", ""], "the command is empty"),
        (["profile", "--out", "integer.toml", "--", "true"], "a workload 'integer' of its own"),
        (
            ["predict", "--profile", "/none", "--catalog", "/none"],
            "/none: cannot be read (No such",
        ),
    ],
)
def test_what_cannot_be_is_told(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = vtax(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


SCRIPT = (
    "from harness.real.profiling import perf_sampling, profiler\n"
    "profiler.find_counting, perf_sampling.event = lambda: 'nothing counts', lambda: ''\n"
    "from harness.cli.app import main; main()"
)


@pytest.mark.usefixtures("timed_only")
@pytest.mark.parametrize("where", ["another file", "the standard output"])
def test_what_was_measured_is_kept_if_the_file_cannot_be_written(where, tmp_path, monkeypatch):
    """A disk is full only when it is written to."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path if where == "another file" else "/none"))
    done = vtax("profile", "--repeat", 2, "--out", "/dev/full", "--", "true")
    assert done.exit_code == 2
    assert "/dev/full: No space left on device" in done.stderr
    if where == "another file":
        (kept,) = tmp_path.iterdir()
        assert str(kept) in done.stderr
        text = kept.read_text()
    else:
        text = done.stdout.partition("One execution of")[0]
    assert tomllib.loads(text)["profile"]["command"] == ["true"]
    assert "elapsed" in done.stdout


def test_what_was_measured_is_kept_if_it_cannot_be_shown(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, "profile", "--repeat", "2", "--", "true"],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    (kept,) = tmp_path.iterdir()
    assert f"the profile is in {kept}" in done.stderr
    assert tomllib.loads(kept.read_text())["profile"]["command"] == ["true"]


@pytest.mark.usefixtures("timed_only")
def test_a_link_a_pipe_and_a_long_name_are_written_to(tmp_path):
    target, link = tmp_path / "target.toml", tmp_path / "link.toml"
    target.write_text("old")
    link.symlink_to(target)
    pipe, long = tmp_path / "pipe", tmp_path / f"{'a' * 250}.toml"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        for out in (link, long, pipe):
            done = vtax("profile", "--repeat", 2, "--out", out, "--", "true")
            assert done.exit_code == 0, done.stderr
        piped = reader.communicate()[0]
    assert link.is_symlink()
    for text in (target.read_text(), long.read_text(), piped):
        assert tomllib.loads(text)["profile"]["command"] == ["true"]
    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_that_may_not_be_written_is_told_before_anything_runs(tmp_path, monkeypatch):
    ran, out = tmp_path / "ran", tmp_path / "out.toml"
    out.write_text("mine")
    # Root may write everything.
    monkeypatch.setattr(
        "harness.real.calibration.file.os.access", lambda path, mode: mode != os.W_OK
    )
    done = vtax("profile", "--repeat", 2, "--out", out, "--", "touch", ran)
    assert (done.exit_code, out.read_text(), ran.exists()) == (2, "mine", False)
    assert "Permission denied" in done.stderr


@pytest.mark.usefixtures("timed_only")
def test_a_command_of_odd_bytes_is_stored_and_predicted(files, tmp_path):
    script = tmp_path / os.fsdecode(b"caf\xe9 \x1b[2J\n\xe2\x80\xae")
    script.write_text("#!/bin/sh\ni=0; while [ $i -lt 50000 ]; do i=$((i+1)); done\n")
    script.chmod(0o755)
    out = tmp_path / "odd.toml"
    done = vtax("profile", "--repeat", 2, "--out", out, "--", script, "x" * 100_000)
    assert done.exit_code == 0, done.stderr
    assert r"caf\xe9 \x1b[2J\n\u202e" in done.stdout
    name, argument = tomllib.loads(out.read_text())["profile"]["command"]
    assert name.endswith("caf\\xe9 \x1b[2J\n\u202e")
    assert argument == "x" * 100_000
    for text in (done.stdout, out.read_text()):
        assert "\x1b" not in text
    done = vtax("predict", "--profile", out, "--catalog", files[1])
    assert done.exit_code == 0, done.stderr
    assert len(done.stdout) < 10_000


@pytest.mark.parametrize("kind", ["pipe", "file", "null", "closed", "named"])
def test_the_standard_input_is_the_programs_or_it_says_that_there_is_none(kind, tmp_path):
    path = tmp_path / "input"
    path.write_text("12345\n")
    options = ["--input", str(path)] if kind == "named" else []
    # Every run fails that does not read the same.
    wanted = "" if kind in ("null", "closed") else "345" if kind == "file" else "12345"
    command = ["profile", "--repeat", "2", *options, "--"]
    program = ["sh", "-c", f'test "$(cat)" = "{wanted}"']
    with path.open("rb", buffering=0) as file:
        file.seek(2)
        given = {
            "pipe": {"input": "12345\n"},
            "null": {"stdin": subprocess.DEVNULL},
            "closed": {"preexec_fn": lambda: os.close(0)},
        }
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *command, *program],
            **given.get(kind, {"stdin": file}),
            capture_output=True,
            text=True,
            check=False,
        )
        # A loop of a shell that reads the same file goes on where it was.
        assert file.tell() == 2
    assert done.returncode == 0, done.stderr
    assert ("reads a copy of this command's standard input" in done.stderr) == (
        kind in ("pipe", "file")
    )
    assert ("none: it was empty" in done.stdout) == (wanted == "")


def test_a_standard_input_without_end_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(standard_input, "_MOST_BYTES", 10_000_000)
    with (tmp_path / "zeros").open("wb") as file:
        file.truncate(10_000_001)
    with (tmp_path / "zeros").open("rb") as file:
        endless = standard_input.StandardInput("a pipe", descriptor=file.fileno())
        with pytest.raises(UserError, match="write it to a file"):
            endless.file(tmp_path)


def test_a_catalog_of_native_costs_alone_predicts_nothing(files, tmp_path):
    machine = tmp_path / "machine.toml"
    machine.write_text(MACHINE + event("native", "compute", 2.0))
    done = vtax("predict", "--profile", files[0], "--catalog", machine)
    assert done.exit_code == 2
    assert "calibrate with more targets" in done.stderr
