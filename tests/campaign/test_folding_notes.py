"""A plan says where virtual processor folding does not act."""

from pathlib import Path

import pytest

from harness.campaign.folding_notes import folding_notes
from harness.campaign.plan import make_plan

FILE = """
[campaign]
name = "fold"
duration = "{duration}"
warm_up = "{warm_up}"
replications = 2

[factors]
machine = ["p5-520"]
os = ["aix-5.3"]
virtualization = ["full-system", "shared-uncapped"]
workload = ["integer", "commercial"]

[[partitions]]
name = "app"
count = 2
share = "25 %"
folding = {folding}

[workloads.commercial]
duration = "3 s"
"""


def notes(tmp_path: Path, **values: str) -> list[str]:
    file = tmp_path / "fold.toml"
    file.write_text(FILE.format(**values))
    return folding_notes(make_plan(str(file)))


def test_runs_that_end_before_the_first_look_are_named(tmp_path):
    (note,) = notes(tmp_path, duration="800 ms", warm_up="100 ms", folding="true")
    assert note == (
        "workloads.integer: its runs end before virtual processor folding looks for the first "
        "time, after 1 s: it does not act"
    )


@pytest.mark.parametrize(
    ("duration", "folding"), [("900 ms", "true"), ("100 ms", "false"), ("5 s", "true")]
)
def test_longer_runs_and_partitions_that_do_not_fold_are_not(tmp_path, duration, folding):
    assert notes(tmp_path, duration=duration, warm_up="100 ms", folding=folding) == []
