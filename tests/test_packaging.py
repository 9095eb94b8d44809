"""What is installed from the distributions: everything that the packages hold, and it works."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest
from programs import program

from harness.engine import compiled

ROOT = Path(__file__).parent.parent
PACKAGES = ("harness", "workloads", "reports", "grafana")


def run(*words: object, cwd: Path, **variables: str) -> str:
    left_out = ("PYTHONPATH", "VTAX_INTERPRETED")
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    environment.update(variables)
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def packaged(root: Path) -> set[str]:
    """All files of the packages."""
    return {
        str(path.relative_to(root))
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not is_compiled(path.name)
    }


def is_compiled(name: str) -> bool:
    return name.endswith((".so", "compiled.sha256"))


def built(source: Path, folder: Path, **variables: str) -> Path:
    """Build a wheel from the source distribution alone."""
    # A build leaves its parts in the tree.
    tree = shutil.copytree(source, folder / "tree")
    words = "-m pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir"
    run(sys.executable, *words.split(), folder, tree, cwd=folder, **variables)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """The source distribution of this checkout, unpacked."""
    folder = tmp_path_factory.mktemp("source")
    tree = folder / "tree"
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info")

    def ignored(place: str, names: list[str]) -> set[str]:
        return unwanted(place, names) | ({"results"} if Path(place) == ROOT else set())

    shutil.copytree(ROOT, tree, ignore=ignored)
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run(sys.executable, "-c", build, folder, cwd=tree, CC="no-such-compiler")  # quick: no C code
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        # Older versions of Python 3.11 know no filter.
        safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        opened.extractall(folder, **safely)
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    """The wheel of a machine without a compiler."""
    return built(source, tmp_path_factory.mktemp("wheel"), CC="no-such-compiler")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The programs of another environment, which has the wheel and this one's dependencies."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    words = f"-m pip --python {python} install --quiet --no-index --no-deps"
    run(sys.executable, *words.split(), wheel, cwd=folder)
    purelib = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)[:-1]
    )
    paths = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (purelib / "dependencies.pth").write_text("\n".join(sorted(paths)))
    file = run(python, "-c", "import harness; print(harness.__file__)", cwd=folder)
    assert Path(file[:-1]) == purelib / "harness" / "__init__.py"
    return python.parent


def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
    assert held == packaged(ROOT)
    assert {f"{name}/py.typed" for name in ("harness", "workloads", "reports")} <= held


@pytest.mark.slow
def test_a_compiler_adds_the_compiled_modules_and_nothing_else(source, tmp_path):
    program("gcc")
    with zipfile.ZipFile(built(source, tmp_path)) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
        opened.extractall(tmp_path / "unpacked")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert held - packaged(ROOT) == {
        compiled.DIGEST,
        f"harness/vtax__mypyc{suffix}",
        *(f"{module.replace('.', '/')}{suffix}" for module in compiled.MODULES),
    }
    code = (
        "from harness.engine import clock, compiled; print(compiled.in_use(), clock.__file__); "
        "import harness.model.machine, workloads"
    )
    said = run(sys.executable, "-c", code, cwd=tmp_path / "unpacked")
    assert said == f"True {tmp_path}/unpacked/harness/engine/clock{suffix}\n"


@pytest.mark.slow
def test_without_success_of_the_compiler_the_sources_are_packed(source, tmp_path):
    with zipfile.ZipFile(built(source, tmp_path, CC="false")) as opened:
        assert not any(is_compiled(name) for name in opened.namelist())


@pytest.fixture(scope="module")
def results(installed, tmp_path_factory) -> Path:
    """A campaign that the installed command has run."""
    folder = tmp_path_factory.mktemp("results")
    words = "run smoke --replications 1 --only os=aix-5.3 --workers 1 --out out"
    said = run(installed / "vtax", *words.split(), cwd=folder)
    assert "9 runs complete in out (9 now, 0 before), 0 failed" in said
    return folder


@pytest.mark.slow
def test_the_wheel_shows_constants_and_reports_elsewhere(installed, results):
    shown = run(installed / "vtax", "catalog", "show", "hypervisor", cwd=results)
    assert "hypervisor.default_w" in shown
    written = run(installed / "vtax", "report", "out", "--lang", "both", cwd=results).split()
    assert written == ["out/report.html", "out/report.ja.html"]
    for name in written:
        assert "</html>" in (results / name).read_text()


@pytest.mark.slow
def test_the_wheel_observes_with_rules_elsewhere(installed, results):
    promtool = program("promtool", "prometheus")
    said = run(installed / "vtax", "observe", "out", "--no-serve", cwd=results)
    assert "samples of smoke" in said
    ask = "from harness.prometheus.server import RULES; print(*RULES.glob('*.yml'))"
    rules = run(installed / "python", "-c", ask, cwd=results).split()
    assert {Path(path).name for path in rules} == {
        path.name for path in (ROOT / "grafana" / "rules").iterdir()
    }
    assert all(Path(path).is_relative_to(installed.parent) for path in rules)
    assert run(promtool, "check", "rules", *rules, cwd=results).count("SUCCESS") == len(rules)
