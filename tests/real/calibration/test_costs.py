import pytest

from harness.errors import UserError
from harness.real.calibration.costs import read_costs
from harness.real.calibration.file import write


def cost(value: float, ratio: float | None = None, **more) -> tuple[dict, dict]:
    entry = {"value": value, "low": 0.9 * value, "high": 1.1 * value, "unit": "us"}
    how = {
        "samples": 8,
        "above_noise": True,
        "processor_us": value / 2,
        "processor_us_low": value / 4,
        "processor_us_high": value,
        **more,
    }
    for name in ("time", "processor") if ratio is not None else ():
        how[f"{name}_ratio_to_native"] = ratio
        how[f"{name}_ratio_low"] = ratio / 2
        how[f"{name}_ratio_high"] = ratio * 2
    return entry, how


def table() -> dict:
    native = {"calls": cost(0.1), "forks": cost(100.0, page_faults=8.0)}
    guest = {"calls": cost(0.6, 6.0), "forks": cost(900.0)}
    noise = {"samples": 8, "above_noise": False, "reason": "cannot be told from noise"}
    targets = {"native": native, "qemu-tcg": guest}
    return {
        "calibration": {"machine": {"kernel": "6.1"}},
        "targets": {
            "native": {"available": True},
            "qemu-tcg": {"available": True},
            "qemu-kvm": {"available": False, "reason": "it did not boot"},
        },
        "costs": {t: {e: entry for e, (entry, _) in own.items()} for t, own in targets.items()},
        "measured": {
            t: {**{e: how for e, (_, how) in own.items()}, "stats": noise}
            for t, own in targets.items()
        },
    }


@pytest.fixture
def file(tmp_path):
    return tmp_path / "machine.toml"


def test_costs_ratios_and_reasons_are_read(file):
    write(table(), file)
    found = read_costs(file)
    assert found.targets == ("qemu-tcg",)
    assert found.unavailable == {"qemu-kvm": "it did not boot"}
    assert found.machine == {"kernel": "6.1"}
    calls = found.costs["qemu-tcg"]["calls"]
    assert (calls.seconds.low, calls.seconds.estimate) == pytest.approx((0.54e-6, 0.6e-6))
    assert (calls.processor_seconds.estimate, calls.processor_seconds.high) == pytest.approx(
        (0.3e-6, 0.6e-6)
    )
    assert (calls.ratio.low, calls.ratio.estimate, calls.ratio.high) == (3.0, 6.0, 12.0)
    assert calls.processor_ratio == calls.ratio
    assert found.costs["qemu-tcg"]["forks"].ratio is None
    assert found.costs["native"]["forks"].faults == 8.0
    assert calls.faults == 0.0


def test_what_noise_hides_has_no_cost(file):
    write(table(), file)
    assert "stats" not in read_costs(file).costs["native"]


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("measured",), {}, "no native costs"),
        (("calibration",), {}, "not the file of a calibration"),
        (("costs", "native", "calls", "unit"), "ms", "should be 'us', not 'ms'"),
        (("costs", "native", "calls", "low"), 7.0, "does not hold"),
        (("costs", "native", "calls", "value"), "a", "not the file"),
        (("costs", "native"), 3, "not the file"),
        (("measured", "native", "calls", "processor_us"), float("nan"), "finite number"),
    ],
)
def test_a_file_that_cannot_be_is_one_line(file, path, value, told):
    whole = table()
    place = whole
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    write(whole, file)
    with pytest.raises(UserError, match=told) as failure:
        read_costs(file)
    assert str(failure.value).startswith(str(file))
    assert "\n" not in str(failure.value)


def test_no_file_and_no_toml_are_one_line(file):
    with pytest.raises(UserError, match="vtax calibrate"):
        read_costs(file)
    file.write_text("[a")
    with pytest.raises(UserError, match="is not TOML"):
        read_costs(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is encoded in UTF-16"):
        read_costs(file)
