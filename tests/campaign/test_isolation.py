"""Users' code in runs: how it is found, what it may not carry over, what makes it another one."""

import os
import random
import re
import shutil
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from locust import events
from locustfiles import CALL, CAMPAIGN, LAYOUTS, STEP, user, write

from harness.campaign.cell import RunSpec
from harness.campaign.plan import make_plan
from harness.errors import UserError
from harness.execution.attempt import attempt
from harness.execution.execute import Summary, execute
from harness.results.packed_result import PackedResult, pack
from harness.results.store import Failure, Store
from harness.runs.scenario.run import run


def results(source: str, out: Path, workers: int = 1) -> list[PackedResult]:
    """Run a campaign; return the results of its runs, which must all have one."""
    plan = make_plan(source)
    with Store.start(out, plan.record()) as store:
        summary = execute(plan.runs(), store, run, workers=workers, drawn=plan.drawn)
        reasons = [each.reason for each in store.runs() if each.failure is not None]
        assert not reasons, reasons[0]
        assert summary == Summary(done=len(plan.runs()))
        return [pack(each) for _, each in store.results() if each is not None]


def failure(source: str) -> str:
    """Carry out the first run of a campaign in this process; return why it fails."""
    with pytest.raises(UserError) as caught:
        run(make_plan(source).runs()[0])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_locustfile_imports_what_lies_beside_it(layout, tmp_path):
    files = LAYOUTS[layout]
    source = write(tmp_path, files)
    before, path = dict(sys.modules), sys.path[:]
    plan = make_plan(source)
    python = sorted(name for name in files if name.endswith(".py"))
    assert [file.path for file in plan.files] == python
    first = pack(run(plan.runs()[0]))
    assert pack(run(plan.runs()[0])) == first
    assert sys.path == path
    assert not [
        name
        for name in sys.modules.keys() - before.keys()
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path))
    ]
    assert {name: sys.modules.get(name) for name in before} == before


def test_a_package_above_the_locustfile_is_imported_from(tmp_path):
    campaign = CAMPAIGN.replace("mine.py:Mine", "loadtests/mine.py:Mine")
    files = {
        "loadtests/__init__.py": "",
        "loadtests/mine.py": user("from common import shopsteps", CALL),
        "common/__init__.py": "",
        "common/shopsteps.py": STEP,
    }
    source = write(tmp_path, files, campaign)
    assert [file.path for file in make_plan(source).files] == sorted(files)
    run(make_plan(source).runs()[0])


def test_modules_are_found_from_the_current_directory_at_last(tmp_path, monkeypatch):
    campaign = CAMPAIGN.replace("mine.py:Mine", "../tests/mine.py:Mine")
    write(tmp_path / "campaigns", {}, campaign)
    write(tmp_path, {"tests/mine.py": user("from common import step", "step(self)")})
    write(tmp_path, {"common.py": STEP})
    monkeypatch.chdir(tmp_path)
    plan = make_plan("campaigns/tiny.toml")
    assert [file.path for file in plan.files] == ["../common.py", "../tests/mine.py"]
    run(plan.runs()[0])


@pytest.mark.parametrize("name", ["statistics", "profile", "random", "reports", "harness"])
def test_a_module_called_like_one_of_python_or_of_vtax_is_refused_where_it_is_wanted(
    name, tmp_path
):
    files = {"mine.py": user("", f"from {name} import step"), f"{name}.py": STEP}
    with pytest.raises(UserError, match=rf"mine\.py, line \d+: imports '{name}', .* rename yours"):
        make_plan(write(tmp_path, files))
    (tmp_path / "mine.py").write_text(user())
    assert [file.path for file in make_plan(str(tmp_path / "tiny.toml")).files] == ["mine.py"]


STATES = {
    "counter": ("import itertools\nN = itertools.count()", "n = next(N)"),
    "class_attribute": ("", "Mine.n = getattr(Mine, 'n', 0) + 1\nn = self.n"),
    "credentials": (
        "NAMES = [str(i) for i in range(500)]",
        "n = int(NAMES.pop()) if NAMES else 900",
    ),
    "helper": ("import shopsteps", "shopsteps.N.append(1)\nn = len(shopsteps.N)"),
    "cache": (
        "import functools\n@functools.cache\ndef seen(): return []",
        "seen().append(1)\nn = len(seen())",
    ),
    "environment": (
        "import os",
        "n = int(os.environ.get('N_OF_MINE', 0)) + 1\nos.environ['N_OF_MINE'] = str(n)",
    ),
    "random": ("import random", "n = random.randrange(900)"),
    "numpy": ("import numpy", "n = int(numpy.random.randint(900))"),
    "uuid": ("import uuid", "n = uuid.uuid4().int % 900"),
    "secrets": ("import secrets", "n = secrets.randbelow(900)"),
    "urandom": ("from os import urandom", "n = urandom(1)[0]"),
    "set": (
        "NAMES = {f'user{i}' for i in range(900)}",
        "n = int(NAMES.pop()[4:]) if NAMES else 5",
    ),
    "hash": ("", "n = hash(str(self.partition.now())) % 900"),
    "listener": (
        "from locust import events\nSEEN = []\n"
        "@events.request.add_listener\ndef note(**_): SEEN.append(1)\n",
        "n = sum(each.__name__ == 'note' for each in events.request._handlers) * 100",
    ),
}


@pytest.fixture(scope="module")
def stateful(tmp_path_factory) -> tuple[list[RunSpec], list[bytes], list[bytes]]:
    """Runs with all kinds of state; their results by one worker and by two."""
    folder = tmp_path_factory.mktemp("stateful")
    files = {"shopsteps.py": "N = []\n"}
    for state, (head, body) in STATES.items():
        use = "\nself.partition.compute(self.demand.processor * (1 + n / 1000))"
        files[f"of_{state}.py"] = user(head, body + use)
    start = CAMPAIGN.index("[workloads.mine]")
    head = CAMPAIGN[:start].replace('["mine"]', str(list(STATES)))
    tables = [
        CAMPAIGN[start:].replace("mine.py", f"of_{state}.py").replace("mine]", f"{state}]")
        for state in STATES
    ]
    source = write(folder, files, head + "\n".join(tables))
    by_position = lambda spec: (spec.cell_position, spec.replication)  # noqa: E731
    one, two = (results(source, folder / str(workers), workers) for workers in (1, 2))
    return sorted(make_plan(source).runs(), key=by_position), one, two


@pytest.mark.parametrize("state", STATES)
def test_no_state_of_a_run_reaches_the_next(state, stateful):
    specs, one, two = stateful
    places = [place for place, spec in enumerate(specs) if spec.cell.workload == state]
    assert len(places) == 4
    for place in reversed(places):
        assert one[place] == two[place]
        if state not in ("set", "hash"):  # which this process, not being a worker, orders otherwise
            assert pack(run(specs[place])) == one[place]


def test_what_a_process_shares_is_as_before(tmp_path):
    source = write(
        tmp_path,
        {
            "mine.py": user(
                "import os, random, sys, numpy\nos.environ['OF_MINE'] = '1'\nos.chdir('/')\n"
                "sys.argv.append('mine')\nrandom.seed(3)\nnumpy.random.seed(3)"
            )
        },
    )
    spec = make_plan(source).runs()[0]
    os.environ.pop("OF_MINE", None)
    state, numpy_state, urandom = random.getstate(), np.random.get_state()[1].tolist(), os.urandom
    folder, arguments = Path.cwd(), sys.argv[:]
    run(spec)
    assert random.getstate() == state
    assert np.random.get_state()[1].tolist() == numpy_state
    assert (os.urandom, Path.cwd(), sys.argv) == (urandom, folder, arguments)
    assert "OF_MINE" not in os.environ
    assert uuid.uuid4() != uuid.uuid4()


def changed(source: str, path: Path, text: str) -> bool:
    """Tell whether a campaign is another one when a file has another text."""
    before = make_plan(source)
    path.write_text(text)
    after = make_plan(source)
    runs = [spec.identity for spec in before.runs()] == [spec.identity for spec in after.runs()]
    assert (before.record().identity == after.record().identity) is runs
    return not runs


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_module_makes_it_another_campaign(layout, tmp_path):
    source = write(tmp_path, LAYOUTS[layout])
    for name in LAYOUTS[layout]:
        path = tmp_path / name
        # Of the same length, within the same second: what Python's cache would not notice.
        text = path.read_text()
        assert changed(source, path, f"{text}#1\n"), name
        assert changed(source, path, f"{text}#2\n"), name


def test_what_is_not_imported_or_lies_elsewhere_does_not(tmp_path):
    source = write(tmp_path / "a", {"mine.py": user(), "other.py": "x = 1\n"})
    assert not changed(source, tmp_path / "a" / "other.py", "x = 2\n")
    identity = make_plan(source).record().identity
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert make_plan(str(tmp_path / "b" / "tiny.toml")).record().identity == identity
    (tmp_path / "c").symlink_to(tmp_path / "a")
    assert make_plan(str(tmp_path / "c" / "tiny.toml")).record().identity == identity
    (tmp_path / "b" / "mine.py").unlink()
    (tmp_path / "b" / "mine.py").symlink_to(tmp_path / "a" / "mine.py")
    assert make_plan(str(tmp_path / "b" / "tiny.toml")).record().identity == identity


def test_a_changed_module_is_refused_by_the_store_and_named(tmp_path):
    source = write(tmp_path, LAYOUTS["sibling"])
    results(source, tmp_path / "out")
    (tmp_path / "shopsteps.py").write_text(STEP.replace("1.0", "2.0"))
    with pytest.raises(UserError, match=r"with other settings \(shopsteps\.py changed\)"):
        Store.start(tmp_path / "out", make_plan(source).record())


def test_a_module_that_changes_after_planning_ends_the_run(tmp_path):
    source = write(tmp_path, LAYOUTS["sibling"])
    spec = make_plan(source).runs()[0]
    (tmp_path / "shopsteps.py").write_text(STEP.replace("1.0", "2.0"))
    with pytest.raises(UserError, match=r"imports shopsteps\.py, which has changed"):
        run(spec)


@pytest.mark.parametrize("guard", ["", "try:\n    {}\nexcept Exception:\n    pass"])
def test_what_is_only_known_while_running_is_refused_unless_it_is_declared(guard, tmp_path):
    body = "__import__('shop' + 'steps').step(self)"
    files = {"mine.py": user("", (guard or "{}").format(body)), "shopsteps.py": STEP}
    source = write(tmp_path, files)
    assert "files = ['shopsteps.py']" in failure(source)
    declared = CAMPAIGN.replace("[factors]", 'files = ["shop*.py"]\n\n[factors]', 1)
    (tmp_path / "tiny.toml").write_text(declared)
    run(make_plan(source).runs()[0])
    assert changed(source, tmp_path / "shopsteps.py", STEP + "#\n")


READS = {
    "open": "next(csv.reader((HERE / 'names.csv').read_text().splitlines()))",
    "pathlib": "(HERE / 'names.csv').read_text()",
    "numpy": "numpy.loadtxt(HERE / 'names.csv', dtype=str)",
    "os": "os.read(os.open(HERE / 'names.csv', os.O_RDONLY), 9)",
}
HEAD = "import csv, os, numpy\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"


@pytest.mark.parametrize("how", READS)
def test_data_files_are_known_or_refused(how, tmp_path):
    work = "self.partition.compute(self.demand.processor)"
    source = write(
        tmp_path, {"mine.py": user(HEAD, f"{READS[how]}\n{work}"), "names.csv": "a\nb\n"}
    )
    assert "reads names.csv" in failure(source)
    assert "files = ['names.csv']" in failure(source)
    declared = CAMPAIGN.replace("[factors]", 'files = ["names.csv"]\n\n[factors]', 1)
    (tmp_path / "tiny.toml").write_text(declared)
    run(make_plan(source).runs()[0])
    assert changed(source, tmp_path / "names.csv", "a\nc\n")
    # One that is read while the locustfile is loaded needs no declaration.
    (tmp_path / "tiny.toml").write_text(CAMPAIGN)
    (tmp_path / "mine.py").write_text(user(f"{HEAD}DATA = {READS[how]}", work))
    assert [file.path for file in make_plan(source).files] == ["mine.py", "names.csv"]
    run(make_plan(source).runs()[0])
    assert changed(source, tmp_path / "names.csv", "a\nd\n")


def test_what_is_written_is_no_input(tmp_path):
    body = "(HERE / 'log.txt').open('a').close()\nself.partition.compute(self.demand.processor)"
    source = write(tmp_path, {"mine.py": user(HEAD, body)})
    run(make_plan(source).runs()[0])
    assert [file.path for file in make_plan(source).files] == ["mine.py"]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("gone.csv", "there is no such file in"),
        ("gone/*.csv", "there is no such file in"),
        ("data", "is a folder; write 'data/*'"),
        ("data/", "is a folder; write 'data/*'"),
    ],
)
def test_a_declared_file_that_is_not_there_is_named(written, reason, tmp_path):
    campaign = CAMPAIGN.replace("[factors]", f'files = ["{written}"]\n\n[factors]', 1)
    source = write(tmp_path, {"mine.py": user(), "data/a.csv": ""}, campaign)
    with pytest.raises(UserError, match=r"tiny\.toml: campaign\.files = ") as caught:
        make_plan(source)
    assert reason in str(caught.value)


def test_a_record_names_the_users_files(tmp_path):
    campaign = CAMPAIGN.replace("[factors]", 'files = ["data/**"]\n\n[factors]', 1)
    files = {**LAYOUTS["sibling"], "data/a.csv": "1", "data/deep/b.csv": "2"}
    source = write(tmp_path, files, campaign)
    results(source, tmp_path / "out")
    with Store.open(tmp_path / "out") as store:
        held = store.campaign.files
    assert [file["path"] for file in held] == sorted(files)
    assert all(len(file["sha256"]) == 64 for file in held)


def test_two_workloads_may_have_files_of_one_name(tmp_path):
    campaign = (
        CAMPAIGN.replace('["mine"]', '["mine", "yours"]').replace("mine.py", "a/mine.py")
        + '\n[workloads.yours]\nuser = "b/mine.py:Mine"\nusers = 2\n'
        'demand = { processor = "1 ms" }\n'
    )
    files = {}
    for folder, factor in (("a", 1.0), ("b", 3.0)):
        files[f"{folder}/mine.py"] = user("import shopsteps", CALL)
        files[f"{folder}/shopsteps.py"] = STEP.replace("1.0", str(factor))
    source = write(tmp_path, files, campaign)
    plan = make_plan(source)
    assert {spec.cell.workload: [file.path for file in spec.files] for spec in plan.runs()} == {
        "mine": ["a/mine.py", "a/shopsteps.py"],
        "yours": ["b/mine.py", "b/shopsteps.py"],
    }
    assert results(source, tmp_path / "1") == results(source, tmp_path / "2", 2)


def test_two_campaigns_in_one_process_do_not_meet(tmp_path):
    made = []
    for folder, factor in (("a", 1.0), ("b", 3.0)):
        files = {**LAYOUTS["sibling"], "shopsteps.py": STEP.replace("1.0", str(factor))}
        made.append(make_plan(write(tmp_path / folder, files)).runs()[0])
    first, second = (pack(run(spec)) for spec in made)
    assert first != second
    assert [pack(run(spec)) for spec in made] == [first, second]


def mixed(folder: Path, head: str, body: str, helper: str) -> str:
    campaign = CAMPAIGN.replace('workload = ["mine"]\n', "").replace("mine.py", "a/mine.py")
    campaign = campaign.replace('name = "app"\nshare', 'name = "app"\nworkload = "mine"\nshare')
    campaign += (
        '\n[[partitions]]\nname = "db"\nworkload = "yours"\nshare = "50 %"\n'
        'virtual_processors = "2 per core"\n\n[workloads.yours]\nuser = "b/mine.py:Mine"\n'
        'users = 2\ndemand = { processor = "1 ms" }\n'
    )
    files = {f"{each}/mine.py": user(head, body) for each in "ab"}
    return write(folder, {**files, "a/shopsteps.py": STEP, f"b/{helper}.py": STEP}, campaign)


@pytest.mark.parametrize("lazy", [False, True])
def test_one_run_of_two_locustfiles_with_helpers_of_one_name_is_refused(lazy, tmp_path):
    head, body = ("", "import shopsteps\n" + CALL) if lazy else ("import shopsteps", CALL)
    source = mixed(tmp_path, head, body, "shopsteps")
    assert "module 'shopsteps'" in failure(source)
    assert "rename one of them" in failure(source)


def test_one_run_of_two_locustfiles_of_one_name_is_fine(tmp_path):
    source = mixed(tmp_path, "", "self.partition.compute(self.demand.processor)", "other")
    run(make_plan(source).runs()[0])


def test_what_differs_from_run_to_run_is_noted(tmp_path):
    head = "import time, random\nfrom datetime import datetime\nimport numpy as np"
    body = (
        "time.time()\ntime.process_time()\ndatetime.now()\nrandom.Random()\nnp.random.default_rng()\nid(self)\n"
        "random.Random(3)\nself.random.random()\nself.partition.now()"
    )
    notes = make_plan(write(tmp_path, {"mine.py": user(head, body)})).notes
    assert [note.split(": ")[1].split("(")[0] for note in notes] == [
        "time.process_time",
        "datetime.datetime.now",
        "random.Random",
        "numpy.random.default_rng",
        "id",
    ]
    assert all(note.startswith("mine.py, line ") for note in notes)


@pytest.mark.parametrize(
    "head, stop",
    [
        ("from locust.exception import StopUser", "StopUser()"),
        ("import locust.exception as failures", "failures.StopUser"),
    ],
)
def test_what_ends_a_user_is_noted(tmp_path, head, stop):
    body = f"if self.partition.now() > 1:\n    raise {stop}\nraise ValueError('StopUser')"
    notes = make_plan(write(tmp_path, {"mine.py": user(head, body)})).notes
    assert [note.partition(": ")[2] for note in notes] == [
        "StopUser ends its user for the rest of a run; none takes its place"
    ]


def test_clocks_begin_where_the_campaign_does(tmp_path):
    head = "import time\nfrom time import monotonic as tick\nEARLY = tick()"
    body = (
        "self.partition.wait(0.01)\n"
        "assert abs(tick() - EARLY - self.partition.now()) < 1e-9\n"
        "began = time.time() - self.partition.now()\n"
        "assert time.gmtime(began + 1e-6)[:3] == (2007, 4, 2), time.gmtime(began)\n"
        "self.partition.compute(self.demand.processor)"
    )
    run(make_plan(write(tmp_path, {"mine.py": user(head, body)})).runs()[0])


def test_a_request_that_is_fired_through_the_module_counts(tmp_path):
    body = (
        "self.partition.compute(self.demand.processor)\n"
        "events.request.fire(request_type='x', name='mine', response_time=1.0, response_length=0,\n"
        "    exception=None, context={'user': self})"
    )
    handlers = list(events.request._handlers)
    result = run(
        make_plan(write(tmp_path, {"mine.py": user("from locust import events", body)})).runs()[0]
    )
    assert any(name.endswith("/mine") and digest.count for name, digest in result.digests.items())
    assert events.request._handlers == handlers


@pytest.mark.parametrize(
    "leave", ["raise SystemExit(1)", "import sys\nsys.exit()", "raise GeneratorExit"]
)
def test_a_task_that_leaves_the_process_fails_its_run_only(tmp_path, leave):
    spec = make_plan(write(tmp_path, {"mine.py": user("", leave)})).runs()[0]
    failure, reason = attempt(run, spec)
    assert failure is Failure.ERROR
    assert re.match(r"(SystemExit|GeneratorExit) \(mine\.py, line \d+\)", reason)


def test_a_run_without_files_of_the_user_is_as_it_was(tmp_path):
    campaign = CAMPAIGN.replace("mine.py:Mine", "workloads/cpu.py:IntegerCompute")
    plan = make_plan(write(tmp_path, {}, campaign))
    assert plan.files == ()
    spec = plan.runs()[0]
    assert pack(run(spec)) == pack(run(replace(spec, base=Path("/nowhere"))))
