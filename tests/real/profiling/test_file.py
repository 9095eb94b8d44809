"""A profile's file is read back, and is a workload of campaigns."""

import math
import tomllib

import pytest
from typer.testing import CliRunner

from harness.catalog.loader import load_catalog
from harness.cli.app import app
from harness.errors import UserError
from harness.real.calibration.file import write
from harness.real.profiling.file import (
    REFERENCE_HERTZ,
    WORK_PER_CYCLE,
    default_name,
    profile_document,
    workload_name,
)
from harness.real.profiling.profile import QUANTITIES, Measurement, Profile, read_profile
from harness.statistics.intervals import Interval
from workloads.partition import EVENTS
from workloads.program import ProgramExecution

VALUES = {
    "elapsed": 0.5,
    "user": 0.2,
    "system": 0.1,
    "waiting": 0.2,
    "all_calls": 3000.0,
    "calls": 1000.0,
    "io_calls": 300.0,
    "messages": 20.0,
    "forks": 3.0,
    "vforks": 2.0,
    "threads": 1.0,
    "execs": 4.0,
    "page_faults": 900.0,
    "voluntary_switches": 30.0,
    "involuntary_switches": 10.0,
    "block_read_bytes": 100_000.0,
    "block_write_bytes": 0.0,
    "selects": 0.0,
}
MACHINE = {"frequency_hertz": 3.3e9, "processor": "A processor", "measured_at": "today"}


def ends(value: float) -> tuple[float, float]:
    """Make the ends of an interval, with as many digits as a file has."""
    return float(f"{0.9 * value:.6g}"), float(f"{1.2 * value:.6g}")


def made(machine=MACHINE, **values) -> Profile:
    measured = {
        name: Measurement(Interval(value, *ends(value), 0.95, 5), "counted by hand")
        for name, value in {**VALUES, **values}.items()
    }
    about = {"repetitions": 5, "disturbed": 0, "left_behind": 0, "machine": dict(machine)}
    return Profile("app", ("app", "--fast", 'a "b"'), measured, {"opens": "nobody looked"}, about)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "app.toml"
    write(profile_document(made()), path)
    return path


def test_what_was_written_is_read_back(file):
    assert read_profile(file) == made()


def test_a_campaign_takes_it_as_a_workload(file, tmp_path):
    campaign = tmp_path / "campaign.toml"
    campaign.write_text(
        '[campaign]\nname = "app"\nduration = "1 s"\nreplications = 2\nseed = 1\n'
        'catalog = ["app.toml"]\n'
        '[claim]\nfirmware = ["shared-uncapped"]\nsoftware = ["hosted-vmware"]\n'
        '[factors]\nmachine = ["p5-520"]\nos = ["aix-5.3"]\nworkload = ["app"]\n'
        'virtualization = ["full-system", "shared-uncapped", "hosted-vmware"]\n'
        '[[partitions]]\nname = "one"\nshare = "50 %"\nvirtual_scsi = ["vios1"]\n'
        '[[vios]]\nname = "vios1"\nshare = "25 %"\n'
        'backing = { disk = "ds4400-raid0-5", as = "physical" }\n'
    )
    out = tmp_path / "results"
    done = CliRunner().invoke(
        app, ["run", str(campaign), "--out", str(out), "--workers", "1"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    told = CliRunner().invoke(app, ["verdict", str(out), "--json"])
    assert '"app"' in told.stdout


def test_the_demand_holds_counts_as_measured_and_the_processor_time_as_assumed(file):
    catalog = load_catalog([file])
    profile = catalog.profile("app")
    assert [group.user for group in profile.groups] == ["workloads/program.py:ProgramExecution"]
    demand = {
        name.rpartition(".")[2]: constant
        for name, constant in catalog.constants.items()
        if name.startswith("profiles.app.demand.")
    }
    assert demand.keys() <= ProgramExecution.demand_model.model_fields.keys()
    low, middle, high = (3.3e9 / REFERENCE_HERTZ * work for work in WORK_PER_CYCLE)
    processor = demand.pop("processor")
    assert processor.status == "assumed"
    assert (processor.low, processor.value, processor.high) == pytest.approx(
        (0.18 * low, 0.2 * middle, 0.24 * high)
    )
    assert "3.3 GHz" in processor.source
    assert all(constant.status == "verified" for constant in demand.values())
    counts = {name: constant.value for name, constant in demand.items()}
    assert counts == {
        "calls": 1000,
        "io_calls": 320,
        # Three processes with a memory of their own, and a thread; a vfork is part of its exec.
        "forks": 4,
        "execs": 4,
        "context_switches": 40,
        "page_faults": 900,
        "read": 100_000,
    }
    assert counts.keys() - {"read"} <= set(EVENTS)
    assert (demand["calls"].low, demand["calls"].high) == pytest.approx((900, 1200))


def test_without_a_clock_there_is_no_processor_time_and_a_campaign_says_so(tmp_path):
    path = tmp_path / "app.toml"
    write(profile_document(made(machine={})), path)
    assert "profiles.app.demand.processor" not in load_catalog([path]).constants


def test_a_calibration_is_refused_with_the_reason(tmp_path):
    path = tmp_path / "machine.toml"
    path.write_text("[calibration]\nblocks = 1\n[costs.native.calls]\nvalue = 1\n")
    with pytest.raises(UserError, match="vtax predict; a modelled machine needs"):
        load_catalog([path])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[profile", "is not TOML"),
        ("a = 1", "not a profile"),
        ("profile = 3", "not a profile"),
        ('[profile]\nname = "a"\ncommand = ["a"]\n[profile.absent]\n[profile.measured]', "no user"),
    ],
)
def test_a_broken_profile_is_one_line(tmp_path, text, told):
    path = tmp_path / "app.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=told) as failure:
        read_profile(path)
    assert str(failure.value).startswith(str(path))
    assert "\n" not in str(failure.value)
    with pytest.raises(UserError, match="No such file"):
        read_profile(tmp_path / "missing.toml")


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, "a", [1.0]])
def test_a_value_that_cannot_be_is_one_line(tmp_path, file, value):
    table = tomllib.loads(file.read_text())
    table["profile"]["measured"]["calls"]["value"] = value
    write(table, file)
    with pytest.raises(UserError, match=r"not a profile|must be a finite number"):
        read_profile(file)
    table["profile"]["measured"]["calls"]["value"] = 1000.0
    table["profile"]["measured"]["gigawatts"] = table["profile"]["measured"]["calls"]
    write(table, file)
    with pytest.raises(UserError, match=r"measured\.gigawatts is no quantity"):
        read_profile(file)


def test_names_fit_a_workload_and_take_no_other_ones(tmp_path):
    assert workload_name("My App.v2") == "my-app-v2"
    assert default_name("/usr/bin/gcc-12", None) == "gcc-12"
    assert default_name("gcc", tmp_path / "build.toml") == "build"
    assert default_name("...", None) == "program"
    with pytest.raises(UserError, match="a workload 'integer' of its own"):
        default_name("gcc", tmp_path / "Integer.toml")
    # Without a file there is nothing that a campaign could name.
    assert default_name("/usr/bin/integer", None) == "integer"
    assert len(workload_name("a" * 5000)) < 100


def test_every_quantity_has_a_known_unit():
    assert {quantity.unit for quantity in QUANTITIES.values()} == {"s", "B", "count", "ratio"}
