"""Numbers have stated limits, in campaign files and on the command line alike."""

import pytest
from typer.testing import CliRunner

from harness import units
from harness.campaign.plan import make_plan
from harness.campaign.reader import SHIPPED
from harness.campaign.schema import limits
from harness.cli.app import app
from harness.errors import MOST_CHARACTERS, UserError

SMOKE = (SHIPPED / "smoke.toml").read_text(encoding="utf-8")
WORKLOAD = 'workload = ["integer"]\n[workloads.integer]\n'
ALL = 'workload = ["integer", "commercial", "vscsi-random"]'


def refused(tmp_path, *changes):
    text = SMOKE
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        make_plan(str(path))
    told = str(caught.value)
    assert "\n" not in told
    return told.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('duration = "1 s"', 'duration = "1e-11 s"', "is too small; a time is 0, or from 1 ns"),
        ('duration = "1 s"', 'duration = "3651 d"', "is too large; a time is 0, or from 1 ns"),
        ('warm_up = "detect"', 'warm_up = "0.4 ns"', "is too small; a time is 0, or from 1 ns"),
        (ALL, f"{WORKLOAD}users = 1000001", "must be from 1 to 1,000,000"),
        (ALL, f'{WORKLOAD}users = "1e9 per core"', "must be from 1 to 1,000,000"),
        (ALL, f'{WORKLOAD}arrivals = "50 GHz"', "must be from 1e-06 to 1,000,000 /s"),
        (ALL, f'{WORKLOAD}arrivals = "1e-8 /s"', "must be from 1e-06 to 1,000,000 /s"),
        (ALL, f'{WORKLOAD}think_time = "1e10 s"', "is too large; a time is"),
        (ALL, f'{WORKLOAD}demand = {{ processor = "1e-10 s" }}', "is too small; a time is"),
        (ALL, f"{WORKLOAD}disk = 5000000000", "must be at most 1023"),
        ("replications = 5", "replications = 10001", "must be at most 10000"),
        ("seed = 2007", "seed = -1", "must be at least 0"),
        ("seed = 2007", "starts = 1492-10-12T00:00:00Z", "in the years from 1970 to 2999"),
        ("seed = 2007", "starts = 9999-12-31T23:59:59Z", "in the years from 1970 to 2999"),
        ("count = 3", "count = 1025", "must be at most 1024"),
        (
            'share = "25 %"\nvirtual_processors = "2 per core"\nvirtual_scsi',
            "cores = 257\nvirtual_scsi",
            "at most 256",
        ),
        (ALL, f'{ALL}\n[machines.p5-520]\nclock = "1e-9 Hz"', "is too small; a frequency is"),
        (ALL, f'{ALL}\n[machines.p5-520]\nclock = "2 THz"', "has the unit 'THz'"),
        (ALL, f'{ALL}\n[machines.p5-520]\nmemory = "9999999999 GiB"', "is too large; a size is"),
        ('name = "smoke"', f'name = "{"a" * 65}"', "must have at most 64 characters"),
        ('en = "A first look"', f'en = "{"a" * 2001}"', "at most 2,000 characters"),
    ],
)
def test_a_number_beyond_its_limits_is_refused(tmp_path, old, new, told):
    assert told in refused(tmp_path, (old, new))


def test_users_of_a_partition_are_limited_whatever_its_capacity(tmp_path):
    many = (ALL, f'{WORKLOAD}users = "900000 per core"'), ('["p5-520"]', '["p5-570"]')
    assert "users on app1; at most 1,000,000 are allowed" in refused(tmp_path, *many)


def test_cells_are_counted_before_any_is_made(tmp_path):
    loads = "\n".join(f'"catalog.x.y{n}.value" = {list(range(10))}' for n in range(9))
    told = refused(tmp_path, (ALL, f"{ALL}\n{loads}"))
    assert told == (
        f"factors: have {18 * 10**9:,} combinations; a campaign has at most "
        f"{limits.CELLS.most:,} cells"
    )


def test_samples_of_a_timeline_are_limited(tmp_path):
    path = tmp_path / "c.toml"
    text = (SHIPPED / "vlan.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('name = "vlan-membership"', 'name = "a"\nsample = "1 ns"'))
    with pytest.raises(UserError, match="gives more than 100,000 samples"):
        make_plan(str(path))


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "smoke", "--replications", limits.REPLICATIONS.most + 1),
        ("plan", "smoke", "--replications", 0),
        ("run", "smoke", "--workers", limits.WORKERS.most + 1),
        ("run", "smoke", "--seed", limits.SEED.most + 1),
        ("run", "smoke", "--seed", -1),
        ("run", "smoke", "--seed", "9" * 5000),
        ("run", "smoke", "--metrics-port", 65536),
        ("watch", "smoke", "--port", 99999),
        ("watch", "smoke", "--speed", "nan"),
        ("watch", "smoke", "--speed", "inf"),
        ("watch", "smoke", "--speed", 0),
        ("watch", "smoke", "--speed", -1),
        ("observe", "nowhere", "--no-serve", "--port", 80),
        ("capacity", "nowhere", "--replications", 10**9),
    ],
)
def test_options_have_limits_too(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("name", "value"), [("seed", -1), ("seed", 2**63), ("replications", 10**9)]
)
def test_a_plan_made_from_python_has_the_same_limits(name, value):
    with pytest.raises(UserError, match=rf"^--{name} = .*: must be from [01] to "):
        make_plan("smoke", **{name: value})


@pytest.mark.parametrize("dimension", units.DIMENSIONS)
def test_every_dimension_has_a_range_that_holds_its_example(dimension):
    _, _, least, most = units.DIMENSIONS[dimension]
    assert least <= units.read_quantity(units.DIMENSIONS[dimension].example, dimension) <= most
    unit = next(unit for unit, factor in units.DIMENSIONS[dimension].units.items() if factor == 1)
    for number in (most * 2, least / 2):
        with pytest.raises(ValueError, match=rf"is too (large|small); a {dimension} is 0, or from"):
            units.read_quantity(f"{number!r} {unit}", dimension)


def test_a_message_is_no_longer_than_its_limit():
    assert str(UserError("a" * MOST_CHARACTERS)) == "a" * MOST_CHARACTERS
    told = str(UserError("start " + "a" * 10**6 + " end"))
    assert len(told) <= MOST_CHARACTERS
    assert told.startswith("start a")
    assert told.endswith("a end")
