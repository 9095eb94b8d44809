"""A study of modelled cells finds what was put into them, and loses nothing."""

import json
import re
import shutil
from pathlib import Path

import pytest
from finished import finish
from tiny import TRANSACTIONS
from typer.testing import CliRunner
from watching import Watcher, interrupting

from harness.analysis.study import analyse
from harness.catalog import load_catalog
from harness.cli.app import app
from harness.errors import UserError
from harness.execution.process_pool import SerialExecutor
from harness.results.store import Store
from harness.statistics.verdict import Outcome
from harness.studies.sensitivity.campaign import finished_campaign
from harness.studies.sensitivity.result import Sensitivity
from harness.studies.sensitivity.study import FOLDER, expected, study

CAMPAIGN = """
[campaign]
name = "dominated"
duration = "200 ms"
warm_up = "20 ms"
replications = 4
seed = 7
margin = "20 %"

[claim]
firmware = ["shared-uncapped"]
software = ["hosted-vmware"]
measures = ["processor-time"]

[factors]
machine = ["p5-520"]
os = ["aix-5.3"]
virtualization = ["full-system", "shared-uncapped", "hosted-vmware"]
workload = ["mine"]
"""
CAMPAIGN += TRANSACTIONS

WORKING_SET = {"value": 65536.0, "low": 65536.0, "high": 65536.5}

DOMINATING = f"""
[catalog.processor.working_set]
{"".join(f"{key} = {value}" + chr(10) for key, value in WORKING_SET.items())}unit = "B"
source = "a test"
status = "assumed"

[catalog.hypervisor.vp_switch]
value = 33000
low = 1650
high = 330000
unit = "cycles"
source = "a test"
status = "assumed"
"""


def carried_out(text: str, directory: Path) -> Path:
    """Write a campaign and run it; return where its runs are."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "campaign.toml"
    file.write_text(text)
    return finish(file, directory / "runs")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return carried_out(CAMPAIGN + DOMINATING, tmp_path_factory.mktemp("dominated"))


@pytest.fixture(scope="module")
def found(runs: Path) -> Sensitivity:
    result = study(finished_campaign(runs), runs, workers=SerialExecutor)
    result.write(runs)
    return result


@pytest.mark.slow
def test_the_constant_that_dominates_comes_first(found: Sensitivity) -> None:
    (firmware,) = (each for each in found.driven if each.level == "firmware")
    first = firmware.influences[0]
    assert first.constant == "hypervisor.vp_switch"
    assert first.share > 0.5
    assert first.p < 0.01
    assert 0.0 < first.low <= first.change <= first.high
    (software,) = (each for each in found.driven if each.level == "software")
    assert software.influences[0].constant == "hosted.transfer"
    assert "hypervisor.vp_switch" not in [each.constant for each in software.influences]


def test_the_verdict_flips_at_the_factor_found_and_not_before(
    found: Sensitivity, tmp_path: Path
) -> None:
    """Put into a campaign's own catalog, which knows nothing of the search."""
    catalog = load_catalog().constants
    (whole,) = (e for e in found.break_even if e.together and e.level == "firmware")
    assert whole.confirmed
    assert whole.factor is not None
    assert whole.kept < whole.factor <= 1.2 * whole.kept
    for factor, flipped in ((whole.factor, True), (whole.kept, False)):
        tables = []
        for name in whole.constants:
            constant = catalog[name]
            ends = {"value": constant.value, "low": constant.low, "high": constant.high}
            if name == "processor.working_set":
                ends = WORKING_SET
            if name == "hypervisor.vp_switch":
                ends = {"value": 33000.0, "low": 1650.0, "high": 330000.0}
            scaled = "\n".join(f"{key} = {value * factor!r}" for key, value in ends.items())
            tables.append(
                f'[catalog.{name}]\n{scaled}\nunit = "{constant.unit}"\n'
                'source = "a test"\nstatus = "assumed"\n'
            )
        folder = tmp_path / f"{factor:.3f}"
        with Store.open(carried_out(CAMPAIGN + "\n".join(tables), folder)) as store:
            verdict = analyse(store).verdict
        assert verdict is not None
        assert (verdict.outcome is not Outcome.CONFIRMED) == flipped


def test_software_that_costs_less_flips_it_too(found: Sensitivity) -> None:
    (whole,) = (e for e in found.break_even if e.together and e.level == "software")
    assert whole.factor is not None
    assert whole.factor < whole.kept < 1.0
    assert whole.criterion == "software"
    assert "hosted.transfer" in whole.constants


def test_a_single_cost_must_grow_at_least_as_much_as_all_together(found: Sensitivity) -> None:
    (whole,) = (e for e in found.break_even if e.together and e.level == "firmware")
    (single,) = (e for e in found.break_even if not e.together)
    assert single.constants == ("hypervisor.vp_switch",)
    assert single.factor is None or single.factor * 1.2 >= whole.factor


def test_the_command_quotes_the_cost_first_and_says_what_comes_next(
    runs: Path, found: Sensitivity
) -> None:
    told = CliRunner().invoke(
        app, ["sensitivity", str(runs), "--workers", "2"], env={"COLUMNS": "240"}
    )
    assert told.exit_code == 0
    assert re.search(r"1 environment: about \d+ runs, expected to take about", told.stderr)
    assert "hypervisor.vp_switch" in told.stdout
    assert f"next: vtax report {runs}" in told.stdout
    assert Sensitivity.read(runs) == found


@pytest.mark.slow
def test_interrupted_it_goes_on_and_comes_to_the_same_with_any_number_of_workers(
    runs: Path, found: Sensitivity, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(runs, copy, ignore=shutil.ignore_patterns(FOLDER, Sensitivity.FILE_NAME))
    with pytest.raises(KeyboardInterrupt):
        study(finished_campaign(copy), copy, workers=1, observer=interrupting(40))
    rest = Watcher()
    again = study(finished_campaign(copy), copy, workers=2, observer=rest)
    assert again.runs - 42 <= rest.outstanding <= again.runs - 40
    again.write(copy)
    assert (copy / Sensitivity.FILE_NAME).read_bytes() == (
        runs / Sensitivity.FILE_NAME
    ).read_bytes()
    nothing = Watcher()
    assert study(finished_campaign(copy), copy, workers=2, observer=nothing) == found
    assert nothing.outstanding == 0


def test_runs_share_arrivals_and_differ_in_constants_only(runs: Path, found: Sensitivity) -> None:
    """Of one point of the design, all cells have the same constants."""
    with Store.open(runs / FOLDER) as store:
        drawn = store.drawn()
        points: dict[int, set[str]] = {}
        for run in store.runs():
            assert run.failure is None
            if run.replication < 1000:
                points.setdefault(run.replication, set()).add(run.constants)
        assert store.damaged == []
    assert {len(digests) for digests in points.values()} == {1}
    assert len(points) == 1 + found.driven[0].runs
    values = {drawn[digests.pop()]["hypervisor.vp_switch"] for n, digests in points.items() if n}
    assert len(values) == 2


def test_the_cost_is_known_beforehand_within_an_order(runs: Path, found: Sensitivity) -> None:
    guessed, seconds = expected(finished_campaign(runs), each=False)
    assert found.runs / 3 < guessed < found.runs * 3
    assert seconds > 0


def test_a_campaign_that_is_no_longer_the_same_is_refused(tmp_path: Path, runs: Path) -> None:
    folder = tmp_path / "changed"
    folder.mkdir()
    shutil.copytree(
        runs, folder / "runs", ignore=shutil.ignore_patterns(FOLDER, Sensitivity.FILE_NAME)
    )
    file = runs.parent / "campaign.toml"
    text = file.read_text()
    try:
        file.write_text(text.replace('margin = "20 %"', 'margin = "19 %"'))
        with pytest.raises(UserError, match=r"not the campaign that .* is today"):
            finished_campaign(folder / "runs")
        file.write_text(text.replace("[claim]", "[claim]\n#"))
        finished_campaign(folder / "runs", only=["machine=p5-520"])
        with pytest.raises(UserError, match="--only machine=p5-999"):
            finished_campaign(folder / "runs", only=["machine=p5-999"])
    finally:
        file.write_text(text)


def test_the_file_is_read_back_and_anything_else_refused(
    runs: Path, found: Sensitivity, tmp_path: Path
) -> None:
    assert Sensitivity.read(tmp_path) is None
    assert Sensitivity.read(runs) == found
    (tmp_path / Sensitivity.FILE_NAME).write_text(json.dumps({"identity": 3}))
    with pytest.raises(UserError, match=r"is damaged .* with 'vtax sensitivity"):
        Sensitivity.read(tmp_path)
