"""Whatever has become of a profile's or a calibration's file, it predicts or is one line."""

import copy
import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli.app import app
from harness.errors import UserError
from harness.real import toml_file
from harness.real.calibration.costs import read_costs
from harness.real.calibration.file import write
from harness.real.prediction.prediction import predict
from harness.real.profiling.file import profile_document
from harness.real.profiling.profile import Measurement, Profile, read_profile
from harness.statistics.intervals import Interval

ODD = (
    *(10**400, -(10**400), 1e308, -1e308, 5e-324, 1e-17, 1e18, 1e19, -1.0, 0.0, 0, -(2**63), 2**64),
    *(math.nan, math.inf, -math.inf, True, "", "a", "\u202e\x1b[2J", [], [[]], {}, {"a": 1}),
)


def places(table, path=()):
    """Every key of a nested table, by its path."""
    for key, value in table.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


def changed(table, path, value):
    found = copy.deepcopy(table)
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return found


def profile_table():
    values = {"user": 0.2, "system": 0.1, "waiting": 0.2, "calls": 1000.0, "page_faults": 900.0}
    measured = {
        name: Measurement(Interval(value, value, 1.5 * value, 0.95, 5), "by hand")
        for name, value in values.items()
    }
    about = {"repetitions": 5, "machine": {"processor": "One", "kernel": "6.1"}}
    return profile_document(Profile("app", ("app",), measured, {"opens": "not counted"}, about))


def calibration_table():
    costs, measured = {}, {}
    for target, ratio in (("native", 1.0), ("qemu-tcg", 4.0)):
        for event, cost in (("compute", 2.0), ("calls", 0.25), ("faults", 0.5)):
            value = cost * ratio
            entry = {"value": value, "low": value, "high": value, "unit": "us"}
            costs.setdefault(target, {})[event] = entry
            how = {"samples": 8, "above_noise": True, "page_faults": 0.5}
            how |= dict.fromkeys(("processor_us", "processor_us_low", "processor_us_high"), value)
            for kind in ("time", "processor") if ratio > 1.0 else ():
                how |= {f"{kind}_ratio_{end}": ratio for end in ("to_native", "low", "high")}
            measured.setdefault(target, {})[event] = how
    return {
        "calibration": {"machine": {"processor": "Another", "kernel": "6.1"}},
        "targets": {"native": {"available": True}, "kvm": {"available": False, "reason": "none"}},
        "costs": costs,
        "measured": measured,
    }


PROFILE, COSTS = profile_table(), calibration_table()
WHERE = [(0, path) for path in places({"profile": PROFILE["profile"]})]
WHERE += [(1, path) for path in places(COSTS)]


@given(where=st.sampled_from(WHERE), value=st.sampled_from(ODD))
def test_a_changed_value_is_one_line_or_a_finite_prediction(tmp_path_factory, where, value):
    which, path = where
    tables = [PROFILE, COSTS]
    tables[which] = changed(tables[which], path, value)
    place = tmp_path_factory.getbasetemp()
    files = [place / "profile.toml", place / "costs.toml"]
    for table, file in zip(tables, files, strict=True):
        write(table, file)
    done = CliRunner().invoke(
        app, ["predict", "--profile", str(files[0]), "--catalog", str(files[1])]
    )
    assert done.exit_code in (0, 2), (path, value)
    if done.exit_code == 2:
        assert done.stderr.startswith("vtax: ")
        assert done.stderr.count("\n") == 1
        assert len(done.stderr) < 700
        return
    costs = read_costs(files[1])
    for target in costs.targets:
        found = predict(read_profile(files[0]), costs, target)
        for ratio in (found.elapsed, found.processor):
            assert 0.0 <= ratio.low <= ratio.estimate <= ratio.high < math.inf
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


@pytest.mark.parametrize("read", [read_profile, read_costs])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = " + b"[" * 3000, "nested too deeply|is not TOML"),
        (b"a = " + b"9" * 5000, "holds a number that is too large"),
        (b"\xff\xfe", "is encoded in UTF-16; save it as UTF-8"),
        (b"", "Field required"),
    ],
)
def test_what_is_no_such_file_is_one_line(tmp_path, read, content, told):
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=told) as failure:
        read(path)
    assert str(failure.value).startswith(str(path))
    assert len(str(failure.value)) < 700


def test_a_file_without_end_is_read_only_as_far_as_one_can_be_long(monkeypatch, tmp_path):
    monkeypatch.setattr(toml_file, "_MOST_BYTES", 1000)
    path = tmp_path / "long.toml"
    path.write_bytes(b"a = 1\n" * 1000)
    with pytest.raises(UserError, match="larger than 1,000 bytes"):
        read_profile(path)


def test_a_byte_order_mark_is_no_part_of_the_content(tmp_path):
    path = tmp_path / "profile.toml"
    write(PROFILE, path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_profile(path).name == PROFILE["profile"]["name"]
    assert tomllib.loads(path.read_text(encoding="utf-8-sig")) == PROFILE
