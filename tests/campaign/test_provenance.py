import re
from pathlib import Path

import pytest

import harness
from harness.campaign import provenance
from harness.campaign.provenance import model_digest, versions

ROOT = Path(harness.__file__).parent.parent


def counted(decisive) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in provenance._sources(decisive)}


def digest_of(monkeypatch, *paths: Path) -> str:
    monkeypatch.setattr(provenance, "_sources", lambda _: iter(paths))
    model_digest.cache_clear()
    found = model_digest()
    monkeypatch.undo()
    model_digest.cache_clear()
    return found


def test_everything_that_decides_a_result_is_there_and_counted():
    names = counted(provenance._DECISIVE)
    for part in provenance._DECISIVE:
        name = f"harness/{part}"
        assert any(each == name or each.startswith(f"{name}/") for each in names), part
    assert {"workloads/cpu.py", "harness/runs/run_cell.py"} <= names
    assert (
        not {"harness/results/store.py", "harness/cli/app.py", "harness/analysis/study.py"} & names
    )


def test_what_measures_real_targets_is_counted_for_them_alone():
    names = counted(provenance._DECISIVE_FOR_REAL)
    assert {
        "harness/real/target/target.py",
        "harness/users/population.py",
        "workloads/program.py",
    } <= names
    assert any(name.endswith(".c") for name in names)
    assert not any("__pycache__" in name or "/platform" in name for name in names)
    assert model_digest(real=True) != model_digest()


@pytest.mark.parametrize("name", ["clock.py", "clock.c"])
def test_the_digest_changes_with_the_source(monkeypatch, tmp_path, name):
    before = model_digest()
    file = tmp_path / name
    file.write_text("other = 1\n")
    one = digest_of(monkeypatch, file)
    file.write_text("other = 2\n")
    assert len({before, one, digest_of(monkeypatch, file)}) == 3
    assert model_digest() == before


def test_where_a_source_lies_and_what_it_is_called_does_not_matter(monkeypatch, tmp_path):
    first, second = tmp_path / "b.py", tmp_path / "a.py"
    first.write_text("x = 1\n")
    second.write_text("y = 2\n")
    before = digest_of(monkeypatch, first, second)
    (tmp_path / "engine").mkdir()
    moved = first.rename(tmp_path / "engine" / "z.py")
    assert digest_of(monkeypatch, second, moved) == before


BEFORE = """\
import os
from collections.abc import Mapping

from harness.model.machine import Machine
from harness.users.population import (
    UserPopulation,
    locust_on,
)

X = 1
"""


@pytest.mark.parametrize(
    ("after", "same"),
    [
        (
            "import os\nfrom collections.abc import Mapping\n\n"
            "from harness.execution.users import UserPopulation, locust_on\n"
            "from harness.model.machine import Machine\n\n\nX = 1\n",
            True,
        ),
        (BEFORE.replace("UserPopulation", "Executor"), False),
        (BEFORE.replace("import os\n", ""), False),
        (BEFORE.replace("X = 1", "X = 2"), False),
        (BEFORE.replace("X = 1", "if True:\n    X = 1"), False),
    ],
)
def test_of_imports_the_names_count_and_not_where_they_come_from(
    monkeypatch, tmp_path, after, same
):
    file = tmp_path / "x.py"
    file.write_text(BEFORE)
    before = digest_of(monkeypatch, file)
    file.write_text(after)
    assert (digest_of(monkeypatch, file) == before) is same


def test_no_line_of_the_model_but_its_imports_is_left_out():
    for path in provenance._sources(provenance._DECISIVE):
        kept = provenance._content(path).decode().splitlines()
        lines = [line.rstrip() for line in path.read_text().splitlines() if line.strip()]
        left = [line for line in lines if line not in kept]
        inside = r"\s*(from .* import .*|import .*|[A-Za-z_]\w*( as \w+)?,?|\))"
        assert all(re.fullmatch(inside, line) for line in left), path


def test_versions_name_what_was_used():
    assert versions()["vtax"] == harness.__version__
    assert Path(harness.__file__).is_file()
