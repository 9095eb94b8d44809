"""The claim of a campaign judged with the model's own misses."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from finished import finish
from tiny import TRANSACTIONS
from typer.testing import CliRunner
from watching import Watcher, interrupting

from harness.analysis.study import Study, analyse
from harness.cli.app import app
from harness.errors import UserError
from harness.execution.process_pool import SerialExecutor
from harness.results.discrepancy import Discrepancy, Factor
from harness.results.store import Store
from harness.statistics.verdict import Outcome
from harness.studies.discrepancy.study import FOLDER, expected, finished_campaign, study
from harness.validation.record import recorded
from harness.validation.row import Kind, Row

CAMPAIGN = """
[campaign]
name = "switching"
duration = "200 ms"
warm_up = "20 ms"
replications = { minimum = 8, maximum = 8, per_draw = 2 }
seed = 7
margin = "10 %"

[claim]
firmware = ["shared-uncapped"]
software = ["hosted-vmware"]
measures = ["processor-time"]

[factors]
machine = ["p5-520"]
os = ["aix-5.3"]
virtualization = ["full-system", "dedicated", "shared-uncapped", "hosted-vmware"]
workload = ["mine"]
"""
CAMPAIGN += TRANSACTIONS


def missed(*costs: str, ratio: float) -> Row:
    return Row(
        Kind.PREDICTION,
        "published",
        "time",
        ratio,
        "s",
        "a test",
        1.0,
        1.0,
        1.0,
        "range",
        0.1,
        costs=costs,
        rises=True,
    )


SWITCHES = missed("hypervisor.vp_*", ratio=1000.0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("switching")
    file = folder / "campaign.toml"
    file.write_text(CAMPAIGN)
    return finish(file, folder / "runs")


def copy_of(runs: Path, to: Path) -> Path:
    shutil.copytree(runs, to, ignore=shutil.ignore_patterns(FOLDER, Discrepancy.FILE_NAME))
    return to


def found(runs: Path, directory: Path, *rows: Row) -> Discrepancy:
    there = copy_of(runs, directory)
    return study(finished_campaign(there, rows), there, workers=SerialExecutor)


def concluded(directory: Path) -> Study:
    with Store.open(directory) as store:
        return analyse(store)


def width(result: Discrepancy) -> float:
    (one,) = result.judged
    assert one.firmware is not None and one.firmware.high is not None
    return one.firmware.high - one.firmware.low


def test_without_a_miss_the_verdict_is_the_campaign_s_own(runs: Path, tmp_path: Path) -> None:
    """Factors of exactly 1 are no factors: no run is made, and nothing changes."""
    here = copy_of(runs, tmp_path / "runs")
    alone = concluded(here).verdict
    one = Factor(mechanism="dispatch", costs=("hypervisor.*",), low=1.0, high=1.0, misses=())
    finished = replace(finished_campaign(here, ()), factors=(one,))
    result = study(finished, here, workers=SerialExecutor)
    assert result.runs == 0
    result.write(here)
    verdict = concluded(here).verdict
    assert verdict.outcome is verdict.without_misses is alone.outcome is Outcome.CONFIRMED
    (was,), (now,) = alone.environments, verdict.environments
    assert (now.outcome, now.reason, now.plausible) == (was.outcome, was.reason, was.plausible)
    for level in ("firmware", "software"):
        interval, ends = getattr(was, level).interval, getattr(now.with_misses, level)
        assert (ends.estimate, ends.low, ends.high) == (
            interval.estimate,
            interval.low,
            interval.high,
        )


def test_a_large_miss_makes_a_confirmed_part_inconclusive(runs: Path, tmp_path: Path) -> None:
    result = found(runs, tmp_path / "runs", SWITCHES)
    nothing = found(runs, tmp_path / "none")
    assert width(result) > 3 * width(nothing)
    result.write(tmp_path / "runs")
    verdict = concluded(tmp_path / "runs").verdict
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.without_misses is Outcome.CONFIRMED
    (part,) = verdict.parts
    assert (part.outcome, part.without_misses) == (verdict.outcome, verdict.without_misses)
    (finding,) = part.findings
    assert (finding.outcome, finding.without_misses) == (part.outcome, part.without_misses)
    assert finding.firmware_with_misses.high > 0.1 > finding.firmware.high
    assert finding.plausible.estimate < 1.0
    data = verdict.to_json()
    assert (data["outcome"], data["without_misses"]) == ("inconclusive", "confirmed")
    assert data["misses"]["factors"][0]["high"] == 1000.0
    assert data["environments"][0]["with_misses"]["outcome"] == "inconclusive"


def test_a_miss_of_what_no_cell_uses_changes_nothing(runs: Path, tmp_path: Path) -> None:
    unused = found(runs, tmp_path / "runs", missed("vios.vscsi.cycles.*", ratio=1000.0))
    assert unused.runs == 8 * 3  # the cells of the claim: baseline, firmware, software
    assert unused.judged == found(runs, tmp_path / "none").judged


def test_all_cells_and_replications_of_a_draw_have_the_same_factors(
    runs: Path, tmp_path: Path
) -> None:
    found(runs, tmp_path / "runs", SWITCHES)
    finished = finished_campaign(tmp_path / "runs", (SWITCHES,))
    draws: dict[int, set[str]] = {}
    with Store.open(tmp_path / "runs" / FOLDER) as store:
        for run in store.runs():
            draws.setdefault(run.replication // 2, set()).add(run.constants)
        moved = store.drawn()
    assert sorted(draws) == [0, 1, 2, 3]
    assert all(len(digests) == 1 for digests in draws.values())
    for spec in finished.specs:
        (digest,) = draws[spec.replication // 2]
        own = spec.constants
        factor = moved[digest]["hypervisor.vp_switch"] / own.number("hypervisor.vp_switch")
        assert 1.0 < factor < 1000.0
        resumed = moved[digest]["hypervisor.vp_resume"] / own.number("hypervisor.vp_resume")
        assert resumed == pytest.approx(factor)


def test_interrupted_it_goes_on_and_comes_to_the_same_with_any_number_of_workers(
    runs: Path, tmp_path: Path
) -> None:
    whole = found(runs, tmp_path / "whole", SWITCHES)
    there = copy_of(runs, tmp_path / "runs")
    finished = finished_campaign(there, (SWITCHES,))
    with pytest.raises(KeyboardInterrupt):
        study(finished, there, workers=SerialExecutor, observer=interrupting(10))
    rest = Watcher()
    assert study(finished, there, workers=2, observer=rest) == whole
    assert rest.outstanding == whole.runs - 10
    assert expected(finished)[0] == whole.runs


def test_the_command_needs_the_validation_table(runs: Path, tmp_path: Path) -> None:
    there = copy_of(runs, tmp_path / "runs")
    with pytest.raises(UserError, match="validation table is missing"):
        finished_campaign(there)
    recorded([SWITCHES], quick=True).write(there)
    done = CliRunner().invoke(
        app, ["discrepancy", str(there), "--workers", "1"], env={"COLUMNS": "160"}
    )
    assert done.exit_code == 0, done.output
    assert "virtual-processor-switch" in done.stdout
    assert f"next: vtax verdict {there}" in done.stdout
    verdict = CliRunner().invoke(app, ["verdict", str(there)], env={"COLUMNS": "160"})
    assert "inconclusive (without the model's own misses: confirmed)" in verdict.stdout


def test_a_study_of_another_campaign_is_not_used(runs: Path, tmp_path: Path) -> None:
    result = found(runs, tmp_path / "runs", SWITCHES)
    result.model_copy(update={"identity": "other"}).write(tmp_path / "runs")
    verdict = concluded(tmp_path / "runs").verdict
    assert verdict.outcome is Outcome.CONFIRMED
    assert verdict.without_misses is None
    assert any("'vtax discrepancy DIR'" in note for note in verdict.notes)
