"""The commands ``vtax profile`` and ``vtax predict``."""

import json
import tomllib

import pytest
from typer.testing import CliRunner

from harness.cli import app

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
def files(tmp_path_factory):
    """A profile of a real program, and the costs of an artificial machine."""
    place = tmp_path_factory.mktemp("predicted")
    profile, machine = place / "lister.toml", place / "machine.toml"
    done = vtax("profile", "--repeat", 2, "--out", profile, "--", "ls", "-l", "/usr/bin")
    assert done.exit_code == 0, done.stderr
    machine.write_text(
        MACHINE
        + event("native", "compute", 2.0)
        + event("native", "calls", 0.1)
        + event("qemu-tcg", "compute", 5.0, 2.5)
        + event("qemu-tcg", "calls", 0.6, 6.0)
    )
    return profile, machine, done.stdout


def test_a_profile_is_told_and_written(files):
    profile, _, told = files
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
    profile, machine, _ = files
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
    profile, machine, _ = files
    done = vtax("predict", "--profile", profile, "--catalog", machine, "--json")
    told = json.loads(done.stdout)
    assert told["command"] == ["ls", "-l", "/usr/bin"]
    found = told["targets"]["qemu-tcg"]
    for ratio in (found["processor_ratio"], found["elapsed_ratio"]):
        assert 1.0 <= ratio["low"] <= ratio["estimate"] <= ratio["high"] <= 6.0
    assert found["processor_ratio"]["low"] >= 2.5
    assert sum(cause["share"] for cause in found["causes"].values()) == pytest.approx(1.0)
    assert sum(cause["extra_share"] for cause in found["causes"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["profile", "--repeat", "1", "--", "true"], "2"),
        (["profile", "--", "/no/such/program"], "cannot be started: No such file"),
        (["profile", "--", "false"], "false ended with exit code 1"),
        (["profile", "--out", "/no/such/place/a.toml", "--", "true"], "no directory"),
        (["profile", "--out", "integer.toml", "--", "true"], "a workload 'integer' of its own"),
        (["predict", "--profile", "/none", "--catalog", "/none"], "/none: No such file"),
    ],
)
def test_what_cannot_be_is_told(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = vtax(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_catalog_of_native_costs_alone_predicts_nothing(files, tmp_path):
    machine = tmp_path / "machine.toml"
    machine.write_text(MACHINE + event("native", "compute", 2.0))
    done = vtax("predict", "--profile", files[0], "--catalog", machine)
    assert done.exit_code == 2
    assert "calibrate with more targets" in done.stderr
