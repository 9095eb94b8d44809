"""Compiled modules: the same results as their sources, and never those of older sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from programs import compiled_modules

from harness.engine import compiled

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"

RUNS = """
import hashlib
from harness.engine import compiled
from harness.campaign.plan import make_plan
from harness.runs.scenario.run import run

print(compiled.in_use())
only = ["machine=p5-520", "os=sles-9"]
for campaign, only in (("carrier", only), ("dlpar", []), ("mobility", [])):
    for spec in make_plan(campaign, replications=1, only=only).runs():
        print(spec.cell_position, hashlib.sha256(run(spec).to_json().encode()).hexdigest())
"""


def printed(code: str, *, interpreted: bool) -> list[str]:
    environment = {**os.environ, "VTAX_INTERPRETED": "1" if interpreted else ""}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()


@pytest.mark.slow
def test_results_are_the_same_with_and_without_compiled_modules():
    compiled_modules()
    with_them, without = printed(RUNS, interpreted=False), printed(RUNS, interpreted=True)
    assert (with_them[0], without[0]) == ("True", "False")
    assert len(without) > 60
    assert with_them[1:] == without[1:]


FILES = """
from importlib import import_module
from harness.engine import compiled

print(compiled.in_use(), *(import_module(module).__file__ for module in compiled.MODULES))
"""


@pytest.mark.parametrize("interpreted", [True, False])
def test_sources_are_imported_where_that_is_asked_for(interpreted):
    if not interpreted:
        compiled_modules()
    (line,) = printed(FILES, interpreted=interpreted)
    in_use, *files = line.split()
    assert in_use == str(not interpreted)
    assert {Path(file).suffix for file in files} == {".py" if interpreted else ".so"}
    assert len(files) == len(compiled.MODULES)


def test_what_needs_the_sources_passes_with_them(request):
    """Tests with the mark ``interpreted``, which this process leaves out."""
    if not compiled.in_use():
        return  # they are part of this session
    files = [file for file in TESTS.rglob("test_*.py") if "mark.interpreted" in file.read_text()]
    slow = ["--slow"] * request.config.option.slow
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "interpreted", *slow, *files]
    environment = {**os.environ, "VTAX_INTERPRETED": "1"}
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_compiled_modules_of_other_sources_are_not_used(tmp_path, monkeypatch):
    for module in compiled.MODULES:
        source = Path(*module.split(".")).with_suffix(".py")
        (tmp_path / source.parent).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, tmp_path / source)
    monkeypatch.setattr(compiled, "_ROOT", tmp_path)
    assert not compiled.available(), "none were built"
    (tmp_path / compiled.DIGEST).write_text(compiled.digest(ROOT), encoding="ascii")
    assert compiled.available()

    with (tmp_path / "harness/model/cpu/dedicated.py").open("a") as file:
        file.write("\n")
    assert not compiled.available()
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delenv("VTAX_INTERPRETED", raising=False)
    compiled.choose()
    assert len(sys.meta_path) == 1


def test_the_finder_leaves_other_modules_alone():
    finder = compiled._SourceFinder()
    assert finder.find_spec("harness.cli.app", [str(ROOT / "harness/cli")]) is None
    assert finder.find_spec("harness.engine.clock", ["nowhere"]) is None
