"""`import harness`: what a script or a notebook may rely on."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from tiny import TINY

import harness
from harness import api
from harness.errors import UserError
from harness.statistics.verdict import Outcome

CAMPAIGN = TINY.replace("replications = 2", "replications = 3")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    (folder / "tiny.toml").write_text(CAMPAIGN)
    return harness.run(folder / "tiny.toml", folder / "results", workers=1)


def test_the_public_names_are_those_of_the_api_and_no_others():
    assert sorted(harness.__all__) == sorted(api.__all__)
    for name in harness.__all__:
        assert callable(getattr(harness, name))
        assert getattr(api, name).__doc__


def test_importing_harness_imports_nothing_large():
    code = (
        "import sys, harness; large = {'numpy', 'scipy', 'locust', 'pandas', 'pydantic', 'typer'}; "
        "print(sorted(large & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_there_is_one_row_for_each_run(results):
    table = results.runs()
    assert isinstance(table, pd.DataFrame)
    assert len(table) == 9
    keys = ["cell", "replication"]
    assert not table.duplicated(keys).any()
    assert (table["transactions"] > 0).all()
    assert (table["status"] == "complete").all()


def test_all_columns_contain_the_measures_and_some_columns_can_be_named(results):
    plain, every = results.runs(), results.runs("all")
    assert plain["transactions"].tolist() == every["transactions"].tolist()
    some = results.runs(["cell", "requests"])
    assert list(some.columns) == ["cell", "requests"]
    with pytest.raises(UserError, match="there is no 'nonsense'"):
        results.runs(["nonsense"])
    with pytest.raises(UserError, match="'measures', 'all' or a list"):
        results.runs("nonsense")


def test_overheads_are_those_of_the_verdict(results):
    table = results.overheads()
    slow = table[(table["measure"] == "slowdown") & (table["virtualization"] == "shared-uncapped")]
    [environment] = [each for each in results.verdict.environments if each.measure == "slowdown"]
    assert slow["estimate"].tolist() == [environment.firmware.interval.estimate]
    assert slow["low"].item() <= slow["estimate"].item() <= slow["high"].item()
    assert slow["n"].item() == 3
    assert slow["level"].item() == "firmware"
    assert slow["outcome"].item() == str(environment.outcome)


def test_a_verdict_prints_its_outcome_and_its_counts(results):
    verdict = results.verdict
    counts = [verdict.count(each) for each in Outcome]
    assert sum(counts) == len(verdict.findings) == 2
    confirmed, refuted, inconclusive = counts
    assert str(verdict) == (
        f"{verdict.outcome}: confirmed in {confirmed}, refuted in {refuted}, inconclusive in "
        f"{inconclusive} of 2 findings"
    )


def test_a_verdict_shows_itself_as_html_with_every_text_escaped(results):
    page = results.verdict._repr_html_()
    assert str(results.verdict.outcome) in page
    assert page.count("<table>") == page.count("</table>") == 1
    assert page in results._repr_html_()


def test_opened_results_are_the_same(results):
    again = harness.open(results.directory)
    pd.testing.assert_frame_equal(again.runs(), results.runs())
    assert again.verdict.to_json() == results.verdict.to_json()
    with pytest.raises(UserError):
        harness.open(results.directory / "nothing")


def test_a_campaign_is_no_worse_than_itself(results):
    found = harness.compare(results, results.directory)
    assert all(change.direction is not api.changes.Direction.WORSE for change in found.changes)


def test_a_cell_is_explained_by_its_factors(results):
    by_keyword = results.explain(virtualization="hosted-uml")
    by_text = results.explain("virtualization=hosted-uml")
    assert by_keyword.to_json() == by_text.to_json()
    with pytest.raises(UserError, match=r"fits [23] cells"):
        results.explain(workload="integer")


def test_a_simulated_run_is_the_one_of_the_campaign(results):
    campaign = results.directory.parent / "tiny.toml"
    alone = harness.simulate(campaign, 1, virtualization="hosted-uml").measures()
    stored = results.runs()
    [row] = stored[(stored["virtualization"] == "hosted-uml") & (stored["replication"] == 1)].index
    assert alone.transactions == stored["transactions"][row]
    assert alone.mean_response_seconds == stored["response_seconds_mean"][row]
    with pytest.raises(UserError, match="3 cells have these values"):
        harness.simulate(campaign)


def test_a_script_without_a_guard_is_run_once(tmp_path):
    (tmp_path / "tiny.toml").write_text(CAMPAIGN)
    script = tmp_path / "script.py"
    script.write_text(
        "import harness, json\n"
        "print('begun')\n"
        "results = harness.run('tiny.toml', 'out', workers=2, replications=1)\n"
        "print(json.dumps(results.runs()['transactions'].tolist()))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    begun, transactions = done.stdout.splitlines()
    assert begun == "begun"
    assert len(json.loads(transactions)) == 3


def test_the_catalog_is_a_function_and_a_package():
    from harness.catalog import Catalog, load_catalog

    assert isinstance(harness.catalog(), Catalog)
    assert harness.catalog().machines == load_catalog().machines


def test_a_single_choice_of_cells_may_be_a_text():
    one, listed = (
        harness.plan("smoke", only=only) for only in ("workload=integer", ["workload=integer"])
    )
    assert {cell.workload for cell in one.cells} == {"integer"}
    assert one.cells == listed.cells
