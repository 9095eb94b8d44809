"""The command line, from the outside: what it prints, writes and ends with."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tiny import TINY
from typer.testing import CliRunner
from watching import wait_for

import harness
from harness.analysis.study import analyse
from harness.cli.app import app
from harness.results.host import Host
from harness.results.sqlite import FILE_NAME
from harness.results.store import Store

SMALL = TINY.replace('"tiny"', '"small"').replace(
    '"shared-uncapped", "hosted', '"shared-uncapped", "dedicated", "hosted'
)


def vtax(*arguments: str | Path):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="vtax")


def one_line(result) -> str:
    """What an error says: one line on stderr, nothing on stdout, exit code 2."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("vtax: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("vtax: ").rstrip("\n")


@pytest.fixture
def campaign(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The directory of a small campaign, complete."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.toml").write_text(SMALL)
    result = vtax("run", folder / "small.toml", "--out", folder / "out", "--workers", 2)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == f"next: vtax report {folder / 'out'}"
    return folder / "out"


def test_the_version_and_the_help_need_no_campaign():
    assert vtax("--version").stdout == f"vtax {harness.__version__}\n"
    text = vtax("--help").stdout
    for command in (
        *("plan", "run", "report", "verdict", "export", "catalog"),
        *("compare", "publish"),
    ):
        assert re.search(rf"^  {command} ", text, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments", [["--nope"], ["nope"], ["plan"], ["run", "x", "--workers", "0"]]
)
def test_wrong_usage_ends_with_2_and_says_how_to_get_help(arguments):
    result = vtax(*arguments)
    assert result.exit_code == 2
    assert "Try 'vtax" in result.stderr
    assert "Traceback" not in result.output


def test_the_catalog_lists_and_shows():
    listing = vtax("catalog").stdout
    for name in ("p5-570", "rhel-as-3", "shared-uncapped", "hosted-uml", "ethernet-1gb", "vlan"):
        assert name in listing
    assert "10 ms" in vtax("catalog", "show", "hypervisor.window").stdout
    assert "hypervisor.window" in one_line(vtax("catalog", "show", "hypervisor.windw"))


def test_a_plan_says_what_would_be_run_and_runs_nothing(campaign, tmp_path):
    before = sorted(tmp_path.iterdir())
    result = vtax("plan", campaign, "--workers", 2, "--replications", 7)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "3 cells (1 infeasible) x 7 replications = 21 runs; expected to take about" in text
    assert "infeasible: p5-520, dedicated: app1 would have 1.2 cores, not whole ones" in text
    assert sorted(tmp_path.iterdir()) == before
    part = vtax("plan", campaign, "--only", "virtualization=hosted-uml")
    assert "1 cells (1 infeasible) x 2 replications = 2 runs" in " ".join(part.stdout.split())


@pytest.mark.parametrize(
    "name", ["smoke", "carrier", "consolidation", "factual", "costly-firmware", "free-software"]
)
def test_shipped_campaigns_are_planned_by_name(name):
    result = vtax("plan", name)
    assert result.exit_code == 0
    assert f"{name}: the matrix" in result.stdout


def test_results_go_to_a_directory_named_after_the_campaign(campaign, tmp_path):
    part = ("--only", "virtualization=hosted-uml", "--workers", 1)
    result = vtax("run", campaign, "--replications", 2, *part)
    assert result.exit_code == 0
    assert "2 runs complete in results/small (2 now, 0 before), 0 failed" in result.stdout
    assert {path.name for path in (tmp_path / "results" / "small").iterdir()} == {
        FILE_NAME,
        Host.FILE_NAME,
    }
    # The same again does nothing; the rest of the campaign goes to the same place.
    again = vtax("run", campaign, *part)
    assert "2 runs complete in results/small (0 now, 2 before), 0 failed" in again.stdout
    whole = vtax("run", campaign, "--workers", 1)
    assert "6 runs complete in results/small (4 now, 2 before), 0 failed" in whole.stdout
    other = one_line(vtax("run", campaign, "--seed", 6))
    assert other.startswith("results/small: holds 'small' with seed 5, not 6; choose another --out")


def test_the_csv_is_the_same_whatever_the_number_of_workers(campaign, finished, tmp_path):
    assert vtax("run", campaign, "--out", tmp_path / "alone", "--workers", 1).exit_code == 0
    texts = []
    for directory in (finished, tmp_path / "alone"):
        result = vtax("export", directory, "--format", "csv")
        names = ("runs.csv", "overheads.csv")
        assert result.stdout == "".join(f"{directory / name}\n" for name in names)
        texts.append([(directory / name).read_bytes() for name in names])
        assert vtax("export", directory, "--columns", "all").exit_code == 0
        texts[-1].append((directory / "runs.csv").read_bytes())
    assert texts[0] == texts[1]
    tidy, overheads, every = texts[0]
    assert tidy.count(b"\n") == every.count(b"\n") == 1 + 6
    assert len(tidy) < len(every) / 10
    head, first = overheads.decode().splitlines()[:2]
    assert {"estimate", "low", "high", "n", "virtualization"} <= set(head.split(","))
    assert first.count(",") == head.count(",")


def test_one_table_goes_to_a_file_or_to_the_standard_output(finished, tmp_path):
    out = tmp_path / "here.csv"
    for table in ("runs", "overheads"):
        named = vtax("export", finished, "--table", table, "--out", out)
        assert named.stdout == f"{out}\n"
        shown = vtax("export", finished, "--table", table, "--out", "-")
        assert shown.stdout == out.read_text()
    samples = vtax("export", finished, "--format", "openmetrics", "--out", "-").stdout
    assert samples.endswith("# EOF\n")
    refused = [
        ("--format", "json"),
        ("--table", "nonsense"),
        ("--columns", "some"),
        ("--format", "openmetrics", "--table", "runs"),
        ("--columns", "all", "--table", "overheads"),
        ("--format", "parquet", "--out", "-"),
    ]
    for arguments in refused:
        assert one_line(vtax("export", finished, *arguments)).startswith("--")


def test_every_format_is_written(finished):
    for form in ("csv", "parquet", "openmetrics"):
        result = vtax("export", finished, "--format", form)
        assert result.exit_code == 0
        assert (finished / f"runs.{form}").stat().st_size > 0
    assert "no such format; known: csv, openmetrics, parquet" in one_line(
        vtax("export", finished, "--format", "json")
    )


def test_the_verdicts_json_and_text_and_exit_code_agree(finished):
    result = vtax("verdict", finished, "--json")
    verdict = json.loads(result.stdout)
    codes = {"confirmed": 0, "refuted": 1, "inconclusive": 3}
    assert result.exit_code == codes[verdict["outcome"]]
    assert {"campaign", "claim", "alpha", "margin", "outcome", "parts"} <= set(verdict)
    assert {"worst_environment", "environments"} <= set(verdict)
    (part,) = verdict["parts"]
    assert {each["measure"] for each in part["measures"]} == {"slowdown", "processor-time"}
    for environment in verdict["environments"]:
        assert {"machine", "os", "workload", "measure", "outcome"} <= set(environment)
        for level in ("firmware", "software"):
            found = environment[level]
            assert {"virtualization", "overhead", "low", "high", "samples"} <= set(found)
            assert found["samples"] == 2
    plain = vtax("verdict", finished)
    assert plain.exit_code == result.exit_code
    assert f"small: {verdict['outcome']}" in plain.stdout


@pytest.mark.parametrize(("factors", "code"), [((1.02, 1.5), 0), ((1.3, 1.5), 1), ((1.1, 1.5), 3)])
def test_each_outcome_has_its_exit_code(synthetic, tmp_path, factors, code):
    firmware, software = ({"response": factor, "processor": factor} for factor in factors)
    campaign = synthetic({"shared-uncapped": firmware, "hosted-vmware": software})
    campaign.fill(tmp_path).close()
    assert vtax("verdict", tmp_path).exit_code == code
    assert vtax("verdict", tmp_path, "--json").exit_code == code


def test_a_campaign_without_a_claim_has_no_verdict(synthetic, tmp_path):
    synthetic({"shared-uncapped": {"response": 1.0}}, claim=None).fill(tmp_path).close()
    assert "campaign 'synthetic' has no claim" in one_line(vtax("verdict", tmp_path))


def test_a_report_is_written_from_the_directory_alone(finished):
    before = sorted(path.name for path in finished.iterdir())
    result = vtax("report", finished)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == str(finished / "report.html")
    after = sorted(path.name for path in finished.iterdir())
    assert sorted({*before, "report.html"}) == after


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ["report.html"]),
        ("ja", ["report.ja.html"]),
        ("both", ["report.html", "report.ja.html"]),
    ],
)
def test_a_report_is_written_in_the_languages_asked_for(synthetic, tmp_path, language, names):
    synthetic({"shared-uncapped": {"response": 1.0}}).fill(tmp_path).close()
    before = {path.name for path in tmp_path.iterdir()}
    result = vtax("report", tmp_path, "--lang", language)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(tmp_path / name) for name in names]
    assert {path.name for path in tmp_path.iterdir()} - before == set(names)


def test_a_language_that_there_is_no_report_in_is_refused(finished):
    message = one_line(vtax("report", finished, "--lang", "fr"))
    assert "fr" in message
    assert "ja" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"30 %"', '"5 %"', "partitions.app.share = 0.05: is 0.2 cores"),
        ("count = 2", "cuont = 2", "partitions.app.cuont = 2: no such key; did you mean 'count'?"),
        ('"integer"', '"mine"', "factors.workload = 'mine': no such workload"),
        ('duration = "50 ms"', "duration = 50", "campaign.duration = 50: needs a unit"),
        ("seed = 5", "margin = 1", "campaign.margin = 1: must be less than 1"),
    ],
)
def test_bad_input_is_told_in_one_line_and_nothing_is_written(
    campaign, tmp_path, old, new, message
):
    extra = "\nvirtual_processors = 3\n" if "share" in message else ""
    campaign.write_text(SMALL.replace(old, new) + extra)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for command in ("plan", "run"):
        line = one_line(vtax(command, campaign))
        assert line.startswith(f"{campaign}: {message}")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_directories_that_will_not_do_are_told(campaign, finished, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    assert "cannot be made or opened" in one_line(vtax("run", campaign, "--out", file))
    campaign.write_text(SMALL.replace('name = "small"', 'name = "other"'))
    message = one_line(vtax("run", campaign, "--out", finished))
    assert message.startswith(f"{finished}: holds another campaign, 'small'; choose another --out")
    for command in (["verdict"], ["report"], ["export", "--format", "csv"]):
        message = one_line(vtax(*command, tmp_path / "gone"))
        assert message.startswith(f"{tmp_path / 'gone'}: no campaign there")
        assert not (tmp_path / "gone").exists()


def test_what_is_intact_of_a_damaged_store_stays_readable(synthetic, tmp_path, campaign):
    factors = {"response": 1.02, "processor": 1.02}
    made = synthetic({"shared-uncapped": factors, "hosted-vmware": factors}, replications=60)
    made.fill(tmp_path / "out").close()
    path = tmp_path / "out" / FILE_NAME
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4 : len(content) * 3 // 4 + 6000] = b"\x5a" * 6000
    path.write_bytes(content)

    assert "the store is damaged" in one_line(vtax("run", campaign, "--out", tmp_path / "out"))
    assert path.read_bytes() == content
    result = vtax("verdict", tmp_path / "out")
    assert result.exit_code in (0, 1, 3)
    assert result.stderr.startswith("vtax: the store is damaged: ")
    result = vtax("export", tmp_path / "out", "--format", "csv")
    assert result.exit_code == 0
    assert "could not be read and were left out" in result.stderr
    rows = (tmp_path / "out" / "runs.csv").read_text().count("\n") - 1
    assert 180 < rows < 360


def test_users_that_cannot_be_recorded_are_named_in_terminal_and_report(tmp_path, monkeypatch):
    (tmp_path / "clock.py").write_text(
        "from locust import task\n"
        "from workloads.user import PartitionUser, transaction\n"
        "class Clocked(PartitionUser):\n"
        "    @task\n"
        "    @transaction\n"
        "    def work(self):\n"
        "        self.partition.compute(0.001 if self.partition.now() < 0.02 else 0.002)\n"
    )
    text = TINY.replace('["integer"]', '["integer", "clocked"]')
    text += '\n[workloads.clocked]\nuser = "clock.py:Clocked"\nusers = 2\n'
    (tmp_path / "mixed.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    result = vtax("run", "mixed.toml", "--out", "out", "--workers", "1")
    assert result.exit_code == 0, result.output
    notes = [line for line in result.stderr.splitlines() if "ran live" in line]
    assert [line.partition("note: ")[2] for line in notes] == [
        "clocked: users ran live, not recorded: a user reads the time"
    ]
    with Store.open(tmp_path / "out") as store:
        assert analyse(store).live == (("clocked", "a user reads the time"),)
    assert vtax("report", "out").exit_code == 0
    assert "clocked: a user reads the time" in (tmp_path / "out" / "report.html").read_text()


def test_failed_runs_are_told_and_end_nothing(campaign, tmp_path):
    (tmp_path / "fails.py").write_text(
        "from locust import task\n"
        "from workloads.user import Demand, PartitionUser, transaction\n"
        "class Fails(PartitionUser):\n"
        "    @task\n"
        "    @transaction\n"
        "    def fail(self):\n"
        "        self.partition.compute(0.001)\n"
        "        if self.partition.name != 'system':\n"
        "            raise RuntimeError('not here')\n"
    )
    text = SMALL.replace('["integer"]', '["integer", "mine"]')
    campaign.write_text(f"{text}\n[workloads.mine]\nuser = 'fails.py:Fails'\n")
    result = vtax("run", campaign, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert "8 runs complete in results/small (8 now, 0 before), 4 failed" in result.stdout
    last = result.stderr.splitlines()[-1]
    assert "vtax: 4 runs failed, for instance p5-520 / aix-5.3 / shared-uncapped / mine" in last
    assert "error: RuntimeError" in last
    assert last.endswith(
        "not here; the same runs fail again until that is corrected; a corrected campaign needs an "
        "--out of its own"
    )
    with Store.open(tmp_path / "results" / "small") as store:
        failed = {run.cell.virtualization for run in store.runs() if run.failure}
    assert failed == {"shared-uncapped", "hosted-uml"}
    nothing = vtax(
        "run",
        campaign,
        "--out",
        "x",
        "--workers",
        1,
        "--only",
        "workload=mine",
        "--only",
        "virtualization=hosted-uml",
    )
    assert nothing.exit_code == 2
    assert nothing.stderr.splitlines()[-1] == "vtax: no run has a result"


def workers_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    children = psutil.Process(process.pid).children()
    return [child for child in children if any("spawn_main" in word for word in child.cmdline())]


def test_ctrl_c_ends_with_130_and_one_line_and_the_campaign_goes_on(campaign, tmp_path):
    campaign.write_text(SMALL.replace('"50 ms"', '"5000 s"'))
    code = "from harness.cli.app import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", str(campaign), "--workers", "1"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    try:
        wait_for(lambda: workers_of(process))
        (worker,) = workers_of(process)
        masks = Path(f"/proc/{worker.pid}/status").read_text()
        (blocked,) = re.findall(r"^SigBlk:\s*(\w+)$", masks, re.MULTILINE)
        assert int(blocked, 16) >> (signal.SIGINT - 1) & 1
        # A terminal sends it to the workers, too.
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    last = errors.splitlines()[-1]
    assert re.fullmatch(
        r"vtax: interrupted with \d of 6 runs kept in results/small; the same command "
        r"continues from there",
        last,
    )
    assert "Traceback" not in errors


def test_reading_a_large_module_is_not_needed_to_list_the_catalog():
    """Commands import what they need themselves."""
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom harness.cli.app import app\n"
        "CliRunner().invoke(app, ['catalog'])\n"
        "print(*sorted({'locust', 'scipy', 'pyarrow', 'matplotlib'} & set(sys.modules)))"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.stdout == "\n"


def test_compare_ends_with_1_if_anything_got_worse(finished, tmp_path, synthetic):
    truth = {"shared-uncapped": {"response": 1.02, "processor": 1.02}}
    worse = {"shared-uncapped": {"response": 1.5, "processor": 1.02}}
    synthetic(true=truth, claim=None).fill(tmp_path / "a").close()
    synthetic(true=worse, claim=None).fill(tmp_path / "b").close()
    same = vtax("compare", finished, finished)
    assert same.exit_code == 0
    assert "0 became worse, 0 became better, 0 show no change" in " ".join(same.stdout.split())
    told = vtax("compare", tmp_path / "a", tmp_path / "b", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["direction"] == "worse"
    assert vtax("compare", tmp_path / "b", tmp_path / "a").exit_code == 0
    assert "nothing in common" in one_line(vtax("compare", finished, tmp_path / "a"))
    assert "no campaign there" in one_line(vtax("compare", finished, tmp_path))
    assert "1 if anything became worse" in " ".join(vtax("compare", "--help").stdout.split())


def test_publish_says_what_is_new_and_where(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    site = tmp_path / "site"
    result = vtax("publish", finished, "--to", site)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"1 of 1 are new; the index: {site / 'index.html'}"
    assert result.stderr.startswith("vtax: chromium is not installed")
    again = vtax("publish", finished, finished, "--to", site)
    assert again.stdout.splitlines()[-1].startswith("0 of 2 are new")
    assert "holds something else" in one_line(vtax("publish", finished, "--to", finished))
    assert vtax("publish", "--to", site).exit_code == 2
