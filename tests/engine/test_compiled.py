"""Compiled modules: the same results as their sources, and never those of older sources."""

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from programs import compiled_modules

from harness.engine import compiled

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


def test_results_are_the_same_with_and_without_compiled_modules():
    compiled_modules()
    with_them, without = printed(RUNS, interpreted=False), printed(RUNS, interpreted=True)
    assert (with_them[0], without[0]) == ("True", "False")
    assert len(without) > 60
    assert with_them[1:] == without[1:]


@pytest.mark.parametrize("module", compiled.MODULES)
def test_every_compiled_module_has_a_source_and_is_imported_from_one_of_the_two(module):
    assert compiled.source(module).is_file()
    file = Path(str(import_module(module).__file__))
    assert file == compiled.source(module) or file.is_relative_to(compiled.place())


def test_sources_are_used_where_that_is_asked_for():
    code = "import harness.engine.clock; print(harness.engine.clock.__file__)"
    assert printed(code, interpreted=True) == [str(compiled.source("harness.engine.clock"))]


def test_modules_of_other_sources_are_not_used(tmp_path, monkeypatch):
    for module in compiled.MODULES:
        copy = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(compiled.source(module), copy)
    present = compiled.place()
    monkeypatch.setattr(compiled, "_ROOT", tmp_path)
    assert compiled.place() == present
    with compiled.source("harness.model.cpu.dedicated").open("a") as file:
        file.write("\n")
    assert compiled.place() != present

    monkeypatch.setattr(sys, "meta_path", [])
    compiled.use()
    assert not compiled.in_use()


def test_what_is_not_there_any_more_is_taken_from_its_source(tmp_path):
    finder = compiled._Finder(tmp_path)
    assert finder.find_spec("harness.engine.clock", None) is None
    assert finder.find_spec("harness.cli.app", None) is None
