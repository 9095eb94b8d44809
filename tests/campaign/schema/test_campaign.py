import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

import harness.campaign.schema.campaign
from harness.campaign.reader import SHIPPED
from harness.campaign.schema.campaign import schema_text

SCHEMA = Path(harness.campaign.schema.campaign.__file__).parent / "campaign.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema_text()))


def as_json(path: Path) -> object:
    """What an editor sees: dates are texts."""
    return json.loads(json.dumps(tomllib.loads(path.read_text(encoding="utf-8")), default=str))


def test_the_shipped_schema_is_current():
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), (
        "run python -m harness.campaign.schema.campaign"
    )


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_campaigns_fit_the_schema_and_name_it(path):
    VALIDATOR.validate(as_json(path))
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("#:schema ")
    assert (path.parent / named).resolve() == SCHEMA.resolve()


def test_the_tests_campaign_fits_the_schema(write):
    VALIDATOR.validate(as_json(write()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('margin = "10 %"', 'margn = "10 %"'),
        ("count = 2", 'count = "two"'),
        ('duration = "100 ms"', "duration = 100"),
        ('think_time = "5 ms"', 'think_time = "5 km"'),
        ('as = "logical-volume"', 'as = "volume"'),
        ('machine = ["p5-550"]', 'machine = "p5-550"'),
    ],
)
def test_editors_find_what_vtax_refuses(write, old, new):
    assert list(VALIDATOR.iter_errors(as_json(write((old, new)))))


def test_editors_accept_every_way_to_write_a_load(write):
    quoted = write(('"mine"]', '"mine"]\n"partitions.app.count" = [1, 2]'))
    VALIDATOR.validate(as_json(quoted))
    bare = write(('"mine"]', '"mine"]\npartitions.app.count = [1, 2]'))
    VALIDATOR.validate(as_json(bare))


def test_every_key_is_described_or_speaks_for_itself():
    plain = {"cores", "mtu", "threaded", "shared_ethernet", "campaign", "claim", "factors"}
    plain |= {"machines", "partitions", "vios", "workloads", "name"}
    for title, table in json.loads(schema_text())["$defs"].items():
        for key, value in table["properties"].items():
            assert "description" in value or key in plain, f"{title}.{key}"
